"""One turn of a measurement: so many calls, timed one by one and then all together.

Of the standard library alone, since a peer's environment runs it too: both sides are timed by these lines.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WARM_UP = 2


def take(call: Callable[..., object], items: Sequence[tuple[Any, ...]], passes: int) -> dict[str, float]:
    """Call `call(*item)` for each item, `passes` times over, once more to warm up.

    Returns:
        `p50_us` and `p99_us` of single calls, the clock's own cost in them; and calls `per_s` of processor
        time in a loop without it, so that what others run on the machine does not count there.
    """
    for _ in range(WARM_UP):
        for item in items:
            call(*item)
    clock = time.perf_counter_ns
    each_ns: list[int] = []
    for _ in range(passes):
        for item in items:
            began_ns = clock()
            call(*item)
            each_ns.append(clock() - began_ns)
    began_ns = time.thread_time_ns()
    for _ in range(passes):
        for item in items:
            call(*item)
    took_ns = max(1, time.thread_time_ns() - began_ns)
    return {**percentiles(each_ns), "per_s": passes * len(items) * 1e9 / took_ns}


def percentiles(each_ns: list[int]) -> dict[str, float]:
    """Return p50 and p99 in microseconds."""
    each_ns.sort()
    last = len(each_ns) - 1
    return {"p50_us": each_ns[last // 2] / 1_000, "p99_us": each_ns[last * 99 // 100] / 1_000}


def nothing(*_: object) -> None:
    """Measured like all else, it tells what the measuring itself costs."""
