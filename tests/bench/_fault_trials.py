"""The faults that `scripts/bench faults` brings about: each returns how many cases it has tried.

An AssertionError is a fault that was not borne. The system's book is compared with the chain at each end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.faults import fault
from tests.instance import wait_until
from tests.process.again import running_again
from tests.process.chain_truth import ChainTruth
from tests.process.power_loss import as_written, check, claims, recorded, torn
from tests.process.system import System
from tests.process.test_worn_out import arrived_after, check_stop_holds, is_limited, take_files, take_memory
from warden.domain.roles import Role
from warden.domain.stops import CleanUp
from warden.operator.stopping import order_stop
from warden.runtime.journal import verify

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    Trial = Callable[[int, random.Random], int]

SAFETY: Final = (Role.EXECUTOR, Role.WATCHDOG, Role.GATEWAY, Role.TRADER)
BURN: Final = "while True: pass"
STARVED_S: Final = 20.0
STARVED_SEND_S: Final = 2.0
PAUSE_S_MAX: Final = 3.0
PAUSES_A_ROUND: Final = 10
BURNERS: Final = 8
POWER_SAMPLES: Final = 20
CGROUPS: Final = (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup"))
OOM_S: Final = 30.0


class NotHere(Exception):
    """This machine or user cannot bring a fault about; the text says what is lacking."""


@contextmanager
def trading() -> Iterator[System]:
    """Yield a system that trades; at its end its book is what the chain says."""
    with System() as system:
        system.start_all()
        system.wait_trading(2)
        yield system
        refresh(system)
        system.end(Role.TRADER)
        truth = ChainTruth(system)
        wait_until(lambda: not truth.disagreements(set(truth.signed())), "a settled book")
        for role in (Role.EXECUTOR, Role.WATCHDOG):
            system.end(role)
            assert verify(system.places.journal(role))[1] == []
        truth.check_book_is_chain()


def refresh(system: System) -> None:
    """Replace whoever was given less than it needs; an operator arms, and it trades."""
    for role in SAFETY:
        process = system.processes[role]
        if process.poll() is None and is_limited(process.pid):
            process.kill()
            process.wait()
    system.listen()
    system.latest.clear()
    running_again(system)


@fault("power-loss")
def power_loss(rounds: int, chance: random.Random) -> int:
    """Cut the power after every write of a fresh recording, and leave many disks that lost what they may."""
    cases = 0
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as fast:
            base = Path(fast)
            steps = recorded(base / "home", base / "trace")
            _, handed, _ = claims(steps)
            for number in range(len(steps) + 1):
                before = steps[:number]
                check(as_written(before), before, handed, base / "disk")
                for _ in range(POWER_SAMPLES):
                    check(torn(before, chance), before, handed, base / "disk")
                cases += 1 + POWER_SAMPLES
    return cases


@fault("descriptors-exhausted")
def descriptors(rounds: int, chance: random.Random) -> int:
    """Leave each process of the chain from strategy to send a few descriptors, or none; then order a stop."""
    return _worn_out(rounds, lambda pid: take_files(pid, spare=chance.randrange(4)))


@fault("memory-exhausted")
def memory(rounds: int, chance: random.Random) -> int:
    """Leave each of them a little memory, or none; then order a stop."""
    return _worn_out(
        rounds, lambda pid: take_memory(pid, spare_bytes=chance.choice((0, 2**16, 2**20, 2**23)))
    )


def _worn_out(rounds: int, take: Callable[[int], None]) -> int:
    with trading() as system:
        for _ in range(rounds):
            for role in SAFETY:
                take(system.processes[role].pid)
                check_stop_holds(system)
                refresh(system)
    return rounds * len(SAFETY)


@fault("killed-for-memory")
def killed_for_memory(rounds: int, chance: random.Random) -> int:
    """Have the kernel kill the executor for want of memory (a cgroup of its own), wherever it is."""
    with trading() as system, _cgroup() as group:
        for _ in range(rounds):
            system.pass_time(chance.uniform(0.0, 1.0))
            process = system.processes[Role.EXECUTOR]
            group.starve(process.pid)
            wait_until(lambda process=process: process.poll() is not None, "an executor killed", OOM_S)  # type: ignore[misc] # a default binds it
            assert process.returncode == -signal.SIGKILL
            check_stop_holds(system)
            refresh(system)
    return rounds


class _Cgroup:
    """A memory cgroup, of either version."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._limit = next(
            (path / name for name in ("memory.limit_in_bytes", "memory.max") if (path / name).exists()), None
        )
        if self._limit is None:
            path.rmdir()
            raise NotHere("a memory cgroup that may be limited")

    def starve(self, pid: int) -> None:
        """Put a process in, with less than it uses."""
        assert self._limit is not None
        self._limit.write_text(str(2**40), encoding="ascii")
        (self.path / "cgroup.procs").write_text(str(pid), encoding="ascii")
        # What it used before is not charged here: what it touches from now on is.
        self._limit.write_text(str(2**16), encoding="ascii")


