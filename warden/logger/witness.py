"""The logger's own journal, `state/logger.db`: the heads of the others as they were seen (I9).

`logs/witness.log` says the same for people; only this one is ever read back. Logging goes on without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import JournalBroken
from warden.runtime.journal import Journal, read
from warden.runtime.witnesses import KIND, heads_of
from warden.wire.codec import to_json
from warden.wire.messages import Head

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.clock import Clock

# More than a day of two journals that never rest: a head that is older says little of where its journal is.
_ROWS_READ_MAX: Final = 20_000
_CLOSE_WITHIN_S: Final = 5.0


class WitnessJournal:
    """The journal, or why there is none in `error`; `seen` is each journal's last head of the runs before."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.seen: dict[str, Head] = {}
        self._error = ""
        self._journal: Journal | None = None
        try:
            self._journal = Journal(path, clock)
            for row in read(path, max(0, self._journal.synced - _ROWS_READ_MAX), KIND):
                for name, rows, digest in heads_of(row):
                    self.seen[name] = Head(journal=name, rows=rows, hash=digest)
        except (JournalBroken, msgspec.DecodeError) as error:
            self._error = str(error)

    @property
    def error(self) -> str:
        """Why nothing is witnessed any more, "" while it is."""
        return self._error or (self._journal.error if self._journal is not None else None) or ""

    @property
    def heads(self) -> tuple[Head, ...]:
        """Its own head, so that another may witness it; none when there is no journal."""
        return () if self._journal is None else (self._journal.head,)

    def write(self, head: Head) -> None:
        """Hand in one head; never waits, and `error` tells when it is in vain."""
        if self._journal is None or self.error:
            return
        try:
            self._journal.append(KIND, to_json({"heads": [[head.journal, head.rows, head.hash]]}))
        except JournalBroken as error:
            self._error = str(error)

    def close(self) -> None:
        """Write what waits; what cannot be written is said by `error`."""
        if self._journal is None:
            return
        try:
            self._journal.close(_CLOSE_WITHIN_S)
        except JournalBroken as error:
            self._error = str(error)
