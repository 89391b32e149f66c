"""Processes that are held up and let go on, at the worst places: one system, each test leaves it trading."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.faults import fault
from tests.instance import wait_until
from tests.process.chain_truth import ChainTruth
from tests.process.cli_runs import command, environment
from tests.process.held import BETWEEN, IDLE, THREAD
from tests.process.held_system import HeldSystem
from tests.process.operator_at_work import let_trade
from warden.domain.modes import Mode
from warden.domain.roles import PROCESSES, Role
from warden.domain.stops import CleanUp, StopLevel
from warden.operator.stopping import order_stop
from warden.wire.rows import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.process.system import System

pytestmark = pytest.mark.timeout(300)

WATCH_S = 1.5


@pytest.fixture(scope="module")
def system() -> Iterator[HeldSystem]:
    """A system that trades several times a second; at its end the book is what the chain says."""
    with HeldSystem() as made:
        made.start_all()
        made.wait_trading(2)
        yield made
        made.end(Role.TRADER)
        truth = ChainTruth(made)
        wait_until(lambda: not truth.disagreements(set(truth.signed())), "a settled book")
        made.end(Role.EXECUTOR)
        truth.check_book_is_chain()


@pytest.fixture(autouse=True)
def _trades_afterwards(system: HeldSystem) -> Iterator[None]:
    """Whatever a test did, the system trades once an operator has looked into it."""
    yield
    for role in PROCESSES:
        if system.processes[role].poll() is not None:
            system.start(role)
        system.signal(role, signal.SIGCONT)
    system.listen()
    system.latest.clear()
    system.wait(lambda each: each.mode is not None, "the watchdog's word of now")
    if system.mode is not Mode.AGGRESSIVE or system.latch.read().stopped:
        let_trade(system)
    system.wait(lambda each: each.mode is Mode.AGGRESSIVE, "trading")
    arrived = len(system.received())
    system.wait(lambda each: len(each.received()) > arrived, "a transaction", timeout_s=60)


def arrived_after(system: System, boot_ns: int) -> set[str]:
    """Watch the endpoints a while longer; return what arrived after the moment, but for cancels.

    What was on its way may be taken back under OBSERVE_ONLY, too: that moves nothing.
    """
    system.pass_time(WATCH_S)
    cancels = {key for key, row in ChainTruth(system).signed().items() if row.purpose is Purpose.CANCEL}
    return {each.tx_hash for each in system.received_after(boot_ns)} - cancels


def held_between(system: HeldSystem) -> str:
    """Pause the executor before the first byte of a swap, none of whose legs has begun; return its hash."""
    tx_hash = system.hold(BETWEEN)
    wait_until(lambda: system.is_still(Role.EXECUTOR), "a paused executor")
    return tx_hash


@fault("between-check-and-write", "executor-resumed")
def test_i2_what_left_too_late_is_refused_by_the_chain(system: HeldSystem) -> None:
    """I2: paused after the gate's look, let go on when the swap's deadline has passed: it moves nothing."""
    truth = ChainTruth(system)
    tx_hash = held_between(system)
    held = truth.signed()[tx_hash]

    def too_late() -> bool:
        newest = truth.node("eth_getBlockByNumber", "latest", False)
        return int(newest["timestamp"], 16) > held.not_after_s

    wait_until(too_late, "a block after its deadline")
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY without the executor")
    let_go_ns = system.now_ns()
    system.signal(Role.EXECUTOR, signal.SIGCONT)
    wait_until(lambda: truth.disagreements({tx_hash}) == [], "its end on the chain and in the book")
    landed = truth.landed(tx_hash)
    # Refused by its deadline, unless a cancel of the same nonce was mined in its place.
    assert landed is None or (landed.success, landed.gain_wei) == (False, 0)
    # That one leg's; the other legs looked at their permit afterwards, which had run out.
    late = [each for each in system.received_after(let_go_ns) if each.tx_hash == tx_hash]
    assert len({each.endpoint for each in late}) == 1


@fault("between-check-and-write", "executor-paused")
def test_i3_a_stop_reaches_one_that_is_paused_between_look_and_write(system: HeldSystem) -> None:
    """I3: the executor can't answer, so it is killed: what it was about to write never leaves."""
    held = held_between(system)
    result = order_stop(system.home, message="test", operator="tester", policy=CleanUp.HOLD)
    stopped_ns = system.now_ns()
    assert result.level is StopLevel.FENCED
    assert held in result.in_flight
    assert arrived_after(system, stopped_ns) == set()
    assert ChainTruth(system).landed(held) is None


@fault("thread-hung")
def test_i3_a_hung_main_thread_under_living_others_is_fenced(system: HeldSystem) -> None:
    """HM1, I3: ZeroMQ's thread takes the stop, nobody answers it: the executor is killed, nothing is late."""
    system.hold(THREAD)
    result = order_stop(system.home, message="test", operator="tester", policy=CleanUp.HOLD)
    stopped_ns = system.now_ns()
    assert result.level is StopLevel.FENCED
    assert arrived_after(system, stopped_ns) <= set(result.in_flight)


