"""Permits and the trader's session: to whom, when, and never while a stop stands."""

from __future__ import annotations

import itertools

from tests.unit.watchdog.scene import BEAT_MS, BOOT, LIFE_MS, LOST_MS, MS, Scene
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.watchdog.commands import Grant, Kill
from warden.watchdog.events import JournalFailed
from warden.wire.messages import Permit, ProcessState


def test_a_permit_every_interval_with_rising_numbers_for_the_ready_executor() -> None:
    """I2: a permit names boot, sessions, mode and traders, and lives 1.5 s from its grant."""
    scene = Scene().up()
    scene.take()
    scene.run(2_000)
    permits = scene.permits()
    assert len(permits) == 2_000 // BEAT_MS
    for before, after in itertools.pairwise(permits):
        assert after.seq == before.seq + 1
        assert after.issued_ns - before.issued_ns == BEAT_MS * MS
    last = permits[-1]
    assert last.expires_ns - last.issued_ns == LIFE_MS * MS
    assert last.exits_until_ns == last.expires_ns
    assert (last.boot_id, last.executor_session, last.watchdog_session) == (
        BOOT,
        "executor-1",
        "watchdog-session",
    )
    assert last.mode == Mode.AGGRESSIVE
    assert last.trader_sessions == ("trader-session-1",)


def test_no_permit_from_the_first_look_that_sees_a_stop() -> None:
    """I3, I7: not one permit is granted while a stop stands, whatever beats."""
    scene = Scene().up()
    scene.touch("s1")
    scene.take()
    scene.run(10_000)
    assert scene.permits() == []


def test_no_permit_while_the_stop_directory_cannot_be_read_nor_when_it_can_again() -> None:
    """A directory that cannot be read means stopped, and its return arms nothing."""
    scene = Scene().up()
    scene.unreadable = "stop directory: Permission denied"
    scene.take()
    scene.run(1_000)
    assert scene.permits() == []
    scene.unreadable = ""
    scene.run(10_000)
    assert scene.permits() == []
    assert scene.mode == "OBSERVE_ONLY"


def test_no_permit_on_a_broken_journal() -> None:
    """No record, no leave."""
    scene = Scene().up()
    scene.take()
    scene.tell(JournalFailed("commit failed: disk I/O error"))
    scene.run(5_000)
    assert scene.permits() == []
    assert scene.mode == "SHUTDOWN"
    assert "disk I/O error" in scene.core.why(scene.now_ns)


def test_no_permit_for_an_executor_that_starts_ends_or_is_silent() -> None:
    """Only one that is there and ready may be given leave."""
    for state in (ProcessState.STARTING, ProcessState.STOPPING):
        scene = Scene().up()
        scene.beats[Role.EXECUTOR] = {"state": state}
        scene.beat(Role.EXECUTOR)
        scene.take()
        scene.run(1_000)
        assert scene.permits() == [], state
    scene = Scene().up()
    scene.silence(Role.EXECUTOR)
    scene.run(LOST_MS)
    scene.take()
    scene.run(5_000)
    assert scene.permits() == []


def test_a_lowered_mode_is_sent_at_once() -> None:
    """The executor need not wait for the next interval to learn that less is allowed."""
    scene = Scene().up()
    scene.run(BEAT_MS)  # a permit was just granted
    scene.take()
    scene.beats[Role.GATEWAY] = {"state": ProcessState.DEGRADED}
    scene.beat(Role.GATEWAY)
    scene.turn()
    assert [permit.mode for permit in scene.permits()] == [Mode.OBSERVE_ONLY]


def test_one_session_for_a_trader_process_renewed_on_each_of_its_beats() -> None:
    """I8: the session is the watchdog's word, the same for as long as that process lives."""
    scene = Scene().up()
    scene.take()
    scene.run(1_000)
    leaves = scene.leaves()
    assert len(leaves) == 4
    assert {leave.trader_process for leave in leaves} == {"trader-1"}
    assert {leave.trader_session for leave in leaves} == {"trader-session-1"}
    assert {leave.mode for leave in leaves} == {Mode.AGGRESSIVE}


def test_a_hung_traders_session_is_left_out_before_it_is_killed_and_never_given_again() -> None:
    """The stop of leave comes first, the kill after it; a trader that wakes up again has no leave."""
    scene = Scene().up()
    scene.silence(Role.TRADER)
    scene.take()
    scene.run(LOST_MS + 100)
    kinds = [
        type(command)
        for command in scene.commands
        if isinstance(command, Kill)
        or (
            isinstance(command, Grant)
            and isinstance(command.leave, Permit)
            and not command.leave.trader_sessions
        )
    ]
    assert kinds[0] is Grant
    assert Kill in kinds
    assert scene.permits()[-1].trader_sessions == ()
    assert [kill.session for kill in scene.kills()] == ["trader-1"]
    scene.take()
    scene.beating.add(Role.TRADER)  # the same process wakes up
    scene.run(20_000)
    assert scene.leaves() == []
    assert {permit.trader_sessions for permit in scene.permits()} == {()}
    assert scene.mode == "OBSERVE_ONLY"


def test_a_trader_that_was_killed_and_came_back_gets_a_session_of_its_own() -> None:
    """A respawned trader is another trader: the dead one's session is no longer stood by."""
    scene = Scene().up()
    scene.respawn(Role.TRADER)
    scene.run(500)
    scene.take()
    scene.run(500)
    assert {leave.trader_session for leave in scene.leaves()} == {"trader-session-2"}
    assert {permit.trader_sessions for permit in scene.permits()} == {("trader-session-2",)}


def test_a_permit_after_a_gap_starts_a_new_rhythm_and_is_not_doubled() -> None:
    """No two permits come for the same moment, whatever the pause before."""
    scene = Scene()
    scene.run(300)
    assert len({permit.issued_ns for permit in scene.permits()}) == len(scene.permits()) > 0
    assert len(scene.permits()) <= 2


def test_a_trader_that_still_loads_has_no_session() -> None:
    """Leave comes with readiness: a process that may be silent for long must not be stood by."""
    scene = Scene()
    scene.beats[Role.TRADER] = {"state": ProcessState.STARTING}
    scene.run(2_000)
    assert scene.leaves() == []
    assert {permit.trader_sessions for permit in scene.permits()} == {()}


def test_while_nothing_may_be_granted_nothing_is_due() -> None:
    """The loop does not spin while a stop stands."""
    scene = Scene().up()
    scene.touch("s1")
    scene.run(5_000)
    assert scene.core.leave.due_ms(scene.now_ns) == BEAT_MS
