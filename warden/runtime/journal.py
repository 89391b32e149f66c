"""A journal: append-only rows, each chained by hash to the row before, synced in groups by its own thread.

`append` never waits: it returns the row's number, and the row is durable once `synced` has reached it.
After an error of a commit or sync nothing is retried: `error` says why, and nothing may be sent any more.
docs/journals.md says what is found when.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import apsw

from warden.domain.errors import JournalBroken
from warden.runtime import checkpoints
from warden.runtime.audit import HOUR_S, Audit, from_checkpoint
from warden.runtime.chain import GENESIS, Row, Walk, chain, link
from warden.wire.messages import Head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from warden.runtime.clock import Clock

__all__ = ["GENESIS", "ROWS_WAITING_MAX", "Journal", "Row", "chain", "open_reader", "read", "verify"]

ROWS_WAITING_MAX: Final = 10_000
_GROUP_ROWS_MAX: Final = 1_024
_READ_ROWS: Final = 1_024
# How long a row that nobody waits for is held back: its sync would stand before that of one that is.
_LAZY_S: Final = 0.02
_BUSY_MS: Final = 2_000
# The log is folded into the file when it has this many pages of 4 KiB; it stays that long and is reused.
_FOLD_PAGES: Final = 1_000
_RIGHTS: Final = 0o640
_FULL: Final = 2

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS journal (
    row INTEGER PRIMARY KEY,
    time_ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT
"""

_SELECT: Final = "SELECT row, time_ns, kind, body, hash FROM journal WHERE row > ?{} ORDER BY row LIMIT ?"


