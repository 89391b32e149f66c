"""A journal: append-only rows, each chained by hash to the row before, synced in groups by its own thread.

`append` never waits: it returns the row's number, and the row is durable once `synced` has reached it.
After an error of a commit or sync nothing is retried: `error` says why, and nothing may be sent any more.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import apsw
import msgspec

from warden.domain.errors import JournalBroken
from warden.wire.messages import Head

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warden.runtime.clock import Clock

ROWS_WAITING_MAX: Final = 10_000
_GROUP_ROWS_MAX: Final = 256
_BUSY_MS: Final = 2_000
GENESIS: Final = "0" * 64

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS journal (
    row INTEGER PRIMARY KEY,
    time_ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT
"""

_SELECT: Final = "SELECT row, time_ns, kind, body, hash FROM journal"


class Row(msgspec.Struct, frozen=True):
    """One row. `time_ns` is wall time in Unix nanoseconds, for people; the order is the row number's."""

    row: int
    time_ns: int
    kind: str
    body: bytes
    hash: str


def chain(previous: str, row: int, time_ns: int, kind: str, body: bytes) -> str:
    """Return the hash of a row, hex: SHA-256 over the hash before it and every field, lengths included."""
    name = kind.encode()
    digest = hashlib.sha256(bytes.fromhex(previous))
    digest.update(row.to_bytes(8, "big") + time_ns.to_bytes(8, "big", signed=True))
    digest.update(len(name).to_bytes(4, "big") + name + len(body).to_bytes(8, "big") + body)
    return digest.hexdigest()


class Journal:
    """The one writer of a journal file; `wake` is an eventfd that becomes readable when rows are durable."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.name = path.stem
        self._path = path
        self._clock = clock
        self._waiting: deque[tuple[int, int, str, bytes]] = deque()
        self._work = threading.Condition()
        self._closing = False
        self.error: str | None = None
        self.wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        try:
            self._connection = apsw.Connection(str(path))
            path.chmod(0o640)
            self._connection.set_busy_timeout(_BUSY_MS)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute(_SCHEMA)
            self.head = _verified_tail(self._connection, self.name)
        except (apsw.Error, OSError) as error:
            raise JournalBroken(f"journal {path}: {error}; see the runbook 'recovery after crash'") from error
        self._next = self.head.rows + 1
        self._thread = threading.Thread(target=self._write, name=f"journal-{self.name}", daemon=True)
        self._thread.start()

    @property
    def synced(self) -> int:
        """The number of the last durable row."""
        return self.head.rows

    @property
    def appended(self) -> int:
        """The number of the last row handed in."""
        return self._next - 1

    def append(self, kind: str, body: bytes) -> int:
        """Hand in a row and return its number; it is durable once `synced` reaches that.

        Raises:
            JournalBroken: the journal failed, is closed, or cannot keep up.
        """
        with self._work:
            if self.error is not None or self._closing:
                raise JournalBroken(f"journal {self.name}: {self.error or 'closed'}")
            if len(self._waiting) >= ROWS_WAITING_MAX:
                raise JournalBroken(f"journal {self.name}: {ROWS_WAITING_MAX} rows wait for the disk")
            number = self._next
            self._next += 1
            self._waiting.append((number, int(self._clock.wall().timestamp() * 1_000_000_000), kind, body))
            self._work.notify()
        return number

    def acknowledge(self) -> None:
        """Reset `wake` before looking at `synced`."""
        try:
            os.eventfd_read(self.wake)
        except BlockingIOError:
            return

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what waits, then close; after `timeout_s` seconds the disk is given up on.

        Raises:
            JournalBroken: rows that were handed in did not become durable.
        """
        with self._work:
            self._closing = True
            self._work.notify()
        self._thread.join(timeout_s)
        stuck = self._thread.is_alive()
        if not stuck:
            self._connection.close()
            os.close(self.wake)
        if stuck or self.error is not None or self.synced != self.appended:
            raise JournalBroken(f"journal {self.name}: {self.error or 'the disk did not answer at the end'}")

    def _write(self) -> None:
        while True:
            with self._work:
                while not self._waiting and not self._closing:
                    self._work.wait()
                if not self._waiting:
                    return
                group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _GROUP_ROWS_MAX))]
            try:
                self._commit(group)
            except (apsw.Error, OSError) as error:
                # SQLite may go on committing after a failed sync: this connection is never used again.
                with self._work:
                    self.error = f"commit failed: {error}"
                    self._waiting.clear()
                os.eventfd_write(self.wake, 1)
                return
            os.eventfd_write(self.wake, 1)

    def _commit(self, group: list[tuple[int, int, str, bytes]]) -> None:
        previous = self.head.hash
        rows = []
        for number, time_ns, kind, body in group:
            previous = chain(previous, number, time_ns, kind, body)
            rows.append((number, time_ns, kind, body, bytes.fromhex(previous)))
        # Not `with connection`: its own rollback after a failure would hide what failed.
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", rows)
        self._connection.execute("COMMIT")
        self.head = Head(journal=self.name, rows=group[-1][0], hash=previous)


def _verified_tail(connection: apsw.Connection, name: str) -> Head:
    """Return the head after checking the last two rows' link; the whole chain is `verify`'s to walk."""
    rows = [_row(values) for values in connection.execute(f"{_SELECT} ORDER BY row DESC LIMIT 2")]
    if not rows:
        return Head(journal=name, rows=0, hash=GENESIS)
    last = rows[0]
    previous = rows[1].hash if len(rows) > 1 else GENESIS
    if chain(previous, last.row, last.time_ns, last.kind, last.body) != last.hash:
        raise JournalBroken(
            f"journal {name}: row {last.row} does not follow from the row before; run 'warden verify'"
        )
    return Head(journal=name, rows=last.row, hash=last.hash)


def _row(values: tuple[Any, ...]) -> Row:
    row, time_ns, kind, body, digest = values
    return Row(row=row, time_ns=time_ns, kind=kind, body=body, hash=digest.hex())


def read(path: Path, after: int = 0) -> Iterator[Row]:
    """Yield the durable rows after number `after`, in order, without the writer; a missing file has none.

    Raises:
        JournalBroken: the file cannot be read.
    """
    if not path.exists():
        return
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(_BUSY_MS)
        try:
            for values in connection.execute(f"{_SELECT} WHERE row > ? ORDER BY row", (after,)):
                yield _row(values)
        finally:
            connection.close()
    except apsw.Error as error:
        raise JournalBroken(f"journal {path}: {error}") from error


def verify(path: Path) -> tuple[int, list[str]]:
    """Walk a whole journal and return how many rows it has and every problem found, one line each (FS3)."""
    problems: list[str] = []
    previous, expected, count = GENESIS, 1, 0
    try:
        for row in read(path):
            count += 1
            if row.row != expected:
                problems.append(f"{path.name}: row {expected} is missing, row {row.row} follows")
            if chain(previous, row.row, row.time_ns, row.kind, row.body) != row.hash:
                problems.append(f"{path.name}: row {row.row} does not follow from the row before")
            previous, expected = row.hash, row.row + 1
    except JournalBroken as error:
        problems.append(str(error))
    return count, problems
