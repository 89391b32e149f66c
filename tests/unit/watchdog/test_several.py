"""Several strategies: what is wrong with one trader keeps that one out, and no other."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.watchdog.scene import Scene
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.watchdog.commands import Grant, WriteRow
from warden.watchdog.last_run import Frozen, LastRun
from warden.watchdog.status import status
from warden.wire.messages import Arm, Freeze, Head, Permit, ProcessState, Thaw, TraderLeave

ARB, MOM = "trader-arb", "trader-mom"


def several(environment: Environment = Environment.PAPER) -> Scene:
    """Return a system of two strategies that trades."""
    scene = Scene(environment, traders=(ARB, MOM))
    if environment is not Environment.LIVE:
        return scene.up()
    scene.run(1_000)
    assert scene.ask(Arm("ann", "begin")).exit_code == 0
    scene.run(1_000)
    return scene


def sessions(scene: Scene) -> set[str]:
    """Return whose intents the newest permit lets the executor take."""
    permits = [each.leave for each in scene.commands if isinstance(each, Grant)]
    newest = next(each for each in reversed(permits) if isinstance(each, Permit))
    return {session.partition(":")[0] for session in newest.trader_sessions}


def test_each_has_a_session_that_says_whose_it_is() -> None:
    """PL5, I8: a session begins with its strategy's name, so that another's is of no use to anybody."""
    scene = several()
    assert sessions(scene) == {"arb", "mom"}
    leaves = {
        each.identity: each.leave.trader_session
        for each in scene.commands
        if isinstance(each, Grant) and isinstance(each.leave, TraderLeave)
    }
    assert leaves[b"trader-arb"].startswith("arb:")
    assert leaves[b"trader-mom"].startswith("mom:")


@pytest.mark.parametrize("how", ["silent", "livelocked", "replaced", "ended"])
def test_one_trader_out_leaves_the_mode_and_the_other_alone(how: str) -> None:
    """HM4: dead, hung, livelocked, replaced, ended: its session goes at once, the other's stays."""
    scene = several()
    if how == "silent":
        scene.silence(ARB)
    elif how == "livelocked":
        scene.beats[ARB] = {"offered": 5, "handled": 1}
    elif how == "replaced":
        scene.respawn(ARB)
    else:
        scene.beat(ARB, state=ProcessState.STOPPING)
        scene.silence(ARB)
    scene.take()
    scene.run(11_000 if how == "livelocked" else 2_500)
    assert scene.mode == "AGGRESSIVE"
    if how != "replaced":  # which is let in again by itself before this
        assert sessions(scene) == {"mom"}
        assert ARB in scene.core.why(scene.now_ns)
    assert {kill.name for kill in scene.kills()} == (set() if how == "ended" else {ARB})
    assert scene.core.liveness.peers[MOM].ready()


def test_with_nobody_left_the_mode_falls_as_with_one() -> None:
    """HM4, FS4: OBSERVE_ONLY with nothing open, REDUCE_ONLY with positions; one that is back lifts it."""
    scene = several()
    scene.silence(ARB, MOM)
    scene.run(3_000)
    assert scene.mode == "OBSERVE_ONLY"
    scene.beats[Role.EXECUTOR] = {"positions": 1}
    scene.run(500)
    scene.respawn(ARB)
    scene.run(1_000)
    assert scene.mode == "AGGRESSIVE"
    assert sessions(scene) == {"arb"}
    scene.silence(ARB)
    scene.run(3_000)
    assert scene.mode == "REDUCE_ONLY"


def test_restarts_are_counted_for_each() -> None:
    """HM4: one that dies again and again uses up its own budget, and is kept out until an operator arms."""
    scene = several()
    for _ in range(4):
        scene.silence(ARB)
        scene.run(3_000)
        scene.respawn(ARB)
        scene.run(1_000)
    assert (scene.mode, sessions(scene)) == ("AGGRESSIVE", {"mom"})
    assert len(scene.notices("trader.kept-out")) == 1
    told = status(scene.core, Head("watchdog", 0, ""), lambda _: (0.0, 0.0), scene.now_ns)
    assert {line.name: line.restarts for line in told.processes if line.restarts} == {ARB: 3}
    assert told.restarts == 3
    scene.respawn(MOM)
    scene.run(1_000)
    assert sessions(scene) == {"mom"}
    assert scene.ask(Arm("ann", "mended")).exit_code == 0
    scene.run(1_000)
    assert sessions(scene) == {"arb", "mom"}


