"""The invariants of the design on real processes and a real chain, judged by the endpoints' own record."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.faults import fault
from tests.process.system import System
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.domain.stops import StopLevel
from warden.operator.stopping import order_stop
from warden.runtime.journal import read, verify
from warden.wire.codec import from_json
from warden.wire.rows import ExecutorRow, OutcomeRow, Purpose, SignedRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.operator.stopping import StopResult

# How long after the design's bound the endpoints are watched: a gate that stayed open would send dozens.
MARGIN_S = 3.0
WATCH_S = 4.0
PERMIT_LIFE_S = 1.5


@pytest.fixture
def system() -> Iterator[System]:
    """A system that trades several times a second."""
    with System() as made:
        made.start_all()
        made.wait_trading(2)
        yield made


def rows(system: System) -> list[ExecutorRow]:
    """Return the executor's journal."""
    path = system.places.journal(Role.EXECUTOR)
    return [from_json(row.body, ExecutorRow) for row in read(path)]


def listed(system: System, result: StopResult) -> set[str]:
    """Return what may still arrive: what the stop listed, and its clean-up's cancels of exactly that (I3)."""
    signed = [row for row in rows(system) if isinstance(row, SignedRow)]
    nonces = {row.nonce for row in signed if row.tx_hash in result.in_flight}
    cancels = {row.tx_hash for row in signed if row.purpose is Purpose.CANCEL and row.nonce in nonces}
    return {*result.in_flight, *cancels}


def assert_silent_after(system: System, boot_ns: int) -> None:
    """Watch the endpoints a while longer and fail if anything arrived after the moment."""
    system.pass_time(WATCH_S)
    assert system.received_after(boot_ns) == []


def test_it_trades_and_the_book_is_what_the_chain_says(system: System) -> None:
    """The main job on real input: trades land, their profit is journalled, the journal holds (EX2, PL1)."""
    system.wait_trading(5)
    system.end(Role.TRADER)
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY once the trader has ended")
    system.end(Role.EXECUTOR)
    signed = {row.tx_hash: row for row in rows(system) if isinstance(row, SignedRow)}
    mined = [row for row in rows(system) if isinstance(row, OutcomeRow) and row.state == "mined"]
    swaps = [row for row in mined if signed[row.tx_hash].purpose is Purpose.SWAP]
    assert len(swaps) >= 5
    assert all(row.gain_wei > 0 for row in swaps)
    assert {each.tx_hash for each in system.received()} <= set(signed)
    nonces = sorted(row.nonce for row in signed.values())
    assert nonces == list(range(len(nonces)))
    count, problems = verify(system.places.journal(Role.EXECUTOR))
    assert (count > 0, problems) == (True, [])


@fault("watchdog-killed", "watchdog-paused")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_i2_without_a_watchdog_the_gate_closes(system: System, number: signal.Signals) -> None:
    """I2: a dead or frozen watchdog closes the gate within the permit's life; then nothing arrives."""
    system.signal(Role.WATCHDOG, number)
    bound_ns = system.now_ns() + int((PERMIT_LIFE_S + MARGIN_S) * 1e9)
    system.pass_time(PERMIT_LIFE_S + MARGIN_S)
    assert_silent_after(system, bound_ns)


@fault("trader-killed", "trader-paused", "gateway-killed", "gateway-paused")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
@pytest.mark.parametrize("role", [Role.TRADER, Role.GATEWAY])
def test_a_lost_process_ends_trading(system: System, role: Role, number: signal.Signals) -> None:
    """HM4: without trader or gateway the watchdog lowers the mode by itself, and nothing is sent then."""
    system.signal(role, number)
    system.wait(lambda each: each.mode is not Mode.AGGRESSIVE, f"lower mode after the {role} was lost")
    system.pass_time(MARGIN_S)
    assert_silent_after(system, system.now_ns())


@fault("trader-paused")
def test_a_frozen_trader_that_wakes_up_is_not_heard(system: System) -> None:
    """What a hung trader still says counts for nothing: its session is gone, and it is killed."""
    system.signal(Role.TRADER, signal.SIGSTOP)
    process = system.processes[Role.TRADER]
    system.wait(lambda each: each.mode is not Mode.AGGRESSIVE, "lower mode after the trader hung")
    system.wait(lambda _: process.poll() is not None, "the hung trader killed")
    system.pass_time(MARGIN_S)
    assert_silent_after(system, system.now_ns())


@fault("watchers-killed")
def test_trading_survives_who_only_watches(system: System) -> None:
    """A dead logger, notifier or api degrades and is told; it stops no trade (DESIGN §3)."""
    for role in (Role.API, Role.NOTIFIER, Role.LOGGER):
        system.signal(role, signal.SIGKILL)
        kind = f"{role}.lost"
        system.wait(lambda each, kind=kind: any(event.kind == kind for event in each.events), kind)
        system.wait_trading(system.trades + 2)
    assert system.mode is Mode.AGGRESSIVE


