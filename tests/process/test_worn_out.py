"""File descriptors and memory that run out under load, for real: the kernel refuses (prlimit), mid-trade.

One system serves all tests; each leaves it trading, and at the end its book is what the chain says.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from itertools import count
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults import fault
from tests.instance import wait_until
from tests.process.again import running_again
from tests.process.chain_truth import ChainTruth
from tests.process.system import System
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.domain.stops import CleanUp, StopLevel
from warden.operator.stopping import order_stop
from warden.runtime.journal import verify
from warden.wire.rows import Purpose
from warden.wire.telemetry import ExecutorStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(300)

SAFETY: Final = (Role.EXECUTOR, Role.WATCHDOG)
WATCH_S: Final = 2.0
PERMIT_LIFE_S: Final = 1.5
MARGIN_S: Final = 0.5


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """A system that trades several times a second."""
    with System() as made:
        made.start_all()
        made.wait_trading(2)
        yield made
        made.end(Role.TRADER)
        truth = ChainTruth(made)
        wait_until(lambda: not truth.disagreements(set(truth.signed())), "a settled book")
        for role in SAFETY:
            made.end(role)
            assert verify(made.places.journal(role))[1] == []
        truth.check_book_is_chain()


@pytest.fixture(autouse=True)
def _trades_afterwards(system: System) -> Iterator[None]:
    """Whoever was refused is started anew; an operator arms, and it trades."""
    yield
    for role in SAFETY:
        process = system.processes[role]
        if process.poll() is None and is_limited(process.pid):
            process.send_signal(signal.SIGKILL)
            process.wait()
    system.listen()
    system.latest.clear()
    running_again(system)


def is_limited(pid: int) -> bool:
    """Tell whether a test has taken something away from a process."""
    limits = (resource.prlimit(pid, each) for each in (resource.RLIMIT_NOFILE, resource.RLIMIT_AS))
    return any(soft != hard for soft, hard in limits)


def take_files(pid: int, spare: int = 0) -> None:
    """Let a process open so many more files and no other: a new one takes the lowest free number."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    opened = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}  # noqa: PTH208 - bare numbers
    free = next(number for number in count() if number not in opened)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(free + spare, hard - 1), hard))


def take_memory(pid: int, spare_bytes: int = 2**20) -> None:
    """Let a process have so much more memory and no byte beyond."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_AS)
    with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123 - no path of ours
        pages = int(file.read().split()[0])
    resource.prlimit(pid, resource.RLIMIT_AS, (pages * resource.getpagesize() + spare_bytes, hard))


def arrived_after(system: System, boot_ns: int) -> set[str]:
    """Watch the endpoints a while; return what arrived after the moment, but for cancels."""
    system.pass_time(WATCH_S)
    cancels = {key for key, row in ChainTruth(system).signed().items() if row.purpose is Purpose.CANCEL}
    return {each.tx_hash for each in system.received_after(boot_ns)} - cancels


def check_stop_holds(system: System) -> None:
    """Order a stop of whoever is left, and watch that nothing arrives but what it lists."""
    result = order_stop(system.home, message="test", operator="tester", policy=CleanUp.HOLD)
    stopped_ns = system.now_ns()
    assert result.level is not StopLevel.UNCONFIRMED, result
    assert arrived_after(system, stopped_ns) <= set(result.in_flight)


@fault("descriptors-exhausted")
@pytest.mark.parametrize("role", SAFETY)
def test_i1_without_a_file_descriptor_left_nothing_is_sent(system: System, role: Role) -> None:
    """I1, I2: who cannot look at the stop directory counts it as a stop; a stop by an operator holds."""
    process = system.processes[role]
    system.wait(lambda each: each.mode is Mode.AGGRESSIVE and not gate(each), "an open gate")

    def closes(each: System) -> bool:
        with contextlib.suppress(OSError):  # it ended meanwhile
            # Again and again: what it had open for a moment at the first look is free again.
            take_files(process.pid)
        return bool(gate(each)) or each.mode is not Mode.AGGRESSIVE or process.poll() is not None

    system.wait(closes, "a gate that closes")
    system.pass_time(PERMIT_LIFE_S + MARGIN_S)
    closed_ns = system.now_ns()
    assert arrived_after(system, closed_ns) == set()
    check_stop_holds(system)


@fault("memory-exhausted")
@pytest.mark.parametrize("role", SAFETY)
def test_i3_without_memory_it_ends_or_goes_on_and_a_stop_holds(system: System, role: Role) -> None:
    """I3, I5, I6: refused memory amid trading, it dies or does not; nothing is sent unrecorded."""
    take_memory(system.processes[role].pid)
    system.pass_time(WATCH_S)
    check_stop_holds(system)


def gate(system: System) -> str:
    """Return why the executor's gate is closed, as it last said; empty while it is open."""
    return str(system.latest[ExecutorStatus].gate) if ExecutorStatus in system.latest else "unknown"
