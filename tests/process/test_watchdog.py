"""The real watchdog among peers that speak the real bus: leave, stops, deaths and restarts."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.faults import fault
from tests.instance import DEVNET_TOML, wait_until
from tests.process.watchdog_stage import CHORUS, Stage, boot_ns
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.runtime.clock import read_boot_id
from warden.runtime.journal import verify
from warden.wire.addresses import BEATS
from warden.wire.codec import encode
from warden.wire.messages import Arm, Beat, ProcessState, Recover, SetMode

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stage() -> Iterator[Stage]:
    """An instance of this test's own."""
    with Stage() as instance:
        yield instance


@pytest.fixture
def armed(stage: Stage) -> Stage:
    """Everything up, and armed by itself."""
    stage.whole_cast()
    stage.wait_mode(Mode.AGGRESSIVE)
    return stage


def _later_permits(stage: Stage, count: int = 3) -> list[dict[str, object]]:
    """Wait for `count` permits that are issued from now on and return them."""
    from_ns = boot_ns()

    def issued() -> list[dict[str, object]]:
        return [permit for permit in stage.permits() if permit["issued_ns"] >= from_ns]

    wait_until(lambda: len(issued()) >= count, "permits")
    return issued()


def test_permits_flow_to_the_executor_and_a_session_to_the_trader(armed: Stage) -> None:
    """I2, I8: rising numbers, the granted life, the trader's own session; the journal's chain holds."""
    permits = _later_permits(armed, 5)
    for before, after in itertools.pairwise(permits):
        assert int(str(after["seq"])) == int(str(before["seq"])) + 1
    leave = armed.heard(Role.TRADER)[-1]
    assert permits[-1]["trader_sessions"] == [leave["trader_session"]]
    assert permits[-1]["boot_id"] == read_boot_id()
    assert permits[-1]["mode"] == leave["mode"] == Mode.AGGRESSIVE
    status = armed.look()
    assert status is not None
    assert {line.state for line in status.processes} == {"ready"}
    assert len(status.processes) == 8
    count, problems = verify(armed.places.journal(Role.WATCHDOG))
    assert count > 0
    assert problems == []


@fault("stop-unread")
def test_a_touch_in_the_stop_directory_ends_permits_is_recorded_sent_on_and_recovered(armed: Stage) -> None:
    """ES4, I7: a bare file stops; a named recovery alone lifts it, and arms."""
    _later_permits(armed)
    (armed.places.stop / "by-hand").touch()
    wait_until(lambda: bool(armed.rows("stop.acknowledged")), "acknowledgement by the executor")
    seen_ns = boot_ns()
    assert b"by-hand" in armed.rows("stop.seen")[0].body
    status = armed.wait_mode(Mode.OBSERVE_ONLY, "a stop stands (by-hand)")
    assert [stop.id for stop in status.stops] == ["by-hand"]
    assert armed.wait_event("stop.seen").runbook == "emergency-stop"
    refused = armed.ask(Arm("ann", "go on"))
    assert (refused.exit_code, "by-hand" in refused.message) == (4, True)
    asked_ns = boot_ns()
    assert [permit for permit in armed.permits() if permit["issued_ns"] >= seen_ns] == []
    reply = armed.ask(Recover("ann", "looked at it"))
    assert (reply.exit_code, reply.mode) == (0, Mode.AGGRESSIVE), reply.message
    assert (armed.places.stop / "cleared" / "by-hand").exists()
    first = next(permit for permit in _later_permits(armed) if permit["mode"] == Mode.AGGRESSIVE)
    life_ns = armed.settings.watchdog.permit_life_ms * 1_000_000
    between = [permit for permit in armed.permits() if seen_ns <= permit["issued_ns"] < asked_ns + life_ns]
    assert between == []
    assert int(str(first["issued_ns"])) > asked_ns + life_ns


