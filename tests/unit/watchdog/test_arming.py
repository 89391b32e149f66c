"""Arming and recovery: refused unless everything holds, in force only once it is written down."""

from __future__ import annotations

import pytest

from tests.unit.watchdog.scene import LIFE_MS, STEP_MS, Scene
from warden.domain.modes import Environment, Mode
from warden.domain.roles import Role
from warden.watchdog.commands import Reply
from warden.watchdog.events import JournalFailed, OperatorAsked, StopsCleared
from warden.watchdog.last_run import LastRun
from warden.wire.messages import Arm, OperatorRequest, ProcessState, Recover, SetMode

_ARM = Arm("ann", "begin")
_RECOVER = Recover("ann", "all checked")


def _idle(environment: Environment = Environment.LIVE) -> Scene:
    """Return everything up and nothing armed."""
    scene = Scene(environment, arm_on_start=False)
    scene.run(1_000)
    assert scene.mode == "OBSERVE_ONLY"
    return scene


def _stopped() -> Scene:
    scene = Scene().up()
    scene.touch("s1", reason="MANUAL", operator="bob")
    scene.run(500)
    return scene


def test_paper_arms_itself_once_everything_is_ready_and_clean() -> None:
    """`if_clean`: a planned start of a clean system needs no hand."""
    scene = Scene()
    scene.silence(Role.API)
    scene.run(5_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert "waits for api" in scene.core.why(scene.now_ns)
    scene.beating.add(Role.API)
    scene.run(500)
    assert scene.mode == "AGGRESSIVE"
    assert [row["operator"] for row in scene.rows("armed")] == ["arm_on_start"]


def test_live_never_arms_itself() -> None:
    """An operator does, by name."""
    scene = Scene(Environment.LIVE)
    scene.run(30_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert "arm_on_start is never" in scene.core.why(scene.now_ns)


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (LastRun(clean=False), "the watchdog's last run did not end in order"),
        (LastRun(trips=("executor-unclean",)), "the run before ended with a trip standing"),
        (LastRun(stop_ids=("s1",)), "a stop file went away without a recovery"),
    ],
)
def test_a_start_after_an_unclean_run_a_trip_or_a_vanished_stop_arms_nothing(last: LastRun, why: str) -> None:
    """I7: a restart is no way around an operator."""
    scene = Scene(last=last)
    scene.run(10_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert why in scene.core.why(scene.now_ns)
    assert scene.ask(_ARM).exit_code == 0
    assert scene.mode == "AGGRESSIVE"


def test_a_start_with_a_process_that_was_unclean_arms_nothing() -> None:
    """`if_clean` asks every process."""
    scene = Scene()
    scene.beats[Role.LOGGER] = {"clean": False}
    scene.run(10_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert "the logger's last run did not end in order" in scene.core.why(scene.now_ns)


def test_a_start_with_a_standing_stop_arms_nothing_even_when_the_file_goes_away() -> None:
    """ES4: the stop survives, and its file's disappearance is no recovery."""
    scene = Scene()
    scene.touch("s1")
    scene.run(5_000)
    del scene.stops["s1"]
    scene.run(30_000)
    assert scene.mode == "OBSERVE_ONLY"


def test_an_operator_arms_by_name_and_it_is_written_down_before_it_holds() -> None:
    """No raise before its row is synced."""
    scene = _idle()
    scene.syncing = False
    scene.tell(OperatorAsked(b"operator", _ARM))
    scene.run(2_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert {permit.mode for permit in scene.permits()} == {Mode.OBSERVE_ONLY}
    scene.syncing = True
    scene.run(3 * STEP_MS)
    assert scene.mode == "AGGRESSIVE"
    armed = scene.rows("armed")[-1]
    assert (armed["operator"], armed["reason"], armed["lifts"]) == ("ann", "begin", ["not-armed"])


def test_a_disk_that_does_not_answer_ends_the_request_and_arms_nothing_later() -> None:
    """Every wait is bounded; what was given up on does not happen afterwards."""
    scene = _idle()
    scene.syncing = False
    assert scene.ask(_ARM, for_ms=20_000).exit_code == 1
    scene.syncing = True
    scene.run(5_000)
    assert scene.mode == "OBSERVE_ONLY"


@pytest.mark.parametrize("request_", [Arm("", "x"), Arm("ann", " "), Recover(" ", "x"), SetMode("", "x", 1)])
def test_nameless_requests_are_wrong_usage(request_: OperatorRequest) -> None:
    """CO4: by name and with a reason."""
    reply = _idle().ask(request_)
    assert (reply.exit_code, "--operator and --reason" in reply.message) == (2, True)


def test_an_unknown_request_is_answered_as_such() -> None:
    """A newer command line learns that this watchdog is older."""
    (reply,) = _idle().tell(OperatorAsked(b"operator", None))
    assert isinstance(reply, Reply)
    assert reply.reply.exit_code == 2


@pytest.mark.parametrize("role", [Role.EXECUTOR, Role.GATEWAY, Role.TRADER, Role.LOGGER])
def test_arming_is_refused_while_a_needed_process_is_not_ready(role: Role) -> None:
    """The refusal names the process; the others may be away."""
    scene = _idle()
    scene.beats[role] = {"state": ProcessState.STARTING, "detail": "waits for the chain"}
    scene.run(500)
    reply = scene.ask(_ARM)
    assert reply.exit_code == 4
    assert f"{role} is starting (waits for the chain)" in reply.message
    scene.silence(role)
    scene.run(3_000)
    reply = scene.ask(_ARM)
    assert (reply.exit_code, f"{role} is lost" in reply.message) == (4, True)


def test_arming_does_not_need_the_api_and_the_notifier() -> None:
    """Their absence is said in the answer."""
    scene = _idle()
    scene.silence(Role.API, Role.NOTIFIER)
    scene.run(3_000)
    assert scene.ask(_ARM).exit_code == 0
    assert scene.mode == "AGGRESSIVE"


def test_arming_is_refused_while_a_stop_stands_and_says_how_to_go_on() -> None:
    """A stop is cleared by recover, not stepped over."""
    reply = _stopped().ask(_ARM)
    assert reply.exit_code == 4
    assert "s1" in reply.message
    assert "warden recover" in reply.message


def test_arming_is_refused_on_a_broken_journal_and_an_unreadable_stop_directory() -> None:
    """What cannot be recorded or known is not allowed."""
    scene = _idle()
    scene.unreadable = "stop directory: Input/output error"
    scene.run(100)
    assert "Input/output error" in scene.ask(_ARM).message
    scene.tell(JournalFailed("commit failed: database or disk is full"))
    reply = scene.ask(_ARM)
    assert (reply.exit_code, "disk is full" in reply.message) == (4, True)


def test_arming_twice_is_no_error() -> None:
    """A script may say it again."""
    scene = _idle()
    assert scene.ask(_ARM).exit_code == 0
    assert scene.ask(_ARM).message.startswith("armed already")


def test_what_comes_to_stand_after_the_row_is_not_lifted_by_it() -> None:
    """An operator agrees to what was known, not to what came while the disk was slow."""
    scene = _idle()
    scene.syncing = False
    scene.tell(OperatorAsked(b"operator", _ARM))
    scene.respawn(Role.EXECUTOR)
    scene.run(1_000)
    scene.syncing = True
    scene.run(2_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert scene.core.authority.trips() == ("executor-unclean",)


def test_recovery_clears_waits_out_a_permits_life_and_arms() -> None:
    """I7, ES5: named, written down, moved, read again, one permit life, armed; no permit in between."""
    scene = _stopped()
    scene.take()
    scene.tell(OperatorAsked(b"operator", _RECOVER))
    for _ in range(4):
        scene.clear_what_is_asked()
        scene.run(STEP_MS)
    assert scene.stops == {}
    scene.run(LIFE_MS - 4 * STEP_MS)
    assert scene.permits() == []
    scene.run(500)
    assert scene.mode == "AGGRESSIVE"
    assert scene.rows("recover")[0]["stop_ids"] == ["s1"]
    assert scene.rows("stop.cleared") == [{"stop_id": "s1"}]
    assert scene.notices("stop.vanished") == []


def test_recovery_moves_nothing_before_its_row_is_synced() -> None:
    """No record, no recovery."""
    scene = _stopped()
    scene.syncing = False
    scene.take()
    scene.tell(OperatorAsked(b"operator", _RECOVER))
    scene.run(5_000)
    assert scene.core.stops.clearing == frozenset()


def test_another_stop_during_recovery_aborts_it() -> None:
    """A stop wins against a recovery, at every moment of it."""
    for after_ms in range(0, LIFE_MS + 300, 150):
        scene = _stopped()
        scene.tell(OperatorAsked(b"operator", _RECOVER))
        for _ in range(after_ms // STEP_MS):
            scene.clear_what_is_asked()
            scene.run(STEP_MS)
        armed = scene.mode == "AGGRESSIVE"
        scene.touch("s2")
        scene.take()
        for _ in range(100):
            scene.clear_what_is_asked()
            scene.run(STEP_MS)
        assert scene.permits() == [], after_ms
        assert "s2" in scene.stops
        assert armed or scene.mode == "OBSERVE_ONLY"


def test_a_stop_that_comes_and_goes_during_recovery_aborts_it_too() -> None:
    """A stop that was taken back behind the watchdog's back is no leave to go on."""
    scene = _stopped()
    scene.tell(OperatorAsked(b"operator", _RECOVER))
    scene.run(STEP_MS)
    scene.touch("s2")
    scene.turn()
    del scene.stops["s2"]
    for _ in range(100):
        scene.clear_what_is_asked()
        scene.run(STEP_MS)
    assert scene.mode == "OBSERVE_ONLY"
    assert scene.core.authority.trips() == ("stop-vanished",) or "not-armed" in scene.core.authority.standing


def test_recovery_must_name_every_stop_that_stands_or_none() -> None:
    """What was not named is not cleared, and nothing is armed over it."""
    scene = _stopped()
    scene.touch("s2")
    scene.run(200)
    reply = scene.ask(Recover("ann", "checked", ("s1",)))
    assert (reply.exit_code, "s2" in reply.message) == (4, True)
    reply = scene.ask(Recover("ann", "checked", ("s3",)))
    assert (reply.exit_code, "no stop called s3" in reply.message) == (4, True)
    assert set(scene.stops) == {"s1", "s2"}
    assert scene.ask(Recover("ann", "checked", ("s2", "s1"))).exit_code == 0


def test_recovery_is_refused_as_arming_is_and_when_nothing_stands() -> None:
    """ES5: refused while a check fails; without a stop there is nothing to recover."""
    scene = _stopped()
    scene.silence(Role.GATEWAY)
    scene.run(3_000)
    assert scene.ask(_RECOVER).exit_code == 4
    assert "warden arm" in _idle().ask(_RECOVER).message


def test_a_stop_file_that_cannot_be_moved_still_stands() -> None:
    """The recovery ends with the reason, nothing is armed."""
    scene = _stopped()
    scene.take()
    scene.tell(OperatorAsked(b"operator", _RECOVER))
    scene.run(200)
    scene.tell(StopsCleared((), "s1: Read-only file system"))
    scene.run(5_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert scene.permits() == []
    assert scene.core.authority.trips() == ("stop",)
    assert "Read-only file system" in scene.rows("arming.given-up")[0]["why"]


def test_a_process_lost_during_recovery_leaves_the_stop_cleared_and_nothing_armed() -> None:
    """What was cleared is cleared; arming is asked for again."""
    scene = _stopped()
    scene.tell(OperatorAsked(b"operator", _RECOVER))
    scene.run(200)
    scene.clear_what_is_asked()
    scene.beats[Role.GATEWAY] = {"state": ProcessState.STARTING}
    scene.run(3_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert scene.core.authority.trips() == ("not-armed",)
    scene.beats[Role.GATEWAY] = {}
    scene.run(500)
    assert scene.ask(_ARM).exit_code == 0


def test_one_request_at_a_time() -> None:
    """A second one is told so and changes nothing."""
    scene = _stopped()
    scene.tell(OperatorAsked(b"operator", _RECOVER))
    assert "under way" in scene.ask(Recover("bob", "me too")).message


def test_the_mode_is_lowered_by_name_and_raised_only_by_arming() -> None:
    """FS4, PS1: lowering needs a name; raising is refused with what to do instead."""
    scene = Scene().up()
    assert scene.ask(SetMode("ann", "nervous", Mode.REDUCE_ONLY)).exit_code == 0
    assert scene.mode == "REDUCE_ONLY"
    assert scene.ask(SetMode("ann", "more", Mode.OBSERVE_ONLY)).exit_code == 0
    for mode in (Mode.REDUCE_ONLY, Mode.AGGRESSIVE):
        reply = scene.ask(SetMode("ann", "up", mode))
        assert (reply.exit_code, "warden arm" in reply.message) == (4, True)
    assert scene.ask(SetMode("ann", "odd", 7)).exit_code == 2
    scene.run(30_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert scene.ask(_ARM).exit_code == 0
    assert scene.mode == "AGGRESSIVE"


def test_shut_down_by_an_operator_only_a_restart_lifts() -> None:
    """FS1, SL1: SHUTDOWN stays until a manual restart, and ends what was left for exits."""
    scene = Scene().up()
    assert scene.ask(SetMode("ann", "enough", Mode.SHUTDOWN)).exit_code == 0
    scene.take()
    scene.run(1_000)
    assert scene.permits() == []
    assert {(each.mode, each.expires_ns - each.issued_ns) for each in scene.voids()} == {(0, 0)}
    assert (scene.ask(_ARM).exit_code, scene.mode) == (4, "SHUTDOWN")
    scene.core.end()


@pytest.mark.parametrize(
    ("approver", "code"),
    [("", 4), ("  ", 4), ("ann", 4), (" ANN ", 4), ("Bob", 0)],
)
def test_with_two_a_second_person_approves_a_recovery(approver: str, code: int) -> None:
    """ES5: another name, whatever its case and blanks; both stand in the journal."""
    scene = Scene(two_approve=True).up()
    scene.touch("s1")
    scene.run(500)
    reply = scene.ask(Recover("Ann", "checked", approver=approver))
    assert reply.exit_code == code, reply.message
    assert code == 0 or "--approver" in reply.message
    assert [row["approver"] for row in scene.rows("recover")] == ([approver] if code == 0 else [])


def test_with_two_plain_arming_needs_one() -> None:
    """ES5: a second name is for recoveries."""
    scene = Scene(two_approve=True, arm_on_start=False)
    scene.run(1_000)
    assert scene.ask(_ARM).exit_code == 0
