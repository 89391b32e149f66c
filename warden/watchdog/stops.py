"""The stops that stand: recorded, sent on to the executor, and missed when they vanish. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from warden.domain.causes import RULES, Cause
from warden.domain.stops import Stop
from warden.watchdog.commands import ForwardStop, WriteStop
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.watchdog.authority import Authority
    from warden.watchdog.events import StopAcknowledged, StopsSeen, StopWritten
    from warden.watchdog.incidents import Incidents
    from warden.watchdog.outbox import Outbox

_FORWARD_NS: Final = 1_000_000_000
_NAMED_MAX: Final = 3
_DEMANDED_MAX: Final = 64


@dataclass(slots=True)
class _Known:
    stop: Stop
    since_ns: int
    announced: bool = False
    acknowledged_by: str = ""  # the executor's session
    forward_due_ns: int = 0


class Stops:
    """What the stop directory said last, and what follows from a change of it.

    Args:
        before: the ids that stood when the run before was last heard of.
    """

    def __init__(
        self, authority: Authority, out: Outbox, incidents: Incidents, before: Iterable[str] = ()
    ) -> None:
        self._authority = authority
        self._incidents = incidents
        self._out = out
        self._known: dict[str, _Known] = {}
        self._before = set(before)
        self._recorded = frozenset(self._before)
        self.unreadable = "not read yet"
        self._write_due_ns: dict[str, int] = {}
        self._unwritten = ""
        self.arrivals = 0  # counts stops as they come; whoever waits sees that another came
        self.recovering = False
        self.clearing: frozenset[str] = frozenset()  # those that a recovery moves away

    @property
    def stopped(self) -> bool:
        """Tell whether anything stands, or nobody knows."""
        return bool(self._known) or bool(self.unreadable)

    @property
    def standing(self) -> tuple[Stop, ...]:
        """The stops, by id."""
        return tuple(self._known[stop_id].stop for stop_id in sorted(self._known))

    def seen(self, event: StopsSeen, now_ns: int) -> None:
        """Take what the directory says now."""
        if event.unreadable:
            if self._authority.stand(Cause.STOP_DIRECTORY, now_ns, event.unreadable):
                self._shout("stop.directory-unreadable", event.unreadable, Cause.STOP_DIRECTORY)
            self.unreadable = event.unreadable
            return
        self.unreadable = ""
        current = {stop.stop_id: stop for stop in event.stops}
        for stop_id in self._before - current.keys():
            self._vanished(stop_id, now_ns)
        self._before.clear()
        for stop_id, stop in current.items():
            known = self._known.get(stop_id)
            if known is None:
                self._known[stop_id] = _Known(stop, now_ns)
                self.arrivals += 1
                continue
            # Only what is seen twice is put down: the file appears a moment before its content.
            known.stop = stop
            self._announce(known)
        for stop_id in self._known.keys() - current.keys():
            known = self._known.pop(stop_id)
            self._announce(known)
            if stop_id not in self.clearing:
                self._vanished(stop_id, now_ns)
        self._incidents.look(tuple(current.values()))
        if self._known:
            self._authority.stand(Cause.STOP, now_ns, self._named())
        elif Cause.STOP in self._authority.standing and not self.recovering:
            # The stop is gone, its effect is not: an operator arms.
            self._authority.stand(Cause.NOT_ARMED, now_ns, "the stop is gone, but nothing was armed since")
            self._authority.lift(Cause.STOP, "no stop file stands")

    def demanded(self, stops: tuple[Stop, ...], now_ns: int) -> None:
        """The executor keeps stops of which it sees no file: write each, once a second until it stands."""
        for stop in stops:
            due_ns = self._write_due_ns.get(stop.stop_id, 0)
            if stop.stop_id in self._known or stop.stop_id in self.clearing or now_ns < due_ns:
                continue
            if len(self._write_due_ns) >= _DEMANDED_MAX:
                self._write_due_ns.clear()
            self._write_due_ns[stop.stop_id] = now_ns + _FORWARD_NS
            self._out.put(WriteStop(stop))

    def written(self, event: StopWritten) -> None:
        """Tell of a stop that could not be written: it holds, but would not outlive the executor."""
        if event.failure and event.stop_id != self._unwritten:
            self._unwritten = event.stop_id
            self._out.notice(
                Severity.CRITICAL,
                "stop.unwritten",
                f"stop {event.stop_id} holds in the executor only, its file not: {event.failure}",
                RULES[Cause.STOP].runbook,
            )

    def acknowledged(self, event: StopAcknowledged) -> None:
        """The executor has seen a stop."""
        known = self._known.get(event.stop_id)
        if known is None or known.acknowledged_by == event.executor_session:
            return
        known.acknowledged_by = event.executor_session
        self._out.row(
            "stop.acknowledged",
            stop_id=event.stop_id,
            executor_session=event.executor_session,
            in_flight=list(event.in_flight),
        )
        self._out.notice(
            Severity.INFO,
            "stop.acknowledged",
            f"the executor has seen {event.stop_id}; {len(event.in_flight)} in flight",
            stop_id=event.stop_id,
            in_flight=" ".join(event.in_flight),
        )

    def unanswered(self, executor_session: str, since_ns: int) -> tuple[str, ...]:
        """Return the stops that have stood since `since_ns` or longer, unknown to that executor."""
        return tuple(
            stop_id
            for stop_id, known in sorted(self._known.items())
            if known.acknowledged_by != executor_session and known.since_ns <= since_ns
        )

    def step(self, executor_session: str, now_ns: int) -> None:
        """Send on what this executor has not acknowledged, once a second."""
        for known in self._known.values():
            answered = known.acknowledged_by and known.acknowledged_by == executor_session
            if not answered and now_ns >= known.forward_due_ns:
                known.forward_due_ns = now_ns + _FORWARD_NS
                self._out.put(ForwardStop(known.stop))

    def _named(self) -> str:
        names = sorted(self._known)
        more = f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else ""
        return ", ".join(names[:_NAMED_MAX]) + more

    def _announce(self, known: _Known) -> None:
        if known.announced:
            return
        known.announced = True
        stop = known.stop
        if stop.stop_id not in self._recorded:
            self._out.row(
                "stop.seen",
                stop_id=stop.stop_id,
                reason=stop.reason,
                message=stop.message,
                operator=stop.operator,
                policy=stop.policy,
                time=stop.time,
            )
        self._out.notice(
            Severity.CRITICAL,
            "stop.seen",
            f"STOPPED by {stop.operator or 'nobody named'}: {stop.message or stop.reason} ({stop.stop_id})",
            RULES[Cause.STOP].runbook,
            stop_id=stop.stop_id,
            reason=stop.reason,
            operator=stop.operator,
            policy=stop.policy,
        )

    def _vanished(self, stop_id: str, now_ns: int) -> None:
        self._out.row("stop.vanished", stop_id=stop_id)
        self._incidents.gone(stop_id, cleared=False)
        self._authority.stand(Cause.STOP_VANISHED, now_ns, stop_id)
        self._shout("stop.vanished", f"stop {stop_id} went away without a recovery", Cause.STOP_VANISHED)

    def _shout(self, kind: str, message: str, cause: Cause) -> None:
        self._out.notice(Severity.CRITICAL, kind, message, RULES[cause].runbook)
