"""A scripted executor with one token's pool: what it buys and sells moves balances, as a chain would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tests.unit.executor.scene import (
    ETHER,
    TERMS,
    TOKEN_A,
    WETH,
    Scene,
    intent,
    only,
)
from warden.domain.amm import Hop
from warden.domain.money import Wei
from warden.domain.risk.round_trip import RoundTrip
from warden.executor.protocol.commands import Command, Sign, Simulate
from warden.executor.protocol.events import Receipt, Simulated
from warden.wire.rows import Purpose, TokenFlow

if TYPE_CHECKING:
    from warden.domain.intents import Intent
    from warden.domain.risk.refusal import Refusal
    from warden.executor.books.book import Entry
    from warden.executor.protocol.terms import Terms
    from warden.wire.rows import ExecutorRow

BOUGHT = 1_000 * ETHER
GAS = 10**14


def opening(number: int = 1, *, least: int = BOUGHT, amount_wei: int = ETHER, **proposal: object) -> Intent:
    """Return an intent that buys the token for one ether."""
    made = intent(
        number,
        amount_wei=amount_wei,
        path=(WETH, TOKEN_A),
        min_amount_out=Wei(least),
        not_after_s=10**9,
    )
    changed = msgspec.structs.replace(made.proposal, **proposal)
    return msgspec.structs.replace(made, proposal=changed)


def selling(number: int, amount: int, *, least: int = 1, **proposal: object) -> Intent:
    """Return an intent that sells so much of the token."""
    made = intent(
        number,
        path=(TOKEN_A, WETH),
        amount_in=Wei(amount),
        min_amount_out=Wei(least),
        not_after_s=10**9,
    )
    changed = msgspec.structs.replace(made.proposal, **proposal)
    return msgspec.structs.replace(made, proposal=changed)


class PositionScene(Scene):
    """The wallet's WETH, native coin and token; `price` is wei of WETH for one whole token."""

    def __init__(self, terms: Terms = TERMS, rows: tuple[ExecutorRow, ...] = ()) -> None:
        super().__init__(terms, rows)
        self.weth = 50 * ETHER
        self.native = ETHER
        self.token = 0
        self.allowance = 10**30
        self.price = ETHER // 1_000
        self.deep = True
        self.receipts: dict[str, Receipt | None] = {}
        self.exits_refused: Refusal | None = None

    def look(self, **changed: object) -> list[Command]:
        """Read the next block as the wallet is, with the receipts that there are."""
        self.core.allow(frozenset(self.core._own_sends.allowed), self.exits_refused)
        watch = self.core.watch(observe=False)
        route = tuple(reversed((WETH, TOKEN_A)))
        depth = 10**9 * ETHER if self.deep else ETHER
        hop = Hop(depth, depth * self.price // ETHER)
        reads: dict[str, object] = {
            "trading_balance_wei": self.weth,
            "gas_balance_wei": self.native,
            "tokens": {each: self.token for each in watch.tokens if each == TOKEN_A},
            "allowances": {each: self.allowance for each in watch.tokens if each == TOKEN_A},
            "routes": {each: (hop,) for each in watch.routes if each == route},
        }
        found = dict.fromkeys(self.core.wanted_receipts()) | {
            each: self.receipts[each] for each in self.core.wanted_receipts() if each in self.receipts
        }
        return self.read(found, **{**reads, **changed})  # type: ignore[arg-type] # HeadRead's fields

    def open(self, order: Intent | None = None, *, bought: int = BOUGHT) -> str:
        """Let a position be opened; return its id."""
        order = opening() if order is None else order
        self.submit(order)  # the token is asked for
        self.look()
        order = msgspec.structs.replace(order, intent_id=f"{int(order.intent_id, 16) + 1_000:032x}")
        (simulate,) = only(self.submit(order), Simulate)
        trip = RoundTrip(TOKEN_A, bought, bought, ETHER, ETHER, decimals=18)
        (sign,) = only(self.tell(Simulated(simulate.intent_id, 200_000, trip=trip)), Sign)
        tx_hash, _ = self.sign(sign)
        self.mine(tx_hash, weth=-int(order.proposal.swap.amount_in), token=bought)
        return order.intent_id

    def mine(self, tx_hash: str, *, weth: int = 0, token: int = 0, success: bool = True) -> list[Command]:
        """Let a transaction be mined with what it moves, and read the block."""
        self.native -= GAS
        if success:
            self.weth += weth
            self.token += token
        moved = TokenFlow(TOKEN_A, Wei(max(0, -token)), Wei(max(0, token)))
        self.receipts[tx_hash] = msgspec.structs.replace(
            self.mined(tx_hash, success=success, gain_wei=weth),
            gas_wei=GAS,
            sold_wei=max(0, -weth) if success else 0,
            bought_wei=max(0, weth) if success else 0,
            flows=(moved,) if success and token else (),
        )
        return self.look()

    def sell_off(self, commands: list[Command]) -> tuple[str, list[Command]]:
        """Carry the one exit among the commands to its signature."""
        (simulate,) = only(commands, Simulate)
        (sign,) = only(self.tell(Simulated(simulate.intent_id, 150_000)), Sign)
        assert sign.draft.purpose is Purpose.EXIT
        return self.sign(sign)

    def exit_entry(self) -> Entry:
        """Return the newest exit that was signed."""
        return next(each for each in self.core.book.recent(10) if each.signed.purpose is Purpose.EXIT)

    @property
    def held(self) -> dict[str, int]:
        """What each position holds by the book."""
        return {key: int(each.amount) for key, each in self.core.ledger.holdings.open.items() if each.amount}
