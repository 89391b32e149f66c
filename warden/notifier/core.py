"""What becomes an alert, what is folded, what is withheld: (state, event, now) -> commands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.roles import Role, role_of, strategy_of
from warden.notifier.alerts import Alert, id_of, number_of, rank
from warden.notifier.rules import is_routine, lost_process, recommended_action, rule_for, runbook_for
from warden.notifier.silence import LIMITS, Returned, Silence, Silent
from warden.notifier.throttle import Throttle
from warden.runtime.clock import NS_PER_S
from warden.wire.telemetry import Event, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLD_NS: Final = 15 * 60 * NS_PER_S
KEPT_MAX: Final = 1_000
_FOLDS_MAX: Final = 1_000
_KINDS_IN_SUMMARY: Final = 5
_WITHHELD_KINDS_MAX: Final = 200
_OTHERS: Final = "others"


class Now(msgspec.Struct, frozen=True):
    """The moment: BOOTTIME in nanoseconds to decide by, UTC as text for people."""

    boot_ns: int
    wall: str


# --- what happens ----------------------------------------------------------------------------------


class Heard(msgspec.Struct, frozen=True):
    """A telemetry message with its proven speaker's name."""

    name: str
    message: Any

    @property
    def role(self) -> Role:
        """The speaker's role."""
        return role_of(self.name)


class Tick(msgspec.Struct, frozen=True):
    """Time has passed."""


class Trouble(msgspec.Struct, frozen=True):
    """A part of the notifier itself fails (`why`) or works again (empty)."""

    kind: str
    part: str
    why: str


Happening = Heard | Tick | Trouble


# --- what is to be done ----------------------------------------------------------------------------


class Deliver(msgspec.Struct, frozen=True):
    """Hand an alert to every channel that takes its severity."""

    alert: Alert


class Remember(msgspec.Struct, frozen=True):
    """Write an alert to the notifier's own state."""

    alert: Alert


class Tell(msgspec.Struct, frozen=True):
    """Say to logs and telemetry what the notifier itself found."""

    event: Event


Command = Deliver | Remember | Tell


@dataclass
class _Fold:
    alert_id: str
    first_ns: int


@dataclass
class State:
    """Everything that the notifier knows. `alerts` by id, oldest first, the newest 1,000."""

    silence: Silence = field(default_factory=Silence)
    throttle: Throttle = field(default_factory=Throttle)
    alerts: dict[str, Alert] = field(default_factory=dict)
    last_number: int = 0
    folds: dict[tuple[str, Role, str], _Fold] = field(default_factory=dict)
    by_kind: dict[str, _Fold] = field(default_factory=dict)
    withheld: Counter[str] = field(default_factory=Counter)

    @property
    def unacknowledged(self) -> int:
        """How many kept alerts from WARNING up nobody has answered."""
        return sum(
            not alert.acknowledged_by and rank(alert.severity) >= rank(Severity.WARNING)
            for alert in self.alerts.values()
        )


def begin(remembered: Iterable[Alert], now: Now) -> State:
    """Return the state to start with: alerts of before, oldest first, a later form of one replacing it."""
    state = State()
    for alert in remembered:
        _keep(state, alert)
        state.last_number = max(state.last_number, number_of(alert.alert_id))
    state.silence.begin(now.boot_ns)
    return state


def decide(state: State, happening: Happening, now: Now) -> list[Command]:
    """Return what is to be done."""
    match happening:
        case Heard(name=name, message=Event() as event):
            return _event(state, name, event, now)
        case Heard(role=role, message=status):
            returned = state.silence.heard(role, getattr(status, "sent_ns", now.boot_ns), now.boot_ns)
            return [] if returned is None else _own(state, _returned(returned, now), now)
        case Trouble():
            return _own(state, _trouble(happening, now), now)
        case Tick():
            commands: list[Command] = []
            for silent in state.silence.look(now.boot_ns):
                commands += _own(state, _silent(silent, now), now)
            return commands + _summary(state, now)


def _event(state: State, name: str, event: Event, now: Now) -> list[Command]:
    role = role_of(name)
    if event.kind == "process.ended":
        state.silence.ended(role, now.boot_ns)
    if role is Role.WATCHDOG and (lost := lost_process(event)):
        state.silence.reported(Role(lost))
    if rank(event.severity) < rank(Severity.WARNING) or is_routine(event.kind):
        return []
    # Of several traders the alert says which.
    message = f"{name}: {event.message}" if strategy_of(name) else event.message
    return _alert(state, msgspec.structs.replace(event, role=role, message=message), now)


def _own(state: State, event: Event, now: Now) -> list[Command]:
    return [Tell(event), *_alert(state, event, now)]


