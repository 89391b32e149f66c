"""Test-side processes: they publish on the real bus under their own keys, and one answers the operator."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

import msgspec

from tests.console import samples
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.runtime.clock import SystemClock
from warden.wire.addresses import CONTROL
from warden.wire.codec import decode, encode
from warden.wire.messages import OperatorReply, OperatorRequest

if TYPE_CHECKING:
    from tests.instance import Instance
    from warden.operator.link import Status

_EVERY_S = 0.05


class Speaking:
    """Watchdog, executor, gateway and notifier in a thread of the test's own; use it in a `with`.

    Attributes:
        requests: what the operator asked, and `reply` what is answered; None answers nothing.
        mute: set it and nothing is published any more.
    """

    def __init__(self, instance: Instance, *, mode: Mode = Mode.AGGRESSIVE) -> None:
        self._instance = instance
        self._clock = SystemClock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._speak, name="speaking")
        self._statuses: dict[Role, Status] = {
            Role.WATCHDOG: samples.watchdog(mode=mode, why="" if mode is Mode.AGGRESSIVE else "not armed"),
            Role.EXECUTOR: samples.executor(mode=mode),
            Role.GATEWAY: samples.gateway(),
            Role.NOTIFIER: samples.notifier(),
        }
        self.mute = threading.Event()
        self.requests: list[OperatorRequest] = []
        self.reply: OperatorReply | None = OperatorReply(0, "armed by ada", int(Mode.AGGRESSIVE))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def say(self, role: Role, status: Status) -> None:
        """Publish this from now on."""
        self._statuses = {**self._statuses, role: status}

    def _speak(self) -> None:
        buses = {role: self._instance.bus(role) for role in self._statuses}
        try:
            publishers = {role: bus.publisher() for role, bus in buses.items()}
            server = buses[Role.WATCHDOG].serve(CONTROL)
            while not self._done.wait(_EVERY_S):
                now_ns = self._clock.boot_ns()
                if not self.mute.is_set():
                    for role, status in self._statuses.items():
                        publishers[role].publish(msgspec.structs.replace(status, sent_ns=now_ns))
                incoming = server.receive()
                if incoming is not None:
                    self.requests.append(decode(incoming.data, OperatorRequest))
                    if self.reply is not None:
                        server.send(incoming.identity, encode(self.reply))
        finally:
            for bus in buses.values():
                bus.close()