def test_i7_an_order_meets_the_stop_of_a_moment_ago(armed: Stage) -> None:
    """I7, OP1: in one turn of its loop: arming is refused by name, recovering clears it."""
    refused = armed.ask_at_once((armed.places.stop / "just-now").touch, Arm("ann", "go on"))
    assert (refused.exit_code, "just-now" in refused.message) == (4, True), refused.message
    armed.wait_mode(Mode.OBSERVE_ONLY, "just-now")
    assert armed.ask(Recover("ann", "looked at it")).exit_code == 0
    armed.wait_mode(Mode.AGGRESSIVE)
    reply = armed.ask_at_once((armed.places.stop / "once-more").touch, Recover("ann", "looked again"))
    assert (reply.exit_code, reply.mode) == (0, Mode.AGGRESSIVE), reply.message
    assert (armed.places.stop / "cleared" / "once-more").exists()


@fault("stop-file-removed")
def test_a_stop_file_that_is_taken_away_by_hand_arms_nothing(armed: Stage) -> None:
    """I7: only a recovery is one."""
    path = armed.places.stop / "by-hand"
    path.touch()
    armed.wait_mode(Mode.OBSERVE_ONLY, "by-hand")
    path.unlink()
    armed.wait_event("stop.vanished")
    armed.wait_mode(Mode.OBSERVE_ONLY, "went away without a recovery")
    assert {permit["mode"] for permit in _later_permits(armed)} == {Mode.OBSERVE_ONLY}
    armed.arm("it was a mistake")


@fault("trader-killed")
def test_a_killed_trader_is_left_out_and_the_mode_lowered_until_another_comes(armed: Stage) -> None:
    """HM4: no leave for a dead trader, no human involved; the next process gets a session of its own."""
    before = _later_permits(armed)[-1]["trader_sessions"]
    armed.signal(Role.TRADER, signal.SIGKILL)
    armed.wait_mode(Mode.OBSERVE_ONLY, "trader")
    assert {tuple(permit["trader_sessions"]) for permit in _later_permits(armed)} == {()}  # type: ignore[arg-type] # a list in JSON
    armed.processes[Role.TRADER].wait()
    armed.play(Role.TRADER)
    status = armed.wait_mode(Mode.AGGRESSIVE)
    assert status.restarts == 1
    after = _later_permits(armed)[-1]["trader_sessions"]
    assert after != before
    assert len(armed.rows("process.gone")) == 1


@fault("unnoticed-death")
def test_a_death_needs_no_silence_to_be_noticed() -> None:
    """HM4: where silence would count after two minutes only, `kill -9` of any of them lowers the mode."""
    with Stage(DEVNET_TOML + "[watchdog]\nlost_after_ms = 120000\n") as stage:
        stage.whole_cast()
        stage.wait_mode(Mode.AGGRESSIVE)
        for role, why in (
            (Role.TRADER, "trader has ended without a word"),
            (CHORUS[0], "gateway has ended without a word"),
            (Role.EXECUTOR, "executor has ended without a word"),
        ):
            stage.kill(role)
            stage.wait_mode(Mode.OBSERVE_ONLY, why)
        assert stage.ask(Arm("ann", "nothing is there")).exit_code == 4


@fault("trader-paused")
def test_a_hung_trader_is_left_out_and_then_killed(stage: Stage) -> None:
    """HM4: it is stopped by a signal and deaf to SIGTERM, and still is ended by the helper."""
    (stage.home / "deaf-warden.trader").touch()
    stage.whole_cast()
    stage.wait_mode(Mode.AGGRESSIVE)
    stage.signal(Role.TRADER, signal.SIGSTOP)
    killed = stage.wait_event("trader.killed")
    assert stage.processes[Role.TRADER].wait() == -signal.SIGKILL
    assert "SIGKILL" in killed.message
    last = _later_permits(stage)[-1]
    assert (last["mode"], last["trader_sessions"]) == (Mode.OBSERVE_ONLY, [])
    for role in (Role.DEVNET, Role.EXECUTOR, Role.WATCHDOG):
        assert stage.processes[role].poll() is None


