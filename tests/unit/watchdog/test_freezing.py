"""Freeze and thaw: the session goes first, silence is not loss, and an operator arms afterwards."""

from __future__ import annotations

import pytest

from tests.unit.watchdog.scene import STEP_MS, Scene
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.watchdog.commands import Command, Deed, Grant, Kill, Reply
from warden.watchdog.events import KillEnded, OperatorAsked, Outcome
from warden.watchdog.last_run import Frozen, LastRun
from warden.watchdog.liveness import state_word
from warden.wire.messages import Arm, Freeze, Permit, ProcessState, Thaw

_FREEZE = Freeze("ann", "proposes nonsense")
_THAW = Thaw("ann", "looked at it")


def _frozen() -> Scene:
    scene = Scene().up()
    assert scene.ask(_FREEZE).exit_code == 0
    return scene


def _places(commands: list[Command]) -> tuple[int, int]:
    """Return where the first permit without a session and the order to freeze stand."""
    permit = next(
        number
        for number, command in enumerate(commands)
        if isinstance(command, Grant)
        and isinstance(command.leave, Permit)
        and not command.leave.trader_sessions
    )
    order = next(number for number, command in enumerate(commands) if isinstance(command, Kill))
    return permit, order


def test_the_permit_without_its_session_goes_before_the_signal() -> None:
    """OP1: what it has queued is refused already when it stops; who and why stand in the journal."""
    scene = Scene().up()
    scene.take()
    scene.tell(OperatorAsked(b"operator", _FREEZE))
    scene.turn()
    permit, order = _places(scene.commands)
    assert permit < order
    assert scene.kills()[0].deed is Deed.FREEZE
    (row,) = scene.rows("freeze")
    assert (row["operator"], row["reason"], row["session"]) == ("ann", "proposes nonsense", "trader-1")


def test_a_frozen_trader_is_shown_as_such_and_neither_lost_nor_killed() -> None:
    """Its silence is what was asked for, however long."""
    scene = _frozen()
    scene.run(120_000)
    assert state_word(scene.core.liveness.peers[Role.TRADER]) == "FROZEN"
    assert scene.mode == "OBSERVE_ONLY"
    assert "an operator froze the trader (ann: proposes nonsense)" in scene.core.why(scene.now_ns)
    assert [kill.deed for kill in scene.kills()] == [Deed.FREEZE]
    assert scene.notices("trader.lost") == []


def test_with_positions_open_it_reduces() -> None:
    """FS4: as with any trader that is away."""
    scene = Scene().up()
    scene.beats[Role.EXECUTOR] = {"positions": 1}
    scene.run(500)
    scene.ask(_FREEZE)
    scene.run(500)
    assert scene.mode == "REDUCE_ONLY"


