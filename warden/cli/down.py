"""`warden down`: ends everything of an instance, in order where that works, by force where it does not."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Final

from warden.cli import supervisor
from warden.cli.installed import require_root
from warden.cli.running import SUPERVISORD, Running, alive, everything, send
from warden.cli.words import say
from warden.domain.errors import EXIT_DONE, NotRunning, WardenError
from warden.runtime.places import places

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.places import Places

# supervisord ends the programs one after the other and kills each that takes more than its stopwaitsecs.
IN_ORDER_WITHIN_S: Final = 30.0
ORPHANS_WITHIN_S: Final = 10.0
KILLED_WITHIN_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.05


class StillAlive(WardenError):
    """Processes that even SIGKILL did not end: the operator must look at the machine."""


def down(home: Path) -> int:
    """End the instance at `home`, say how, and return the exit code.

    Raises:
        NotRunning: there was nothing to end.
        StillAlive: something is left.
        ConfigurationInvalid: only root may.
    """
    require_root(home, "end")
    count, killed = end_instance(home)
    forced = f", {len(killed)} of them by force: {', '.join(killed)}" if killed else ""
    say(f"{home}: down, {count} processes ended{forced}")
    return EXIT_DONE


def end_instance(home: Path) -> tuple[int, list[str]]:
    """End everything of the instance at `home`; return how many processes, and which had to be killed.

    Raises:
        NotRunning: there was nothing to end.
        StillAlive: something is left.
    """
    where = places(home)
    family = everything(home)
    if not family:
        raise NotRunning(f"{home}: nothing runs")
    supervisors = [each for each in family if each.name == SUPERVISORD]
    for each in family:
        # What is paused cannot end; the gate is closed to whom was paused for longer than a permit lives.
        send(each, signal.SIGCONT)
    for each in supervisors:
        send(each, signal.SIGTERM)
    if supervisors:
        _wait_gone(supervisors, IN_ORDER_WITHIN_S, where)
    killed = [each.name for each in supervisors if alive(each)]
    for each in supervisors:
        send(each, signal.SIGKILL)
    family = _joined(family, everything(home))
    left = [each for each in family if alive(each)]
    for each in left:
        send(each, signal.SIGCONT, signal.SIGTERM)
    _wait_gone(left, ORPHANS_WITHIN_S, where)
    left = [each for each in left if alive(each)]
    killed += [each.name for each in left]
    for each in left:
        send(each, signal.SIGKILL)
    _wait_gone(left, KILLED_WITHIN_S, where)
    left = [each for each in left if alive(each)]
    if left:
        names = ", ".join(f"{each.name} (pid {each.pid})" for each in left)
        raise StillAlive(f"not even SIGKILL ended {names}: look at the disk and the kernel's log")
    return len(family), killed


def _joined(before: list[Running], after: list[Running]) -> list[Running]:
    """Return both, each process once: one may have been started while we looked."""
    return list({(each.pid, each.command): each for each in (*before, *after)}.values())


def _wait_gone(processes: list[Running], timeout_s: float, where: Places) -> None:
    """Wait until all are gone or the time is over, keeping supervisord awake meanwhile."""
    end = time.monotonic() + timeout_s
    while any(alive(each) for each in processes) and time.monotonic() < end:
        supervisor.nudge(where)
        time.sleep(_LOOK_EVERY_S)
