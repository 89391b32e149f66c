"""Security breaches: nothing is armed until an operator has said that each was looked into (ES5). Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import EXIT_DONE, EXIT_FAILED, EXIT_REFUSED
from warden.domain.stops import StopReason
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from warden.domain.stops import Stop
    from warden.watchdog.answers import Answers
    from warden.watchdog.outbox import Outbox
    from warden.wire.messages import ClearIncident

_GIVE_UP_NS: Final = 8_000_000_000
_WAITING_MAX: Final = 16
_KNOWN_MAX: Final = 256
_ID_SHOWN_MAX: Final = 80


class _Waiting(msgspec.Struct):
    identity: bytes
    row: int
    stop_id: str
    operator: str
    give_up_ns: int


class Incidents:
    """Each breach by its stop's id; True once it is cleared. One whose file vanished stays open."""

    def __init__(self, out: Outbox, answers: Answers, before: Mapping[str, bool]) -> None:
        self._out = out
        self._answers = answers
        self.known = dict(before)
        self._waiting: deque[_Waiting] = deque(maxlen=_WAITING_MAX)

    def look(self, standing: tuple[Stop, ...]) -> None:
        """Open an incident for each new stop that says SECURITY_BREACH; changing its file undoes nothing."""
        for stop in standing:
            new = stop.reason == StopReason.SECURITY_BREACH and stop.stop_id not in self.known
            # One too many is opened once another is cleared: until then that one stands in the way.
            if new and len(self.known) < _KNOWN_MAX:
                self.known[stop.stop_id] = False
                self._out.row("incident.opened", stop_id=stop.stop_id)

    def gone(self, stop_id: str, *, cleared: bool) -> None:
        """A stop was cleared by a recovery, or its file vanished."""
        if cleared or self.known.get(stop_id, False):
            self.known.pop(stop_id, None)

    def hindrances(self) -> Iterator[str]:
        """Yield for each breach that nobody has cleared one line that says so."""
        for stop_id, cleared in sorted(self.known.items()):
            if not cleared:
                yield (
                    f"stop {stop_id} is a SECURITY_BREACH: look into it, then "
                    f"'warden clear-incident --stop {stop_id}'"
                )

    def ask(self, identity: bytes, request: ClearIncident, now_ns: int) -> None:
        """Clear an incident by an operator's name; it counts once it is written down."""
        stop_id = request.stop_id
        if self._answers.nameless(identity, request):
            return
        if stop_id not in self.known:
            shown = stop_id[:_ID_SHOWN_MAX]
            self._answers.give(identity, EXIT_REFUSED, f"no SECURITY_BREACH called {shown} is known")
        elif self.known[stop_id]:
            self._answers.give(identity, EXIT_DONE, f"the incident of {stop_id} is cleared already")
        elif len(self._waiting) == _WAITING_MAX:
            self._answers.give(identity, EXIT_FAILED, "too many wait for the disk: try again")
        else:
            row = self._out.row(
                "incident.cleared", stop_id=stop_id, operator=request.operator, reason=request.reason
            )
            give_up_ns = now_ns + _GIVE_UP_NS
            self._waiting.append(_Waiting(identity, row, stop_id, request.operator, give_up_ns))

    def step(self, now_ns: int) -> None:
        """Answer those whose row is durable, and those for whom that takes too long."""
        for waiting in list(self._waiting):
            if self._out.synced >= waiting.row:
                self._waiting.remove(waiting)
                self._cleared(waiting)
            elif self._out.failed:
                self._waiting.remove(waiting)
                self._answers.give(
                    waiting.identity, EXIT_FAILED, f"the journal is broken: {self._out.failed}"
                )
            elif waiting.identity and now_ns >= waiting.give_up_ns:
                text = "the disk did not answer in 8 s; it counts once it is written"
                self._answers.give(waiting.identity, EXIT_FAILED, text)
                waiting.identity = b""

    def _cleared(self, waiting: _Waiting) -> None:
        text = f"{waiting.operator} has cleared the incident of {waiting.stop_id}; it may be recovered"
        if waiting.stop_id in self.known:
            self.known[waiting.stop_id] = True
        self._out.notice(
            Severity.WARNING,
            "incident.cleared",
            text,
            "emergency-stop#after-a-security-breach",
            stop_id=waiting.stop_id,
            operator=waiting.operator,
        )
        self._answers.give(waiting.identity, EXIT_DONE, text)