class Journal:
    """The one writer of a journal file; `wake` is an eventfd that becomes readable when rows are durable.

    Opening verifies from the checkpoint to the last row; `on_step` is called in between, so that a process
    can beat meanwhile. While nothing waits to be written the rows are read back and checked, those of this
    run at once and all of them every `audit_every_s` seconds (FS3): what does not hold is an `error`.

    Raises:
        JournalBroken: the file cannot be used, is not as it was written, or the disk refuses.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        audit_every_s: float = HOUR_S,
        on_step: Callable[[], None] | None = None,
    ) -> None:
        self.name = path.stem
        self._path = path
        self._clock = clock
        self._waiting: deque[tuple[int, int, str, bytes]] = deque()
        self._work = threading.Condition()
        self._closing = False
        self._urgent = 0
        self._log_pages = 0
        self.error: str | None = None
        self.tampered = False  # the error is of what the rows say, not of the disk
        connection: apsw.Connection | None = None
        try:
            connection = self._connection = _open(path)
            connection.set_wal_hook(self._logged)
            last = from_checkpoint(connection, path, on_step)
            self.audit = Audit(connection, path, clock, last, audit_every_s)
            self._files = _identities(path)
        except (apsw.Error, OSError, JournalBroken) as error:
            if connection is not None:
                connection.close()
            raise JournalBroken(f"journal {path}: {error}; see the runbook 'recovery after crash'") from error
        self.head = Head(journal=self.name, rows=last.row, hash=last.hash.hex())
        self._last_hash = last.hash
        self._last_ns = last.time_ns
        self._next = last.row + 1
        self.wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._write, name=f"journal-{self.name}", daemon=True)
        self._thread.start()

    @property
    def synced(self) -> int:
        """The number of the last durable row."""
        return self.head.rows

    @property
    def last_ns(self) -> int:
        """UTC in nanoseconds of the last row handed in; 0 when there is none."""
        return self._last_ns

    @property
    def appended(self) -> int:
        """The number of the last row handed in."""
        return self._next - 1

    def append(self, kind: str, body: bytes, *, urgent: bool = True) -> int:
        """Hand in a row and return its number; it is durable once `synced` reaches that.

        Its time is the wall clock's, but never before that of the row before (FS3: ordered times). One that
        is not urgent waits up to 20 ms for others.

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
            self._last_ns = max(self._last_ns, int(self._clock.wall().timestamp() * 1_000_000_000))
            self._waiting.append((number, self._last_ns, kind, body))
            if urgent:
                self._urgent = number
            if urgent or len(self._waiting) == 1:
                self._work.notify()
        return number

    def look_over(self) -> Audit:
        """Have every row read back now, and return who does it."""
        with self._work:
            self.audit.ask()
            self._work.notify()
        return self.audit

    def acknowledge(self) -> None:
        """Reset `wake` before looking at `synced`."""
        try:
            os.eventfd_read(self.wake)
        except BlockingIOError:
            return

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what waits, then close; after `timeout_s` seconds the disk is given up on.

        Raises:
            JournalBroken: rows that were handed in did not become durable, or do not hold.
        """
        with self._work:
            self._closing = True
            self._work.notify()
        self._thread.join(timeout_s)
        if not (stuck := self._thread.is_alive()):
            if self.error is not None:
                # Closing would fold the log into the file: what a failed sync left is not to be trusted.
                self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            self._connection.close()
            os.close(self.wake)
        if stuck or self.error is not None or self.synced != self.appended:
            raise JournalBroken(f"journal {self.name}: {self.error or 'the disk did not answer at the end'}")

    def _write(self) -> None:
        doing = "commit"
        try:
            while True:
                group = self._take()
                if group is None:
                    doing = "last check"
                    self.audit.finish(self.head.rows)
                    doing = "last checkpoint"
                    self._fold_all()
                    return
                if not group:
                    doing = "check"
                    self.audit.step(self.head.rows)
                    continue
                doing = "commit"
                self._commit(group)
                os.eventfd_write(self.wake, 1)
                doing = "checkpoint"
                self._fold()
        except Exception as error:  # noqa: BLE001 - a thread that died in silence would leave rows waiting for ever
            # SQLite may go on committing after a failed sync: this connection is never used again.
            with self._work:
                self.tampered = isinstance(error, JournalBroken)
                self.error = f"{doing} failed: {str(error) or type(error).__name__}"
                self._waiting.clear()
            os.eventfd_write(self.wake, 1)

    def _take(self) -> list[tuple[int, int, str, bytes]] | None:
        """Return the rows of the next commit, none when it is time to look back, None at the end."""
        with self._work:
            while not self._waiting:
                if self._closing:
                    return None
                if not self._work.wait(self.audit.wait_s(self.head.rows)):
                    break
            if self._waiting and self._urgent < self._waiting[0][0] and not self._closing:
                self._work.wait(_LAZY_S)  # told by an urgent row, or by the end
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), _GROUP_ROWS_MAX))]

    def _commit(self, group: list[tuple[int, int, str, bytes]]) -> None:
        if _identities(self._path) != self._files:
            raise JournalBroken(f"{self._path.name} or its log was replaced while it was open")
        digest = self._last_hash
        rows = []
        for number, time_ns, kind, body in group:
            digest = link(digest, number, time_ns, kind.encode(), body)
            rows.append((number, time_ns, kind, body, digest))
        # Not `with connection`: its own rollback after a failure would hide what failed.
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", rows)
        self._connection.execute("COMMIT")
        self._last_hash = digest
        self.head = Head(journal=self.name, rows=group[-1][0], hash=digest.hex())

    def _logged(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK

    def _fold(self) -> None:
        """Fold the log into the file. SQLite's own way of doing it by itself passes over a failed sync."""
        if self._log_pages >= _FOLD_PAGES:
            self._log_pages = 0
            self._connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _fold_all(self) -> None:
        """Empty the log at an orderly end, so that the one file is the whole journal."""
        self._connection.set_busy_timeout(0)
        try:
            self._connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            return  # somebody reads: the log stays, and is folded at the next start


def _open(path: Path) -> apsw.Connection:
    """Open the file for writing, made if it is missing; every setting is read back.

    Raises:
        JournalBroken: a setting did not take effect.
        apsw.Error, OSError: it cannot be opened.
    """
    # Its rights before SQLite comes: the log and its index are then made with the same.
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _RIGHTS))
    connection = apsw.Connection(str(path))
    try:
        connection.set_busy_timeout(_BUSY_MS)
        _set(connection)
        connection.execute(_SCHEMA)
        for each in _files(path):
            each.chmod(_RIGHTS)
    except (apsw.Error, OSError, JournalBroken):
        connection.close()
        raise
    return connection


