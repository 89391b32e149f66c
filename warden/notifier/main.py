"""The notifier's loop: listen, decide, hand alerts to the channels, beat."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import uvloop

from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.notifier.alerts import recent
from warden.notifier.channels.file import FileChannel
from warden.notifier.core import (
    Command,
    Deliver,
    Happening,
    Heard,
    Now,
    Remember,
    Tell,
    Tick,
    Trouble,
    begin,
    decide,
)
from warden.notifier.courier import Courier
from warden.notifier.memory import Memory
from warden.runtime.clock import NS_PER_MS, wall_text
from warden.wire.messages import ProcessState
from warden.wire.telemetry import NotifierStatus

if TYPE_CHECKING:
    from warden.notifier.channels import Channel
    from warden.runtime.process import Frame

# In order of importance, the trader last: it is the one that may flood.
_SPEAKERS: Final = (
    Role.WATCHDOG,
    Role.EXECUTOR,
    Role.GATEWAY,
    Role.LOGGER,
    Role.API,
    Role.DEVNET,
    Role.TRADER,
)
_TICK_S: Final = 0.05
_MESSAGES_A_TURN: Final = 64
_STATUS_EVERY_NS: Final = 500 * NS_PER_MS


def channels(frame: Frame) -> list[Channel]:
    """Return the channels besides the console, which is told by telemetry."""
    return [FileChannel(frame.places.logs / "alerts.log")]


class Notifier:
    """The process: one `turn` every 50 ms until it is told to end."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._couriers = [Courier(each) for each in channels(frame)]
        self._memory = Memory(frame.places.journal(Role.NOTIFIER), frame.clock)
        self._state = begin(self._memory.alerts, self._now())
        devnet = frame.settings.environment is Environment.DEVNET
        speakers = frame.bus.named(role for role in _SPEAKERS if devnet or role is not Role.DEVNET)
        self._ears = [frame.bus.subscribe([name]) for name in speakers]
        self._known_trouble: dict[str, bool] = {}
        self._handled = 0
        self._status_due_ns = 0

    def turn(self) -> None:
        """Hear a bounded number of messages from each process in turn, and do what follows from them."""
        for ear in self._ears:
            for name, message in ear.drain(_MESSAGES_A_TURN):
                self._happened(Heard(name, message))
                self._handled += 1
            self._beat()
        self._happened(Tick())
        for courier in self._couriers:
            name = courier.channel.name
            self._trouble("channel.failing", "channel.returned", f"channel {name}", courier.trouble)
        self._trouble("notifier.forgets", "notifier.remembers", "state/notifier.db", self._memory.error)
        self._frame.leaves()  # read and dropped: the watchdog grants a notifier nothing
        self._publish()

    def close(self) -> None:
        """Deliver and remember what waits, for some seconds at most."""
        for courier in self._couriers:
            courier.close()
        self._memory.close()

    def _now(self) -> Now:
        return Now(boot_ns=self._frame.clock.boot_ns(), wall=wall_text(self._frame.clock))

    def _happened(self, happening: Happening) -> None:
        for command in decide(self._state, happening, self._now()):
            self._do(command)

    def _do(self, command: Command) -> None:
        match command:
            case Deliver(alert=alert):
                for courier in self._couriers:
                    courier.offer(alert)
            case Remember(alert=alert):
                self._memory.remember(alert)
            case Tell(event=event):
                self._frame.event(
                    event.severity, event.kind, event.message, runbook=event.runbook, **event.data
                )

    def _trouble(self, begins: str, ends: str, part: str, why: str) -> None:
        """Say once that a part of ours fails, and once that it works again."""
        if self._known_trouble.get(part, False) != bool(why):
            self._known_trouble[part] = bool(why)
            self._happened(Trouble(begins if why else ends, part, why))

    def _beat(self) -> None:
        troubles = [each.trouble for each in self._couriers if each.trouble]
        detail = "; ".join([*troubles, *([self._memory.error] if self._memory.error else [])])
        self._frame.beat(
            ProcessState.DEGRADED if detail else ProcessState.READY,
            progress=self._handled,
            offered=self._handled,
            handled=self._handled,
            detail=detail,
        )

    def _publish(self) -> None:
        frame = self._frame
        now_ns = frame.clock.boot_ns()
        if now_ns < self._status_due_ns:
            return
        self._status_due_ns = now_ns + _STATUS_EVERY_NS
        frame.publish(
            NotifierStatus(
                sent_ns=now_ns,
                session=frame.session,
                total=self._state.last_number,
                unacknowledged=self._state.unacknowledged,
                recent=recent(self._state.alerts.values()),
            )
        )


async def _serve(frame: Frame) -> None:
    notifier = Notifier(frame)
    try:
        while not frame.ending:
            notifier.turn()
            await asyncio.sleep(_TICK_S)
        notifier.turn()
    finally:
        notifier.close()


def main(frame: Frame) -> None:
    """Turn events into alerts until told to end."""
    uvloop.run(_serve(frame))
