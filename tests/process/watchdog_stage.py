"""An instance with the real watchdog, a cast around it, and an operator who watches and asks."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec

from tests.instance import REPOSITORY, Instance, wait_until
from warden.domain.roles import Role
from warden.runtime.journal import Row, read
from warden.wire.addresses import CONTROL
from warden.wire.codec import decode, encode
from warden.wire.messages import Arm, OperatorReply, OperatorRequest
from warden.wire.telemetry import Event, WatchdogStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.domain.modes import Mode
    from warden.runtime.bus import Client

CHORUS = (Role.DEVNET, Role.GATEWAY, Role.LOGGER, Role.NOTIFIER, Role.API)


class Stage(Instance):
    """The instance; `status` is the watchdog's newest, `events` all that it has told."""

    def __init__(self, toml: str | None = None) -> None:
        super().__init__(*(() if toml is None else (toml,)))
        self._bus = self.bus(Role.OPERATOR)
        self._subscriber = self._bus.subscribe([Role.WATCHDOG])
        self.status: WatchdogStatus | None = None
        self.events: list[Event] = []

    def close(self) -> None:
        """End everything."""
        self._bus.close()
        super().close()

    def play(self, *roles: Role) -> subprocess.Popen[bytes]:
        """Start a process of the cast that beats as these roles."""
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.process.watchdog_cast",
                str(self.home),
                *(f"warden.{role.value}" for role in roles),
            ],
            stdin=subprocess.DEVNULL,
            cwd=REPOSITORY,
        )
        self.processes[roles[0]] = process
        return process

    def whole_cast(self) -> None:
        """Start watchdog, executor, trader and all others."""
        self.play(*CHORUS)
        self.play(Role.EXECUTOR)
        self.play(Role.TRADER)
        self.start(Role.WATCHDOG)

    def say(self, role: Role, **words: object) -> None:
        """Change what a role of the cast says in its beats."""
        path = self.home / f"say-{role.value}.json"
        partial = path.with_suffix(".new")
        partial.write_bytes(msgspec.json.encode(words))
        partial.rename(path)

    def look(self) -> WatchdogStatus | None:
        """Return the watchdog's newest status, None before the first."""
        for _, message in self._subscriber.drain():
            if isinstance(message, WatchdogStatus):
                self.status = message
            elif isinstance(message, Event):
                self.events.append(message)
        return self.status

    def forget(self) -> None:
        """Forget the status: the next one is a new one."""
        self.look()
        self.status = None

    def wait_mode(self, mode: Mode, why: str = "") -> WatchdogStatus:
        """Wait for a mode, and for `why` in its reason."""

        def reached() -> bool:
            status = self.look()
            return status is not None and status.mode == mode and why in status.why

        try:
            wait_until(reached, f"{mode.name} {why}")
        except AssertionError as error:
            raise AssertionError(f"{error}; last: {self.status}") from error
        assert self.status is not None
        return self.status

    def wait_event(self, kind: str) -> Event:
        """Wait for the watchdog to tell an event of a kind."""

        def told() -> bool:
            self.look()
            return any(event.kind == kind for event in self.events)

        wait_until(told, f"event {kind}")
        return next(event for event in self.events if event.kind == kind)

    def ask(self, request: OperatorRequest) -> OperatorReply:
        """Ask the watchdog as an operator."""
        client = self._bus.connect(CONTROL)
        try:
            return _answer(client, encode(request))
        finally:
            client.close()

    def ask_at_once(self, deed: Callable[[], None], request: OperatorRequest) -> OperatorReply:
        """Do something and ask while the watchdog is held still: it meets both in one turn."""
        client = self._bus.connect(CONTROL)
        try:
            _answer(client, b"\x80")  # no request: answered once there is a connection
            self.signal(Role.WATCHDOG, signal.SIGSTOP)
            deed()
            sent = client.send(encode(request))
            self.signal(Role.WATCHDOG, signal.SIGCONT)
            assert sent
            return _answer(client)
        finally:
            client.close()

    def arm(self, reason: str) -> None:
        """Arm as soon as every process that is needed has beaten."""
        wait_until(lambda: self.ask(Arm("ann", reason)).exit_code == 0, "arming")

    def heard(self, role: Role) -> list[dict[str, Any]]:
        """Return what a role of the cast has heard."""
        path = self.home / f"heard-{role.value}.jsonl"
        if not path.exists():
            return []
        lines = path.read_bytes().split(b"\n")[:-1]
        return [msgspec.json.decode(line) for line in lines]

    def permits(self) -> list[dict[str, Any]]:
        """Return the permits that the executor was given."""
        return [heard for heard in self.heard(Role.EXECUTOR) if heard["type"] == "permit.1"]

    def rows(self, kind: str) -> list[Row]:
        """Return the durable rows of a kind in the watchdog's journal."""
        return [row for row in read(self.places.journal(Role.WATCHDOG)) if row.kind == kind]


def boot_ns() -> int:
    """Return the clock that permits are issued by."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def _answer(client: Client, data: bytes = b"") -> OperatorReply:
    """Send what there is to send, and return the watchdog's answer."""
    if data:
        wait_until(lambda: client.send(data), "connection to the watchdog")
    answers: list[bytes] = []

    def answered() -> bool:
        data = client.receive()
        if data is not None:
            answers.append(data)
        return bool(answers)

    wait_until(answered, "answer of the watchdog")
    reply: OperatorReply = decode(answers[0], OperatorReply)
    return reply
