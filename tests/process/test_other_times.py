"""Other clocks and another boot, for real: time namespaces, a boot id of its own, everything cut off at once.

One system serves all tests, in order: each leaves it trading.
"""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults import fault
from tests.instance import REPOSITORY
from tests.needs import need_root, need_tool
from tests.process.chain_truth import ChainTruth
from tests.process.elsewhen import AS_IT_IS
from tests.process.operator_at_work import let_trade
from tests.process.system import System
from warden.domain.errors import EXIT_REFUSED
from warden.domain.modes import Mode
from warden.domain.roles import Role, role_of
from warden.domain.stops import CleanUp
from warden.operator.link import ask
from warden.operator.stopping import order_stop
from warden.runtime.journal import verify
from warden.wire.messages import Arm
from warden.wire.rows import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

HOUR_S: Final = 3_600
WATCH_S: Final = 3.0
SOON_S: Final = 30


class ElsewhenSystem(System):
    """A system whose processes are started in another time: `shift_s` from ours, under another boot's id."""

    shift_s = 0
    boot_id = AS_IT_IS

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a process where and when it is told to."""
        if (self.shift_s, self.boot_id) == (0, AS_IT_IS):
            return super().start(name, *arguments)
        away = ["-m", "tests.process.elsewhen", str(self.shift_s), self.boot_id, sys.executable]
        words = ["-m", f"warden.{role_of(name)}", "--home", str(self.home), *arguments]
        process = subprocess.Popen([sys.executable, *away, *words], stdin=subprocess.DEVNULL, cwd=REPOSITORY)
        self.processes[name] = process
        return process

    def cut_off(self) -> None:
        """End everything at once, as a power cut does."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()
        self.processes.clear()
        self.listen()
        self.latest.clear()

    def trades_again(self) -> None:
        """Have an operator look into it and arm; wait until transactions arrive."""
        let_trade(self)
        arrived = len(self.received())
        self.wait(lambda each: len(each.received()) > arrived + 1, "transactions")

    def check_silent(self) -> None:
        """Watch the endpoints for a while: nothing arrives but cancels, which the settlement may send."""
        before = {each.tx_hash for each in self.received()}
        self.pass_time(WATCH_S)
        signed = ChainTruth(self).signed()
        late = {each.tx_hash for each in self.received()} - before
        assert {signed[tx_hash].purpose for tx_hash in late} <= {Purpose.CANCEL}


@pytest.fixture(scope="module")
def system() -> Iterator[ElsewhenSystem]:
    """A system that trades several times a second."""
    need_root()
    need_tool("mount")
    with ElsewhenSystem() as made:
        made.start_all()
        made.wait_trading(2)
        yield made


def uptime_s() -> int:
    """Return how long this machine has run; no time namespace can begin before that."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 10**9


@fault("boottime-differs")
@pytest.mark.parametrize("direction", [1, -1], ids=["ahead", "behind"])
def test_an_executor_in_another_time_is_given_no_leave(system: ElsewhenSystem, direction: int) -> None:
    """I2, HM4: what it says of time can't be judged: it is not heard, nothing is armed, nothing is sent."""
    system.end(Role.EXECUTOR)
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY without an executor")
    system.shift_s = direction * min(HOUR_S, uptime_s() - SOON_S)
    system.start(Role.EXECUTOR)
    system.check_silent()
    reply = ask(system.home, Arm("tester", "try it"))
    assert (reply.exit_code, "executor" in reply.message) == (EXIT_REFUSED, True)
    system.end(Role.EXECUTOR)
    system.shift_s = 0
    system.start(Role.EXECUTOR)
    system.trades_again()


@fault("boottime-jumps")
def test_after_a_day_asleep_nothing_of_before_counts(system: ElsewhenSystem) -> None:
    """I2, I7: the same boot a day later, as CLOCK_BOOTTIME counts it: an operator arms, and it trades."""
    system.cut_off()
    system.shift_s = 24 * HOUR_S
    system.start_all()
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY after the cut")
    system.check_silent()
    system.trades_again()


@fault("reboot")
def test_a_reboot_resumes_nothing_by_itself(system: ElsewhenSystem) -> None:
    """I7, ES4, I6: another boot, whose clock begins anew: the stop stands, and every wei is accounted for."""
    held = order_stop(system.home, message="before the cut", operator="tester", policy=CleanUp.HOLD)
    system.cut_off()
    system.boot_id, system.shift_s = str(uuid.uuid4()), SOON_S - uptime_s()
    system.start_all()
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY after the reboot")
    system.check_silent()
    assert [stop.stop_id for stop in system.latch.read().stops] == [held.stop_id]
    system.trades_again()
    system.end(Role.TRADER)
    truth = ChainTruth(system)
    system.wait(lambda _: not truth.disagreements(set(truth.signed())), "a settled book")
    for role in (Role.EXECUTOR, Role.WATCHDOG):
        system.end(role)
        assert verify(system.places.journal(role))[1] == []
    truth.check_book_is_chain()
    assert (system.places.stop / "cleared" / held.stop_id).is_file()
