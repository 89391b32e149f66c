"""Finding rows by what stands in them: newest first, bounded, without the writer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from warden.domain.errors import JournalBroken
from warden.runtime import journal_search
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal
from warden.runtime.journal_search import containing

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of 40 rows, numbered from 1; every fourth is of kind b."""
    journal = Journal(tmp_path / "x.db", SystemClock())
    for number in range(1, 41):
        journal.append("b" if number % 4 == 0 else "a", b'{"n":"%d"}' % (number % 10))
    journal.close()
    return tmp_path / "x.db"


def test_the_newest_come_first(path: Path) -> None:
    """Rows that hold any of the needles, of the kinds asked for, with all that a reader gets."""
    assert [row.row for row in containing(path, [b'"7"'], ["a"], found_max=9)] == [37, 27, 17, 7]
    both = containing(path, [b'"7"', b'"8"'], ["a", "b"], found_max=3)
    assert [(row.row, row.kind) for row in both] == [(38, "a"), (37, "a"), (28, "b")]
    assert both[1].body == b'{"n":"7"}'


def test_windows_meet_without_gap(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the windows' size, each row is looked at once."""
    for rows in (1, 3, 10, 39, 40, 41):
        monkeypatch.setattr(journal_search, "_WINDOW_ROWS", rows)
        found = containing(path, [b"n"], ["a", "b"], found_max=99)
        assert [row.row for row in found] == list(range(40, 0, -1))


def test_bounds_hold(path: Path) -> None:
    """So many found, so many looked at, nothing before a row."""
    assert [row.row for row in containing(path, [b"n"], ["a", "b"], found_max=2)] == [40, 39]
    assert [row.row for row in containing(path, [b'"1"'], ["a"], found_max=9, searched_max=10)] == [31]
    assert [row.row for row in containing(path, [b'"1"'], ["a"], found_max=9, after=21)] == [31]


def test_nothing_to_look_for_or_in(path: Path, tmp_path: Path) -> None:
    """No needle, no kind, no file: nothing."""
    assert containing(path, [], ["a"], found_max=9) == []
    assert containing(path, [b"n"], [], found_max=9) == []
    assert containing(tmp_path / "none.db", [b"n"], ["a"], found_max=9) == []


def test_a_file_that_is_no_journal_is_said(tmp_path: Path) -> None:
    """One line, not a library's error."""
    (tmp_path / "x.db").write_bytes(b"no journal" * 1_000)
    with pytest.raises(JournalBroken, match="warden verify"):
        containing(tmp_path / "x.db", [b"n"], ["a"], found_max=9)
