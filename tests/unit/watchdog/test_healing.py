"""What lifts by itself, when, and how often an hour; what does not, waits for an operator."""

from __future__ import annotations

import pytest

from tests.unit.watchdog.scene import LOST_MS, Scene
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.watchdog.events import Paused
from warden.wire.messages import Arm, ProcessState

_MS = 1_000_000


def _armed_live() -> Scene:
    scene = Scene(Environment.LIVE)
    scene.run(1_000)
    assert scene.ask(Arm("ann", "begin")).exit_code == 0
    return scene


def _blink(scene: Scene, role: Role, for_ms: int = LOST_MS + 500) -> None:
    """Let a role be silent for a while and come back in the same session."""
    scene.silence(role)
    scene.run(for_ms)
    assert scene.mode == "OBSERVE_ONLY"
    scene.beating.add(role)


@pytest.mark.parametrize("role", [Role.EXECUTOR, Role.GATEWAY])
@pytest.mark.parametrize("armed", [Scene, _armed_live])
def test_a_short_loss_of_the_same_session_heals_after_five_seconds_and_not_before(
    role: Role, armed: type[Scene]
) -> None:
    """Lapse: closed at once, open again after 5 s of clean beats, journalled."""
    scene = armed()
    scene.run(1_000)
    _blink(scene, role)
    scene.run(5_000)
    assert scene.mode == "OBSERVE_ONLY"
    scene.run(500)
    assert scene.mode == "AGGRESSIVE"
    assert len(scene.rows("lapse")) == 1


def test_a_gap_within_the_five_seconds_starts_them_anew() -> None:
    """Clean means clean: a gap in the beats counts from zero again."""
    scene = _armed_live()
    _blink(scene, Role.GATEWAY)
    scene.run(3_000)
    _blink(scene, Role.GATEWAY)
    scene.run(4_500)
    assert scene.mode == "OBSERVE_ONLY"
    scene.run(1_000)
    assert scene.mode == "AGGRESSIVE"


