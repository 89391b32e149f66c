"""The logger's journal of heads: what it saw is there again at the next start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.logger.witness import WitnessJournal
from warden.runtime.clock import SystemClock
from warden.runtime.journal import read, verify
from warden.runtime.witnesses import heads_of
from warden.wire.messages import Head

if TYPE_CHECKING:
    from pathlib import Path


def head(rows: int, journal: str = "executor") -> Head:
    """A head of so many rows."""
    return Head(journal=journal, rows=rows, hash=f"{rows:064x}")


def test_what_was_seen_is_there_at_the_next_start(tmp_path: Path) -> None:
    """I9: each journal's last head, in the order in which they were seen, whatever their numbers."""
    path = tmp_path / "logger.db"
    first = WitnessJournal(path, SystemClock())
    for each in (head(5), head(9, "watchdog"), head(7), head(6)):
        first.write(each)
    first.close()
    assert [heads_of(row)[0][:2] for row in read(path)] == [
        ("executor", 5),
        ("watchdog", 9),
        ("executor", 7),
        ("executor", 6),
    ]
    second = WitnessJournal(path, SystemClock())
    assert second.seen == {"executor": head(6), "watchdog": head(9, "watchdog")}
    assert (second.error, [each.rows for each in second.heads]) == ("", [4])
    second.close()
    assert verify(path) == (4, [])


def test_without_a_journal_it_says_why_and_goes_on(tmp_path: Path) -> None:
    """Logs are written all the same."""
    path = tmp_path / "logger.db"
    path.write_bytes(b"something else, and long enough to be looked at" * 50)
    witness = WitnessJournal(path, SystemClock())
    witness.write(head(1))
    witness.close()
    assert "logger.db" in witness.error
    assert (witness.seen, witness.heads) == ({}, ())