@fault("endpoint-dead")
def test_one_endpoint_killed_trading_goes_on(system: System) -> None:
    """RP2: with the first of three endpoints dead, reads fail over and sends reach the others."""
    system.fault("devnet-a", "dead")
    since_ns = system.now_ns()
    system.wait_trading(system.trades + 3)
    reached = {each.endpoint for each in system.received_after(since_ns + int(MARGIN_S * 1e9))}
    system.wait_trading(system.trades + 1)
    assert "devnet-a" not in reached


def test_i3_after_a_confirmed_stop_nothing_else_arrives(system: System) -> None:
    """I3: CONFIRMED by the executor, and no hash arrives that its in-flight list does not name."""
    result = order_stop(system.home, message="test", operator="tester")
    acknowledged_ns = system.now_ns()
    assert result.level is StopLevel.CONFIRMED
    system.pass_time(WATCH_S)
    late = {each.tx_hash for each in system.received_after(acknowledged_ns)}
    assert late <= listed(system, result)
    assert len(system.latch.read().stops) == 1


@fault("executor-killed", "executor-paused")
@pytest.mark.parametrize(
    ("number", "level"),
    [(signal.SIGSTOP, StopLevel.FENCED), (signal.SIGKILL, StopLevel.NOT_RUNNING)],
    ids=["frozen", "killed"],
)
def test_i4_stop_works_with_the_executor_gone(
    system: System, number: signal.Signals, level: StopLevel
) -> None:
    """I4: a hung executor is killed and proven dead by its lock; a dead one is known to be dead."""
    system.signal(Role.EXECUTOR, number)
    if number is signal.SIGKILL:
        system.processes[Role.EXECUTOR].wait()
    result = order_stop(system.home, message="test", operator="tester")
    assert result.level is level
    acknowledged_ns = system.now_ns()
    system.pass_time(WATCH_S)
    late = {each.tx_hash for each in system.received_after(acknowledged_ns)}
    assert late <= listed(system, result)


@fault("all-paused", "executor-resumed")
def test_i4_stop_works_with_everything_frozen(system: System) -> None:
    """I4: with every process but the devnet frozen, the stop still holds, and holds after they wake up."""
    frozen = [role for role in system.processes if role is not Role.DEVNET]
    for role in frozen:
        system.signal(Role(role), signal.SIGSTOP)
    result = order_stop(system.home, message="test", operator="tester")
    assert result.level is StopLevel.FENCED
    for role in frozen:
        system.signal(Role(role), signal.SIGCONT)
    acknowledged_ns = system.now_ns()
    system.pass_time(WATCH_S)
    late = {each.tx_hash for each in system.received_after(acknowledged_ns)}
    assert late <= listed(system, result)


@fault("stop-unread")
def test_i4_a_bare_touch_stops(system: System) -> None:
    """I4: any file in the stop directory is a stop, recorded by the watchdog, and nothing is sent then."""
    (system.places.stop / "by-hand").touch()
    system.wait(
        lambda each: any(event.kind == "stop.seen" for event in each.events),
        "the stop recorded by the watchdog",
    )
    system.pass_time(MARGIN_S)
    assert_silent_after(system, system.now_ns())


@fault("executor-killed")
def test_i6_after_a_crash_the_book_is_settled_from_the_chain(system: System) -> None:
    """I6: kill -9 under load, restart: every open intent finds its end, and nothing lands twice."""
    system.signal(Role.EXECUTOR, signal.SIGKILL)
    system.processes[Role.EXECUTOR].wait()
    before = [row.tx_hash for row in rows(system) if isinstance(row, SignedRow)]
    system.start(Role.EXECUTOR)
    system.wait(
        lambda each: not each.latest or each.mode is Mode.OBSERVE_ONLY,
        "OBSERVE_ONLY after the executor crashed",
    )

    def all_settled(_: System) -> bool:
        ends = {
            row.tx_hash for row in rows(system) if isinstance(row, OutcomeRow) and row.state != "rejected"
        }
        return set(before) <= ends

    system.wait(all_settled, "end of every intent of before the crash")
    signed = [row for row in rows(system) if isinstance(row, SignedRow)]
    assert len({row.intent_id for row in signed}) == len(signed)


@fault("everything-restarted")
def test_i7_a_stop_survives_a_restart_of_everything(system: System) -> None:
    """I7, ES4: after a stop and a restart of every process nothing trades until an operator recovers."""
    result = order_stop(system.home, message="test", operator="tester")
    for role in list(system.processes):
        system.end(Role(role))
    stopped_ns = system.now_ns()
    system.latest.clear()
    system.start_all()
    system.wait(lambda each: each.mode is not None, "the watchdog's word")
    system.pass_time(WATCH_S + MARGIN_S)
    assert system.mode is Mode.OBSERVE_ONLY
    # The clean-up of the stop goes on after the restart; nothing else does.
    late = {each.tx_hash for each in system.received_after(stopped_ns)}
    assert late <= listed(system, result)
