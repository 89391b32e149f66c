"""What each process costs: CPU now, memory, threads; one process at a time. Never waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil

from warden.watchdog.events import Measured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from warden.runtime.clock import Clock

_EVERY_NS: Final = 5_000_000_000
_MB: Final = 1_000_000


@dataclass(slots=True)
class _Known:
    process: psutil.Process
    due_ns: int = 0
    pss_mb: float = 0.0
    cpu_percent: float = 0.0


class Measures:
    """CPU in percent of one core, proportional memory in MB and threads, by process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def take(self, pids: Mapping[str, int]) -> Measured | None:
        """Measure the one process that has waited longest, if it has waited five seconds."""
        now_ns = self._clock.boot_ns()
        for name, pid in pids.items():
            known = self._known.get(name)
            if pid and (known is None or known.process.pid != pid):
                self._meet(name, pid)
        due = [name for name in pids if name in self._known and self._known[name].due_ns <= now_ns]
        return self._measure(min(due, key=lambda name: self._known[name].due_ns), now_ns) if due else None

    def of(self, name: str) -> tuple[float, float]:
        """Return (memory in MB, CPU in percent of one core) as last measured; zeros when never."""
        known = self._known.get(name)
        return (0.0, 0.0) if known is None else (known.pss_mb, known.cpu_percent)

    def _meet(self, name: str, pid: int) -> None:
        try:
            self._known[name] = _Known(psutil.Process(pid))
        except (psutil.Error, ValueError):
            self._known.pop(name, None)

    def _measure(self, name: str, now_ns: int) -> Measured | None:
        known = self._known[name]
        first, known.due_ns = known.due_ns == 0, now_ns + _EVERY_NS
        try:
            with known.process.oneshot():
                known.cpu_percent = round(known.process.cpu_percent(), 1)
                threads = known.process.num_threads()
            known.pss_mb = round(_memory_bytes(known.process) / _MB, 1)
        except psutil.Error:
            known.cpu_percent, known.pss_mb = 0.0, 0.0
            return None
        if first:
            return None  # there is nothing yet that its CPU time could have grown from
        latency_us = (self._clock.boot_ns() - now_ns) // 1_000
        return Measured(name, known.pss_mb, known.cpu_percent, threads, latency_us)


def _memory_bytes(process: psutil.Process) -> int:
    """Return PSS; RSS where another user's process does not show it."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