def test_live_keeps_a_dead_one_out_until_an_operator_arms() -> None:
    """I7: the others trade on meanwhile; arming lets in who is ready and nobody else."""
    scene = several(Environment.LIVE)
    scene.silence(ARB)
    scene.run(3_000)
    assert (scene.mode, sessions(scene)) == ("AGGRESSIVE", {"mom"})
    assert scene.ask(Arm("ann", "too early")).exit_code == 0
    scene.respawn(ARB)
    scene.run(2_000)
    assert sessions(scene) == {"mom"}
    scene.silence(ARB)
    scene.run(3_000)
    assert scene.ask(Arm("ann", "it has died again")).exit_code == 0
    scene.respawn(ARB)
    scene.run(2_000)
    assert sessions(scene) == {"mom"}
    assert scene.ask(Arm("ann", "it is well")).exit_code == 0
    scene.run(1_000)
    assert sessions(scene) == {"arb", "mom"}


def test_one_is_frozen_by_name_and_the_other_goes_on() -> None:
    """OP1: `warden freeze arb`; the nameless trader is refused where there are several."""
    scene = several()
    refused = scene.ask(Freeze("ann", "x"))
    assert (refused.exit_code, "trader-arb, trader-mom" in refused.message) == (4, True)
    assert scene.ask(Freeze("ann", "x", name="trader-sap")).exit_code == 4
    assert scene.ask(Freeze("ann", "look at it", name=ARB)).exit_code == 0
    scene.run(10_000)
    assert (scene.mode, sessions(scene)) == ("AGGRESSIVE", {"mom"})
    assert scene.ask(Thaw("ann", "seen", name=ARB)).exit_code == 0
    scene.run(2_000)
    assert sessions(scene) == {"mom"}
    assert scene.ask(Arm("ann", "seen")).exit_code == 0
    scene.run(1_000)
    assert sessions(scene) == {"arb", "mom"}


def test_who_was_frozen_is_known_to_the_next_watchdog() -> None:
    """I7: each by its name; one whose strategy was taken out meanwhile leaves the arming to an operator."""
    scene = several()
    assert scene.ask(Freeze("ann", "x", name=ARB)).exit_code == 0
    row = next(each for each in scene.core.end() if isinstance(each, WriteRow) and each.kind == "ended")
    carried = msgspec.convert(row.body["frozen"], tuple[Frozen, ...])
    assert [each.name for each in carried] == [ARB]
    again = Scene(traders=(ARB, MOM), last=LastRun(frozen=carried))
    assert again.core.authority.kept_out(ARB)
    assert not again.core.authority.kept_out(MOM)
    other = Scene(traders=(MOM, "trader-sap"), last=LastRun(frozen=carried))
    other.run(2_000)
    assert other.mode == "OBSERVE_ONLY"


def test_a_beat_in_anothers_name_is_dropped() -> None:
    """I8: the key says who speaks, whatever the beat says."""
    scene = several()
    before = scene.core.liveness.peers[MOM].session
    scene.beat(MOM, proven=ARB, session="forged")
    assert scene.core.liveness.peers[MOM].session == before
    assert scene.core.liveness.peers[ARB].session != "forged"
    assert scene.core.liveness.dropped["role"] == 1


def test_a_system_comes_up_once_every_trader_is_ready() -> None:
    """FS2: arming by itself waits for all of them, and says for whom."""
    scene = Scene(traders=(ARB, MOM))
    scene.silence(MOM)
    scene.run(2_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert f"waits for {MOM}" in scene.core.why(scene.now_ns)
