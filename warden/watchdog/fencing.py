"""An executor that neither acknowledges a stop nor beats is ended: it must not wake up and send. Pure.

Its gate looks at the stop directory before each write anyway; this is the second lock on the same door.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.roles import Role
from warden.watchdog.commands import Deed
from warden.watchdog.events import Outcome
from warden.watchdog.liveness import START_NS, Condition
from warden.wire.messages import ProcessState
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from warden.watchdog.events import KillEnded
    from warden.watchdog.kills import Kills
    from warden.watchdog.liveness import Liveness
    from warden.watchdog.outbox import Outbox
    from warden.watchdog.stops import Stops

UNANSWERED_NS: Final = 500_000_000
_SILENT_NS_MAX: Final = 2_000_000_000
_LIVING: Final = frozenset({Condition.ALIVE, Condition.LIVELOCKED, Condition.LOST})


class Fencing:
    """Orders the end of a silent executor once for each of its sessions.

    Args:
        lost_after_ns: silence that counts as lost; under a stop never more than 2 s.
    """

    def __init__(
        self, liveness: Liveness, stops: Stops, kills: Kills, out: Outbox, lost_after_ns: int
    ) -> None:
        self._liveness = liveness
        self._stops = stops
        self._kills = kills
        self._out = out
        self._silent_ns = min(lost_after_ns, _SILENT_NS_MAX)
        self._fenced = ""
        self._stop_ids: tuple[str, ...] = ()

    def step(self, now_ns: int) -> None:
        """End the executor if it must be."""
        executor = self._liveness.peers[Role.EXECUTOR]
        # One that has said that it ends may be waiting for its disk; it sends nothing any more.
        if (
            executor.session == self._fenced
            or executor.condition not in _LIVING
            or executor.state is ProcessState.STOPPING
        ):
            return
        bound_ns = self._silent_ns if executor.was_ready else START_NS
        if self._liveness.silent_ns(executor, now_ns) < bound_ns:
            return
        stop_ids = self._stops.unanswered(executor.session, now_ns - UNANSWERED_NS)
        if not stop_ids:
            return
        self._fenced, self._stop_ids = executor.session, stop_ids
        self._out.row("stop.fence", stop_ids=list(stop_ids), session=executor.session, pid=executor.pid)
        self._kills.order(Role.EXECUTOR, executor.session, executor.pid, now_ns, Deed.KILL)

    def ended(self, event: KillEnded) -> None:
        """The kill helper is done with a process."""
        if event.session != self._fenced or event.outcome is Outcome.NOT_KILLED:
            return
        names = ", ".join(self._stop_ids[:3])
        self._out.row(
            "stop.fenced", stop_ids=list(self._stop_ids), session=event.session, pid=event.pid, how=event.how
        )
        self._out.notice(
            Severity.WARNING,
            "stop.fenced",
            f"the executor neither acknowledged {names} nor beat, and is proven dead: {event.how}",
            "emergency-stop",
            stop_ids=" ".join(self._stop_ids),
            pid=str(event.pid),
        )
