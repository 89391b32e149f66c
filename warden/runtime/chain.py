"""The chain of a journal's rows: how a row is hashed onto the one before, and a walk that checks it.

A walk goes in steps of a bounded number of rows, each a short read of its own: it holds up neither the loop
that it runs in nor the writer's log.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Any, Final

import apsw
import msgspec

from warden.domain.errors import JournalBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

GENESIS: Final = "0" * 64
PROBLEMS_MAX: Final = 100
# To the last row there is, wherever a damaged file says that its end is.
ALL: Final = 2**63 - 1
STEP_ROWS: Final = 4_096
# Below every row number there can be: a row numbered 0 or less is no part of a chain, and must be found.
_BEFORE_ALL: Final = -(2**63)
_HEAD: Final = struct.Struct(">qqI")
_LENGTH: Final = struct.Struct(">Q")
# A flipped bit may make a field one of another type, or text that is none: told as a damaged row, not raised.
_STEP: Final = (
    "SELECT row, iif(typeof(time_ns) = 'integer', time_ns, NULL),"
    " iif(typeof(kind) = 'text', CAST(kind AS BLOB), NULL),"
    " iif(typeof(body) = 'blob', body, NULL), iif(typeof(hash) = 'blob', hash, NULL)"
    " FROM journal WHERE row > ? AND row <= ? ORDER BY row LIMIT ?"
)


class Row(msgspec.Struct, frozen=True):
    """One row. `time_ns` is wall time in Unix nanoseconds, for people; the order is the row number's."""

    row: int
    time_ns: int
    kind: str
    body: bytes
    hash: str


class Place(msgspec.Struct, frozen=True):
    """A place in a chain: the number and the hash of the last row before it, and that row's wall time."""

    row: int = 0
    hash: bytes = bytes.fromhex(GENESIS)
    time_ns: int = 0


START: Final = Place()


def link(previous: bytes, row: int, time_ns: int, kind: bytes, body: bytes) -> bytes:
    """Return a row's hash: SHA-256 over the hash before it and every field, lengths included.

    Raises:
        struct.error, TypeError: a field is not what a row holds.
    """
    parts = (previous, _HEAD.pack(row, time_ns, len(kind)), kind, _LENGTH.pack(len(body)), body)
    return hashlib.sha256(b"".join(parts)).digest()


def chain(previous: str, row: int, time_ns: int, kind: str, body: bytes) -> str:
    """Return the hash of a row, as `link` does, in hex."""
    return link(bytes.fromhex(previous), row, time_ns, kind.encode(), body).hex()


class Walk:
    """A walk along the rows from a place that is known to hold; `problems` says what did not, a line each."""

    def __init__(self, connection: apsw.Connection, file: str, start: Place = START) -> None:
        self.at = start
        self.rows = 0
        self.problems: list[str] = []
        self._found = 0
        self._connection = connection
        self.file = file
        self._after = start.row or _BEFORE_ALL

    def step(self, upto: int, rows_max: int = STEP_ROWS) -> bool:
        """Check the next rows, up to number `upto`, `rows_max` at most; tell whether there may be more.

        Raises:
            JournalBroken: the file cannot be read any further.
        """
        try:
            rows = self._connection.execute(_STEP, (self._after, upto, rows_max)).fetchall()
        except apsw.Error as error:
            raise JournalBroken(f"{self.file}: unreadable after row {self.at.row}: {error}") from error
        if rows:
            self.at = self._check(rows)
            self._after = self.at.row
            self.rows += len(rows)
        return len(rows) == rows_max

    def go(self, on_step: Callable[[], None] | None = None) -> None:
        """Check all rows that are left, and that the last is where the file says that its end is.

        Raises:
            JournalBroken: as `step`.
        """
        while self.step(ALL):
            if on_step is not None:
                on_step()
        try:
            last = self._connection.execute("SELECT coalesce(max(row), 0) FROM journal").get
        except apsw.Error as error:
            raise JournalBroken(f"{self.file}: its end cannot be read: {error}") from error
        # Rows that came meanwhile are no contradiction.
        if last < self.at.row:
            self._problem(f"damaged: it says that it ends at row {last}, and row {self.at.row} is there")

    def told(self) -> list[str]:
        """Return the problems, and how many more there are than are listed."""
        more = self._found - len(self.problems)
        return [*self.problems, f"{self.file}: {more} problems more"] if more else list(self.problems)

    def _check(self, rows: Iterable[tuple[Any, ...]]) -> Place:
        """Check rows that follow the place, and return the place after them. Hot: a million in seconds."""
        previous, expected, before_ns = self.at.hash, self.at.row + 1, self.at.time_ns
        for row, time_ns, kind, body, digest in rows:
            if row != expected:
                self._problem(f"row {expected} is missing, row {row} follows")
            try:
                good = link(previous, row, time_ns, kind, body) == digest
            except (struct.error, TypeError):
                good = False
            if not good:
                self._problem(f"row {row} does not follow from the row before")
                digest = digest if isinstance(digest, bytes) else b""  # noqa: PLW2901 - only where damaged
                time_ns = time_ns if isinstance(time_ns, int) else before_ns  # noqa: PLW2901 - the same
            elif time_ns < before_ns:
                self._problem(f"row {row} is older than the row before")
            previous, expected, before_ns = digest, row + 1, time_ns
        return Place(expected - 1, previous, before_ns)

    def _problem(self, text: str) -> None:
        self._found += 1
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(f"{self.file}: {text}")
