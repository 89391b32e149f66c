"""The clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from warden.runtime.clock import SystemClock, read_boot_id, wall_text


class Fixed:
    """A clock that stands."""

    def boot_ns(self) -> int:
        """Return nothing of interest."""
        return 0

    def wall(self) -> datetime:
        """Return one moment."""
        return datetime(2026, 1, 2, 3, 4, 5, 678_999, UTC)


def test_wall_time_is_text_for_people() -> None:
    """ISO 8601, UTC, milliseconds, cut and not rounded up."""
    assert wall_text(Fixed()) == "2026-01-02T03:04:05.678Z"
    assert wall_text(SystemClock()).endswith("Z")


def test_boot_time_only_rises() -> None:
    """Deadlines are reckoned in it."""
    clock = SystemClock()
    times = [clock.boot_ns() for _ in range(100)]
    assert times == sorted(times)
    assert times[0] > 0


def test_the_boot_has_an_id() -> None:
    """A permit of another boot is refused by it (I2)."""
    assert re.fullmatch(r"[0-9a-f-]{36}", read_boot_id())
    assert read_boot_id() == read_boot_id()