def test_thawed_it_gets_a_session_only_when_an_operator_arms() -> None:
    """I7: the old one stays revoked, the new one is another."""
    scene = Scene().up()
    old = scene.permits()[-1].trader_sessions
    assert scene.ask(_FREEZE).exit_code == 0
    refused = scene.ask(Arm("ann", "go"))
    assert (refused.exit_code, "trader is frozen" in refused.message) == (4, True)
    assert scene.ask(_THAW).exit_code == 0
    scene.take()
    scene.run(60_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert scene.leaves() == []
    assert {permit.trader_sessions for permit in scene.permits()} == {()}
    assert scene.ask(Arm("ann", "is well")).exit_code == 0
    scene.run(500)
    assert scene.mode == "AGGRESSIVE"
    (new,) = {permit.trader_sessions for permit in scene.permits() if permit.mode == Mode.AGGRESSIVE} - {()}
    assert new != old


def test_a_new_trader_gets_no_session_either_before_an_operator_arms() -> None:
    """I7: killing the frozen process is no way around; what is left of it is ended."""
    scene = _frozen()
    scene.run(1_000)
    scene.respawn(Role.TRADER)
    scene.take()
    scene.run(60_000)
    assert scene.leaves() == []
    assert [(kill.session, kill.deed) for kill in scene.kills()] == [("trader-1", Deed.END)]
    scene.tell(KillEnded(Role.TRADER, "trader-1", 107, Outcome.KILLED, "ended by SIGKILL"))
    assert scene.ask(Arm("ann", "is well")).exit_code == 0
    scene.run(500)
    assert scene.leaves() != []


def test_what_could_not_be_frozen_is_said_and_watched_again() -> None:
    """I10: it is not called frozen; its session stays withdrawn all the same."""
    scene = Scene().up()
    scene.tell(OperatorAsked(b"operator", _FREEZE))
    scene.run(STEP_MS)
    scene.take()
    scene.tell(KillEnded(Role.TRADER, "trader-1", 107, Outcome.NOT_DONE, "signal: denied", deed=Deed.FREEZE))
    assert len(scene.notices("trader.not-frozen")) == 1
    assert state_word(scene.core.liveness.peers[Role.TRADER]) == "ready"
    scene.run(5_000)
    assert scene.leaves() == []


def test_one_that_ended_while_it_was_frozen_is_said_to_have_ended() -> None:
    """Thawing a process that is no more fails, and kills nobody."""
    scene = _frozen()
    scene.take()
    scene.tell(OperatorAsked(b"operator", _THAW))
    scene.run(STEP_MS)
    scene.tell(KillEnded(Role.TRADER, "trader-1", 107, Outcome.GONE, "had ended already", deed=Deed.THAW))
    scene.silence(Role.TRADER)
    scene.run(10_000)
    assert len(scene.notices("trader.not-thawed")) == 1
    assert state_word(scene.core.liveness.peers[Role.TRADER]) == "ended"
    assert [kill.deed for kill in scene.kills()] == [Deed.THAW]


def test_a_helper_that_does_not_answer_is_said_within_eight_seconds() -> None:
    """Every wait is bounded; what it reports later still counts."""
    scene = Scene().up()
    scene.tell(OperatorAsked(b"operator", _FREEZE))
    scene.silence(Role.TRADER)
    scene.run(9_000)
    (reply,) = [command.reply for command in scene.commands if isinstance(command, Reply)]
    assert (reply.exit_code, "8 s" in reply.message) == (1, True)
    assert scene.core.liveness.peers[Role.TRADER].condition.value == "frozen"
    refused = scene.core.freezing._refusal(scene.core.liveness.peers[Role.TRADER], freeze=False)
    assert (refused[0], "under way" in refused[1]) == (4, True)


@pytest.mark.parametrize("role", [Role.EXECUTOR, Role.GATEWAY, Role.LOGGER, Role.OPERATOR])
def test_only_the_trader_can_be_frozen(role: Role) -> None:
    """A frozen executor could not be told to stop; the others are needed by everybody."""
    reply = Scene().up().ask(Freeze("ann", "x", role))
    assert (reply.exit_code, "only the trader" in reply.message) == (4, True)


def test_what_cannot_be_frozen_or_thawed_is_refused_in_one_line() -> None:
    """Nobody there, lost already, frozen already, not frozen, nameless."""
    scene = Scene().up()
    assert scene.ask(_THAW).exit_code == 4
    assert scene.ask(Freeze(" ", "x")).exit_code == 2
    assert scene.ask(Freeze("ann", "")).exit_code == 2
    scene.beat(Role.TRADER, state=ProcessState.STOPPING)
    scene.silence(Role.TRADER)
    assert scene.ask(_FREEZE).exit_code == 3
    scene = Scene().up()
    scene.silence(Role.TRADER)
    scene.run(3_000)
    assert scene.ask(_FREEZE).exit_code == 4
    scene = _frozen()
    assert scene.ask(_FREEZE).message == "the trader is frozen already"


def test_a_restarted_watchdog_knows_whom_it_has_frozen() -> None:
    """I7: the cause stands, and the process can still be thawed."""
    scene = Scene(last=LastRun(frozen=(Frozen("trader-1", 107),)))
    scene.silence(Role.TRADER)
    scene.run(60_000)
    assert state_word(scene.core.liveness.peers[Role.TRADER]) == "FROZEN"
    assert scene.mode == "OBSERVE_ONLY"
    assert scene.ask(_THAW).exit_code == 0
    scene.run(1_000)
    assert scene.leaves() == []
    assert scene.ask(Arm("ann", "is well")).exit_code == 0


def test_a_process_that_ended_before_the_watchdog_started_is_not_shown_as_frozen() -> None:
    """After a reboot nothing is frozen, but an operator still arms."""
    scene = Scene(last=LastRun(frozen=(Frozen("trader-0", 4711),)))
    scene.core.freezing.over(Role.TRADER, "trader-0", "had ended before the watchdog started")
    scene.run(10_000)
    assert state_word(scene.core.liveness.peers[Role.TRADER]) == "ready"
    assert scene.mode == "OBSERVE_ONLY"
    assert scene.kills() == []
    assert scene.ask(Arm("ann", "is well")).exit_code == 0
