"""What the beats and looks of some seconds say of one process, and how many errors there were. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import msgspec

from warden.watchdog.events import Measured
from warden.wire.messages import Vitals

_NS: Final = 1_000_000_000
_MINUTE_S: Final = 60


class Figures(msgspec.Struct, frozen=True):
    """What one window came to; None of what nobody told.

    Attributes:
        lag_ms, lag_ms_max: how late its beats were, on average and at most.
        cpu_percent: of one core, on average.
        pss_mb, threads, files, files_max: as last told.
    """

    lag_ms: float | None = None
    lag_ms_max: int | None = None
    cpu_percent: float | None = None
    pss_mb: float | None = None
    threads: int | None = None
    files: int | None = None
    files_max: int | None = None


@dataclass(slots=True)
class Usage:
    """One process: `figures` are those of the last window that ended."""

    figures: Figures = field(default_factory=Figures)
    _beats: int = 0
    _lag_ms: int = 0
    _lag_ms_max: int = 0
    _looks: int = 0
    _cpu_percent: float = 0.0
    _vitals: Vitals | None = None
    _measured: Measured | None = None

    def beat(self, vitals: Vitals) -> None:
        """Take a beat's."""
        lag_ms = max(0, vitals.lag_ms)
        self._beats += 1
        self._lag_ms += lag_ms
        self._lag_ms_max = max(self._lag_ms_max, lag_ms)
        self._vitals = vitals

    def measured(self, event: Measured) -> None:
        """Take a look at what it uses."""
        self._looks += 1
        self._cpu_percent += event.cpu_percent
        self._measured = event

    def close(self) -> Figures:
        """End the window and return what it came to; of a silent process that is nothing.

        What was not measured in a window shorter than its turn is as it was last measured.
        """
        if not self._beats and not self._looks:
            self._vitals = self._measured = None
        vitals, measured = self._vitals, self._measured
        cpu_percent = None if measured is None else measured.cpu_percent
        self.figures = Figures(
            lag_ms=self._lag_ms / self._beats if self._beats else None,
            lag_ms_max=self._lag_ms_max if self._beats else None,
            cpu_percent=self._cpu_percent / self._looks if self._looks else cpu_percent,
            pss_mb=None if measured is None else measured.pss_mb,
            threads=None if measured is None else measured.threads,
            files=None if vitals is None or not vitals.files_max else vitals.files,
            files_max=None if vitals is None or not vitals.files_max else vitals.files_max,
        )
        self._beats = self._lag_ms = self._lag_ms_max = self._looks = 0
        self._cpu_percent = 0.0
        return self.figures


class ErrorRate:
    """Errors of the last minute, by how the counts in processes' beats rise."""

    def __init__(self) -> None:
        self._counted: dict[str, tuple[str, int]] = {}
        self._minute: deque[tuple[int, int]] = deque()

    def beat(self, name: str, session: str, errors: int, now_ns: int) -> None:
        """Take what a process's session has counted so far.

        What one had counted before this watchdog first heard of it was told to another watchdog; what a later
        process of the same name has counted by its first beat is new.
        """
        known = self._counted.get(name)
        before = errors if known is None else known[1] if known[0] == session else 0
        self._counted[name] = (session, errors)
        if errors > before:
            second = now_ns // _NS
            if self._minute and self._minute[-1][0] == second:
                errors += self._minute.pop()[1]
            self._minute.append((second, errors - before))

    def count(self, now_ns: int) -> int:
        """Return how many there were within the last minute."""
        while self._minute and self._minute[0][0] <= now_ns // _NS - _MINUTE_S:
            self._minute.popleft()
        return sum(count for _, count in self._minute)
