"""Positions from receipts: whatever is bought, sold, reverted and reorganised, every wei is explained.

PL1, PL5, PS5, EX8: what the positions hold is what flowed, what was realised is what came less what went, the
pools prove themselves, and a journal read again gives the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.executor.scene import ETHER, ROUTER, TERMS, TOKEN_A, TOKEN_B, WETH
from warden.domain.health import Health
from warden.domain.intents import TradeState
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.events import Read, Reserved
from warden.executor.books import position_book
from warden.executor.books.ledger import Ledger
from warden.executor.checks import of_books, positions_problem
from warden.wire.codec import from_json, to_json
from warden.wire.rows import (
    ExecutorRow,
    MissingRow,
    OutcomeRow,
    Purpose,
    RiskRow,
    SignedRow,
    TokenFlow,
)

if TYPE_CHECKING:
    from warden.domain.risk.events import RiskEvent

TIME = "2026-01-01T00:00:00.000Z"
START = 100 * ETHER


def signed(number: int, path: tuple[str, ...], position_id: str, **more: object) -> SignedRow:
    """Return a signed trade of one position."""
    values: dict[str, object] = {
        "intent_id": f"{number:032x}",
        "trace_id": f"{number:032x}",
        "strategy": "test",
        "purpose": Purpose.SWAP,
        "tx_hash": f"0x{number:064x}",
        "raw": "0x02",
        "nonce": number,
        "to": ROUTER,
        "gas": 200_000,
        "max_fee_wei": Wei(1),
        "priority_fee_wei": Wei(1),
        "spend_wei": Wei(0),
        "not_after_s": 10**9,
        "route": "public",
        "time": TIME,
        "path": path,
        "market": "/".join(sorted(path)),
        "position_id": position_id,
    }
    return SignedRow(**{**values, **more})  # type: ignore[arg-type] # the keys are SignedRow's


class Trades(RuleBasedStateMachine):
    """A wallet that buys and sells two tokens, on a chain that takes back what it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(TERMS.risk)
        self.rows: list[ExecutorRow] = []
        self.at_ns = 10**18
        self.number = 0
        self.weth = START
        self.gas = ETHER
        self.tokens = {TOKEN_A: 0, TOKEN_B: 0}
        self.mined: list[tuple[SignedRow, OutcomeRow]] = []
        self.undone: list[tuple[SignedRow, OutcomeRow]] = []

    def tell(self, row: ExecutorRow) -> None:
        """Let one row be applied, as it is stored."""
        self.rows.append(row)
        self.ledger.apply(row)

    def risk(self, event: RiskEvent) -> None:
        """Let one event be applied."""
        self.at_ns += 1
        self.tell(RiskRow(at_ns=self.at_ns, event=event))

    @initialize()
    def begin(self) -> None:
        """The wallet is read once."""
        self.risk(Read(Wei(self.weth), Wei(self.gas), Wei(self.weth + self.gas)))

    def land(self, row: SignedRow, *, weth: tuple[int, int], token: tuple[str, int, int] | None) -> None:
        """Let a transaction be mined: what it moved of both, and its gas."""
        self.at_ns += 1
        good = token is not None
        sent, received = weth if good else (0, 0)
        outcome = OutcomeRow(
            tx_hash=row.tx_hash,
            state=TradeState.MINED if good else TradeState.REVERTED,
            time=TIME,
            block=self.number,
            block_hash="0xb",
            gain_wei=Wei(received - sent),
            gas_wei=Wei(100 + self.number),
            error="" if good else "reverted on the chain",
            sold_wei=Wei(sent),
            bought_wei=Wei(received),
            at_ns=self.at_ns,
            flows=() if token is None else (TokenFlow(token[0], Wei(token[1]), Wei(token[2])),),
        )
        self.tell(outcome)
        self.moved(outcome, 1)
        self.mined.append((row, outcome))

    def moved(self, outcome: OutcomeRow, sign: int) -> None:
        """Let the wallet follow."""
        self.weth += sign * outcome.gain_wei
        self.gas -= sign * outcome.gas_wei
        for flow in outcome.flows:
            self.tokens[flow.token] += sign * (flow.received - flow.sent)

    # --- what happens

    @rule(
        token=st.sampled_from([TOKEN_A, TOKEN_B]),
        spend=st.integers(1, ETHER),
        amount=st.integers(1, 10**24),
        reverts=st.sampled_from([False, False, False, True]),
    )
    def buy(self, token: str, spend: int, amount: int, *, reverts: bool) -> None:
        """A position is opened, or its gas is lost."""
        self.number += 1
        key = f"{self.number:032x}"
        self.risk(Reserved(key, "main", "m", "", Wei(spend), Wei(spend), Wei(500)))
        row = signed(self.number, (WETH, token), key, spend_wei=Wei(spend), at_ns=self.at_ns)
        self.tell(row)
        self.land(row, weth=(spend, 0), token=None if reverts else (token, 0, amount))

    @precondition(lambda self: bool(position_book.standing(self.ledger.holdings)) and not self.undone)
    @rule(
        data=st.data(),
        part=st.integers(1, 1_000),
        proceeds=st.integers(0, 2 * ETHER),
        own=st.booleans(),
        reverts=st.sampled_from([False, False, False, True]),
    )
    def sell(self, data: st.DataObject, part: int, proceeds: int, *, own: bool, reverts: bool) -> None:
        """A part of a position, or all of it, is sold, by its strategy or by an exit."""
        held = data.draw(st.sampled_from(position_book.standing(self.ledger.holdings)))
        amount = max(1, held.amount * part // 1_000)
        self.number += 1
        row = signed(
            self.number,
            held.route,
            held.position_id,
            purpose=Purpose.SWAP if own else Purpose.EXIT,
            action=Action.REDUCE,
        )
        self.tell(row)
        self.land(row, weth=(0, proceeds), token=None if reverts else (held.token, amount, 0))

    @precondition(lambda self: self.mined)
    @rule(depth=st.integers(1, 5), oldest_first=st.booleans())
    def reorg(self, depth: int, *, oldest_first: bool) -> None:
        """The last transactions are taken back, told in either order."""
        gone, self.mined = self.mined[-depth:], self.mined[:-depth]
        for row, outcome in gone if oldest_first else reversed(gone):
            self.at_ns += 1
            self.tell(OutcomeRow(tx_hash=row.tx_hash, state=TradeState.REORGED, time=TIME, at_ns=self.at_ns))
            self.moved(outcome, -1)
        self.undone += gone

    @precondition(lambda self: self.undone)
    @rule(lost=st.booleans())
    def again(self, *, lost: bool) -> None:
        """What was taken back is mined once more, in the old order; or its nonce went to something else."""
        for row, outcome in sorted(self.undone, key=lambda each: each[0].nonce):
            self.at_ns += 1
            if lost:
                gone = OutcomeRow(
                    tx_hash=row.tx_hash, state=TradeState.SUPERSEDED, time=TIME, at_ns=self.at_ns
                )
                self.tell(gone)
                continue
            back = msgspec.structs.replace(outcome, at_ns=self.at_ns, block_hash="0xc")
            self.tell(back)
            self.moved(back, 1)
            self.mined.append((row, back))
        self.undone = []

    @precondition(lambda self: self.mined and not self.undone)
    @rule()
    def final(self) -> None:
        """Everything mined is final."""
        for row, outcome in self.mined:
            state = msgspec.structs.replace(outcome, state=TradeState.FINAL)
            if (entry := self.ledger.book.get(row.tx_hash)) is not None and entry.outcome.state in {
                TradeState.MINED,
                TradeState.REVERTED,
            }:
                self.tell(state)
        self.mined = []

    @precondition(lambda self: bool(position_book.standing(self.ledger.holdings)) and not self.undone)
    @rule(part=st.integers(1, 1_000))
    def vanish(self, part: int) -> None:
        """Some of a token goes away, and nobody had sold it."""
        held = position_book.standing(self.ledger.holdings)[-1]
        amount = max(1, held.amount * part // 1_000)
        self.at_ns += 1
        self.tell(
            MissingRow(
                at_ns=self.at_ns,
                position_id=held.position_id,
                token=held.token,
                booked=held.amount,
                found=Wei(held.amount - amount),
                amount=Wei(amount),
            )
        )
        self.tokens[held.token] -= amount
        # What came before can't be taken back by this test any more: its amounts have changed.
        self.mined = []

    # --- what must hold

    @invariant()
    def every_unit_is_explained(self) -> None:
        """Tokens by the book are tokens in the wallet; the pools' coins are the wallet's."""
        if self.undone:
            return  # between two chains a sale may stand whose purchase does not
        assert position_book.booked(self.ledger.holdings) == {
            token: amount for token, amount in self.tokens.items() if amount
        }
        capital = self.ledger.engine.state.capital
        assert sum(pool.wallet_wei for pool in capital.pools.values()) == self.weth + self.gas

    @invariant()
    def realised_is_what_came_less_what_went(self) -> None:
        """What was won or lost, and what open positions cost, is all that has changed."""
        changed = self.weth + self.gas - START - ETHER
        assert self.ledger.net_wei == self.ledger.engine.state.profit_loss.net_wei or self.undone
        costs = sum(held.cost_wei for held in self.ledger.holdings.open.values())
        assert self.ledger.engine.state.profit_loss.net_wei == changed + costs or self.undone

    @invariant()
    def rules_know_what_is_held(self) -> None:
        """Exits and limits know each position's amount and cost."""
        state = self.ledger.engine.state
        standing = {each.position_id: each for each in position_book.standing(self.ledger.holdings)}
        assert {key: int(guard.held) for key, guard in state.exits.guards.items()} == {
            key: int(each.amount) for key, each in standing.items()
        }
        assert {key: int(each.cost_wei) for key, each in state.positions.open.items()} == {
            key: max(0, int(each.cost_wei)) for key, each in standing.items()
        }

    @invariant()
    def the_checks_pass(self) -> None:
        """FS3: whatever a chain does, books that are right are never called wrong."""
        assert positions_problem(self.ledger) == ""
        assert all(
            line.status is Health.HEALTHY for line in of_books(self.ledger) if "integrity" in line.name
        )

    @invariant()
    def a_journal_read_again_gives_the_same(self) -> None:
        """Replay equals live, from the start and from a snapshot."""
        again = Ledger(TERMS.risk)
        for row in self.rows:
            stored: ExecutorRow = from_json(to_json(row), ExecutorRow)
            again.apply(stored)
        assert (again.holdings, again.engine.state) == (self.ledger.holdings, self.ledger.engine.state)
        restored = Ledger(TERMS.risk)
        assert restored.restore(self.ledger.snapshot())
        assert (restored.holdings, restored.engine.state) == (self.ledger.holdings, self.ledger.engine.state)


TestTrades = Trades.TestCase
TestTrades.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
