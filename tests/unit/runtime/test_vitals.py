"""What a process tells of its own loop."""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING

from warden.runtime.clock import SystemClock
from warden.runtime.vitals import OwnVitals

if TYPE_CHECKING:
    from pathlib import Path

S = 10**9


class SetClock(SystemClock):
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.ns = 100 * S

    def boot_ns(self) -> int:
        """Return the moment that was set."""
        return self.ns


def test_a_beat_that_is_late_says_by_how_much() -> None:
    """HM1: lag of the loop: what lies between the moment it was due and the moment it is sent."""
    clock = SetClock()
    own = OwnVitals(clock)
    assert own.take(0, None, (0, 0)).lag_ms == 0
    assert own.take(clock.ns - 340 * 10**6, None, (0, 0)).lag_ms == 340
    assert own.take(clock.ns + S, None, (0, 0)).lag_ms == 0


def test_open_files_are_counted_anew_every_five_seconds(tmp_path: Path) -> None:
    """HM1: how many are open now, and how many there may be."""
    clock = SetClock()
    own = OwnVitals(clock)
    before = own.take(0, None, (0, 0))
    assert before.files_max == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    handles = [os.open(tmp_path, os.O_RDONLY) for _ in range(7)]
    try:
        clock.ns += 4 * S
        assert own.take(0, None, (0, 0)).files == before.files
        clock.ns += S
        assert own.take(0, None, (0, 0)).files >= before.files + 7
    finally:
        for handle in handles:
            os.close(handle)


def test_errors_only_rise_and_what_it_is_told_is_passed_on() -> None:
    """HM3: a count since the start, the age of data, and endpoints that can be used."""
    own = OwnVitals(SetClock())
    assert own.take(0, None, (0, 0)).errors == 0
    own.erred()
    own.erred()
    told = own.take(0, 1_500, (2, 3))
    assert (told.errors, told.data_age_ms, told.sources, told.sources_max) == (2, 1_500, 2, 3)
