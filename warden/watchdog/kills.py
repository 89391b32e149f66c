"""Whom to end, and again if that failed: only after its leave was withdrawn. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from warden.watchdog.commands import Deed, Kill
from warden.watchdog.events import Outcome
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from warden.watchdog.events import KillEnded
    from warden.watchdog.outbox import Outbox

_AGAIN_NS: Final = 10_000_000_000
_ATTEMPTS_MAX: Final = 3
_TARGETS_MAX: Final = 16
_SEVERITY: Final = {
    Outcome.GONE: Severity.INFO,
    Outcome.KILLED: Severity.WARNING,
    Outcome.NOT_KILLED: Severity.CRITICAL,
}


@dataclass(slots=True)
class _Target:
    name: str
    session: str
    pid: int
    due_ns: int
    deed: Deed
    attempts: int = 0
    running: bool = False


class Kills:
    """The processes that are to end, by session; each is tried three times, ten seconds apart."""

    def __init__(self, out: Outbox) -> None:
        self._out = out
        self._targets: dict[str, _Target] = {}

    def order(self, name: str, session: str, pid: int, now_ns: int, deed: Deed = Deed.END) -> None:
        """Let a process be ended."""
        if session not in self._targets and len(self._targets) < _TARGETS_MAX:
            self._targets[session] = _Target(name, session, pid, now_ns, deed)

    def step(self, now_ns: int) -> None:
        """Begin what is due."""
        for target in self._targets.values():
            if not target.running and now_ns >= target.due_ns:
                target.running = True
                target.attempts += 1
                self._out.put(Kill(target.name, target.session, target.pid, target.deed))

    def ended(self, event: KillEnded, now_ns: int) -> None:
        """The helper is done with one."""
        target = self._targets.get(event.session)
        if target is None:
            return
        self._out.row(
            f"process.{event.outcome}",
            role=event.name,
            session=event.session,
            pid=event.pid,
            how=event.how,
            stack=event.stack,
        )
        self._out.notice(
            _SEVERITY[event.outcome],
            f"{event.role}.{event.outcome}",
            f"{event.name} process {event.pid}: {event.how}",
            "recovery-after-crash",
            pid=str(event.pid),
            stack=event.stack,
        )
        target.running, target.due_ns = False, now_ns + _AGAIN_NS
        if event.outcome is not Outcome.NOT_KILLED or target.attempts >= _ATTEMPTS_MAX:
            del self._targets[event.session]