def _set(connection: apsw.Connection) -> None:
    mode = connection.execute("PRAGMA journal_mode=WAL").get
    connection.execute("PRAGMA synchronous=FULL")
    synchronous = connection.execute("PRAGMA synchronous").get
    if (mode, synchronous) != ("wal", _FULL):
        raise JournalBroken(f"SQLite refuses WAL with synchronous=FULL: {mode}, {synchronous}")
    connection.wal_autocheckpoint(0)
    # The log and its index stand after the last connection closes: a reader may have no right to make them.
    wanted, found = ctypes.c_int(1), ctypes.c_int(-1)
    for value in (wanted, found):
        connection.file_control("main", apsw.SQLITE_FCNTL_PERSIST_WAL, ctypes.addressof(value))
    if found.value != 1:
        raise JournalBroken("SQLite refuses to keep its log (PERSIST_WAL)")


def _files(path: Path) -> tuple[Path, Path, Path]:
    """Return the journal's files: the rows, the log, and the log's index."""
    return path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def _identities(path: Path) -> tuple[tuple[int, int], ...]:
    """Return which files these are: rows that go to one that was replaced are durable nowhere."""
    found = [each.stat() for each in _files(path) if each.exists()]
    return tuple((each.st_dev, each.st_ino) for each in found)


def _row(values: tuple[Any, ...]) -> Row:
    row, time_ns, kind, body, digest = values
    if not (isinstance(kind, str) and isinstance(body, bytes) and isinstance(digest, bytes)):
        raise JournalBroken(f"row {row} is damaged; run 'warden verify'")
    return Row(row=row, time_ns=time_ns, kind=kind, body=body, hash=digest.hex())


def open_reader(path: Path) -> apsw.Connection:
    """Open a journal for reading; the writer may be there or not.

    Raises:
        apsw.Error: it cannot be opened.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(_BUSY_MS)
    return connection


def read(path: Path, after: int = 0, kind: str | None = None) -> Iterator[Row]:
    """Yield the durable rows after number `after`, in order, without the writer; a missing file has none.

    In many short reads: one long one would keep the writer from folding its log. `kind` picks rows of that
    kind alone.

    Raises:
        JournalBroken: the file cannot be read.
    """
    if not path.exists():
        return
    query = _SELECT.format("" if kind is None else " AND kind = ?")
    kinds = () if kind is None else (kind,)
    try:
        connection = open_reader(path)
        try:
            rows: list[tuple[Any, ...]] = [(after,)]
            while rows:
                rows = connection.execute(query, (rows[-1][0], *kinds, _READ_ROWS)).fetchall()
                yield from map(_row, rows)
        finally:
            connection.close()
    except (apsw.Error, UnicodeDecodeError) as error:  # the last: a kind that is damaged
        raise JournalBroken(f"journal {path}: {error}") from error


def verify(path: Path) -> tuple[int, list[str]]:
    """Walk a whole journal and return how many rows it has and every problem found, one line each (FS3).

    The checkpoint shortens nothing here; it is a witness: what it says was verified must still stand.
    """
    place, why = checkpoints.load(path)  # before the rows, which may grow meanwhile
    problems = [f"{why}; the next start verifies everything and writes it anew"] if why else []
    if not path.exists():
        gone = f"{path.name} is gone, but {place.row} of its rows were verified before"
        return 0, [*problems, *([gone] if place.row else [])]
    rows = 0
    try:
        connection = open_reader(path)
        try:
            walk = Walk(connection, path.name)
            try:
                walk.go()
            finally:
                rows, problems = walk.rows, problems + walk.told()
            refuted = checkpoints.refute(connection, path, place)
            problems += [refuted] if refuted else []
        finally:
            connection.close()
    except JournalBroken as error:
        problems.append(str(error))
    except apsw.Error as error:
        problems.append(f"journal {path}: {error}")
    return rows, problems
