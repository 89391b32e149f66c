"""The clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from warden.runtime.clock import SteadyUtc, SystemClock, read_boot_id, wall_text


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


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_ns = 5_000_000_000
        self.utc = datetime(2026, 1, 1, tzinfo=UTC)

    def boot_ns(self) -> int:
        """Return what was set."""
        return self.now_ns

    def wall(self) -> datetime:
        """Return what was set."""
        return self.utc


NEW_YEAR_NS = 1_767_225_600_000_000_000


def test_steady_utc_begins_with_the_wall_and_goes_on_by_itself() -> None:
    """FS3: a wall clock that is set while a process runs moves no window and no day."""
    hands = Hands()
    steady = SteadyUtc(hands)
    assert steady.now_ns() == NEW_YEAR_NS
    hands.utc -= timedelta(hours=1)
    hands.now_ns += 7
    assert steady.now_ns() == NEW_YEAR_NS + 7


def test_steady_utc_never_begins_before_what_was_written() -> None:
    """FS3: the wall was set back before the start: time goes on from the journal's last row."""
    hands = Hands()
    steady = SteadyUtc(hands, NEW_YEAR_NS + 99)
    assert steady.now_ns() == NEW_YEAR_NS + 99
    hands.now_ns += 1
    assert steady.now_ns() == NEW_YEAR_NS + 100
