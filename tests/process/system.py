"""The whole system without supervisord: what a test kills stays dead; judged by the devnet's own record."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from tests.instance import DEVNET_TOML, REPOSITORY, Instance, wait_until
from warden.devnet.received import LOG_NAME, Received, read_received
from warden.domain.modes import Mode
from warden.domain.roles import Role, processes
from warden.executor.sends.keystore import create_keystore
from warden.runtime.clock import SystemClock
from warden.runtime.settings_strategies import traders
from warden.wire.telemetry import Event, ExecutorStatus, WatchdogStatus

if TYPE_CHECKING:
    from warden.runtime.bus import Subscriber

# Five blocks a second and a strategy that bites at every one of them.
BUSY_TOML = (
    DEVNET_TOML
    + f"""
[chain]
block_time_s = 0.2
[strategy]
use = "nibbler:Nibbler"
path = "{REPOSITORY / "tests" / "strategies"}"
"""
)


HOLD_TRIES = 60
HOLD_LOOK_S = 1.2


class System(Instance):
    """Every process of the devnet environment, started one by one."""

    def __init__(self, toml: str = BUSY_TOML) -> None:
        super().__init__(toml)
        create_keystore(self.places.keys / "wallet.json", self.places.keys / "wallet.password")
        self._bus = self.bus(Role.OPERATOR)
        self.names = processes(traders(self.settings))
        self._listener: Subscriber = self._bus.subscribe(self.names)
        self.latest: dict[type, Any] = {}
        self.events: list[Event] = []

    def start_all(self) -> System:
        """Start every process; the watchdog arms by itself once all are ready."""
        for name in self.names:
            self.start(name)
        return self

    def listen(self) -> None:
        """Take in what was said since the last call."""
        for _, message in self._listener.drain():
            if isinstance(message, Event):
                self.events.append(message)
            else:
                self.latest[type(message)] = message

    def wait(self, condition: object, what: str, timeout_s: float = 90.0) -> None:
        """Listen until `condition(self)` holds."""

        def holds() -> bool:
            self.listen()
            return bool(condition(self))  # type: ignore[operator] # a callable

        wait_until(holds, what, timeout_s)

    @property
    def mode(self) -> Mode | None:
        """The mode as the watchdog last said it."""
        status = self.latest.get(WatchdogStatus)
        return None if status is None else Mode(status.mode)

    @property
    def trades(self) -> int:
        """Settled trades as the executor last said."""
        status = self.latest.get(ExecutorStatus)
        return 0 if status is None else int(status.trades)

    def wait_trading(self, trades: int = 2) -> System:
        """Wait until so many trades have landed since the start."""
        self.wait(lambda system: system.trades >= trades, f"{trades} trades on the chain")
        return self

    def received(self) -> list[Received]:
        """Return every transaction that reached an endpoint, as the devnet recorded it."""
        return read_received(self.places.role(Role.DEVNET) / LOG_NAME)

    def received_after(self, boot_ns: int) -> list[Received]:
        """Return those that arrived after a moment."""
        return [each for each in self.received() if each.received_ns > boot_ns]

    def fault(self, endpoint: str, kind: str, **figures: int) -> None:
        """Have one of the devnet's endpoints misbehave."""
        self._control(f"faults/{endpoint}", {"kind": kind, **figures})

    def mining(self, *, running: bool) -> None:
        """Hold the chain's blocks, or let them come again."""
        self._control("mining", {"running": running})

    def hold_one(self) -> None:
        """Hold the chain's blocks at a moment at which a transaction of ours waits in it."""
        for _ in range(HOLD_TRIES):
            self.mining(running=False)
            self.pass_time(HOLD_LOOK_S)
            if self.latest[ExecutorStatus].pending:
                return
            self.mining(running=True)
            self.pass_time(HOLD_LOOK_S / 4)
        raise AssertionError(f"of {HOLD_TRIES} held blocks none left a transaction waiting")

    def _control(self, path: str, body: dict[str, object]) -> None:
        """Ask the devnet's control interface."""
        manifest = json.loads(self.places.devnet_manifest.read_text(encoding="utf-8"))
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{manifest['control_url']}/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - loopback
            response.read()

    def now_ns(self) -> int:
        """Return the moment, on the clock of the devnet's record."""
        return SystemClock().boot_ns()

    def pass_time(self, seconds: float) -> None:
        """Let the system run on for a while, listening."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.listen()
            time.sleep(0.05)

    def close(self) -> None:
        """End everything."""
        self._listener.close()
        self._bus.close()
        super().close()
