"""What operators ask for, and who carries it out. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.causes import BY_OPERATOR, RULES, Cause
from warden.domain.errors import EXIT_DONE, EXIT_REFUSED, EXIT_USAGE
from warden.domain.modes import Mode
from warden.wire.messages import (
    Arm,
    ClearIncident,
    Freeze,
    MoveBaseline,
    Recover,
    ResetBaseline,
    SetMode,
    Thaw,
)

if TYPE_CHECKING:
    from warden.watchdog.answers import Answers
    from warden.watchdog.arming import Arming
    from warden.watchdog.authority import Authority
    from warden.watchdog.capital import Capital
    from warden.watchdog.events import OperatorAsked
    from warden.watchdog.freezing import Freezing
    from warden.watchdog.incidents import Incidents

_ORDERED: Final = {
    Mode.SHUTDOWN: Cause.ORDERED_SHUTDOWN,
    Mode.OBSERVE_ONLY: Cause.ORDERED_OBSERVE_ONLY,
    Mode.REDUCE_ONLY: Cause.ORDERED_REDUCE_ONLY,
}


class Orders:
    """Hands each request on."""

    def __init__(
        self,
        authority: Authority,
        arming: Arming,
        freezing: Freezing,
        incidents: Incidents,
        answers: Answers,
        *,
        capital: Capital,
    ) -> None:
        self._authority = authority
        self._arming = arming
        self._freezing = freezing
        self._incidents = incidents
        self._answers = answers
        self._capital = capital

    def asked(self, event: OperatorAsked, positions: int, now_ns: int) -> None:
        """Take a request with so many positions open."""
        match event.request:
            case Arm() | Recover():
                self._arming.ask(event.identity, event.request, positions, now_ns)
            case SetMode():
                self._lower(event.identity, event.request, positions, now_ns)
            case Freeze() | Thaw():
                self._freezing.ask(event.identity, event.request, now_ns)
            case ClearIncident():
                self._incidents.ask(event.identity, event.request, now_ns)
            case MoveBaseline() | ResetBaseline():
                self._move(event.identity, event.request)
            case None:
                text = "this watchdog does not know that request: same version?"
                self._answers.give(event.identity, EXIT_USAGE, text)

    def _move(self, identity: bytes, request: MoveBaseline | ResetBaseline) -> None:
        """Move what losses of capital are measured by."""
        if self._answers.nameless(identity, request):
            return
        if isinstance(request, MoveBaseline):
            exit_code, text = self._capital.move(request)
        else:
            exit_code, text = self._capital.reset(request)
        self._answers.give(identity, exit_code, text)

    def _lower(self, identity: bytes, request: SetMode, positions: int, now_ns: int) -> None:
        """Lower the mode by an operator's name; raising it is arming."""
        if self._answers.nameless(identity, request):
            return
        if request.mode not in set(Mode):
            self._answers.give(identity, EXIT_USAGE, f"{request.mode} is no mode")
            return
        mode = Mode(request.mode)
        if mode not in _ORDERED or mode > self._operators_ceiling(positions):
            self._answers.give(
                identity, EXIT_REFUSED, f"{mode.name} is not lower: raising is what 'warden arm' does"
            )
            return
        self._authority.stand(_ORDERED[mode], now_ns, f"{request.operator}: {request.reason}")
        self._authority.settle(positions)
        self._answers.give(identity, EXIT_DONE, f"mode is {self._authority.mode.name}")

    def _operators_ceiling(self, positions: int) -> Mode:
        """Return the highest mode that what operators and trips have left allows."""
        from_operator = (each.cause for each in self._authority.lowering() if each.lifted_by in BY_OPERATOR)
        return min((RULES[cause].ceiling(positions) for cause in from_operator), default=Mode.AGGRESSIVE)
