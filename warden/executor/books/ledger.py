"""The book and the risk rules as one fold of the journal's rows: what a restart finds is what there was.

Everything that either knows comes from a row, live and after a restart by the same way. A row is applied
before it is handed to the journal; a crash in between loses both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.intents import TradeState
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.engine import Engine, RiskState
from warden.domain.risk.events import (
    BaselinesReset,
    Bumped,
    Closed,
    ExitFailed,
    ExitOrdered,
    LeverSet,
    Opened,
    Position,
    Recovered,
    Released,
    Restored,
    Sent,
    Settled,
    Trade,
    TriggersSet,
    Undone,
)
from warden.domain.risk.figures import EMPTY
from warden.domain.risk.findings import Finding, StopDemanded
from warden.domain.risk.levers import order
from warden.domain.risk.profit_loss import all_time
from warden.executor.books import position_book
from warden.executor.books.book import Book, BookState
from warden.executor.books.position_book import Holdings, opens, reduces
from warden.wire.codec import Undecodable, from_json, to_json
from warden.wire.rows import GIVEN_UP, MissingRow, OutcomeRow, Purpose, RiskRow, SignedRow, SnapshotRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.domain.risk.engine import RiskLimits
    from warden.domain.risk.events import RiskEvent
    from warden.domain.risk.exits import Exit
    from warden.domain.risk.figures import Tally
    from warden.domain.risk.profit_loss import ProfitLoss
    from warden.executor.books.book import Entry
    from warden.wire.rows import ExecutorRow

_FORM: Final = 1
_ON_CHAIN: Final = frozenset({TradeState.MINED, TradeState.FINAL, TradeState.REVERTED})
_OWN: Final = (None, None, None)


class Demand(msgspec.Struct, frozen=True):
    """A stop that a rule demands, until an operator has recovered from it."""

    stop_id: str
    finding: StopDemanded


class RiskPart(msgspec.Struct, frozen=True):
    """What a snapshot holds beside the book."""

    state: RiskState
    demands: tuple[Demand, ...] = ()
    holdings: Holdings = Holdings()


class Ledger:
    """One executor's money: the book of transactions, what is held, and the rules that count both.

    `exits` are the positions that the rules have decided to sell since they were taken last.
    """

    def __init__(self, limits: RiskLimits, book: Book | None = None) -> None:
        self.book = Book() if book is None else book
        self.engine = Engine(limits)
        self.holdings = Holdings()
        self.demands: dict[str, Demand] = {}
        self.exits: list[Exit] = []
        self._tally = EMPTY
        self._tally_of: ProfitLoss | None = None

    def apply(self, row: ExecutorRow) -> list[Finding]:
        """Take one row into account, and return what the rules have to say about it.

        Raises:
            InvariantBroken: the books do not add up.
        """
        before = self.book.get(row.tx_hash) if isinstance(row, OutcomeRow) else None
        self.book.apply(row)
        findings: list[Finding] = []
        at_ns = getattr(row, "at_ns", 0)
        if at_ns > 0:  # rows of before there were risk rules have no time
            for event in self._events(row, before):
                findings += self._handle(event, at_ns)
        return findings

    def tick(self, event: RiskEvent, at_ns: int) -> list[Finding]:
        """Let time pass for the rules; what it changes follows from the time alone, so no row tells of it."""
        return self._handle(event, at_ns)

    def _handle(self, event: RiskEvent, at_ns: int) -> list[Finding]:
        findings, exits = self.engine.handle(event, at_ns)
        self.exits += exits
        if isinstance(event, Recovered | BaselinesReset):
            self.demands.clear()
        if isinstance(event, BaselinesReset):
            self.holdings = position_book.trusted(self.holdings)
        for finding in findings:
            if isinstance(finding, StopDemanded):
                name = finding.rule.rpartition(".")[2]
                stop_id = f"{name}-{at_ns // 1_000_000_000}"
                self.demands[stop_id] = Demand(stop_id, finding)
        return list(findings)

    def _events(self, row: ExecutorRow, before: Entry | None) -> Iterator[RiskEvent]:
        """Yield what a row means to the rules."""
        if isinstance(row, RiskRow):
            yield row.event
            ordered = order(row.event) if isinstance(row.event, LeverSet) else None
            if isinstance(ordered, ExitOrdered):
                yield ordered
        elif isinstance(row, SignedRow) and row.purpose is Purpose.SWAP and row.action is Action.OPEN:
            again = Bumped(row.intent_id, Wei(row.gas * row.max_fee_wei))
            yield again if row.replaces else Sent(row.intent_id)
        elif isinstance(row, OutcomeRow) and before is not None:
            yield from self._outcome(row, before)
        elif isinstance(row, MissingRow):
            yield from self._missing(row)

    def _outcome(self, row: OutcomeRow, before: Entry) -> Iterator[RiskEvent]:
        signed, counted = before.signed, before.outcome.state in _ON_CHAIN
        if counted and before.outcome.at_ns <= 0:
            return  # of before there were risk rules: it never counted, so nothing is taken back
        if row.state in _ON_CHAIN:
            if not counted:
                yield from self._settled(signed, row)
            elif row.state is TradeState.FINAL:
                self.holdings = position_book.final(self.holdings, row.tx_hash)
        elif counted:
            yield from self._undone(signed, before.outcome)
        elif row.state in GIVEN_UP and not self.book.carries_on(signed):
            yield from self._given_up(signed, row)

    def _given_up(self, signed: SignedRow, row: OutcomeRow) -> Iterator[RiskEvent]:
        """Yield that nothing of an intent can land any more, whatever stood in for it."""
        if signed.purpose is Purpose.SWAP:
            for tx_hash in self.book.hashes_of(signed.intent_id):
                yield Released(signed.intent_id, tx_hash)
        elif signed.purpose is Purpose.EXIT:
            tried = row.state is not TradeState.RELEASED
            yield ExitFailed(signed.position_id, row.error or row.state.value, tried=tried)

    # --- positions

    def _is_selling(self, signed: SignedRow) -> bool:
        """Tell whether another exit of the same position may still land."""
        return any(
            entry.signed.purpose is Purpose.EXIT and entry.signed.position_id == signed.position_id
            for entry in self.book.open()
        )

    def _settled(self, signed: SignedRow, row: OutcomeRow) -> Iterator[RiskEvent]:
        """Yield what a mined transaction means; positions first, so that no share is free in between."""
        cost_wei, done = 0, is_good(row)
        if done and opens(signed) and position_book.bought(signed, row) > 0:
            yield from self._opened(signed, row)
            cost_wei = row.gain_wei
        elif done and reduces(signed):
            self.holdings, sale = position_book.after_sale(self.holdings, signed, row)
            if sale is not None:
                yield Closed(signed.position_id, sale.amount, Wei(max(0, row.gain_wei)))
                cost_wei = sale.cost_wei
            done = sale is not None
        yield Settled(trade_of(signed, row, cost_wei))
        if signed.purpose is Purpose.EXIT and not done:
            yield ExitFailed(signed.position_id, row.error or "it sold nothing")

    def _opened(self, signed: SignedRow, row: OutcomeRow) -> Iterator[RiskEvent]:
        known = signed.position_id in self.holdings.open
        self.holdings = position_book.after_opening(self.holdings, signed, row)
        position = self.holdings.open[signed.position_id].position
        if known:
            yield Restored(position)
            return
        yield Opened(position)
        if signed.triggers != _OWN:
            stop_loss, take_profit, trailing = signed.triggers
            yield TriggersSet(
                position_id=position.position_id,
                stop_loss_bps=stop_loss,
                take_profit_bps=take_profit,
                trailing_bps=trailing,
                operator="",
                reason="its strategy's own",
            )

    def _undone(self, signed: SignedRow, was: OutcomeRow) -> Iterator[RiskEvent]:
        """Yield that a reorg took a transaction back, with exactly what it had been booked with."""
        cost_wei, touched = 0, False
        if is_good(was) and opens(signed) and position_book.bought(signed, was) > 0:
            held = self.holdings.open.get(signed.position_id)
            self.holdings = position_book.before_opening(self.holdings, signed, was)
            cost_wei, touched = was.gain_wei, held is not None
        elif is_good(was) and reduces(signed):
            self.holdings, sale = position_book.before_sale(self.holdings, signed)
            cost_wei, touched = (0, False) if sale is None else (sale.cost_wei, True)
        yield Undone(trade_of(signed, was, cost_wei))
        if touched:
            yield Restored(self._as_it_is(signed))

    def _as_it_is(self, signed: SignedRow) -> Position:
        """Return a position as it is now; one that is gone has nothing in it."""
        held = self.holdings.open.get(signed.position_id)
        if held is not None:
            return held.position
        return Position(
            position_id=signed.position_id,
            strategy=signed.pool,
            token="",
            market=signed.market,
            amount=Wei(0),
            cost_wei=Wei(0),
            opened_ns=0,
            whale=signed.whale,
        )

    def _missing(self, row: MissingRow) -> Iterator[RiskEvent]:
        """Yield that a part of a position is gone for nothing: a loss, whoever took it."""
        held = self.holdings.open.get(row.position_id)
        self.holdings, cost_wei = position_book.missing(self.holdings, row)
        if held is None:
            return
        yield Closed(row.position_id, row.amount, Wei(0))
        yield Settled(
            Trade(
                trade_id=f"missing-{row.position_id}-{row.at_ns}",
                trace_id=row.position_id,
                at_ns=row.at_ns,
                kind=Purpose.SWAP.value,
                success=True,
                strategy=held.strategy,
                input_wei=Wei(0),
                output_wei=Wei(0),
                gross_wei=Wei(-cost_wei),
                gas_wei=Wei(0),
                tx_hash="",
                block=0,
                path=held.route,
                whale=held.whale,
                market=held.market,
                error="the wallet holds less of its token than was bought",
            )
        )

    @property
    def net_wei(self) -> int:
        """What was realised, less all gas: money that sits in open positions is neither won nor lost yet."""
        return self.book.totals.net_wei + sum(each.cost_wei for each in self.holdings.open.values())

    def ever(self) -> Tally:
        """Return what all trades came to."""
        records = self.engine.state.profit_loss
        if records is not self._tally_of:
            self._tally_of, self._tally = records, all_time(records)
        return self._tally

    def snapshot(self) -> SnapshotRow:
        """Return all that it is, as a row; only between events, when every row has been applied."""
        risk = RiskPart(self.engine.state, tuple(self.demands.values()), self.holdings)
        return SnapshotRow(
            form=_FORM,
            book=msgspec.Raw(to_json(self.book.state())),
            risk=msgspec.Raw(to_json(risk)),
        )

    def restore(self, row: SnapshotRow) -> bool:
        """Become what a ledger was when the snapshot was taken; False for one of another version's form."""
        if row.form != _FORM:
            return False
        try:
            book: BookState = from_json(bytes(row.book), BookState)
            risk: RiskPart = from_json(bytes(row.risk), RiskPart)
        except Undecodable:
            return False
        self.book.restore(book)
        # It is a row like any other: a run that ended with it did not end in order.
        self.book.apply(row)
        self.engine = Engine(self.engine.limits, risk.state)
        self.demands = {demand.stop_id: demand for demand in risk.demands}
        self.holdings = risk.holdings
        return True


