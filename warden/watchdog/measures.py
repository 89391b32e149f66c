"""What each process costs: CPU now, memory every five seconds, one process at a time. Never waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import psutil

_EVERY_NS: Final = 5_000_000_000
_MB: Final = 1_000_000


@dataclass(slots=True)
class _Measured:
    process: psutil.Process
    due_ns: int = 0
    pss_mb: float = 0.0
    cpu_percent: float = 0.0


class Measures:
    """CPU in percent of one core and proportional memory in MB, by process."""

    def __init__(self) -> None:
        self._known: dict[str, _Measured] = {}

    def take(self, pids: dict[str, int], now_ns: int) -> None:
        """Measure the one process that has waited longest, if it has waited five seconds."""
        for name, pid in pids.items():
            known = self._known.get(name)
            if pid and (known is None or known.process.pid != pid):
                self._meet(name, pid)
        due = [name for name in pids if name in self._known and self._known[name].due_ns <= now_ns]
        if due:
            self._measure(min(due, key=lambda name: self._known[name].due_ns), now_ns)

    def of(self, name: str) -> tuple[float, float]:
        """Return (memory in MB, CPU in percent of one core) as last measured; zeros when never."""
        known = self._known.get(name)
        return (0.0, 0.0) if known is None else (known.pss_mb, known.cpu_percent)

    def _meet(self, name: str, pid: int) -> None:
        try:
            self._known[name] = _Measured(psutil.Process(pid))
        except (psutil.Error, ValueError):
            self._known.pop(name, None)

    def _measure(self, name: str, now_ns: int) -> None:
        known = self._known[name]
        known.due_ns = now_ns + _EVERY_NS
        try:
            known.cpu_percent = round(known.process.cpu_percent(), 1)
            known.pss_mb = round(_memory_bytes(known.process) / _MB, 1)
        except psutil.Error:
            known.cpu_percent, known.pss_mb = 0.0, 0.0


def _memory_bytes(process: psutil.Process) -> int:
    """Return PSS; RSS where another user's process does not show it."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
