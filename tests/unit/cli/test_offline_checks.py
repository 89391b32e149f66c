"""What `warden health-check` finds with nothing running."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from warden.cli.offline_checks import offline
from warden.domain.health import CheckLine, Health
from warden.domain.roles import Role
from warden.domain.stops import Stop
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal
from warden.runtime.latch import Latch
from warden.runtime.places import Places, create

if TYPE_CHECKING:
    from pathlib import Path


class Ahead(SystemClock):
    """A wall clock that was a day ahead."""

    def wall(self) -> datetime:
        """Return tomorrow."""
        return datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def where(tmp_path: Path) -> Places:
    """An instance that ran once and ended in order."""
    made = create(tmp_path)
    (tmp_path / "warden.toml").write_text('environment = "devnet"\n', encoding="utf-8")
    Latch(made.stop).create()
    write(made, SystemClock())
    return made


def write(where: Places, clock: SystemClock) -> None:
    """Write rows into the executor's journal."""
    journal = Journal(where.journal(Role.EXECUTOR), clock)
    for _ in range(5):
        journal.append("x.1", b"{}")
    journal.close()


def failing(where: Places) -> dict[str, CheckLine]:
    """Return what fails, by name."""
    return {line.name: line for line in offline(where.home) if line.status is not Health.HEALTHY}


def test_all_is_well_where_it_ended_in_order(where: Places) -> None:
    """FS2: configuration, journals, witnesses, disk, stop directory and clock, each with what was found."""
    lines = {line.name: line for line in offline(where.home)}
    assert lines.keys() >= {"configuration", "integrity.executor", "integrity.witness", "disk", "clock"}
    assert failing(where) == {}
    assert all(line.found for line in lines.values())


def test_a_setting_that_is_wrong_is_named(where: Places) -> None:
    """OP3: the line and the mend, as `warden up` would say it."""
    (where.home / "warden.toml").write_text("[limits]\nmax_positions = 0\n", encoding="utf-8")
    assert "max_positions" in failing(where)["configuration"].found


def test_a_row_that_was_changed_is_found(where: Places) -> None:
    """FS3: every row of every journal is walked."""
    path = where.journal(Role.EXECUTOR)
    path.write_bytes(path.read_bytes().replace(b"x.1", b"y.1"))
    line = failing(where)["integrity.executor"]
    assert (line.status, line.mend) == (Health.CRITICAL, "startup#integrity-of-the-journals")


def test_a_stop_and_a_stop_directory_that_is_gone(where: Places) -> None:
    """ES4: what stands keeps it stopped, and so does what cannot be read."""
    Latch(where.stop).write(Stop(stop_id="by-hand"))
    assert "by-hand" in failing(where)["stop-directory"].found
    shutil.rmtree(where.stop)
    assert failing(where)["stop-directory"].status is Health.CRITICAL


def test_a_clock_that_was_set_back_is_found(where: Places) -> None:
    """FS2: clock sane: no journal bears times of tomorrow."""
    write(where, Ahead())
    line = failing(where)["clock"]
    assert "behind the newest row" in line.found
    assert line.mend == "startup#clock"
