"""The file channel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.unit.notifier.samples import alert
from warden.notifier.channels.file import FileChannel

if TYPE_CHECKING:
    from pathlib import Path


def test_an_alert_is_one_line_of_json(tmp_path: Path) -> None:
    """AL1: every field of the alert stands in its line, newlines in the message included."""
    channel = FileChannel(tmp_path / "logs" / "alerts.log")
    channel.send(alert(1, message="first\nsecond"))
    channel.send(alert(2))
    lines = [json.loads(line) for line in (tmp_path / "logs/alerts.log").read_text("utf-8").splitlines()]
    assert [line["alert_id"] for line in lines] == ["A000001", "A000002"]
    assert lines[0]["message"] == "first\nsecond"
    assert {"severity", "title", "root_cause", "recommended_action", "metadata", "acknowledged_by"} <= set(
        lines[0]
    )


def test_a_moved_file_is_made_again(tmp_path: Path) -> None:
    """Whoever rotates or removes the file from outside loses no later alert."""
    path = tmp_path / "alerts.log"
    channel = FileChannel(path)
    channel.send(alert(1))
    path.unlink()
    channel.send(alert(2))
    assert json.loads(path.read_text(encoding="utf-8"))["alert_id"] == "A000002"


def test_the_files_are_bounded(tmp_path: Path) -> None:
    """At its size the file is rotated, and five older ones stay, newest first."""
    path = tmp_path / "alerts.log"
    channel = FileChannel(path, rotate_at_bytes=1)
    for number in range(1, 10):
        channel.send(alert(number))
    names = sorted(each.name for each in tmp_path.iterdir())
    assert names == [f"alerts.log.{number}" for number in range(1, 6)]
    newest = json.loads((tmp_path / "alerts.log.1").read_text(encoding="utf-8"))
    assert newest["alert_id"] == "A000009"


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    """What could not be written raises, so that it is tried again and reported."""
    (tmp_path / "alerts.log").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        FileChannel(tmp_path / "alerts.log").send(alert(1))
