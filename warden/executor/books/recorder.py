"""The executor's journal as its loop uses it: rows go in, and what waits for their sync comes out (I5)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from warden.domain.errors import JournalBroken
from warden.runtime.journal import Journal
from warden.wire.codec import to_json
from warden.wire.rows import ExecutorRow, OpenRow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from warden.executor.books.book import Book
    from warden.executor.protocol.commands import Record, Reply, Respond, Send
    from warden.runtime.audit import Audit
    from warden.runtime.clock import Clock
    from warden.wire.messages import Head

_OPEN_ROW_EVERY: Final = 500


class Recorder:
    """One journal; after its first error nothing that waits is ever let go.

    Args:
        halt: closes the gate for good, and says why; and whether rows are not what was written.
    """

    def __init__(self, path: Path, clock: Clock, book: Book, halt: Callable[[str, bool], None]) -> None:
        self._journal = Journal(path, clock)
        self._book = book
        self._halt = halt
        self._after: deque[tuple[int, tuple[Reply | Send | Respond, ...]]] = deque()

    @property
    def wake(self) -> int:
        """A handle that becomes readable when rows have become durable."""
        return self._journal.wake

    @property
    def head(self) -> Head:
        """The last durable row."""
        return self._journal.head

    @property
    def last_ns(self) -> int:
        """UTC in nanoseconds of the last row; 0 of a new journal."""
        return self._journal.last_ns

    @property
    def error(self) -> str:
        """Why nothing becomes durable any more; empty while it does."""
        return self._journal.error or ""

    @property
    def audit(self) -> Audit:
        """Who reads rows back."""
        return self._journal.audit

    def look_over(self) -> Audit:
        """Have every row read back now."""
        return self._journal.look_over()

    def record(self, command: Record) -> None:
        """Hand a row to the journal; what follows from it waits for its sync."""
        try:
            # What nothing waits for may wait itself: its sync would stand in the way of a row to be sent.
            number = self._append(command.row, urgent=bool(command.then))
            if number % _OPEN_ROW_EVERY == 0:
                # So that the journal's tail alone tells what may still land, however old the journal is.
                hashes = tuple(entry.signed.tx_hash for entry in self._book.open())
                self._append(OpenRow(hashes=hashes), urgent=False)
        except JournalBroken as error:
            self._halt(str(error), self._journal.tampered)
            return
        if command.then:
            self._after.append((number, command.then))

    def due(self) -> list[Reply | Send | Respond]:
        """Return what waited for rows that are durable now, in order; nothing once the journal is broken."""
        self._journal.acknowledge()
        if self._journal.error is not None:
            self._halt(f"journal broken: {self._journal.error}", self._journal.tampered)
            self._after.clear()
            return []
        commands: list[Reply | Send | Respond] = []
        while self._after and self._after[0][0] <= self._journal.synced:
            commands += self._after.popleft()[1]
        return commands

    @property
    def rows(self) -> int:
        """How many rows were handed in, this run's and earlier ones'."""
        return self._journal.appended

    def close(self) -> None:
        """Leave the journal in order."""
        self._journal.close()

    def _append(self, row: ExecutorRow, *, urgent: bool) -> int:
        return self._journal.append(str(row.__struct_config__.tag), to_json(row), urgent=urgent)
