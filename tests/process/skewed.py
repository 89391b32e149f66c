"""A real process whose wall clock jumps by hours at every look: `python -m tests.process.skewed warden.ROLE`.

Wall time is for people; every decision is made on CLOCK_BOOTTIME (DESIGN §3).
"""

from __future__ import annotations

import importlib
import itertools
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from warden.domain.roles import Role
from warden.runtime.clock import SystemClock
from warden.runtime.process import run

if TYPE_CHECKING:
    from datetime import datetime

JUMPS_S = itertools.cycle((3_600, -3_600, 0, 86_400, -86_400))


def skew() -> None:
    """Let every look at the wall clock of this process jump."""
    wall, seconds = SystemClock.wall, time.time

    def jumping(clock: SystemClock) -> datetime:
        return wall(clock) + timedelta(seconds=next(JUMPS_S))

    setattr(SystemClock, "wall", jumping)  # noqa: B010 - the types forbid the plain form, rightly
    time.time = lambda: seconds() + next(JUMPS_S)
    time.time_ns = lambda: int(time.time() * 1_000_000_000)


if __name__ == "__main__":
    module = next(word for word in sys.argv if word.startswith("warden."))
    skew()
    main = importlib.import_module(f"{module}.main").main
    raise SystemExit(run(Role(module.removeprefix("warden.")), main, sys.argv[sys.argv.index(module) + 1 :]))