@fault("pid-reused")
def test_a_pid_that_is_not_a_trader_of_this_home_is_never_killed(stage: Stage) -> None:
    """A trader that lies about its pid ends nobody else."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as innocent:
        try:
            stage.say(Role.TRADER, pid=innocent.pid)
            stage.whole_cast()
            stage.wait_mode(Mode.AGGRESSIVE)
            stage.signal(Role.TRADER, signal.SIGKILL)
            event = stage.wait_event("trader.not-killed")
            assert "left alone" in event.message
            assert innocent.poll() is None
        finally:
            innocent.kill()


@fault("watchdog-killed")
def test_after_a_kill_of_the_watchdog_an_operator_arms_after_an_orderly_end_nobody_need(armed: Stage) -> None:
    """I7, ES4: clean comes back by itself, unclean does not, and a trip outlives an orderly restart."""
    assert armed.end(Role.WATCHDOG) == 0
    armed.forget()
    armed.start(Role.WATCHDOG)
    armed.wait_mode(Mode.AGGRESSIVE)
    armed.signal(Role.WATCHDOG, signal.SIGKILL)
    armed.processes[Role.WATCHDOG].wait()
    armed.forget()
    armed.start(Role.WATCHDOG)
    armed.wait_mode(Mode.OBSERVE_ONLY, "the watchdog's last run did not end in order")
    assert armed.end(Role.WATCHDOG) == 0
    armed.forget()
    armed.start(Role.WATCHDOG)
    armed.wait_mode(Mode.OBSERVE_ONLY, "the run before ended with a trip standing (watchdog-unclean)")
    armed.arm("looked at it")
    armed.wait_mode(Mode.AGGRESSIVE)


@fault("executor-killed")
def test_a_killed_executor_waits_for_an_operator(armed: Stage) -> None:
    """I7: another executor session that nobody announced closes the mode until an operator arms."""
    armed.signal(Role.EXECUTOR, signal.SIGKILL)
    armed.processes[Role.EXECUTOR].wait()
    armed.play(Role.EXECUTOR)
    armed.wait_mode(Mode.OBSERVE_ONLY, "the executor's last run did not end in order")
    armed.arm("book checked")
    armed.wait_mode(Mode.AGGRESSIVE)


def _pause(stage: Stage, for_ms: int) -> None:
    """Let the watchdog stand still."""
    stage.forget()
    stage.signal(Role.WATCHDOG, signal.SIGSTOP)
    stopped_ns = boot_ns()
    wait_until(lambda: boot_ns() - stopped_ns > for_ms * 1_000_000, f"{for_ms} ms")
    stage.signal(Role.WATCHDOG, signal.SIGCONT)


@fault("watchdog-paused", "watchdog-resumed")
def test_a_paused_watchdog_grants_nothing_meanwhile_and_heals(armed: Stage) -> None:
    """I2: the gate closed by itself; after five clean seconds it opens, and nobody was killed."""
    _later_permits(armed)
    _pause(armed, 3_000)
    armed.wait_event("watchdog.paused")
    armed.wait_mode(Mode.OBSERVE_ONLY, "stood still")
    assert armed.wait_mode(Mode.AGGRESSIVE).lapses == 1
    # Longer than a permit lives, and longer than a lapse may last: an operator arms.
    _pause(armed, 10_500)
    armed.wait_mode(Mode.OBSERVE_ONLY, "it lasted longer than 10 s")
    assert len({permit["watchdog_session"] for permit in armed.permits()}) == 1
    armed.arm("the machine was suspended")
    armed.wait_mode(Mode.AGGRESSIVE)
    assert armed.rows("process.killed") == armed.rows("process.lost") == []


@fault("second-instance")
def test_a_second_watchdog_is_refused(armed: Stage) -> None:
    """One instance: the second one says so in one line and ends with 2, the first goes on."""
    second = subprocess.run(
        [sys.executable, "-m", "warden.watchdog", "--home", str(armed.home)], check=False, timeout=60
    )
    assert second.returncode == 2
    assert "runs already" in armed.output(Role.WATCHDOG)
    assert "Traceback" not in armed.output(Role.WATCHDOG)
    _later_permits(armed)


@fault("replayed")
def test_nobody_beats_in_anothers_name(armed: Stage) -> None:
    """I8: the role that counts is the one that the key proves; the logger gets no permit and no session."""
    executor = _later_permits(armed)[-1]["executor_session"]
    with armed.bus(Role.API) as bus:
        client = bus.connect(BEATS)
        beat = Beat(
            role=Role.EXECUTOR,
            pid=1,
            session="forged",
            boot_id=read_boot_id(),
            seq=1,
            sent_ns=boot_ns(),
            state=ProcessState.READY,
        )
        wait_until(lambda: client.send(encode(beat)), "connection")
        wait_until(lambda: client.send(b"garbage"), "connection")
        permits = _later_permits(armed, 5)
        assert {permit["executor_session"] for permit in permits} == {executor}
        assert client.receive() is None


@fault("replayed", "other-boot", "delayed")
def test_beats_of_another_boot_and_replayed_ones_change_nothing(armed: Stage) -> None:
    """HM4: even with the executor's own key: nobody appears, ends or is given anything for them."""
    executor = str(_later_permits(armed)[-1]["executor_session"])
    before = len(armed.rows("process.appeared"))
    beat = Beat(
        role=Role.EXECUTOR,
        pid=1,
        session=executor,
        boot_id=read_boot_id(),
        seq=1,
        sent_ns=boot_ns(),
        state=ProcessState.STOPPING,
        open_nonces=(9,),
    )
    with armed.bus(Role.EXECUTOR) as bus:
        client = bus.connect(BEATS)
        replayed = encode(beat)
        other_boot = encode(msgspec.structs.replace(beat, boot_id="0" * 36, session="other", seq=10**6))
        late = encode(msgspec.structs.replace(beat, session="other", sent_ns=boot_ns() - 60 * 10**9))
        for data in (replayed, other_boot, late) * 5:
            wait_until(lambda data=data: client.send(data), "connection")  # type: ignore[misc] # bound now
        permits = _later_permits(armed, 5)
        assert client.receive() is None
    assert {permit["executor_session"] for permit in permits} == {executor}
    assert len(armed.rows("process.appeared")) == before
    assert armed.rows("process.ended") == armed.rows("process.replaced") == []


