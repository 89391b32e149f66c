"""The journal on a real disk: chained, durable in groups, and closed for good after any error."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import sqlite3
from typing import TYPE_CHECKING

import apsw
import pytest

from tests.instance import wait_until
from warden.domain.errors import JournalBroken
from warden.runtime import journal as module
from warden.runtime.clock import SystemClock
from warden.runtime.journal import GENESIS, Journal, chain, read, verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal stands."""
    return tmp_path / "executor.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    """An open journal."""
    made = Journal(path, SystemClock())
    yield made
    if not made._closing:
        made.close()


def fill(path: Path, rows: int) -> list[str]:
    """Make a journal of so many rows, close it, and give the hashes."""
    made = Journal(path, SystemClock())
    for number in range(rows):
        made.append("kind", b"body %d" % number)
    made.close()
    return [row.hash for row in read(path)]


@contextlib.contextmanager
def another_writer(path: Path) -> Iterator[None]:
    """Hold the file's write lock, so that the journal's commit fails or waits as on a bad disk."""
    with contextlib.closing(apsw.Connection(str(path))) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def wait_synced(journal: Journal, row: int) -> None:
    """Wait until a row is durable."""
    wait_until(lambda: journal.synced >= row or journal.error is not None, f"row {row} on the disk")
    assert journal.error is None


def wait_idle(journal: Journal, row: int) -> None:
    """Wait until a row is durable and was read back: the connection is then left alone."""
    wait_synced(journal, row)
    wait_until(lambda: journal.audit.wait_s(journal.synced) > 1, "rows read back")


def test_rows_become_durable_in_order(journal: Journal, path: Path) -> None:
    """A number at once, durability announced; another reader then sees it (EX2)."""
    numbers = [journal.append("kind", b"%d" % number) for number in range(500)]
    assert numbers == list(range(1, 501))
    wait_synced(journal, 500)
    journal.acknowledge()
    assert [(row.row, row.body) for row in read(path)] == [(n, b"%d" % (n - 1)) for n in numbers]
    assert journal.head.rows == journal.synced == journal.appended == 500
    assert journal.head.hash == list(read(path))[-1].hash
    assert verify(path) == (500, [])


def test_one_sync_carries_many_rows(journal: Journal) -> None:
    """Group commit: rows that wait together become durable together."""
    heads: list[int] = []
    journal.append("kind", b"first")
    for _ in range(2_000):
        journal.append("kind", b"x")
        heads.append(journal.synced)
    wait_synced(journal, 2_001)
    assert len(set(heads)) < 1_000


def test_the_chain_starts_at_nothing_and_covers_every_field(journal: Journal, path: Path) -> None:
    """Each row's hash is over the one before and all that the row says (I9)."""
    journal.append("a", b"1")
    journal.append("b", b"2")
    wait_synced(journal, 2)
    first, second = read(path)
    assert chain(GENESIS, first.row, first.time_ns, first.kind, first.body) == first.hash
    assert chain(first.hash, second.row, second.time_ns, second.kind, second.body) == second.hash
    known = chain(GENESIS, 1, 2, "kind", b"body")
    fields = {
        chain("1" * 64, 1, 2, "kind", b"body"),
        chain(GENESIS, 2, 2, "kind", b"body"),
        chain(GENESIS, 1, 3, "kind", b"body"),
        chain(GENESIS, 1, 2, "kinds", b"body"),
        chain(GENESIS, 1, 2, "kind", b"body "),
        chain(GENESIS, 1, 2, "kindb", b"ody"),
        known,
    }
    assert len(fields) == 7


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE journal SET body = x'00' WHERE row = 5",
        "UPDATE journal SET kind = 'other' WHERE row = 5",
        "UPDATE journal SET time_ns = time_ns + 1 WHERE row = 5",
        "UPDATE journal SET hash = zeroblob(32) WHERE row = 5",
    ],
)
def test_a_changed_row_is_found(path: Path, change: str) -> None:
    """Any field of any row, by its number (I9)."""
    fill(path, 10)
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    connection.close()
    rows, problems = verify(path)
    assert rows == 10
    assert any("row 5" in problem for problem in problems)


def test_a_gap_is_found(path: Path) -> None:
    """A row taken out is named, at the place where it is missing (I9)."""
    fill(path, 10)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM journal WHERE row = 4")
    connection.close()
    _, problems = verify(path)
    assert any("row 4 is missing" in problem for problem in problems)