def is_good(outcome: OutcomeRow) -> bool:
    """Tell whether a transaction that is on the chain did what it was to do."""
    return outcome.state is not TradeState.REVERTED and not outcome.error


def trade_of(signed: SignedRow, outcome: OutcomeRow, cost_wei: int = 0) -> Trade:
    """Return the record of a transaction that is on the chain (PL1).

    Args:
        signed: its row.
        outcome: the row that says that it is on the chain.
        cost_wei: what of `gain_wei` is no profit: a sale's share of what the position cost; of a purchase,
            below zero, all that it paid.
    """
    success = is_good(outcome)
    return Trade(
        trade_id=signed.intent_id,
        trace_id=signed.trace_id,
        at_ns=outcome.at_ns,
        kind=Purpose.SWAP.value if signed.purpose is Purpose.EXIT else signed.purpose.value,
        success=success,
        strategy=signed.pool,
        input_wei=outcome.sold_wei,
        output_wei=outcome.bought_wei,
        gross_wei=Wei(outcome.gain_wei - cost_wei),
        gas_wei=outcome.gas_wei,
        tx_hash=signed.tx_hash,
        block=outcome.block,
        path=signed.path,
        whale=signed.whale,
        market=signed.market,
        # The router reverts when the price has moved past the bound, or the deadline has passed.
        slipped=not success and signed.purpose in {Purpose.SWAP, Purpose.EXIT},
        error=outcome.error,
    )
