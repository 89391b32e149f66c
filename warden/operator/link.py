"""The operator's end of the bus: the latest of every process, the stop directory itself, and requests.

Shared by console, command line and whoever else shows the system. Nothing here is part of the stop's own path
(that is `stopping`): a link that is dead, slow or wrong keeps nobody from stopping.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import PROCESSES, Role, processes, role_of
from warden.operator.asking import REPLY_MS, answer_to
from warden.runtime.bus import Bus
from warden.runtime.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from warden.runtime.latch import Latch, LatchState
from warden.runtime.places import Places, places
from warden.runtime.settings import read_frozen
from warden.wire.addresses import CONTROL
from warden.wire.messages import OperatorReply, OperatorRequest
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

if TYPE_CHECKING:
    from pathlib import Path

    from warden.domain.modes import Environment

EVENTS_MAX: Final = 200
_POLL_MS: Final = 20
_BLOCK_MS: Final = 1_000

Status = (
    WatchdogStatus
    | ExecutorStatus
    | GatewayStatus
    | TraderStatus
    | LoggerStatus
    | NotifierStatus
    | ApiStatus
    | DevnetStatus
)

# Who may say what: a key proves the speaker, this proves that it speaks of itself.
STATUS_OF: Final[Mapping[Role, type[Status]]] = MappingProxyType(
    {
        Role.WATCHDOG: WatchdogStatus,
        Role.EXECUTOR: ExecutorStatus,
        Role.GATEWAY: GatewayStatus,
        Role.TRADER: TraderStatus,
        Role.LOGGER: LoggerStatus,
        Role.NOTIFIER: NotifierStatus,
        Role.API: ApiStatus,
        Role.DEVNET: DevnetStatus,
    }
)


class Heard(msgspec.Struct, frozen=True):
    """The latest status of one process, and since when it has been true.

    Attributes:
        status: one of `Status`.
        as_of_ns: CLOCK_BOOTTIME when it last advanced: the earlier of its sending and our hearing it, so that
            what lay in a queue while we were paused does not pass for new.
    """

    status: Any
    as_of_ns: int


class Snapshot(msgspec.Struct, frozen=True):
    """All that is known at one moment; immutable, so that any thread may keep it.

    Attributes:
        heard: the latest status by process; one that was never heard is missing.
        taken_ns: CLOCK_BOOTTIME just before the stop directory was read.
        events: the last 200, oldest first.
        latch: the stop directory as we read it ourselves.
        stopped_since_ns: CLOCK_BOOTTIME when we first saw the present stop stand; None when none stands.
        environment: from the frozen settings; empty where there are none.
        one_user: trader and executor keys belong to one user: nothing walls them off (I8).
        block_ms: usual time between blocks.
        beat_ms: time between beats; 0 where it is not known.
        dropped: messages that could not be read or came from the wrong speaker.
        traders: the names of the processes that run strategies.
    """

    heard: Mapping[str, Heard]
    taken_ns: int = 0
    events: tuple[Event, ...] = ()
    latch: LatchState = LatchState()
    stopped_since_ns: int | None = None
    environment: str = ""
    one_user: bool = False
    block_ms: int = _BLOCK_MS
    beat_ms: int = 0
    dropped: int = 0
    traders: tuple[str, ...] = (Role.TRADER,)

    def status(self, name: str) -> Any:  # noqa: ANN401 - the caller knows which status a process has
        """Return the latest status of a process, or None when it was never heard."""
        heard = self.heard.get(name)
        return None if heard is None else heard.status


class Link:
    """Listens to every process of the instance at `home`. Belongs to one thread; never waits, but `gather`.

    Raises:
        ConfigurationInvalid: there is no instance at `home`, or it is another user's.
    """

    def __init__(self, home: Path, clock: Clock | None = None) -> None:
        self.places: Places = places(home)
        self.clock = clock or SystemClock()
        if not self.places.home.is_dir():
            raise ConfigurationInvalid(
                f"there is no instance at {self.places.home}: start one with 'warden up'"
            )
        self._latch = Latch(self.places.stop)
        self._bus = Bus(Role.OPERATOR, self.places)
        self._subscriber = self._bus.subscribe(role for role in PROCESSES if role is not Role.TRADER)
        self._traders: tuple[str, ...] = ()
        self._traders_due_ns = 0
        self._heard: dict[str, Heard] = {}
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)
        self._stopped_since_ns: int | None = None
        self._foreign = 0
        self._environment: Environment | None = None
        self._block_ms = _BLOCK_MS
        self._beat_ms = 0
        self._one_user = _one_user(self.places)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def poll(self) -> Snapshot:
        """Take in what has come and return how things stand now; never waits."""
        now_ns = self.clock.boot_ns()
        self._look_for_traders(now_ns)
        for name, message in self._subscriber.drain():
            self._take(name, message, now_ns)
        latch = self._latch.read()
        if not latch.stopped:
            self._stopped_since_ns = None
        elif self._stopped_since_ns is None:
            self._stopped_since_ns = now_ns
        self._read_settings()
        return Snapshot(
            heard=MappingProxyType(dict(self._heard)),
            taken_ns=now_ns,
            events=tuple(self._events),
            latch=latch,
            stopped_since_ns=self._stopped_since_ns,
            environment=self._environment.value if self._environment else "",
            one_user=self._one_user,
            block_ms=self._block_ms,
            beat_ms=self._beat_ms,
            dropped=self._foreign + self._subscriber.dropped,
            traders=self._traders,
        )

    def gather(self, timeout_ms: int = 1_500) -> Snapshot:
        """Wait until every process that the watchdog calls alive was heard, or for `timeout_ms`."""
        end_ns = self.clock.boot_ns() + timeout_ms * NS_PER_MS
        snapshot = self.poll()
        while not _complete(snapshot) and self.clock.boot_ns() < end_ns:
            time.sleep(_POLL_MS / 1_000)
            snapshot = self.poll()
        return snapshot

    def close(self) -> None:
        """Leave the bus at once."""
        self._subscriber.close()
        self._bus.close()

    def _look_for_traders(self, now_ns: int) -> None:
        """Listen to those who have a key: Warden may have started anew, with other strategies."""
        if now_ns < self._traders_due_ns:
            return
        self._traders_due_ns = now_ns + NS_PER_S
        self._traders = tuple(self._bus.named([Role.TRADER]))
        new = [name for name in self._traders if name not in self._subscriber.sockets]
        self._subscriber.sockets.update(self._bus.subscribe(new).sockets)

    def _take(self, name: str, message: object, now_ns: int) -> None:
        if isinstance(message, Event) and message.speaker == name:
            self._events.append(message)
        elif type(message) is STATUS_OF[role_of(name)]:
            status: Any = message
            last = self._heard.get(name)
            if last is None or last.status.session != status.session or last.status.sent_ns < status.sent_ns:
                self._heard[name] = Heard(status=status, as_of_ns=min(now_ns, status.sent_ns))
        else:
            self._foreign += 1

    def _read_settings(self) -> None:
        if self._environment is not None:
            return
        try:
            settings = read_frozen(self.places)
        except ConfigurationInvalid:
            # Not started yet, or not ours to read: the picture then says that it does not know.
            return
        self._environment = settings.environment
        self._block_ms = max(1, round(settings.chain.block_time_s * 1_000))
        self._beat_ms = settings.watchdog.beat_interval_ms


def ask(
    home: Path, request: OperatorRequest, *, timeout_ms: int = REPLY_MS, clock: Clock | None = None
) -> OperatorReply:
    """Put a request to the watchdog and wait for its answer; usable from any thread, on a socket of its own.

    Raises:
        NotRunning: no watchdog took it, or none answered in `timeout_ms`; it may yet act on it in that case.
        ConfigurationInvalid: there is no instance at `home`.
    """
    reply: OperatorReply = answer_to(
        home, CONTROL, request, OperatorReply, timeout_ms=timeout_ms, clock=clock
    )
    return reply


def _complete(snapshot: Snapshot) -> bool:
    watchdog: WatchdogStatus | None = snapshot.status(Role.WATCHDOG)
    if watchdog is None:
        return False
    alive = {line.name for line in watchdog.processes if line.age_ms is not None}
    return all(name not in alive or name in snapshot.heard for name in processes(snapshot.traders))


def _one_user(where: Places) -> bool:
    """Tell whether a trader and the executor run under one user, by who owns their keys."""
    try:
        traders = {path.stat().st_uid for path in where.keys.glob("trader*.secret")}
        executor = (where.keys / f"{Role.EXECUTOR}.secret").stat().st_uid
    except OSError:
        return False
    return executor in traders
