"""The clock that every process is handed: BOOTTIME for deadlines, wall time for people."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """Where time comes from."""

    def boot_ns(self) -> int:
        """Return nanoseconds since boot, suspend counted, wall-clock changes ignored."""
        ...

    def wall(self) -> datetime:
        """Return UTC for people; nothing is decided by it."""
        ...


class SystemClock:
    """The machine's clock."""

    def boot_ns(self) -> int:
        """Return CLOCK_BOOTTIME in nanoseconds."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def wall(self) -> datetime:
        """Return the machine's idea of UTC."""
        return datetime.now(UTC)


class SteadyUtc:
    """UTC that never goes back: the wall's at the start, from then on by BOOTTIME.

    What counts days and windows of money goes by it: a wall clock that is set while the process runs moves
    nothing, and one that was set back before its start makes it go on from `not_before_ns`.
    """

    def __init__(self, clock: Clock, not_before_ns: int = 0) -> None:
        self._clock = clock
        wall_ns = int(clock.wall().timestamp() * NS_PER_S)
        self._offset_ns = max(wall_ns, not_before_ns) - clock.boot_ns()

    def now_ns(self) -> int:
        """Return UTC in nanoseconds since 1970."""
        return self._offset_ns + self._clock.boot_ns()


def wall_text(clock: Clock) -> str:
    """Return the wall time as ISO 8601 with milliseconds and Z."""
    return clock.wall().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_boot_id() -> str:
    """Return the kernel's id of this boot: a permit of another boot is refused."""
    return _BOOT_ID.read_text(encoding="ascii").strip()
