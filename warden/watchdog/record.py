"""The watchdog's journal as the loop uses it: it may be broken from the start, and the loop goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.errors import InvariantBroken, JournalBroken
from warden.runtime.journal import GENESIS, Journal, read
from warden.watchdog.last_run import LastRun, from_rows
from warden.wire.codec import to_json
from warden.wire.messages import Head

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.clock import Clock
    from warden.watchdog.commands import WriteRow

_LOOK_BACK_FIRST: Final = 512
_LOOK_BACK_MAX: Final = 65_536


class Record:
    """The journal, or why there is none. `wake` is its eventfd, None when it could not be opened."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.last = LastRun()
        self.error = ""
        self._journal: Journal | None = None
        try:
            self._journal = Journal(path, clock)
            self.last = last_run(path, self._journal.synced)
        except JournalBroken as error:
            self.error = str(error)
            self.last = LastRun(clean=False)
        self.rows = self._journal.appended if self._journal is not None else 0

    @property
    def wake(self) -> int | None:
        """Readable when rows have become durable."""
        return None if self._journal is None else self._journal.wake

    @property
    def head(self) -> Head:
        """The last durable row."""
        return Head("watchdog", 0, GENESIS) if self._journal is None else self._journal.head

    def append(self, command: WriteRow) -> None:
        """Hand in a row; a failure is kept in `error`."""
        if self._journal is None or self.failure():
            return
        try:
            number = self._journal.append(command.kind, to_json(command.body))
        except JournalBroken as error:
            self.error = str(error)
            return
        if number != command.row:
            raise InvariantBroken(f"journal row {number} was meant to be {command.row}")

    def failure(self) -> str:
        """Return why nothing becomes durable any more; empty while it does."""
        if not self.error and self._journal is not None and self._journal.error is not None:
            self.error = self._journal.error
        return self.error

    def acknowledge(self) -> None:
        """Reset `wake`."""
        if self._journal is not None:
            self._journal.acknowledge()

    def close(self) -> None:
        """Write what waits, then close.

        Raises:
            JournalBroken: a row did not become durable.
        """
        if self._journal is not None:
            self._journal.close()


def last_run(path: Path, rows: int) -> LastRun:
    """Return how the run before ended, from the journal's last rows.

    The start-up does not grow with the journal's age: where nothing is found in the last 65,536 rows, the run
    counts as not ended in order.

    Raises:
        JournalBroken: the journal cannot be read.
    """
    if rows == 0:
        return LastRun()
    back = _LOOK_BACK_FIRST
    while True:
        found = list(read(path, after=max(0, rows - back)))
        run = from_rows(found)
        if run is not None:
            return run
        if back >= min(rows, _LOOK_BACK_MAX):
            return LastRun(clean=False)
        back *= 2
