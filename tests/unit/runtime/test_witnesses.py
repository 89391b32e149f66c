"""Heads that others wrote down, held against the journals: real files, every way in which one goes back."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

import apsw
import msgspec
import pytest

from warden.runtime.chain import GENESIS
from warden.runtime.checkpoints import checkpoint_path
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal, verify
from warden.runtime.witnesses import cross_check

if TYPE_CHECKING:
    from pathlib import Path


class Pair:
    """A journal and a witness of it, without the checkpoint, which would find much of this too."""

    def __init__(self, directory: Path) -> None:
        self.journal = directory / "executor.db"
        self.witness = directory / "watchdog.db"

    def write(self, rows: int, body: bytes = b"body") -> None:
        """Write so many rows to the journal, and let the witness see its head."""
        journal = Journal(self.journal, SystemClock())
        for _ in range(rows):
            journal.append("kind", body)
        journal.close()
        checkpoint_path(self.journal).unlink(missing_ok=True)
        self.testify([["executor", journal.head.rows, journal.head.hash]])

    def testify(self, heads: object) -> None:
        """Write one witness row, among others."""
        witness = Journal(self.witness, SystemClock())
        witness.append("beat", b"{}")
        witness.append("witness", msgspec.json.encode({"heads": heads, "stop_ids": []}))
        witness.close()

    def problems(self) -> list[str]:
        """What the witness says against the journal."""
        return cross_check(self.witness, [self.journal, self.witness])


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """A journal of 30 rows, seen at 10, 20 and 30."""
    made = Pair(tmp_path)
    for _ in range(3):
        made.write(10)
    return made


def test_what_agrees_is_no_problem(pair: Pair) -> None:
    """Also with rows that nobody has seen yet, and heads of journals that are not asked for."""
    pair.testify([["another", 5, "ab" * 32], ["watchdog", 99, "cd" * 32], ["executor", 0, GENESIS]])
    journal = Journal(pair.journal, SystemClock())
    journal.append("kind", b"new")
    journal.close()
    assert pair.problems() == []


def test_no_witness_says_nothing(tmp_path: Path) -> None:
    """A system that is just made."""
    assert Pair(tmp_path).problems() == []


def test_a_journal_that_was_cut_off_is_found_with_its_rows(pair: Pair) -> None:
    """I9: truncation, up to the last witnessed head; the chain of what is left holds."""
    with contextlib.closing(apsw.Connection(str(pair.journal))) as connection:
        connection.execute("DELETE FROM journal WHERE row > 17")
    assert verify(pair.journal) == (17, [])
    ((problem),) = pair.problems()
    assert problem.startswith("executor.db ends at row 17, but watchdog.db (its row 6, 20")
    assert problem.endswith(") saw row 30: rows 18 to 30 are gone, it was truncated or rolled back")


def test_an_older_copy_that_was_written_on_is_found(pair: Pair, tmp_path: Path) -> None:
    """I9: rollback, as long as before and well chained: the first row that is another is named."""
    shutil.copy(pair.journal, tmp_path / "older")
    pair.write(10)
    pair.write(10)
    shutil.copy(tmp_path / "older", pair.journal)
    journal = Journal(pair.journal, SystemClock())
    for _ in range(12):
        journal.append("kind", b"another past")
    journal.close()
    changed, gone = pair.problems()
    assert changed.startswith("executor.db: row 40 is not the row that watchdog.db (its row 8, 20")
    assert "ends at row 42" in gone
    assert "rows 43 to 50 are gone" in gone


def test_a_journal_that_is_gone_is_found(pair: Pair) -> None:
    """I9: no file at all, though its rows were seen."""
    pair.journal.unlink()
    ((problem),) = pair.problems()
    assert "rows 1 to 30 are gone" in problem


def test_a_single_row_that_was_taken_out_is_found(pair: Pair) -> None:
    """The head that was seen is not there, though later rows are."""
    with contextlib.closing(apsw.Connection(str(pair.journal))) as connection:
        connection.execute("DELETE FROM journal WHERE row = 20")
    ((problem),) = pair.problems()
    assert problem.startswith("executor.db: row 20 is gone, which watchdog.db (its row 4")


@pytest.mark.parametrize("heads", [None, "x", [["executor", "1", "ab"]], [["executor", 1]], 7])
def test_a_witness_row_that_cannot_be_read_is_a_problem(pair: Pair, heads: object) -> None:
    """Told, not passed over; the others still count."""
    pair.testify(heads)
    assert pair.problems() == ["watchdog.db: row 8 is a witness row that cannot be read"]


def test_a_witness_that_cannot_be_read_is_a_problem(pair: Pair) -> None:
    """One line, no traceback."""
    pair.witness.write_bytes(b"no database at all, but as long as one" * 100)
    ((problem),) = pair.problems()
    assert problem.startswith("watchdog.db: its witness rows cannot be held against the journals")
