"""Probation: after a recovery sizes are cut for a while (ES5). Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from warden.watchdog.last_run import Span
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from warden.watchdog.last_run import LastRun
    from warden.watchdog.outbox import Outbox

_MINUTE_NS: Final = 60_000_000_000
WHOLE_PERCENT: Final = 100


class Course(msgspec.Struct, frozen=True):
    """How a probation goes, from the settings; `wall_after` gives the wall time so many ns from now."""

    percent: int
    length_ns: int
    wall_after: Callable[[int], str]


class Probation:
    """The probation that runs, if any. It survives a restart; after a reboot it starts over."""

    def __init__(self, course: Course, boot_id: str, out: Outbox) -> None:
        self._course = course
        self._boot_id = boot_id
        self._out = out
        self.span: Span | None = None
        self.owed = False

    def carry_over(self, last: LastRun, now_ns: int) -> None:
        """Go on with what the run before has left."""
        self.owed, self.span = last.probation_owed, last.probation
        if self.span is not None and self.span.boot_id != self._boot_id:
            # Nobody knows how long the machine was off, and the wall clock may lie.
            self._begin(self.span.length_ns, min(self.span.percent, self._course.percent), now_ns)

    @property
    def percent(self) -> int:
        """How much of every size limit counts now, from the clearing of a stop on."""
        if self.span is not None:
            return min(self.span.percent, self._course.percent)
        owed = self.owed and self._course.length_ns > 0
        return self._course.percent if owed else WHOLE_PERCENT

    @property
    def until_ns(self) -> int:
        """CLOCK_BOOTTIME of its end; 0 when none runs."""
        return 0 if self.span is None else self.span.until_ns

    def begin_if_owed(self, now_ns: int) -> None:
        """Begin when stops were cleared since the last arming; written down before anything is armed."""
        if self.owed:
            self.owed = False
            self._begin(self._course.length_ns, self._course.percent, now_ns)

    def step(self, now_ns: int) -> None:
        """End it when its time is over."""
        if self.span is not None and now_ns >= self.span.until_ns:
            self.span = None
            self._out.row("probation.ended")
            self._out.notice(Severity.INFO, "probation.ended", "probation is over: full sizes again")

    def text(self, now_ns: int) -> str:
        """Return it as one line for people; empty when none runs."""
        if self.span is None:
            return ""
        minutes = max(1, -(-(self.span.until_ns - now_ns) // _MINUTE_NS))
        return f"probation: {self.percent} % sizes for {minutes} min"

    def _begin(self, length_ns: int, percent: int, now_ns: int) -> None:
        if length_ns <= 0:
            self.span = None
            return
        self.span = Span(
            boot_id=self._boot_id,
            until_ns=now_ns + length_ns,
            length_ns=length_ns,
            percent=percent,
            until=self._course.wall_after(length_ns),
        )
        self._out.row("probation.begun", **msgspec.structs.asdict(self.span))
        self._out.notice(Severity.INFO, "probation.begun", self.text(now_ns), until=self.span.until)
