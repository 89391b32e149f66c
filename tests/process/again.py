"""After a test's damage: who is dead is started, an operator recovers and arms, trades land again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from warden.domain.errors import NotRunning
from warden.domain.modes import Mode
from warden.domain.roles import PROCESSES
from warden.operator.link import ask
from warden.wire.messages import Arm, Recover

if TYPE_CHECKING:
    from tests.process.system import System

ASK_AGAIN_S: Final = 0.2


def running_again(system: System) -> None:
    """Start whoever is dead, recover as an operator does, and wait until a transaction arrives again."""
    for role in PROCESSES:
        if system.processes[role].poll() is not None:
            system.start(role)
    arrived = len(system.received())

    def flows(_: System) -> bool:
        standing = system.latch.read().stops
        if standing or system.mode is not Mode.AGGRESSIVE:
            # Refused while a process starts, and again needed once a new executor's first beat has come.
            request = (Recover if standing else Arm)("tester", "the next case")
            with contextlib.suppress(NotRunning):
                ask(system.home, request, timeout_ms=5_000)
            system.pass_time(ASK_AGAIN_S)
        return len(system.received()) > arrived

    system.wait(flows, "transaction after the recovery")