def test_an_operator_lowers_the_mode_and_it_holds_over_an_orderly_restart(armed: Stage) -> None:
    """FS4, I7: what a person lowered, no restart raises."""
    assert armed.ask(SetMode("ann", "nervous", Mode.REDUCE_ONLY)).exit_code == 0
    armed.wait_mode(Mode.REDUCE_ONLY, "ann: nervous")
    assert armed.ask(SetMode("ann", "up again", Mode.AGGRESSIVE)).exit_code == 4
    assert {permit["mode"] for permit in _later_permits(armed)} == {Mode.REDUCE_ONLY}
    armed.end(Role.WATCHDOG)
    armed.forget()
    armed.start(Role.WATCHDOG)
    armed.wait_mode(Mode.OBSERVE_ONLY, "ordered-reduce-only")


@fault("broken-at-start")
def test_a_broken_journal_means_no_permit_and_says_why(stage: Stage) -> None:
    """I5: the watchdog lives on to say what is wrong; it refuses to arm."""
    stage.places.journal(Role.WATCHDOG).write_bytes(b"this is no journal" * 100)
    stage.whole_cast()
    stage.wait_mode(Mode.SHUTDOWN, "the watchdog's journal failed")
    wait_until(lambda: bool(stage.heard(Role.TRADER)), "the trader's leave")
    assert stage.ask(Arm("ann", "go")).exit_code == 4
    assert stage.permits() == []


def test_it_carries_the_executors_head_and_its_own(armed: Stage) -> None:
    """I9: heads travel with the status, for the other authorities to write down."""
    armed.say(Role.EXECUTOR, heads=[{"journal": "executor", "rows": 7, "hash": "ab" * 32}])

    def carried() -> bool:
        status = armed.look()
        return status is not None and {head.journal for head in status.heads} == {"watchdog", "executor"}

    wait_until(carried, "both heads")
    assert armed.status is not None
    assert armed.status.heads[1].rows == 7
