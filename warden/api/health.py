"""Is it healthy: able to trade, or holding still because somebody ordered that. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.api.core import fresh
from warden.domain.causes import RULES, Cause
from warden.domain.modes import SCREEN_WORD, Mode
from warden.domain.roles import Role, strategy_of
from warden.domain.stops import StopReason
from warden.wire.telemetry import ExecutorStatus, GatewayStatus, WatchdogStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.api.core import State

_ESSENTIAL: Final = frozenset({Role.EXECUTOR, Role.GATEWAY, Role.TRADER})
_WORKING: Final = frozenset({"ready", "degraded"})
_USABLE: Final = frozenset({"ok", "slow"})
_ALSO: Final = "; also: "
# A mode that is low for these alone is low because somebody wants it so, or for what changes no mode.
_AS_ORDERED: Final = tuple(
    rule.text
    for cause, rule in RULES.items()
    if cause in {Cause.NOT_ARMED, Cause.ORDERED_OBSERVE_ONLY, Cause.ORDERED_REDUCE_ONLY}
    or rule.flat is Mode.AGGRESSIVE
)


class Health(msgspec.Struct, frozen=True):
    """The judgement.

    Attributes:
        status: TRADING, REDUCING, OBSERVING, SHUT DOWN, STOPPED or UNKNOWN.
        healthy: nothing is wrong; what stands still was ordered to.
        problems: one line each; empty when healthy.
        why: why the mode is not higher, from the watchdog.
    """

    status: str
    healthy: bool
    problems: tuple[str, ...]
    why: str
    environment: str


def judge(state: State, now_ns: int) -> Health:
    """Return how things stand at `now_ns` (BOOTTIME)."""
    watchdog = fresh(state, Role.WATCHDOG, WatchdogStatus, now_ns)
    if watchdog is None:
        return Health("UNKNOWN", False, ("the watchdog is not heard",), "", "")
    problems = (
        *_stops(watchdog),
        *_mode(watchdog),
        *_processes(watchdog),
        *_gate(watchdog, fresh(state, Role.EXECUTOR, ExecutorStatus, now_ns)),
        *_endpoints(fresh(state, Role.GATEWAY, GatewayStatus, now_ns)),
    )
    return Health(_word(watchdog), not problems, problems, watchdog.why, watchdog.environment)


def mode_of(watchdog: WatchdogStatus) -> Mode | None:
    """Return the mode, None when this version does not know it."""
    try:
        return Mode(watchdog.mode)
    except ValueError:
        return None


def _word(watchdog: WatchdogStatus) -> str:
    if watchdog.stops or watchdog.stop_dir:
        return "STOPPED"
    mode = mode_of(watchdog)
    return "UNKNOWN" if mode is None else SCREEN_WORD[mode]


def _stops(watchdog: WatchdogStatus) -> Iterator[str]:
    if watchdog.stop_dir:
        yield watchdog.stop_dir
    for stop in watchdog.stops:
        if stop.reason != StopReason.MANUAL:
            yield f"stopped: {stop.reason}: {stop.message}"


def _mode(watchdog: WatchdogStatus) -> Iterator[str]:
    mode = mode_of(watchdog)
    if mode is None:
        yield f"unknown mode {watchdog.mode}"
    elif mode is Mode.SHUTDOWN:
        yield f"shut down: {watchdog.why}"
    elif mode < Mode.AGGRESSIVE and not watchdog.stops and not _ordered(watchdog.why):
        yield f"{SCREEN_WORD[mode]}: {watchdog.why}"


def _ordered(why: str) -> bool:
    return all(part.startswith(_AS_ORDERED) for part in why.split(_ALSO))


def _processes(watchdog: WatchdogStatus) -> Iterator[str]:
    for line in watchdog.processes:
        if (line.name in _ESSENTIAL or strategy_of(line.name)) and line.state not in _WORKING:
            yield f"{line.name} is {line.state}"


def _gate(watchdog: WatchdogStatus, executor: ExecutorStatus | None) -> Iterator[str]:
    if executor is None:
        yield "the executor is not heard"
    elif executor.gate and not watchdog.stops and mode_of(watchdog) is Mode.AGGRESSIVE:
        yield f"gate closed: {executor.gate}"


def _endpoints(gateway: GatewayStatus | None) -> Iterator[str]:
    if gateway is None:
        yield "the gateway is not heard"
    elif not any(line.state in _USABLE for line in gateway.endpoints):
        yield "no endpoint can be used"
