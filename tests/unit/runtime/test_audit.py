"""Rows are read back while the journal is open: a change is found without a restart."""

from __future__ import annotations

import contextlib
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import apsw
import pytest

from tests.faults import fault
from tests.instance import wait_until
from warden.domain.errors import JournalBroken
from warden.runtime.checkpoints import load
from warden.runtime.clock import NS_PER_S, SystemClock
from warden.runtime.journal import Journal, verify

if TYPE_CHECKING:
    from pathlib import Path


class Hurried:
    """A clock on which ten minutes pass between any two looks."""

    def __init__(self) -> None:
        self._now_ns = 0

    def boot_ns(self) -> int:
        """As a clock does."""
        self._now_ns += 600 * NS_PER_S
        return self._now_ns

    def wall(self) -> datetime:
        """As a clock does."""
        return datetime.now(UTC)


def change(path: Path, statement: str) -> None:
    """Do to the file what no program of ours does."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.set_busy_timeout(10_000)
        connection.execute(statement)


def opened(path: Path, rows: int, audit_every_s: float) -> Journal:
    """An open journal with so many durable rows of an earlier run."""
    journal = Journal(path, SystemClock())
    for number in range(rows):
        journal.append("kind", b"%d" % number)
    journal.close()
    return Journal(path, SystemClock(), audit_every_s=audit_every_s)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE journal SET body = x'00' WHERE row = 3", "row 3 does not follow"),
        ("DELETE FROM journal WHERE row = 50", "row 50 is missing"),
        ("DELETE FROM journal WHERE row > 90", "rows 91 to 100 are gone"),
    ],
)
def test_a_change_of_what_was_verified_is_found_by_the_whole_walk(
    tmp_path: Path, statement: str, found: str
) -> None:
    """FS3: hourly, everything again; then nothing is taken any more and nothing sent (I9)."""
    path = tmp_path / "executor.db"
    journal = opened(path, 100, audit_every_s=0.05)
    change(path, statement)
    wait_until(lambda: journal.error is not None, "error")
    assert found in str(journal.error)
    with pytest.raises(JournalBroken, match="check failed"):
        journal.append("kind", b"")
    with pytest.raises(JournalBroken):
        journal.close()


def test_a_journal_that_holds_is_walked_again_and_again_without_an_error(tmp_path: Path) -> None:
    """No false alarm while rows come in."""
    path = tmp_path / "executor.db"
    journal = opened(path, 500, audit_every_s=0.0)
    for number in range(500):
        journal.append("kind", b"%d" % number)
        wait_until(lambda: journal.synced == journal.appended or journal.error is not None, "durable row")
    journal.close()
    assert verify(path) == (1_000, [])


def test_the_checkpoint_moves_while_it_runs(tmp_path: Path) -> None:
    """A crash after a month leaves little to verify, and a rollback is found up to there."""
    path = tmp_path / "executor.db"
    journal = Journal(path, Hurried())
    for number in range(300):
        journal.append("kind", b"%d" % number)
    wait_until(lambda: load(path)[0].row == 300, "checkpoint at row 300")
    journal.close()


@fault("truncated")
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_file_that_is_replaced_under_it_takes_no_row(tmp_path: Path, suffix: str) -> None:
    """Rows that go to a file which has no name any more are durable nowhere (I5)."""
    path = tmp_path / "executor.db"
    journal = opened(path, 5, audit_every_s=3_600.0)
    file = path.with_name(path.name + suffix)
    shutil.copy(file, tmp_path / "copy")
    (tmp_path / "copy").rename(file)
    row = journal.append("kind", b"lost")
    wait_until(lambda: journal.error is not None, "error")
    assert journal.synced == row - 1
    assert "was replaced while it was open" in str(journal.error)
    with pytest.raises(JournalBroken):
        journal.close()


def test_times_never_go_back(tmp_path: Path) -> None:
    """FS3: a wall clock that is set back leaves the rows in order, also over a restart."""

    class Back(SystemClock):
        """A wall clock that goes back by a day at each look."""

        day = 20

        def wall(self) -> datetime:
            """As a clock does."""
            self.day -= 1
            return datetime(2026, 1, self.day, tzinfo=UTC)

    path = tmp_path / "executor.db"
    for _ in range(2):
        journal = Journal(path, Back())
        for _ in range(3):
            journal.append("kind", b"")
        journal.close()
    assert verify(path) == (6, [])
    change(path, "UPDATE journal SET time_ns = 0 WHERE row = 6")
    assert verify(path)[1] != []