def test_rows_in_another_order_are_found(path: Path) -> None:
    """Two rows exchanged break the chain (I9)."""
    fill(path, 10)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE journal SET row = 100 WHERE row = 4")
        connection.execute("UPDATE journal SET row = 4 WHERE row = 5")
        connection.execute("UPDATE journal SET row = 5 WHERE row = 100")
    connection.close()
    assert verify(path)[1]


def test_a_body_that_is_no_bytes_is_found_not_raised(path: Path) -> None:
    """STRICT keeps types; a file that is damaged below it is told in a line."""
    fill(path, 2_000)
    content = bytearray(path.read_bytes())
    for at in range(len(content) // 2, len(content) // 2 + 4_096):
        content[at] ^= 0xFF
    path.write_bytes(content)
    _, problems = verify(path)
    assert problems
    assert all("\n" not in problem for problem in problems)


def test_a_tampered_tail_is_refused_at_open(path: Path) -> None:
    """A writer never continues a chain whose end does not hold (FS2)."""
    fill(path, 5)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE journal SET body = x'00' WHERE row = 5")
    connection.close()
    with pytest.raises(JournalBroken, match="row 5"):
        Journal(path, SystemClock())


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be read as one" * 100, b"SQLite"]
)
def test_what_is_no_journal_is_refused_in_one_line(path: Path, content: bytes) -> None:
    """Another file in its place: named, and left alone."""
    path.write_bytes(content)
    with pytest.raises(JournalBroken, match=r"executor\.db") as caught:
        Journal(path, SystemClock())
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    """Nothing is made where nothing should be."""
    with pytest.raises(JournalBroken):
        Journal(tmp_path / "absent" / "x.db", SystemClock())


def test_reopened_it_goes_on(path: Path) -> None:
    """Number and chain continue over restarts (I6, I9)."""
    hashes = fill(path, 3)
    again = Journal(path, SystemClock())
    assert (again.synced, again.head.hash) == (3, hashes[-1])
    assert again.append("kind", b"more") == 4
    again.close()
    assert verify(path) == (4, [])
    assert [row.hash for row in read(path)][:3] == hashes
    assert [row.row for row in read(path, after=2)] == [3, 4]


def test_a_reader_needs_no_writer_and_no_file(path: Path) -> None:
    """A journal that is not there yet has no rows."""
    assert list(read(path)) == []
    assert verify(path) == (0, [])


def test_after_a_failed_commit_nothing_is_taken_any_more(journal: Journal, path: Path) -> None:
    """One error closes it for good: no retry, no further row, and it says why (EX2, FS1)."""
    journal.append("kind", b"good")
    wait_idle(journal, 1)
    with another_writer(path):
        journal._connection.set_busy_timeout(1)
        lost = journal.append("kind", b"lost")
        wait_until(lambda: journal.error is not None, "error")
    assert "commit failed" in str(journal.error)
    assert not journal.tampered  # a disk that refuses has changed nothing
    assert journal.synced == lost - 1
    with pytest.raises(JournalBroken, match="commit failed"):
        journal.append("kind", b"after")
    with pytest.raises(JournalBroken):
        journal.close()
    assert [row.body for row in read(path)] == [b"good"]
    assert verify(path) == (1, [])


