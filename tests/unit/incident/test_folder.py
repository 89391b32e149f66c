"""Folders of incidents: found by what a person types, bounded, and robust against what stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from warden.domain.errors import ConfigurationInvalid
from warden.incident.case import Case, Happening
from warden.incident.folder import CASE, cases, find, folders, make_room

if TYPE_CHECKING:
    from pathlib import Path


def _case(number: int, *, stop_id: str = "") -> Case:
    kind = "stop.seen" if stop_id else "trader.killed"
    happening = Happening(
        f"2026-11-20T10:{number:02d}:00.000Z", number, kind, "critical", "x", stop_id=stop_id
    )
    return Case(f"20261120T10{number:02d}00Z-{stop_id or 'trader-killed'}", (happening,), complete=True)


def _put(incidents: Path, case: Case, more_bytes: int = 0) -> Path:
    folder = incidents / case.id
    folder.mkdir()
    (folder / CASE).write_bytes(msgspec.json.encode(case))
    (folder / "timeline.jsonl").write_bytes(b"x" * more_bytes)
    return folder


def test_what_a_person_types_finds_it(tmp_path: Path) -> None:
    """OP1: a whole id, its beginning, a stop's id, `latest`; of several nothing is guessed."""
    first, second = _put(tmp_path, _case(1)), _put(tmp_path, _case(2, stop_id="stop-ab"))
    assert find(tmp_path, first.name) == first
    assert find(tmp_path, "20261120T1002") == second
    assert find(tmp_path, "stop-ab") == second
    assert find(tmp_path, "latest") == second
    for wrong in ("20261120", "nothing", "", "..", "../../etc", f"{first.name}/../.."):
        with pytest.raises(ConfigurationInvalid):
            find(tmp_path, wrong)


def test_foreign_things_are_passed_over(tmp_path: Path) -> None:
    """A file, a strange name, a folder without or with a damaged incident.json: none of it harms the list."""
    _put(tmp_path, _case(1))
    (tmp_path / "20261120T100200Z-a-file").touch()
    (tmp_path / "notes").mkdir()
    (tmp_path / "20261120T100300Z-empty").mkdir()
    (tmp_path / "20261120T100400Z-torn").mkdir()
    (tmp_path / "20261120T100400Z-torn" / CASE).write_bytes(b'{"id": "x", "happ')
    (tmp_path / "20261120T100500Z-void").mkdir()
    (tmp_path / "20261120T100500Z-void" / CASE).write_bytes(b'{"id": "x", "happenings": []}')
    assert [each.id for each in cases(tmp_path)] == ["20261120T100100Z-trader-killed"]
    assert len(folders(tmp_path)) == 4
    assert folders(tmp_path / "nowhere") == []


def test_stops_are_kept_longest(tmp_path: Path) -> None:
    """Of too many the oldest without a stop go first; a crash loop does not push a stop out."""
    _put(tmp_path, _case(1, stop_id="stop-1"))
    for number in range(2, 9):
        _put(tmp_path, _case(number))
    removed = make_room(tmp_path, keep=5, keep_mb=100)
    assert removed == [f"20261120T100{number}00Z-trader-killed" for number in (2, 3, 4)]
    assert folders(tmp_path)[0].name.endswith("stop-1")


def test_all_together_are_bounded_in_size_and_the_newest_stays(tmp_path: Path) -> None:
    """The newest is what somebody reads now, however large it is."""
    for number in range(1, 4):
        _put(tmp_path, _case(number), more_bytes=600_000)
    assert len(make_room(tmp_path, keep=100, keep_mb=1)) == 2
    (left,) = folders(tmp_path)
    assert left.name.startswith("20261120T1003")
    assert make_room(tmp_path, keep=100, keep_mb=0) == []