@fault("thread-hung")
def test_hm4_a_hung_main_thread_is_lost_though_the_process_lives(system: HeldSystem) -> None:
    """HM4, I2: its beats come from the loop that hangs; its permit runs out, and its legs send nothing."""
    system.hold(THREAD)
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY for the hung executor")
    lost_ns = system.now_ns()
    assert system.processes[Role.EXECUTOR].poll() is None
    assert arrived_after(system, lost_ns) == set()
    system.kill(Role.EXECUTOR)
    system.start(Role.EXECUTOR)


@fault("executor-resumed", "gateway-paused", "watchers-paused", "delayed")
def test_i2_whoever_is_paused_and_let_go_on_sends_nothing_of_before(system: HeldSystem) -> None:
    """I2, HM4: each in turn, long enough to be lost; what only watches changes nothing."""
    for role in (Role.LOGGER, Role.NOTIFIER, Role.API):
        since = len(system.events)
        system.signal(role, signal.SIGSTOP)
        wait_told(system, since, f"{role}.lost")
        system.wait_trading(system.trades + 1)
        assert system.mode is Mode.AGGRESSIVE
        system.signal(role, signal.SIGCONT)
        wait_told(system, since, f"{role}.returned")
    for role in (Role.GATEWAY, Role.EXECUTOR):
        system.signal(role, signal.SIGSTOP)
        system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY")
        lowered_ns = system.now_ns()
        system.signal(role, signal.SIGCONT)
        assert arrived_after(system, lowered_ns) == set()
        let_trade(system)
        system.wait(lambda each: each.mode is Mode.AGGRESSIVE, "trading again")


@fault("trader-resumed")
def test_hm4_a_trader_that_was_given_up_is_not_heard_when_it_goes_on(system: HeldSystem) -> None:
    """HM4, I8: let go on the moment at which it is lost: its session is gone, and nothing of it is sent."""
    system.signal(Role.TRADER, signal.SIGSTOP)
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY for the hung trader")
    system.signal(Role.TRADER, signal.SIGCONT)
    going_ns = system.now_ns()
    assert arrived_after(system, going_ns) == set()
    system.processes[Role.TRADER].wait(60)


@fault("livelocked")
def test_hm1_a_trader_that_beats_and_handles_nothing_is_ended(system: HeldSystem) -> None:
    """HM1: every beat comes, markets are read, none is taken: livelocked, left out, and killed."""
    since = len(system.events)
    system.hold(IDLE)
    wait_told(system, since, "trader.livelocked")
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY for the livelocked trader")
    system.wait(lambda each: each.processes[Role.TRADER].poll() is not None, "the end of it")
    assert "trader.lost" not in kinds(system, since)


@fault("terminal-lost")
@pytest.mark.parametrize("terminal", ["gone", "held"])
def test_i4_a_terminal_that_is_lost_in_mid_stop_ends_no_stop(system: HeldSystem, terminal: str) -> None:
    """I4, ES1: its window is closed, or holds all output (Ctrl-S): a hung executor is fenced all the same."""
    system.signal(Role.EXECUTOR, signal.SIGSTOP)
    child, ours = pty.fork()
    if child == 0:
        words = command("emergency-stop", "--reason", "test", "--home", str(system.home))
        os.execve(words[0], words, environment(TERM="dumb"))  # noqa: S606 - no shell wanted
    try:
        if terminal == "held":
            os.write(ours, b"\x13")
        wait_until(lambda: bool(system.latch.read().stops), "the stop's file")
        if terminal == "gone":
            os.close(ours)
        assert system.processes[Role.EXECUTOR].wait(60) == -signal.SIGKILL
        stopped_ns = system.now_ns()
        if terminal == "held":
            os.write(ours, b"\x11")
            assert b"FENCED" in read_until_closed(ours)
    finally:
        os.close(ours) if terminal == "held" else None
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert arrived_after(system, stopped_ns) == set()
    assert len(system.latch.read().stops) == 1


def read_until_closed(terminal: int) -> bytes:
    """Read what a program says until it ends."""
    said = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while more := os.read(terminal, 65_536):
            said += more
    return said


@fault("double-stop")
def test_i3_two_stops_at_once_both_hold_and_are_lifted_together(system: HeldSystem) -> None:
    """I3, ES4: two operators press in the same moment, and one of them again: two stops, each confirmed."""
    words = command("emergency-stop", "--reason", "test", "--json", "--home", str(system.home))
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, env=environment()) for _ in range(2)]
    told = [msgspec.json.decode(each.communicate(timeout=60)[0]) for each in both]
    assert [each["level"] for each in told] == ["CONFIRMED", "CONFIRMED"]
    again = order_stop(system.home, message="again", operator="tester", stop_id=told[0]["stop_id"])
    stopped_ns = system.now_ns()
    assert again.level is StopLevel.CONFIRMED
    assert {each.stop_id for each in system.latch.read().stops} == {each["stop_id"] for each in told}
    listed = {tx_hash for each in told for tx_hash in each["in_flight"]} | set(again.in_flight)
    assert arrived_after(system, stopped_ns) <= listed
    let_trade(system)
    assert system.latch.is_clear()


def kinds(system: System, since: int) -> set[str]:
    """Return the kinds of the events after the first so many."""
    return {event.kind for event in system.events[since:]}


def wait_told(system: System, since: int, kind: str) -> None:
    """Wait for an event of a kind after the first so many."""
    system.wait(lambda _: kind in kinds(system, since), kind)
