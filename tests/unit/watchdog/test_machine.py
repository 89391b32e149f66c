"""How the machine fares: the real one, and a disk that answers never."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import psutil

from tests.faults import fault
from tests.instance import wait_until
from warden.runtime.clock import SystemClock
from warden.watchdog.machine import Machine
from warden.watchdog.measures import Measures

if TYPE_CHECKING:
    from pathlib import Path

    from warden.watchdog.events import Measured


class SetClock(SystemClock):
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.ns = 10**12

    def boot_ns(self) -> int:
        """Return the moment that was set."""
        return self.ns


MINUTE_NS = 60 * 10**9


def test_this_machine_is_seen(tmp_path: Path) -> None:
    """HM1: processor, memory, disk, load and network of the machine that this runs on."""
    clock = SetClock()
    machine = Machine((tmp_path,), MINUTE_NS, clock)
    assert machine.look() is None
    clock.ns += 5 * 10**9
    wait_until(lambda: machine._asked_ns is None, "answer of the disk")
    first = machine.look()
    assert first is not None
    assert machine.look() is None
    assert 0 < first.memory_percent < 100
    assert first.memory_free_mb > 0
    assert first.load_percent >= 0
    assert first.cpu_percent is not None
    assert 0 <= first.cpu_percent <= 100
    assert first.disk_percent is not None
    assert first.disk_where == str(tmp_path)
    assert abs(first.disk_percent - psutil.disk_usage(str(tmp_path)).percent) <= 1
    clock.ns += MINUTE_NS
    second = machine.look()
    assert second is not None
    assert (second.received_kb_s >= 0, second.bad_packets_percent >= 0) == (True, True)


@fault("disk-silent")
def test_a_disk_that_never_answers_holds_up_nothing(tmp_path: Path) -> None:
    """HM1: the loop goes on; for how long the disk owes an answer is told, and it is asked no more."""
    clock, hanging, asked = SetClock(), threading.Event(), []

    def statvfs(path: Path) -> os.statvfs_result:
        asked.append(path)
        hanging.wait(60)
        return os.statvfs(path)

    machine = Machine((tmp_path,), MINUTE_NS, clock, statvfs)
    try:
        wait_until(lambda: bool(asked), "question to the disk")
        clock.ns += 5 * 10**9
        silent = []
        for _ in range(3):
            seen = machine.look()
            assert seen is not None
            silent.append(seen.disk_silent_ns // 10**9)
            clock.ns += MINUTE_NS
        assert silent == [5, 65, 125]
        assert len(asked) == 1
    finally:
        hanging.set()
    wait_until(lambda: machine._asked_ns is None, "answer of the disk")
    seen = machine.look()
    assert seen is not None
    assert (seen.disk_silent_ns, seen.disk_percent is not None) == (0, True)


def test_a_disk_that_refuses_says_why(tmp_path: Path) -> None:
    """HM1: what cannot be asked is no figure of zero."""
    clock = SetClock()
    machine = Machine((tmp_path / "gone",), MINUTE_NS, clock)
    wait_until(lambda: machine._asked_ns is None, "answer of the disk")
    clock.ns += MINUTE_NS
    seen = machine.look()
    assert seen is not None
    assert (seen.disk_percent, "No such file" in seen.disk_error) == (None, True)


def test_each_process_is_measured_in_turn() -> None:
    """HM1: CPU, memory and threads of a real process, one at a time; of one that is gone nothing."""
    clock = SetClock()
    measures = Measures(clock)
    pids = {"executor": os.getpid(), "gateway": os.getpid(), "trader": 2**22 - 1}
    found: list[Measured | None] = []
    for _ in range(12):
        clock.ns += 10**9
        found.append(measures.take(pids))
    told = [each for each in found if each is not None]
    assert {each.name for each in told} == {"executor", "gateway"}
    assert all(each.threads >= 1 and each.pss_mb > 1 for each in told)
    assert measures.of("executor")[0] == told[0].pss_mb
    assert measures.of("trader") == (0.0, 0.0)
