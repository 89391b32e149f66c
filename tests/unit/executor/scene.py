"""A scripted executor: events in, commands out, a clock that moves when told."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tests.unit.executor.rows import standing
from warden.domain.intents import Intent, Proposal, Swap
from warden.domain.money import Wei
from warden.domain.risk.books import CapitalLimits, PoolWeight
from warden.domain.risk.engine import RiskLimits
from warden.domain.risk.levers import LeverLimits
from warden.domain.risk.thresholds import TradeLimits
from warden.executor.books.ledger import Ledger
from warden.executor.core import ExecutorCore
from warden.executor.protocol.commands import Command, Record, Sign, Simulate
from warden.executor.protocol.events import (
    Event,
    HeadRead,
    Identified,
    LegDone,
    Receipt,
    Signed,
    Simulated,
    Submitted,
)
from warden.executor.protocol.terms import Now, Terms

if TYPE_CHECKING:
    from warden.domain.risk.refusal import Refusal
    from warden.wire.rows import ExecutorRow

ETHER = 10**18
GWEI = 10**9
WALLET = "0x" + "aa" * 20
ROUTER = "0x" + "bb" * 20
WETH = "0x" + "cc" * 20
TOKEN_A = "0x" + "01" * 20
TOKEN_B = "0x" + "02" * 20
GENESIS = "0x" + "00" * 32
ENDPOINTS = ("a", "b", "c")
TRADER = b"trader"

TERMS = Terms(
    sends=True,
    wallet=WALLET,
    chain_id=31337,
    genesis=GENESIS,
    router=ROUTER,
    weth=WETH,
    route="public",
    legs={"public": len(ENDPOINTS), "relay": 1},
    block_time_s=1.0,
    finality_depth=12,
    bump_percent=10,
    pool="main",
    factory="0x" + "dd" * 20,
    fixed_usd=Decimal(2000),
    priced_by=None,
    observe_s=60,
    allowance_wei=10 * ETHER,
    max_fee_wei=200 * GWEI,
    risk=RiskLimits(
        levers=LeverLimits(trade=TradeLimits(max_trade_micro_usd=None, max_exposure_micro_usd=None)),
        capital=CapitalLimits(pools=(PoolWeight("main"),)),
        assessment=None,
    ),
)

Kind = TypeVar("Kind", bound=Command)


def intent(number: int = 1, *, amount_wei: int = ETHER, not_after_s: int = 1_003, **swap: object) -> Intent:
    """Return a cycle that asks for a little more out than in."""
    values: dict[str, object] = {
        "path": (WETH, TOKEN_A, TOKEN_B, WETH),
        "amount_in": Wei(amount_wei),
        "min_amount_out": Wei(amount_wei + 1),
        **swap,
    }
    return Intent(
        intent_id=f"{number:032x}",
        trace_id=f"{number:032x}",
        trader_session="session",
        strategy="test",
        block=1,
        not_after_s=not_after_s,
        not_after_boot_ns=10**18,
        proposal=Proposal(swap=Swap(**values)),  # type: ignore[arg-type] # the keys are Swap's
    )


class Scene:
    """One core, its clock, its chain, and the rows that it had recorded."""

    def __init__(self, terms: Terms = TERMS, rows: tuple[ExecutorRow, ...] = ()) -> None:
        ledger = Ledger(terms.risk)
        for row in rows:
            ledger.apply(row)
        self.core = ExecutorCore(terms, ledger)
        self.now_ns = 1_000_000_000_000
        self.block = 0
        self.size_percent = 100
        self.rows: list[ExecutorRow] = list(rows)
        self.signed = 0

    def now(self) -> Now:
        """Return the moment; UTC began when the machine did."""
        return Now(boot_ns=self.now_ns, wall="2026-01-01T00:00:00.000Z", utc_ns=self.now_ns)

    def tell(self, event: Event) -> list[Command]:
        """Hand one event in, keep the rows, return the commands."""
        commands = self.core.handle(event, self.now())
        self.rows += [command.row for command in commands if isinstance(command, Record)]
        return commands

    def begin(self, **head: int) -> Scene:
        """Let the chain be known and read once."""
        self.tell(Identified(chain_id=31337, genesis=GENESIS))
        self.read(None, **head)
        return self

    def read(self, receipts: dict[str, Receipt | None] | None = None, **changed: int) -> list[Command]:
        """Read the next block; by default the wallet holds 50 ether and the router may spend it."""
        self.block += 1
        self.now_ns += 1_000_000_000
        head = HeadRead(
            block=self.block,
            block_hash=f"0x{self.block:064x}",
            timestamp_s=1_000 + self.block,
            base_fee_wei=GWEI,
            tip_wei=GWEI,
            nonce=0,
            gas_balance_wei=ETHER,
            trading_balance_wei=50 * ETHER,
            allowance_wei=100 * ETHER,
            price_usd=self.core._terms.fixed_usd,
            receipts=dict.fromkeys(self.core.wanted_receipts()) | standing(self.core.book) | (receipts or {}),
        )
        return self.tell(msgspec.structs.replace(head, **changed))

    def submit(self, order: Intent, gate: Refusal | None = None) -> list[Command]:
        """Submit an intent as the trader does."""
        return self.tell(Submitted(intent=order, identity=TRADER, gate=gate, size_percent=self.size_percent))

    def trade(self, order: Intent) -> tuple[str, list[Command]]:
        """Carry an intent to its signature; return the hash and the commands that follow."""
        (simulate,) = only(self.submit(order), Simulate)
        (sign,) = only(self.tell(Simulated(intent_id=simulate.intent_id, gas=200_000)), Sign)
        return self.sign(sign)

    def sign(self, order: Sign) -> tuple[str, list[Command]]:
        """Sign a draft as the key would; return its hash and the commands that follow."""
        self.signed += 1
        tx_hash = f"0x{self.signed:064x}"
        row = msgspec.structs.replace(order.draft, raw="0x02", tx_hash=tx_hash)
        return tx_hash, self.tell(Signed(row=row))

    def legs(self, tx_hash: str, *results: str) -> list[Command]:
        """Let the endpoints answer, one result each."""
        commands: list[Command] = []
        for endpoint, result in zip(ENDPOINTS, results, strict=True):
            commands += self.tell(LegDone(tx_hash=tx_hash, endpoint=endpoint, result=result, text=result))
        return commands

    def mined(self, tx_hash: str, *, success: bool = True, gain_wei: int = 1_000) -> Receipt:
        """Return a receipt in the next block."""
        return Receipt(
            tx_hash=tx_hash,
            block=self.block + 1,
            block_hash=f"0x{self.block + 1:064x}",
            success=success,
            gain_wei=gain_wei if success else 0,
            gas_wei=100,
        )


def only(commands: list[Command], kind: type[Kind]) -> list[Kind]:
    """Return the commands of one kind."""
    return [command for command in commands if isinstance(command, kind)]
