"""The book and the risk rules as one fold of the journal's rows: what a restart finds is what there was.

Everything that either knows comes from a row, live and after a restart by the same way. A row is applied
before it is handed to the journal; a crash in between loses both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.intents import TradeState
from warden.domain.risk.engine import Engine, RiskState
from warden.domain.risk.events import (
    BaselinesReset,
    Recovered,
    Released,
    Sent,
    Settled,
    Trade,
    Undone,
)
from warden.domain.risk.findings import Finding, StopDemanded
from warden.executor.book import Book, BookState
from warden.wire.codec import Undecodable, from_json, to_json
from warden.wire.rows import OutcomeRow, Purpose, RiskRow, SignedRow, SnapshotRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.domain.risk.engine import RiskLimits
    from warden.domain.risk.events import RiskEvent
    from warden.executor.book import Entry
    from warden.wire.rows import ExecutorRow

_FORM: Final = 1
_ON_CHAIN: Final = frozenset({TradeState.MINED, TradeState.FINAL, TradeState.REVERTED})
_GIVEN_UP: Final = frozenset({TradeState.RELEASED, TradeState.SUPERSEDED})


class Demand(msgspec.Struct, frozen=True):
    """A stop that a rule demands, until an operator has recovered from it."""

    stop_id: str
    finding: StopDemanded


class RiskPart(msgspec.Struct, frozen=True):
    """What a snapshot holds beside the book."""

    state: RiskState
    demands: tuple[Demand, ...] = ()


class Ledger:
    """One executor's money: the book of transactions, and the rules that count them."""

    def __init__(self, limits: RiskLimits, book: Book | None = None) -> None:
        self.book = Book() if book is None else book
        self.engine = Engine(limits)
        self.demands: dict[str, Demand] = {}

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
        findings, _ = self.engine.handle(event, at_ns)
        if isinstance(event, Recovered | BaselinesReset):
            self.demands.clear()
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
        elif isinstance(row, SignedRow) and row.purpose is Purpose.SWAP:
            yield Sent(row.intent_id)
        elif isinstance(row, OutcomeRow) and before is not None:
            yield from self._outcome(row, before)

    def _outcome(self, row: OutcomeRow, before: Entry) -> Iterator[RiskEvent]:
        signed, counted = before.signed, before.outcome.state in _ON_CHAIN
        if counted and before.outcome.at_ns <= 0:
            return  # of before there were risk rules: it never counted, so nothing is taken back
        if row.state in _ON_CHAIN:
            if not counted:
                yield Settled(trade_of(signed, row))
        elif counted:
            yield Undone(trade_of(signed, before.outcome))
        elif row.state in _GIVEN_UP and signed.purpose is Purpose.SWAP:
            yield Released(signed.intent_id, row.tx_hash)

    def snapshot(self) -> SnapshotRow:
        """Return all that it is, as a row; only between events, when every row has been applied."""
        risk = RiskPart(self.engine.state, tuple(self.demands.values()))
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
        return True


def trade_of(signed: SignedRow, outcome: OutcomeRow) -> Trade:
    """Return the record of a transaction that is on the chain (PL1)."""
    success = outcome.state is not TradeState.REVERTED and not outcome.error
    return Trade(
        trade_id=signed.intent_id,
        trace_id=signed.trace_id,
        at_ns=outcome.at_ns,
        kind=signed.purpose.value,
        success=success,
        strategy=signed.pool,
        input_wei=outcome.sold_wei,
        output_wei=outcome.bought_wei,
        gross_wei=outcome.gain_wei,
        gas_wei=outcome.gas_wei,
        tx_hash=signed.tx_hash,
        block=outcome.block,
        path=signed.path,
        whale=signed.whale,
        market=signed.market,
        # The router reverts when the price has moved past the bound, or the deadline has passed.
        slipped=not success and signed.purpose is Purpose.SWAP,
        error=outcome.error,
    )
