"""Snapshots of the ledger: when one is due, and whether the rows between the two newest agree (FS3)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from warden.domain.errors import InvariantBroken, JournalBroken
from warden.domain.risk.engine import RiskLimits
from warden.domain.risk.events import NS_PER_S, BaselinesReset
from warden.executor.books import position_book
from warden.executor.books.ledger import Ledger
from warden.runtime.journal import read
from warden.runtime.journal_search import newest
from warden.wire.codec import Undecodable, from_json
from warden.wire.rows import ExecutorRow, SnapshotRow

if TYPE_CHECKING:
    from pathlib import Path

    from warden.domain.risk.events import RiskEvent
    from warden.domain.risk.findings import Finding
    from warden.executor.books.book import BookState

KIND: Final = str(SnapshotRow.__struct_config__.tag)
ROWS: Final = 2_000
DAY_S: Final = 86_400
# Rows that are folded before others get their turn: a stop never waits for this thread.
_SLICE_ROWS: Final = 32
_PAUSE_S: Final = 0.005
# More rows than can stand between two snapshots, should one have been passed over.
_ROWS_MAX: Final = 20 * ROWS


class Compared(NamedTuple):
    """What came of a comparison: `problem` is empty where nothing contradicts."""

    found: str
    problem: str = ""


class Schedule:
    """When the next snapshot is due, and how old the newest is that is durable.

    Args:
        row: the newest snapshot's; 0 where there is none.
        at_ns: UTC of that row, or of the journal's beginning.
        due_s: one is due after so many seconds, whatever was written.
    """

    def __init__(self, row: int, at_ns: int, due_s: int) -> None:
        self._row = row
        self._at_ns = at_ns
        self._due_ns = due_s * NS_PER_S
        self._taken: tuple[int, int] | None = None

    def is_due(self, rows: int, now_ns: int) -> bool:
        """Tell whether one is to be taken after row `rows`; never while another is not durable yet."""
        if self._taken is not None:
            return False
        return rows - self._row >= ROWS or now_ns - self._at_ns >= self._due_ns

    def taken(self, row: int, now_ns: int) -> None:
        """One was handed to the journal as row `row`."""
        self._taken = (row, now_ns)

    def synced(self, row: int) -> None:
        """Rows up to `row` are durable."""
        if self._taken is not None and row >= self._taken[0]:
            self._row, self._at_ns = self._taken
            self._taken = None

    def age_s(self, now_ns: int) -> int:
        """Return how old the newest durable snapshot is; of a new journal, how old that is."""
        return max(0, now_ns - self._at_ns) // NS_PER_S


def schedule(path: Path, *, limit_s: int, now_ns: int) -> Schedule:
    """Return the schedule that a journal leaves: one is due each day, and before `limit_s` is over.

    Raises:
        JournalBroken: the journal cannot be read.
    """
    last = newest(path, KIND) or next(iter(read(path)), None)
    due_s = min(DAY_S, limit_s * 9 // 10)
    if last is None:
        return Schedule(0, now_ns, due_s)
    return Schedule(last.row if last.kind == KIND else 0, last.time_ns, due_s)


class RowFold(Ledger):
    """A ledger without the rules: what it holds follows from the rows alone, whatever the limits are now."""

    def _handle(self, event: RiskEvent, at_ns: int) -> list[Finding]:
        del at_ns
        if isinstance(event, BaselinesReset):
            self.holdings = position_book.trusted(self.holdings)
        return []


def compare(path: Path, stop: threading.Event | None = None) -> Compared:
    """Fold the rows between the two newest snapshots, and hold the result against the newer one.

    Book and positions follow from rows alone, exactly; the rules' own state depends on limits and on time,
    and is not compared.

    Args:
        path: the executor's journal.
        stop: ends it early when set; between slices others get their turn.
    """
    try:
        last = newest(path, KIND)
        if last is None:
            return Compared("none was taken yet")
        before = newest(path, KIND, before=last.row)
        start = 0 if before is None else before.row
        if last.row - start > _ROWS_MAX:
            return Compared(f"row {last.row}; too many rows before it to compare")
        if before is not None and before.time_ns > last.time_ns:
            return Compared("", f"snapshot row {last.row} is older than that in row {before.row}")
        return _compared(path, start, last.row, stop)
    except (JournalBroken, Undecodable, InvariantBroken) as error:
        return Compared("", f"a snapshot cannot be compared: {error}")


def _compared(path: Path, start: int, end: int, stop: threading.Event | None) -> Compared:
    fold = RowFold(RiskLimits())
    for count, row in enumerate(read(path, after=max(0, start - 1))):
        if row.row >= end:
            wanted: SnapshotRow = from_json(row.body, SnapshotRow)
            held = RowFold(RiskLimits())
            if not held.restore(wanted):
                return Compared(f"row {end} is of another version, and is passed over")
            problem = difference(fold, held, end)
            return Compared(f"row {end} is what {end - start} rows come to", problem)
        body: ExecutorRow = from_json(row.body, ExecutorRow)
        if row.row == start:
            if not isinstance(body, SnapshotRow) or not fold.restore(body):
                return Compared(f"row {start} is of another version, and is passed over")
        else:
            fold.apply(body)
        if stop is not None and count % _SLICE_ROWS == 0 and stop.wait(_PAUSE_S):
            return Compared("ended early")
    return Compared("", f"the journal ends before its snapshot in row {end}")


def difference(fold: Ledger, held: Ledger, row: int) -> str:
    """Return in words how a snapshot differs from what the rows come to; empty where it does not."""
    ours, theirs = _plain(fold.book.state()), _plain(held.book.state())
    for field in msgspec.structs.fields(ours):
        if getattr(ours, field.name) != getattr(theirs, field.name):
            return f"snapshot row {row}: its book's {field.name} is not what the rows before come to"
    if fold.holdings != held.holdings:
        return f"snapshot row {row}: its positions are not what the rows before come to"
    return ""


def _plain(state: BookState) -> BookState:
    """Return a book without what tells only how the last run began or ended."""
    return msgspec.structs.replace(state, ended_in_order=True, empty=False)


class Comparing:
    """Compares on a thread of its own, from the start on and when told to; `last` is what came of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.last: Compared | None = None
        self.begin()

    @property
    def busy(self) -> bool:
        """Tell whether it compares now."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self) -> None:
        """Compare anew, unless it does so now."""
        if not self.busy:
            self._thread = threading.Thread(target=self._compare, name="snapshots", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End early."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def _compare(self) -> None:
        self.last = compare(self._path, self._stop)
