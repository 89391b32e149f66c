"""I4: the stop with any subset of the processes dead or hung, one after another on one running system."""

from __future__ import annotations

import random
import signal
from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from tests.faults import fault
from tests.process.again import running_again
from tests.process.system import BUSY_TOML, System
from warden.domain.roles import PROCESSES, Role
from warden.domain.stops import CleanUp, StopLevel
from warden.operator.stopping import order_stop

if TYPE_CHECKING:
    from warden.operator.stopping import StopResult

SEED: Final = 4
# The devnet is the world outside: it is what judges.
OURS: Final = tuple(role for role in PROCESSES if role is not Role.DEVNET)
# A short permit, so that a recovery is soon over; the watchdog is not to kill what hangs here.
TOML: Final = (
    BUSY_TOML
    + """
[watchdog]
beat_interval_ms = 100
permit_life_ms = 1000
lost_after_ms = 30000
"""
)
WATCH_S: Final = 0.4


class Case(msgspec.Struct, frozen=True):
    """Who is dead and who is hung when the stop comes."""

    dead: tuple[Role, ...] = ()
    hung: tuple[Role, ...] = ()

    @property
    def levels(self) -> set[StopLevel]:
        """What may be claimed then; a machine so busy that 250 ms bring no answer has the executor killed."""
        if Role.EXECUTOR in self.dead:
            return {StopLevel.NOT_RUNNING}
        if Role.EXECUTOR in self.hung:
            return {StopLevel.FENCED}
        return {StopLevel.CONFIRMED, StopLevel.FENCED}


def cases() -> list[Case]:
    """Return everyone alone, dead and hung; seeded pairs and triples of both; all."""
    chance = random.Random(SEED)
    mixed = []
    for size in (2, 2, 3, 3):
        chosen = chance.sample(OURS, size)
        split = chance.randint(0, size)
        mixed.append(Case(dead=tuple(chosen[:split]), hung=tuple(chosen[split:])))
    return [
        *(Case(hung=(role,)) for role in OURS),
        *(Case(dead=(role,)) for role in OURS),
        *mixed,
        Case(hung=OURS),
        Case(dead=OURS),
    ]


def stop_with(system: System, case: Case) -> StopResult:
    """Kill and freeze, stop, and judge what arrives, also once what was frozen has woken up."""
    for role in case.hung:
        system.signal(role, signal.SIGSTOP)
    for role in case.dead:
        system.signal(role, signal.SIGKILL)
        system.processes[role].wait()
    # Held still, not cleaned up: then its in-flight list is all that may arrive.
    result = order_stop(system.home, message="test", operator="tester", policy=CleanUp.HOLD)
    acknowledged_ns = system.now_ns()
    system.pass_time(WATCH_S)
    for role in case.hung:
        if system.processes[role].poll() is None:
            system.signal(role, signal.SIGCONT)
    system.pass_time(WATCH_S)
    late = {each.tx_hash for each in system.received_after(acknowledged_ns)} - set(result.in_flight)
    assert late == set(), case
    return result


@fault("all-paused", "executor-resumed")
@pytest.mark.timeout(600)
def test_i4_stop_with_any_subset_dead_or_hung() -> None:
    """I4: each process alone dead and hung, seeded mixtures, all: recorded, proven, nothing late (ES1)."""
    with System(TOML) as system:
        system.start_all().wait_trading(1)
        for number, case in enumerate(cases()):
            if number:
                running_again(system)
            result = stop_with(system, case)
            assert result.level in case.levels, (case, result)
            assert result.recorded, (case, result)
            assert result.stop_id in {stop.stop_id for stop in system.latch.read().stops}