def test_the_fourth_lapse_of_an_hour_waits_for_an_operator() -> None:
    """Three an hour heal; then it is a pattern, and a person looks at it."""
    scene = Scene().up()
    for _ in range(3):
        _blink(scene, Role.GATEWAY)
        scene.run(6_000)
        assert scene.mode == "AGGRESSIVE"
    _blink(scene, Role.GATEWAY)
    scene.run(60_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert "3 lapses this hour are used up" in scene.core.why(scene.now_ns)
    assert scene.ask(Arm("ann", "network mended")).exit_code == 0
    assert scene.mode == "AGGRESSIVE"


@pytest.mark.parametrize("role", [Role.EXECUTOR, Role.GATEWAY])
def test_in_live_a_long_loss_is_a_trip_even_of_the_same_session(role: Role) -> None:
    """Ten seconds are no lapse any more: it is told as a trip while it lasts, and does not heal."""
    scene = _armed_live()
    scene.take()
    _blink(scene, role, 13_000)
    assert [notice.severity.value for notice in scene.notices("mode.tripped")] == ["critical"]
    scene.run(30_000)
    assert scene.mode == "OBSERVE_ONLY"


def test_a_respawned_gateway_heals_on_paper_and_not_in_live() -> None:
    """Whose money it is decides whether another process may come back by itself."""
    paper, live = Scene().up(), _armed_live()
    for scene in (paper, live):
        scene.respawn(Role.GATEWAY)
        scene.run(300)
        assert scene.mode == "OBSERVE_ONLY"
        scene.run(10_000)
    assert (paper.mode, live.mode) == ("AGGRESSIVE", "OBSERVE_ONLY")
    assert "another process came" in live.core.why(live.now_ns)


def test_a_gateway_without_data_observes_until_it_has_some_again() -> None:
    """HM3, RP5: it lives, but no endpoint can be trusted."""
    scene = Scene().up()
    scene.beats[Role.GATEWAY] = {"state": ProcessState.DEGRADED, "detail": "every endpoint is stale"}
    scene.run(3_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert "every endpoint is stale" in scene.core.why(scene.now_ns)
    scene.beats[Role.GATEWAY] = {}
    scene.run(6_000)
    assert scene.mode == "AGGRESSIVE"


def test_a_killed_executor_waits_for_an_operator() -> None:
    """I7: whatever it left half done, nothing resumes by itself."""
    scene = Scene().up()
    scene.respawn(Role.EXECUTOR)
    scene.run(60_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert scene.core.authority.trips() == ("executor-unclean",)
    assert scene.ask(Arm("ann", "book checked")).exit_code == 0
    scene.run(2_000)
    assert scene.mode == "AGGRESSIVE"


def test_an_executor_lost_and_then_another_one_is_unclean_too() -> None:
    """The loss may be seen before the successor is."""
    scene = Scene().up()
    scene.silence(Role.EXECUTOR)
    scene.run(3_000)
    scene.respawn(Role.EXECUTOR)
    scene.run(30_000)
    assert scene.core.authority.trips() == ("executor-unclean",)
    assert set(scene.core.authority.standing) == {"executor-unclean"}


def test_an_executor_that_says_its_last_run_was_unclean_waits_for_an_operator() -> None:
    """It may have died while nobody watched."""
    scene = Scene()
    scene.beats[Role.EXECUTOR] = {"clean": False}
    scene.run(10_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert scene.ask(Arm("ann", "book checked")).exit_code == 0
    scene.run(10_000)
    assert scene.mode == "AGGRESSIVE"


def test_an_executor_that_ended_in_order_comes_back_by_itself() -> None:
    """A planned restart is clean."""
    scene = Scene().up()
    scene.beat(Role.EXECUTOR, state=ProcessState.STOPPING)
    scene.silence(Role.EXECUTOR)
    scene.run(5_000)
    assert scene.mode == "OBSERVE_ONLY"
    scene.respawn(Role.EXECUTOR)
    scene.run(1_000)
    assert scene.mode == "AGGRESSIVE"


def test_a_lost_trader_lowers_by_the_positions_and_a_new_one_lifts_it() -> None:
    """HM4: REDUCE_ONLY with positions open, OBSERVE_ONLY without, no human involved."""
    for positions, expected in ((0, "OBSERVE_ONLY"), (2, "REDUCE_ONLY")):
        scene = Scene()
        scene.beats[Role.EXECUTOR] = {"positions": positions}
        scene.up()
        scene.silence(Role.TRADER)
        scene.run(LOST_MS - 300)
        assert scene.mode == "AGGRESSIVE"
        scene.run(550)
        assert scene.mode == expected
        scene.respawn(Role.TRADER)
        scene.run(500)
        assert scene.mode == "AGGRESSIVE"


def test_the_fourth_trader_of_an_hour_waits_for_an_operator() -> None:
    """A crash loop ends in OBSERVE_ONLY, not in an endless one."""
    scene = Scene().up()
    for _ in range(3):
        scene.respawn(Role.TRADER)
        scene.run(1_000)
        assert scene.mode == "AGGRESSIVE"
    scene.respawn(Role.TRADER)
    scene.run(60_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert "3 restarts of the trader this hour are used up" in scene.core.why(scene.now_ns)
    assert scene.ask(Arm("ann", "strategy mended")).exit_code == 0
    assert scene.mode == "AGGRESSIVE"


def test_in_live_a_lost_trader_waits_for_an_operator() -> None:
    """`trader_restarts` is 0 in live."""
    scene = _armed_live()
    scene.respawn(Role.TRADER)
    scene.run(10_000)
    assert scene.mode == "OBSERVE_ONLY"


def test_a_livelocked_trader_is_left_out_and_killed() -> None:
    """It beats, so it is not hung; it does nothing, so it is not alive."""
    scene = Scene().up()
    scene.beats[Role.TRADER] = {"offered": 3, "handled": 1}
    scene.run(11_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert [kill.session for kill in scene.kills()] == ["trader-1"]
    assert scene.permits()[-1].trader_sessions == ()


@pytest.mark.parametrize("role", [Role.LOGGER, Role.NOTIFIER, Role.API])
def test_logger_notifier_and_api_degrade_and_are_told_and_trip_nothing(role: Role) -> None:
    """Their death alone lowers no mode; it is shown, and gone when they are back."""
    scene = Scene().up()
    scene.silence(role)
    scene.run(5_000)
    assert scene.mode == "AGGRESSIVE"
    assert [notice.severity.value for notice in scene.notices(f"{role}.lost")] == ["warning"]
    assert f"{role} is away" in scene.core.why(scene.now_ns)
    scene.respawn(role)
    scene.run(500)
    assert scene.core.why(scene.now_ns) == ""


def test_a_pause_of_the_watchdog_longer_than_a_permit_is_a_lapse_and_kills_nobody() -> None:
    """I2: the gate was closed meanwhile; whoever was not watched is not judged by that time."""
    scene = Scene().up()
    scene.take()
    scene.now_ns += 4_000 * _MS
    scene.tell(Paused(4_000 * _MS))
    scene.turn()
    assert scene.mode == "OBSERVE_ONLY"
    scene.run(4_500)
    assert scene.mode == "OBSERVE_ONLY"
    scene.run(1_000)
    assert scene.mode == "AGGRESSIVE"
    assert scene.kills() == []


def test_a_short_pause_of_the_watchdog_is_only_told() -> None:
    """Under a permit's life nothing was closed."""
    scene = Scene().up()
    scene.now_ns += 1_100 * _MS
    scene.tell(Paused(1_100 * _MS))
    scene.run(200)
    assert scene.mode == "AGGRESSIVE"
    assert len(scene.notices("watchdog.paused")) == 1


def test_an_operator_need_not_wait_for_a_lapse_to_heal() -> None:
    """Arming by name lifts a lapse at once; the process must be ready again."""
    scene = Scene().up()
    _blink(scene, Role.GATEWAY)
    scene.run(500)
    assert scene.mode == "OBSERVE_ONLY"
    assert scene.ask(Arm("ann", "I pulled the cable")).exit_code == 0
    assert scene.mode == "AGGRESSIVE"