def test_a_thread_that_breaks_says_so(journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FS1: whatever it dies of, rows that will never be durable are not waited for in silence."""

    def no_memory(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr("warden.runtime.journal.link", no_memory)
    journal.append("kind", b"lost")
    wait_until(lambda: journal.error is not None, "error")
    assert journal.error == "commit failed: MemoryError"
    with pytest.raises(JournalBroken, match="MemoryError"):
        journal.append("kind", b"after")
    with pytest.raises(JournalBroken):
        journal.close()
    assert verify(path) == (0, [])


def test_a_full_disk_closes_it(path: Path) -> None:
    """SQLITE_FULL is an error like any other; what was durable stays so."""
    journal = Journal(path, SystemClock())
    journal.append("kind", b"good")
    wait_idle(journal, 1)
    pages = next(iter(journal._connection.execute("PRAGMA page_count")))[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    journal.append("kind", b"x" * 1_000_000)
    wait_until(lambda: journal.error is not None, "error")
    with pytest.raises(JournalBroken, match="full"):
        journal.append("kind", b"after")
    with pytest.raises(JournalBroken):
        journal.close()
    assert verify(path) == (1, [])


def test_it_takes_no_more_than_its_bound(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that does not answer makes `append` refuse, not the memory grow."""
    monkeypatch.setattr(module, "ROWS_WAITING_MAX", 3)
    journal.append("kind", b"0")
    wait_idle(journal, 1)
    journal._connection.set_busy_timeout(60_000)

    def fill_up() -> None:
        for _ in range(10):
            journal.append("kind", b"x")

    with another_writer(path), pytest.raises(JournalBroken, match="wait for the disk"):
        fill_up()
    wait_synced(journal, journal.appended)


def test_closing_writes_what_waits_and_takes_no_more(path: Path) -> None:
    """An orderly end loses nothing."""
    journal = Journal(path, SystemClock())
    for number in range(1_000):
        journal.append("kind", b"%d" % number)
    journal.close()
    with pytest.raises(JournalBroken, match="closed"):
        journal.append("kind", b"late")
    assert verify(path) == (1_000, [])


def test_a_crash_leaves_a_good_beginning(path: Path, tmp_path: Path) -> None:
    """A copy of the files at any moment verifies, with every row that was called durable by then."""
    journal = Journal(path, SystemClock())
    for number in range(300):
        journal.append("kind", b"%d" % number)
    wait_synced(journal, 100)
    synced = journal.synced
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", crashed / f"executor.db{suffix}")
    journal.close()
    again = Journal(crashed / "executor.db", SystemClock())
    assert again.synced >= synced
    again.append("kind", b"after")
    again.close()
    assert verify(crashed / "executor.db")[1] == []


def test_the_files_are_for_their_owner_and_group_and_stay(path: Path) -> None:
    """The stop's caller may read it without the executor (DESIGN §3); also files of an older version."""
    path.touch(0o600)
    journal = Journal(path, SystemClock())
    assert journal.name == "executor"
    journal.append("kind", b"")
    journal.close()
    rights = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    names = ["executor.checkpoint", "executor.db", "executor.db-shm", "executor.db-wal"]
    assert rights == dict.fromkeys(names, 0o640)


def test_after_an_orderly_end_the_one_file_is_the_whole_journal(path: Path, tmp_path: Path) -> None:
    """It can be copied away alone."""
    fill(path, 300)
    assert path.with_name("executor.db-wal").stat().st_size == 0
    shutil.copy(path, tmp_path / "alone.db")
    assert verify(tmp_path / "alone.db") == (300, [])


def test_a_reader_at_the_end_costs_nothing_but_the_folding(path: Path) -> None:
    """Somebody who reads while the writer ends holds it up by nothing, and loses nothing."""
    fill(path, 10)
    journal = Journal(path, SystemClock())
    with contextlib.closing(apsw.Connection(str(path))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM journal").fetchall()
        journal.append("kind", b"more")
        journal.close()
    assert verify(path) == (11, [])


def test_a_setting_that_does_not_take_effect_is_refused() -> None:
    """WAL and synchronous=FULL are read back, not believed."""
    with (
        contextlib.closing(apsw.Connection(":memory:")) as connection,
        pytest.raises(JournalBroken, match="refuses WAL with synchronous=FULL: memory, 2"),
    ):
        module._set(connection)


def test_a_row_that_nobody_waits_for_shares_the_sync_of_the_next_urgent_one(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The urgent one does not stand behind a sync that was for nobody."""
    monkeypatch.setattr(module, "_LAZY_S", 600.0)
    journal.append("kind", b"nobody waits", urgent=False)
    journal.append("kind", b"nor for this", urgent=False)
    assert journal.synced == 0
    journal.append("kind", b"this is waited for")
    assert select.select([journal.wake], [], [], 60)[0]
    assert (journal.synced, os.eventfd_read(journal.wake)) == (3, 1)  # one commit for all three


def test_a_row_that_nobody_waits_for_becomes_durable_by_itself(journal: Journal) -> None:
    """It is held back for a moment, not for ever."""
    wait_synced(journal, journal.append("kind", b"alone", urgent=False))


def test_what_nobody_waits_for_is_written_at_the_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing waits for nothing."""
    monkeypatch.setattr(module, "_LAZY_S", 600.0)
    made = Journal(path, SystemClock())
    made.append("kind", b"last words", urgent=False)
    made.close()
    assert [row.body for row in read(path)] == [b"last words"]
