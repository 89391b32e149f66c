"""Detect: from a process's death or hang to the moment at which the executor lets no new trade out.

The whole system runs and trades; the loss is real: SIGKILL, SIGSTOP, a loop that beats and takes no market
any more (called livelocked after ten seconds at the earliest). The executor is asked about every
millisecond over the real bus, as a trader whose session it does not know: its answer names the first thing
that stands in the way, so the moment at which the gate has closed is seen within a round trip. A hung
executor is measured at the stop that fences it. Beside it: what a systemd watchdog of 20 s would take.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import zmq

from tests.bench._figures import show, spread
from tests.bench._machine import machine
from tests.process.again import running_again
from tests.process.held import IDLE
from tests.process.held_system import HeldSystem
from tests.process.race import intent
from tests.process.system import BUSY_TOML
from warden.domain.roles import Role
from warden.domain.stops import CleanUp
from warden.operator.stopping import order_stop
from warden.wire.addresses import INTENTS
from warden.wire.codec import decode, encode
from warden.wire.messages import Answer, ExecutorToTrader, Progress, Submit

if TYPE_CHECKING:
    from tests.process.system import System

SEED = 3
TOML = BUSY_TOML + "[watchdog]\ntrader_restarts = 0\n"
LOSSES = {
    "trader_dead": (Role.TRADER, signal.SIGKILL),
    "trader_hung": (Role.TRADER, signal.SIGSTOP),
    "gateway_dead": (Role.GATEWAY, signal.SIGKILL),
    "watchdog_dead": (Role.WATCHDOG, signal.SIGKILL),
    "watchdog_hung": (Role.WATCHDOG, signal.SIGSTOP),
}
LIVELOCKED = "trader_livelocked"
TARGETS_MS = {
    "trader_hung_target_ms": 2_250,
    "trader_livelocked_target_ms": 10_250,
    "watchdog_dead_target_ms": 1_500,
    "watchdog_hung_target_ms": 1_500,
    "executor_hung_target_ms": 500,
}
OPEN = "session"
"""The rule that refuses our probe, and nothing else, while the gate is open to new trades."""
ZERO = "0x" + "00" * 20
CLOSED_WITHIN_S = 60.0
SPREAD_S = 0.5
ANSWER_MS = 250


def main() -> int:
    """Run and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="scripts/bench detect", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--trials", type=int, default=5, help="of each kind of loss")
    parser.add_argument("--seed", type=int, default=SEED, help="of the moments at which losses fall")
    options = parser.parse_args()
    with Lazy(TOML) as system:
        system.start_all().wait_trading(1)
        figures = measure(system, options.trials, random.Random(options.seed))
    show(figures, only_json=options.json)
    return 0


class Lazy(HeldSystem):
    """A system whose trader can be told to take no market any more, and to beat on."""

    held = (Role.TRADER,)


def measure(system: HeldSystem, trials: int, chance: random.Random) -> dict[str, Any]:
    """Take every loss in turn, so many times."""
    times_ms: dict[str, list[float]] = {name: [] for name in (*LOSSES, LIVELOCKED, "executor_hung")}
    why: dict[str, set[str]] = {name: set() for name in (*LOSSES, LIVELOCKED)}
    probe = Probe(system)
    try:
        for _ in range(trials):
            for name, (role, number) in LOSSES.items():
                ready(system, probe, chance)
                system.signal(role, number)
                took_ms, rule = probe.closed_after_ms()
                times_ms[name].append(took_ms)
                why[name].add(rule)
                end(system, role)
            ready(system, probe, chance)
            system.hold(IDLE)
            took_ms, rule = probe.closed_after_ms()
            times_ms[LIVELOCKED].append(took_ms)
            why[LIVELOCKED].add(rule)
            end(system, Role.TRADER)
            ready(system, probe, chance)
            times_ms["executor_hung"].append(fence_ms(system))
    finally:
        probe.close()
    figures: dict[str, Any] = {"trials": trials}
    for name, values in times_ms.items():
        figures |= spread(values, f"{name}_", "ms")
    return (
        figures
        | TARGETS_MS
        | {
            "closed_by": {name: sorted(rules) for name, rules in why.items()},
            "beside": "a systemd watchdog: 20000 ms",
            "machine": machine(),
        }
    )


def ready(system: System, probe: Probe, chance: random.Random) -> None:
    """Have everything run and trade, with the gate open, and let a seeded while pass."""
    running_again(system)
    probe.wait_open()
    system.pass_time(chance.uniform(0.0, SPREAD_S))


def end(system: System, role: Role) -> None:
    """Kill what was hung, so that a new one can be started."""
    process = system.processes[role]
    if process.poll() is None:
        process.kill()
    process.wait()


def fence_ms(system: System) -> float:
    """Hang the executor and order a stop; return how long that took."""
    system.signal(Role.EXECUTOR, signal.SIGSTOP)
    result = order_stop(system.home, message="bench", operator="bench", policy=CleanUp.HOLD)
    end(system, Role.EXECUTOR)
    return result.elapsed_ms


class Probe:
    """Asks the executor whether anything but our unknown session keeps a new trade from leaving."""

    def __init__(self, system: System) -> None:
        self._bus = system.bus(Role.TRADER)
        self._client = self._bus.connect(INTENTS)

    def close(self) -> None:
        """Leave the bus."""
        self._bus.close()

    def wait_open(self) -> None:
        """Wait until new trades may leave.

        Raises:
            SystemExit: they may not for a minute.
        """
        end = time.monotonic() + CLOSED_WITHIN_S
        while self._rule() != OPEN:
            if time.monotonic() > end:
                raise SystemExit("the gate did not open")
            time.sleep(0.02)

    def closed_after_ms(self) -> tuple[float, str]:
        """Return milliseconds until new trades may not leave any more, and the rule that says so.

        Raises:
            SystemExit: they may for a minute.
        """
        began = time.monotonic()
        while time.monotonic() - began < CLOSED_WITHIN_S:
            rule = self._rule()
            if rule not in (OPEN, ""):
                return (time.monotonic() - began) * 1_000, rule
            time.sleep(0.001)
        raise SystemExit("the gate did not close")

    def _rule(self) -> str:
        """Return the rule that refuses a probe; empty where no answer came."""
        order = intent((ZERO, ZERO), "unknown")
        if not self._client.send(encode(Submit(order))):
            return ""
        end = time.monotonic() + ANSWER_MS / 1_000
        while time.monotonic() < end:
            if not self._client.socket.poll(10, zmq.POLLIN):
                continue
            while (data := self._client.receive()) is not None:
                message: Answer | Progress = decode(data, ExecutorToTrader)
                if isinstance(message, Answer) and message.decision.intent_id == order.intent_id:
                    return message.decision.rule
        return ""


if __name__ == "__main__":
    sys.exit(main())
