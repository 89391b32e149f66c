"""The gateway's check: enough endpoints, on the right chain, with a head that moves (FS2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.checks import answer
from warden.domain.health import Health
from warden.gateway.events import State
from warden.runtime.clock import NS_PER_S

if TYPE_CHECKING:
    from warden.domain.health import CheckLine
    from warden.gateway.core import Core
    from warden.runtime.process import Frame

_LOOK_NS: Final = NS_PER_S // 2
_GOOD: Final = frozenset({State.OK.value, State.SLOW.value})


def endpoints(core: Core, sources_min: int, now_ns: int) -> CheckLine:
    """Return the answer: how many endpoints can be used, and what is wrong with the others."""
    lines, usable = core.lines(now_ns), core.sources(now_ns)
    ill = [f"{line.name}: {line.detail or line.state}" for line in lines if line.state not in _GOOD]
    age_ms = core.head_age_ms(now_ns)
    head = "no head yet" if age_ms is None else f"head {core.head}, {age_ms / 1_000:.1f} s old"
    found = "; ".join([f"{len(usable)} of {len(lines)} can be used, {head}", *ill])[:300]
    status = Health.HEALTHY
    if len(usable) < sources_min:
        status = Health.UNHEALTHY
    elif ill:
        status = Health.DEGRADED
    return answer("endpoints", status, found, f"{sources_min} at least")


class Checking:
    """Tells the watchdog at every change, now and then, and when it asks."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._told = ""
        self._told_ns = 0
        self._answered = 0
        self._look_due_ns = 0

    def turn(self, core: Core, sources_min: int, now_ns: int) -> None:
        """Look, and tell where there is something to tell."""
        number = self._frame.checks_asked
        if now_ns < self._look_due_ns and number == self._answered:
            return
        self._look_due_ns = now_ns + _LOOK_NS
        line = endpoints(core, sources_min, now_ns)
        due = now_ns - self._told_ns >= self._frame.settings.checks.interval_s * NS_PER_S
        if line.status.value == self._told and not due and number == self._answered:
            return
        if self._frame.answer_checks((line,), number=number):
            self._told, self._told_ns, self._answered = line.status.value, now_ns, number
