"""Alerts on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.notifier.samples import alert
from warden.notifier.memory import Memory
from warden.runtime.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path


def test_alerts_are_there_after_a_restart(tmp_path: Path) -> None:
    """AL5: what was remembered is read back whole, oldest first."""
    memory = Memory(tmp_path / "notifier.db", SystemClock())
    assert memory.alerts == []
    for number in range(1, 6):
        memory.remember(alert(number))
    memory.close()
    again = Memory(tmp_path / "notifier.db", SystemClock())
    assert again.alerts == [alert(number) for number in range(1, 6)]
    assert again.error == ""
    again.close()


def test_alerting_goes_on_without_memory(tmp_path: Path) -> None:
    """A state file that is no journal is said, and stops nothing."""
    path = tmp_path / "notifier.db"
    path.write_bytes(b"not a database, whatever the name says" * 100)
    memory = Memory(path, SystemClock())
    memory.remember(alert(1))
    memory.close()
    assert "not a database" in memory.error
    assert path.read_bytes().startswith(b"not a database")


def test_a_row_that_is_no_alert_is_said(tmp_path: Path) -> None:
    """A row of another version is not taken for an alert."""
    memory = Memory(tmp_path / "notifier.db", SystemClock())
    assert memory._journal is not None
    memory._journal.append("alert", b'{"alert_id": 1}')
    memory.close()
    again = Memory(tmp_path / "notifier.db", SystemClock())
    assert again.error != ""
    again.close()
