"""The kill helper against real processes: only the judged one ends, whatever it does about signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import msgspec
import psutil
import pytest

from tests.faults import fault
from tests.instance import wait_until
from warden.domain.roles import Role
from warden.watchdog import killing
from warden.watchdog.commands import Deed, Kill
from warden.watchdog.events import Outcome
from warden.watchdog.executioner import Executioner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DEAF = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); input()"
_PLAIN = "print('up', flush=True); input()"


class _Victims:
    """Processes that are named as a trader of one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._all: list[subprocess.Popen[bytes]] = []

    def start(self, code: str, *words: str) -> subprocess.Popen[bytes]:
        """Start one and wait until its signal handlers stand."""
        process = subprocess.Popen(
            [sys.executable, "-c", code, *(words or ("warden.trader", "--home", str(self.home)))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._all.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        return process

    def end(self) -> None:
        """End what is left."""
        for process in self._all:
            process.kill()
            process.communicate()


@pytest.fixture
def victims(tmp_path: Path) -> Iterator[_Victims]:
    """Processes that end with the test."""
    those = _Victims(tmp_path)
    yield those
    those.end()


def _identified(victims: _Victims, process: subprocess.Popen[bytes]) -> killing.Target:
    target = killing.identify(process.pid, Role.TRADER, victims.home)
    assert target is not None
    return target


def test_it_ends_by_sigterm_what_obeys(victims: _Victims, tmp_path: Path) -> None:
    """The gentle way first; where it hung stands in a file."""
    process = victims.start(_PLAIN)
    result = killing.end(_identified(victims, process), tmp_path / "stacks" / "one.txt")
    assert (result.outcome, result.how) == (Outcome.KILLED, "ended by SIGTERM")
    assert process.wait() == -signal.SIGTERM
    assert (tmp_path / "stacks" / "one.txt").exists()


@pytest.mark.parametrize("stopped", [False, True])
def test_it_ends_by_sigkill_what_does_not(victims: _Victims, tmp_path: Path, *, stopped: bool) -> None:
    """Deaf to SIGTERM, or stopped by SIGSTOP so that nothing is delivered: SIGKILL ends it."""
    process = victims.start(_DEAF)
    if stopped:
        process.send_signal(signal.SIGSTOP)
    result = killing.end(_identified(victims, process), tmp_path / "one.txt")
    assert (result.outcome, result.how) == (Outcome.KILLED, "ended by SIGKILL")
    assert process.wait() == -signal.SIGKILL


@fault("pid-reused")
def test_a_process_that_has_ended_is_gone_even_as_a_zombie(victims: _Victims, tmp_path: Path) -> None:
    """Its pid still stands in the table until its parent asks; nothing is sent to it."""
    process = victims.start(_PLAIN)
    target = _identified(victims, process)
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not killing.alive(target), "a zombie")
    assert killing.end(target, tmp_path / "one.txt").outcome is Outcome.GONE
    process.wait()
    assert killing.end(target, tmp_path / "one.txt").outcome is Outcome.GONE


@fault("pid-reused")
def test_a_reused_pid_is_left_alone(victims: _Victims, tmp_path: Path) -> None:
    """The same number with another start time is another process."""
    process = victims.start(_PLAIN)
    target = _identified(victims, process)
    other = msgspec.structs.replace(target, started=target.started - 1)
    assert killing.end(other, tmp_path / "one.txt").outcome is Outcome.GONE
    assert process.poll() is None


@fault("pid-reused")
def test_only_the_roles_own_program_of_this_home_is_identified(victims: _Victims, tmp_path: Path) -> None:
    """Another program, another role, another home and no process at all are nobody."""
    other_home = victims.start(_PLAIN, "warden.trader", "--home", str(tmp_path / "other"))
    executor = victims.start(_PLAIN, "warden.executor", "--home", str(victims.home))
    looks_like = victims.start(_PLAIN, "not-warden.trader", "--home", str(victims.home))
    for process in (other_home, executor, looks_like):
        assert killing.identify(process.pid, Role.TRADER, victims.home) is None
    assert killing.identify(os.getpid(), Role.TRADER, victims.home) is None
    assert killing.identify(2**22 + 1, Role.TRADER, victims.home) is None


def test_a_trader_is_identified_by_its_strategy(victims: _Victims) -> None:
    """PL5: of several traders none is ended in another's stead."""
    here = ("--home", str(victims.home))
    arb = victims.start(_PLAIN, "warden.trader", *here, "--strategy", "arb")
    only = victims.start(_PLAIN, "warden.trader", *here)
    found = killing.identify(arb.pid, "trader-arb", victims.home)
    assert found is not None
    assert found.name == "trader-arb"
    assert killing.identify(only.pid, Role.TRADER, victims.home) is not None
    for process, name in ((arb, Role.TRADER), (arb, "trader-mom"), (only, "trader-arb")):
        assert killing.identify(process.pid, name, victims.home) is None


def _is_still(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether the kernel holds a process stopped."""
    return psutil.Process(process.pid).status() == psutil.STATUS_STOPPED


def test_it_freezes_and_thaws_only_whom_it_was_asked_for(victims: _Victims, tmp_path: Path) -> None:
    """OP1: by the same identity checks; the helper says only what it has seen; twice is no error."""
    process = victims.start(_PLAIN)
    target = _identified(victims, process)
    for deed, outcome, still in (
        (Deed.FREEZE, Outcome.FROZEN, True),
        (Deed.FREEZE, Outcome.FROZEN, True),
        (Deed.THAW, Outcome.THAWED, False),
        (Deed.THAW, Outcome.THAWED, False),
    ):
        assert killing.end(target, tmp_path / "none", deed).outcome is outcome
        assert _is_still(process) is still
    other = msgspec.structs.replace(target, started=target.started - 1)
    assert killing.end(other, tmp_path / "none", Deed.FREEZE).outcome is Outcome.GONE
    assert not _is_still(process)
    process.kill()
    process.wait()
    assert killing.end(target, tmp_path / "none", Deed.THAW).outcome is Outcome.GONE
    assert not (tmp_path / "none").exists()


def test_fencing_kills_at_once(victims: _Victims, tmp_path: Path) -> None:
    """I3: no stack, no SIGTERM that could set a stopped process going: SIGKILL, and its end seen."""
    process = victims.start(_PLAIN)
    process.send_signal(signal.SIGSTOP)
    result = killing.end(_identified(victims, process), tmp_path / "none", Deed.KILL)
    assert (result.outcome, result.how, result.stack) == (Outcome.KILLED, "ended by SIGKILL", "")
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "none").exists()


def test_the_executioner_works_apart_and_never_waits(victims: _Victims, tmp_path: Path) -> None:
    """A helper process of its own does it; one per target; the answer comes later; nothing is left over."""
    process = victims.start(_DEAF)
    executioner = Executioner(victims.home, tmp_path / "stacks")
    executioner.met(Role.TRADER, "session", process.pid)
    kill = Kill(Role.TRADER, "session", process.pid)
    executioner.begin(kill, time.monotonic_ns())
    executioner.begin(kill, time.monotonic_ns())
    ended = []

    def is_done() -> bool:
        ended.extend(executioner.ended(time.monotonic_ns()))
        return bool(ended) and not executioner._leaving

    wait_until(is_done, "the end")
    assert [(each.outcome, each.how) for each in ended] == [(Outcome.KILLED, "ended by SIGKILL")]
    assert ended[0].stack.endswith(f"trader-{process.pid}-session.txt")


def test_a_kill_is_not_lost_behind_a_freeze_of_the_same_process(victims: _Victims, tmp_path: Path) -> None:
    """One helper for each deed: both are answered, and the process is dead."""
    process = victims.start(_PLAIN)
    executioner = Executioner(victims.home, tmp_path / "stacks")
    assert executioner.met(Role.TRADER, "session", process.pid)
    for deed in (Deed.FREEZE, Deed.KILL):
        executioner.begin(Kill(Role.TRADER, "session", process.pid, deed), time.monotonic_ns())
    ended = []

    def is_done() -> bool:
        ended.extend(executioner.ended(time.monotonic_ns()))
        return len(ended) == 2 and not executioner._leaving

    wait_until(is_done, "both ends")
    assert {each.deed for each in ended} == {Deed.FREEZE, Deed.KILL}
    assert process.wait() == -signal.SIGKILL


def test_the_executioner_leaves_alone_whom_it_never_met(victims: _Victims, tmp_path: Path) -> None:
    """A session whose first beat named somebody else's pid is answered as not killed."""
    process = victims.start(_PLAIN, "something", "else")
    executioner = Executioner(victims.home, tmp_path / "stacks")
    executioner.met(Role.TRADER, "liar", process.pid)
    executioner.begin(Kill(Role.TRADER, "liar", process.pid), 0)
    (ended,) = executioner.ended(0)
    assert ended.outcome is Outcome.NOT_KILLED
    assert process.poll() is None
    executioner.begin(Kill(Role.TRADER, "liar", process.pid, Deed.FREEZE), 0)
    (ended,) = executioner.ended(0)
    assert ended.outcome is Outcome.NOT_DONE
