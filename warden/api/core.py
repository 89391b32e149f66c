"""What was heard last from whom, and how old it is. Nothing stale passes for current (I10)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from warden.domain.roles import Role, role_of
from warden.runtime.clock import NS_PER_S
from warden.wire.telemetry import (
    ApiStatus,
    DevnetStatus,
    Event,
    ExecutorStatus,
    GatewayStatus,
    LoggerStatus,
    NotifierStatus,
    TraderStatus,
    WatchdogStatus,
)

# Statuses come twice a second.
STALE_NS: Final = 3 * NS_PER_S

Status = TypeVar("Status")

KINDS: Final[dict[Role, Any]] = {
    Role.WATCHDOG: WatchdogStatus,
    Role.EXECUTOR: ExecutorStatus,
    Role.GATEWAY: GatewayStatus,
    Role.TRADER: TraderStatus,
    Role.LOGGER: LoggerStatus,
    Role.NOTIFIER: NotifierStatus,
    Role.API: ApiStatus,
    Role.DEVNET: DevnetStatus,
}


class Told(msgspec.Struct, frozen=True):
    """A process's last status, when it was sent, and since when its session has been heard (BOOTTIME ns)."""

    status: Any
    sent_ns: int
    session_since_ns: int


@dataclass
class State:
    """Everything that the api knows, by process; `started_ns` is its own start, `traders` are by name."""

    started_ns: int
    traders: tuple[str, ...] = (Role.TRADER,)
    told: dict[str, Told] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)


def hear(state: State, name: str, message: msgspec.Struct, now_ns: int) -> None:
    """Take note of one message from its proven speaker; a status of another's kind is passed over."""
    if isinstance(message, Event):
        state.events[message.severity.value] += 1
        return
    if not isinstance(message, KINDS[role_of(name)]):
        return
    known = state.told.get(name)
    same = known is not None and known.status.session == message.session
    sent_ns = min(message.sent_ns, now_ns)
    state.told[name] = Told(
        status=message,
        sent_ns=sent_ns,
        session_since_ns=known.session_since_ns if same and known is not None else sent_ns,
    )


def age_ns(state: State, name: str, now_ns: int) -> int | None:
    """Return how old a process's last status is; None when there was none."""
    told = state.told.get(name)
    return None if told is None else max(0, now_ns - told.sent_ns)


def fresh(state: State, name: str, kind: type[Status], now_ns: int) -> Status | None:
    """Return a process's last status if it can pass for current."""
    age = age_ns(state, name, now_ns)
    if age is None or age > STALE_NS:
        return None
    status = state.told[name].status
    return status if isinstance(status, kind) else None
