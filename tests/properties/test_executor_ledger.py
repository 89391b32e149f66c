"""What a restarted executor reads in its journal is what the one before it knew, field by field.

EX2, SL2, PL5, ES1: book, rules and demands are one fold of the rows, from the start or from any snapshot.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.executor.scene import ETHER, TERMS, Scene, intent, only
from warden.domain.health import Health
from warden.domain.money import Wei
from warden.domain.risk.engine import RiskLimits
from warden.domain.risk.events import BreakerOrder, Moved, Ticked
from warden.executor.books.ledger import Ledger
from warden.executor.books.snapshots import RowFold, difference
from warden.executor.checks import of_books
from warden.executor.protocol.commands import Command, DemandStop, Record, Respond, Sign, Simulate
from warden.executor.protocol.events import Ordered, Receipt, Simulated, SimulationFailed, StopCleared, Tick
from warden.wire.codec import from_json, to_json
from warden.wire.orders import ForceBreaker, MoveCapital, OrderRequest, PullLever, ResetBaselines
from warden.wire.rows import ExecutorRow, SnapshotRow

if TYPE_CHECKING:
    from warden.executor.books.book import BookState

ORDERS: tuple[OrderRequest, ...] = (
    *(ForceBreaker("ann", "a test", order) for order in BreakerOrder),
    PullLever("ann", "a test", "max_trade_eth", "2"),
    PullLever("ann", "a test", "max_trade_eth", ""),
    PullLever("ann", "a test", "max_positions", "1"),
    MoveCapital("ann", "a test", Moved.DEPOSIT, Wei(ETHER)),
    MoveCapital("ann", "a test", Moved.WITHDRAWAL, Wei(ETHER)),
    MoveCapital("ann", "a test", Moved.DEBT_PAID, Wei(100)),
    ResetBaselines("ann", "a test"),
)
GAIN = 1_000


class Journal(RuleBasedStateMachine):
    """An executor that trades, sleeps, is ordered about, killed and started again."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()
        self.number = 0
        self.mined: dict[str, Receipt] = {}
        self.trading = 50 * ETHER
        self.gone: set[str] = set()
        self.stops: dict[str, None] = {}

    @initialize()
    def begin(self) -> None:
        """The chain is known."""
        self.scene.begin()

    def told(self, commands: list[Command]) -> list[Command]:
        """Take in what stops are demanded."""
        for each in only(commands, DemandStop):
            self.stops[each.stop.stop_id] = None
        return commands

    # --- the chain

    @rule(lost_milli=st.sampled_from([0, 0, 1, 5, 900, 9_000]))
    def read(self, lost_milli: int = 0) -> None:
        """A block is read; now and then money is missing."""
        self.trading -= self.trading * lost_milli // 10_000
        receipts = {tx_hash: None if tx_hash in self.gone else each for tx_hash, each in self.mined.items()}
        wanted = self.scene.core.wanted_receipts()
        found = {tx_hash: receipts.get(tx_hash) for tx_hash in wanted}
        nonces = [
            entry.signed.nonce + 1
            for tx_hash in self.mined
            if tx_hash not in self.gone and (entry := self.scene.core.book.get(tx_hash)) is not None
        ]
        self.told(self.scene.read(found, nonce=max([0, *nonces]), trading_balance_wei=self.trading))

    @rule(blocks=st.integers(1, 14))
    def blocks(self, blocks: int) -> None:
        """Several blocks pass."""
        for _ in range(blocks):
            self.read()

    @rule(wait_s=st.integers(1, 200) | st.integers(80_000, 100_000), ticked=st.booleans())
    def wait(self, wait_s: int, *, ticked: bool) -> None:
        """Time passes, with or without ticks; the next head tells the price anew."""
        self.scene.now_ns += wait_s * 10**9
        if ticked:
            self.told(self.scene.tell(Tick()))
        self.read()

    # --- trades

    @rule(
        amount=st.sampled_from([ETHER // 10, ETHER, 30 * ETHER]),
        shrinks=st.booleans(),
        answer=st.sampled_from(["good"] * 5 + ["reverts", "nobody", "dear", "late"]),
        legs=st.sampled_from(["accepted"] * 4 + ["rejected", "not-begun", "unknown"]),
        ends=st.sampled_from(["won", "won", "lost", "reverted", "never", "waits"]),
    )
    def trade(self, amount: int, answer: str, legs: str, ends: str, *, shrinks: bool) -> None:
        """An intent goes as far as it gets; an operator has mended before what would hold it back."""
        scene = self.scene
        state = scene.core.ledger.engine.state
        if state.emergency.shut is not None or state.breaker.held:
            self.order(ResetBaselines("ann", "a test"))
            self.order(ForceBreaker("ann", "a test", BreakerOrder.RESET))
            while self.stops:
                self.recover()
            self.read()
        self.number += 1
        order = intent(self.number, amount_wei=amount, not_after_s=1_000 + scene.block + 3)
        proposal = msgspec.structs.replace(order.proposal, shrinks=shrinks)
        order = msgspec.structs.replace(order, proposal=proposal)
        for simulate in only(self.told(scene.submit(order)), Simulate):
            signs = self._answered(simulate.intent_id, answer)
            for sign in signs:
                tx_hash, commands = scene.sign(sign)
                self.told(commands)
                self.told(scene.legs(tx_hash, legs, "not-begun" if legs == "not-begun" else "rejected", legs))
                self._ended(tx_hash, legs, ends)

    def _answered(self, intent_id: str, answer: str) -> list[Sign]:
        scene = self.scene
        if answer == "late":
            scene.now_ns += 6 * 10**9
            self.told(scene.tell(Tick()))
        if answer in {"reverts", "nobody"}:
            failed = SimulationFailed(intent_id, refused=answer == "reverts", text=answer)
            return only(self.told(scene.tell(failed)), Sign)
        gas = 2_000_000 if answer == "dear" else 200_000
        return only(self.told(scene.tell(Simulated(intent_id=intent_id, gas=gas))), Sign)

    def _ended(self, tx_hash: str, legs: str, ends: str) -> None:
        scene = self.scene
        entry = scene.core.book.get(tx_hash)
        if legs == "not-begun" or ends == "never" or entry is None or entry.settled:
            return
        gain = {"won": GAIN * 10**12, "lost": -ETHER // 5}.get(ends, 0)
        spent = 0 if ends == "reverted" else int(entry.signed.spend_wei)
        receipt = scene.mined(tx_hash, success=ends != "reverted", gain_wei=gain)
        self.mined[tx_hash] = msgspec.structs.replace(
            receipt, sold_wei=spent, bought_wei=spent + gain if spent else 0, gas_wei=10**14
        )
        self.trading += gain
        if ends != "waits":
            self.read()

    @rule(ends=st.lists(st.sampled_from(["won", "lost", "reverted"]), min_size=2, max_size=5))
    def trades(self, ends: list[str]) -> None:
        """Several go all the way, one after another."""
        for end in ends:
            self.trade(ETHER, "good", "accepted", end, shrinks=True)

    @precondition(lambda self: self.mined)
    @rule(data=st.data(), back=st.booleans())
    def reorg(self, data: st.DataObject, *, back: bool) -> None:
        """A transaction is on the chain no more; or one that was gone is back, in another block."""
        tx_hash = data.draw(st.sampled_from(sorted(self.mined)))
        if back and tx_hash in self.gone:
            self.gone.discard(tx_hash)
            block = self.scene.block + 1
            self.mined[tx_hash] = msgspec.structs.replace(
                self.mined[tx_hash], block=block, block_hash=f"0x{block:064x}"
            )
        elif not back:
            self.gone.add(tx_hash)
        self.blocks(3)

    # --- operators and crashes

    @rule(order=st.sampled_from(ORDERS))
    def order(self, order: OrderRequest) -> None:
        """An operator orders; the answer waits for the row's sync."""
        commands = self.told(self.scene.tell(Ordered(b"operator", order)))
        records = only(commands, Record)
        assert len([each for record in records for each in record.then]) + len(only(commands, Respond)) == 1

    @precondition(lambda self: self.stops)
    @rule()
    def recover(self) -> None:
        """An operator recovers from the oldest stop: its demand is over."""
        stop_id = next(iter(self.stops))
        del self.stops[stop_id]
        self.scene.tell(StopCleared(stop_id))
        assert stop_id not in self.scene.core.ledger.demands

    @rule()
    def snapshot(self) -> None:
        """A snapshot is written between two events."""
        self.scene.rows.append(self.scene.core.ledger.snapshot())

    @rule()
    def restart(self) -> None:
        """The executor is killed: another reads the journal, and demands what stood under the same ids."""
        before, old = self.scene.core.ledger.demands, self.scene
        scene = Scene(TERMS, tuple(old.rows))
        scene.now_ns, scene.block, scene.signed = old.now_ns, old.block, old.signed
        self.scene = scene
        again = only(scene.core.begin(scene.now()), DemandStop)
        assert [each.stop.stop_id for each in again] == list(before)
        scene.begin(trading_balance_wei=self.trading)

    @invariant()
    def a_fold_is_what_lives(self) -> None:
        """From the start, and from each snapshot, read as the disk has them; no beginning of it fails."""
        live, rows = self.scene.core.ledger, [stored(row) for row in self.scene.rows]
        wanted = self.as_of_now(live)
        assert self.as_of_now(folded(rows)) == wanted
        taken = [at for at, row in enumerate(rows) if isinstance(row, SnapshotRow)]
        for at in taken[-2:]:
            row = rows[at]
            assert isinstance(row, SnapshotRow)
            ledger = Ledger(TERMS.risk)
            assert ledger.restore(row)
            for later in rows[at + 1 :]:
                ledger.apply(later)
            assert self.as_of_now(ledger) == wanted

    @invariant()
    def snapshots_follow_from_rows(self) -> None:
        """FS3: the rows between two snapshots lead from one to the other, whatever the limits are by now."""
        rows = [stored(row) for row in self.scene.rows]
        taken = [at for at, row in enumerate(rows) if isinstance(row, SnapshotRow)]
        for start, end in pairwise([-1, *taken][-2:]):
            fold, held = RowFold(RiskLimits()), RowFold(RiskLimits())
            before, last = rows[start], rows[end]
            if start >= 0:
                assert isinstance(before, SnapshotRow)
                assert fold.restore(before)
            for row in rows[start + 1 : end]:
                fold.apply(row)
            assert isinstance(last, SnapshotRow)
            assert held.restore(last)
            assert difference(fold, held, end) == ""

    @invariant()
    def the_checks_pass(self) -> None:
        """FS3: books that are right are never called wrong."""
        lines = [line for line in of_books(self.scene.core.ledger) if "integrity" in line.name]
        assert [line.status for line in lines] == [Health.HEALTHY] * 2

    def as_of_now(self, ledger: Ledger) -> tuple[object, ...]:
        """Return all that a ledger knows, at this moment: time is told to a copy of it."""
        copy = Ledger(TERMS.risk)
        assert copy.restore(ledger.snapshot())
        copy.tick(Ticked(), self.scene.now_ns)
        book: BookState = ledger.book.state()
        # Whether anything came after the end is no one's but the journal's to know: not every row is applied.
        same = msgspec.structs.replace(book, ended_in_order=False, empty=False)
        return same, copy.engine.state, copy.demands, ledger.demands


def stored(row: ExecutorRow) -> ExecutorRow:
    """Return a row as it is read back from the disk."""
    again: ExecutorRow = from_json(to_json(row), ExecutorRow)
    return again


def folded(rows: list[ExecutorRow]) -> Ledger:
    """Return the ledger of a journal."""
    ledger = Ledger(TERMS.risk)
    for row in rows:
        ledger.apply(row)
    return ledger


TestJournal = Journal.TestCase
TestJournal.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