@contextmanager
def _cgroup() -> Iterator[_Cgroup]:
    for base in CGROUPS:
        path = base / f"warden-faults-{os.getpid()}"
        try:
            path.mkdir()
        except OSError:
            continue
        group = _Cgroup(path)
        try:
            yield group
        finally:
            path.rmdir()
        return
    raise NotHere("root, and a memory cgroup")


@fault("starved")
def starved(rounds: int, chance: random.Random) -> int:
    """Leave executor and watchdog the idle moments of a core that has none; stop, and give it all back."""
    core = min(os.sched_getaffinity(0))
    for number in range(rounds):
        with trading() as system:
            victims = (Role.EXECUTOR, Role.WATCHDOG)[: 1 + number % 2]
            burners = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(BURNERS)]
            try:
                for burner in burners:
                    os.sched_setaffinity(burner.pid, {core})
                threads = [thread for role in victims for thread in _threads(system.processes[role].pid)]
                for thread in threads:
                    os.sched_setaffinity(thread, {core})
                    os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
                system.pass_time(chance.uniform(0.5, 1.0) * STARVED_S)
                # One that gets no time can't even die within a second: UNCONFIRMED is an answer here.
                order_stop(system.home, message="bench", operator="bench", policy=CleanUp.HOLD)
                system.pass_time(STARVED_SEND_S)
                assert arrived_after(system, system.now_ns()) == set()
            finally:
                for burner in burners:
                    burner.kill()
                    burner.wait()
            assert arrived_after(system, system.now_ns()) == set()
            for role in victims:
                system.signal(role, signal.SIGKILL)
                system.processes[role].wait()
    return rounds


def _threads(pid: int) -> list[int]:
    return [int(each.name) for each in Path(f"/proc/{pid}/task").iterdir()]


@fault("executor-resumed")
def paused_anywhere(rounds: int, chance: random.Random) -> int:
    """Pause the executor wherever it is, for up to three seconds, again and again; then under a stop."""
    with trading() as system:
        for _ in range(rounds * PAUSES_A_ROUND):
            system.signal(Role.EXECUTOR, signal.SIGSTOP)
            time.sleep(chance.uniform(0.0, PAUSE_S_MAX))
            system.signal(Role.EXECUTOR, signal.SIGCONT)
            system.pass_time(chance.uniform(0.0, 1.0))
            running_again(system)
        system.signal(Role.EXECUTOR, signal.SIGSTOP)
        check_stop_holds(system)
        assert arrived_after(system, system.now_ns()) == set()
    return rounds * PAUSES_A_ROUND


TRIALS: Final[dict[str, Trial]] = {
    "power-loss": power_loss,
    "descriptors-exhausted": descriptors,
    "memory-exhausted": memory,
    "killed-for-memory": killed_for_memory,
    "starved": starved,
    "paused-anywhere": paused_anywhere,
}