def _alert(state: State, event: Event, now: Now) -> list[Command]:
    """Return what to do about an event that is worth an alert: new or folded, sent or withheld."""
    key = (event.kind, event.role, event.message)
    # The trader is not trusted with anything, the right to ring at any time included.
    passes = event.severity is Severity.CRITICAL and event.role is not Role.TRADER
    same = _standing(state, state.folds.get(key), now)
    if same is not None:
        return _fold(state, same, event, passes=passes)
    if passes or state.throttle.admit(event.kind, now.boot_ns):
        alert = _new(state, event, now)
        _hold(state.folds, key, _Fold(alert.alert_id, now.boot_ns))
        return [Remember(alert), Deliver(alert)]
    return _withhold(state, event, now)


def _withhold(state: State, event: Event, now: Now) -> list[Command]:
    """Let the screen show one alert of the kind, counting; a storm may not push all others off it."""
    if event.kind not in state.withheld and len(state.withheld) >= _WITHHELD_KINDS_MAX:
        state.withheld[_OTHERS] += 1
        return []
    state.withheld[event.kind] += 1
    like = _standing(state, state.by_kind.get(event.kind), now)
    if like is not None:
        return _fold(state, like, event, passes=False)
    return [Remember(_new(state, event, now))]


def _standing(state: State, fold: _Fold | None, now: Now) -> Alert | None:
    if fold is None or now.boot_ns >= fold.first_ns + FOLD_NS:
        return None
    return state.alerts.get(fold.alert_id)


def _fold(state: State, alert: Alert, event: Event, *, passes: bool) -> list[Command]:
    folded = msgspec.structs.replace(alert, count=alert.count + 1, last_time=event.time)
    _keep(state, folded)
    # Remembered at each power of two: a storm costs a handful of rows, and the count's size is kept.
    commands: list[Command] = [] if folded.count & (folded.count - 1) else [Remember(folded)]
    return [*commands, Deliver(folded)] if passes else commands


def _hold(folds: dict[Any, _Fold], key: object, fold: _Fold) -> None:
    folds.pop(key, None)
    folds[key] = fold
    if len(folds) > _FOLDS_MAX:
        folds.pop(next(iter(folds)))


def _new(state: State, event: Event, now: Now) -> Alert:
    rule = rule_for(event.kind)
    runbook = runbook_for(event)
    state.last_number += 1
    alert = Alert(
        alert_id=id_of(state.last_number),
        time=event.time,
        severity=event.severity,
        kind=event.kind,
        source=event.role,
        title=rule.title,
        message=event.message,
        root_cause=rule.root_cause,
        recommended_action=recommended_action(runbook),
        runbook=runbook,
        metadata={**event.data, **({"trace_id": event.trace_id} if event.trace_id else {})},
        last_time=event.time,
    )
    _keep(state, alert)
    _hold(state.by_kind, event.kind, _Fold(alert.alert_id, now.boot_ns))
    return alert


def _keep(state: State, alert: Alert) -> None:
    state.alerts[alert.alert_id] = alert
    while len(state.alerts) > KEPT_MAX:
        state.alerts.pop(next(iter(state.alerts)))


def _summary(state: State, now: Now) -> list[Command]:
    """Say once there is room again what was withheld, so that silence is never taken for calm."""
    if not state.withheld or not state.throttle.has_room(now.boot_ns):
        return []
    total = sum(state.withheld.values())
    most = ", ".join(f"{kind} {count}" for kind, count in state.withheld.most_common(_KINDS_IN_SUMMARY))
    state.withheld.clear()
    text = f"{total} alerts were withheld: {most}"
    return _own(state, _event_of(Severity.WARNING, "alerts.withheld", text, now, withheld=str(total)), now)


def _silent(silent: Silent, now: Now) -> Event:
    limit = LIMITS[silent.role]
    seconds = silent.silent_ns // NS_PER_S
    since = f"silent for {seconds} s" if silent.ever_heard else f"not heard in the first {seconds} s"
    return _event_of(
        limit.severity,
        f"{silent.role}.silent",
        f"the {silent.role} is {since}: {limit.consequence}",
        now,
        process=silent.role.value,
    )


def _returned(returned: Returned, now: Now) -> Event:
    role = returned.role
    return _event_of(Severity.INFO, f"{role}.returned", f"the {role} is heard again", now, process=role.value)


def _trouble(trouble: Trouble, now: Now) -> Event:
    if trouble.why:
        text = f"{trouble.part}: {trouble.why}"
        return _event_of(Severity.ERROR, trouble.kind, text, now, part=trouble.part)
    return _event_of(Severity.INFO, trouble.kind, f"{trouble.part} works again", now, part=trouble.part)


def _event_of(severity: Severity, kind: str, message: str, now: Now, **data: str) -> Event:
    return Event(
        time=now.wall,
        role=Role.NOTIFIER,
        severity=severity,
        kind=kind,
        message=message,
        data=data,
        runbook=rule_for(kind).runbook,
    )
