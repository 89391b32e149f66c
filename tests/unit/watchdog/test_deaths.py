"""Handles on real processes: an end is known when it happens, once, and only of whom it is about."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.faults import fault
from tests.instance import wait_until
from warden.domain.roles import Role
from warden.watchdog import killing
from warden.watchdog.deaths import Deaths
from warden.watchdog.events import Died
from warden.watchdog.liveness import Peer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warden.watchdog.killing import Target

_CODE = "print('up', flush=True); input()"


class _Theatre:
    """A trader of one home that is a real process, and what watches it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.deaths = Deaths()
        self.peer = Peer(name=Role.TRADER, session="a")
        self.process = self.start()
        self.targets: dict[str, Target | None] = {"a": self.identified()}

    def start(self) -> subprocess.Popen[bytes]:
        """Start a process that is named as the trader."""
        process = subprocess.Popen(
            [sys.executable, "-c", _CODE, "warden.trader", "--home", str(self.home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        return process

    def identified(self) -> Target:
        """Return what the watchdog knows the process by."""
        target = killing.identify(self.process.pid, Role.TRADER, self.home)
        assert target is not None
        return target

    def look(self) -> list[Died]:
        """Do what a turn of the watchdog's loop does."""
        self.deaths.follow([self.peer], self.targets.get)
        return self.deaths.died()

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def theatre(tmp_path: Path) -> Iterator[_Theatre]:
    """One that is cleared away."""
    made = _Theatre(tmp_path)
    yield made
    made.end()
    made.deaths.close()


def _handles() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count is all that is wanted


def _wait_zombie(process: subprocess.Popen[bytes]) -> None:
    handle = os.pidfd_open(process.pid)
    assert select.select([handle], [], [], 60)[0]
    os.close(handle)


@fault("unnoticed-death")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_end_is_seen_once_and_the_handle_let_go(theatre: _Theatre, number: signal.Signals) -> None:
    """HM4: before anybody has waited for the process, so a supervisord that hangs hides no death."""
    before = _handles()
    assert theatre.look() == theatre.look() == []
    assert _handles() == before + 1
    theatre.process.send_signal(number)
    _wait_zombie(theatre.process)
    assert theatre.look() == [Died(Role.TRADER, "a")]
    assert theatre.look() == []
    assert _handles() == before


def test_a_process_that_is_held_still_has_not_ended(theatre: _Theatre) -> None:
    """HM4: of a paused process silence alone tells."""
    theatre.look()
    theatre.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: killing._is_still(theatre.process.pid), "a stopped process")
    assert theatre.look() == []


@pytest.mark.parametrize("reaped", [False, True])
def test_one_that_had_ended_before_the_first_look_is_found(theatre: _Theatre, *, reaped: bool) -> None:
    """HM4: it beat and died at once; nothing was held yet."""
    theatre.process.kill()
    _wait_zombie(theatre.process)
    if reaped:
        theatre.process.wait()
    assert theatre.look() == [Died(Role.TRADER, "a")]
    assert theatre.look() == []


@fault("pid-reused")
def test_a_number_that_another_process_has_now_says_nothing_of_the_session(theatre: _Theatre) -> None:
    """HM4: the start time belongs to the session: that of another process means that ours is gone."""
    right = theatre.identified()
    theatre.targets["a"] = msgspec.structs.replace(right, started=right.started - 1)
    before = _handles()
    assert theatre.look() == [Died(Role.TRADER, "a")]
    assert _handles() == before


def test_a_process_that_started_after_the_beat_did_not_send_it(theatre: _Theatre) -> None:
    """HM4: it has only got the number; one that was there at the time may be the sender."""
    started_ns = theatre.identified().started * killing._TICK_NS
    home, pid = theatre.home, theatre.process.pid
    assert killing.identify(pid, Role.TRADER, home, by_ns=started_ns - 1) is None
    assert killing.identify(pid, Role.TRADER, home, by_ns=started_ns) == theatre.identified()


def test_whoever_cannot_be_seen_is_left_to_silence(theatre: _Theatre) -> None:
    """HM4: a hidden /proc names nobody, and nobody is called dead for it."""
    theatre.targets["a"] = None
    assert theatre.look() == []
    theatre.process.kill()
    theatre.process.wait()
    assert theatre.look() == []


@pytest.mark.parametrize(
    "refusal", [OSError(38, "Function not implemented"), OSError(24, "Too many open files")]
)
def test_without_a_handle_silence_tells(
    theatre: _Theatre, monkeypatch: pytest.MonkeyPatch, refusal: OSError
) -> None:
    """HM4: an old kernel, or no file descriptor left: nothing is claimed."""

    def refuse(_pid: int) -> int:
        raise refusal

    monkeypatch.setattr(os, "pidfd_open", refuse)
    assert theatre.look() == []
    theatre.process.kill()
    theatre.process.wait()
    assert theatre.look() == []


def test_the_next_session_is_watched_in_the_place_of_the_last(theatre: _Theatre) -> None:
    """HM4: one handle for each name, whatever becomes of the old process."""
    before = _handles()
    theatre.look()
    old = theatre.process
    theatre.process = theatre.start()
    theatre.targets["b"] = theatre.identified()
    theatre.peer.session = "b"
    opened = _handles()
    assert theatre.look() == []
    old.kill()
    old.communicate()
    assert theatre.look() == []
    assert _handles() <= opened
    theatre.process.kill()
    _wait_zombie(theatre.process)
    assert theatre.look() == [Died(Role.TRADER, "b")]
    theatre.deaths.close()
    assert before <= _handles()
