"""A death that the kernel tells of: what it does to permits, mode and arming, before any silence is one."""

from __future__ import annotations

import pytest

from tests.unit.watchdog.scene import MS, Scene
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.watchdog.events import Died
from warden.watchdog.liveness import LAST_WORD_NS
from warden.wire.messages import Arm, ProcessState

_LAST_WORD_MS = LAST_WORD_NS // MS


def _die(scene: Scene, role: Role) -> None:
    """Let a process end without a word, and the kernel say so."""
    scene.silence(role)
    scene.tell(Died(role, scene.sessions[role]))


@pytest.mark.parametrize("role", [Role.EXECUTOR, Role.TRADER, Role.GATEWAY])
def test_the_mode_falls_long_before_a_silence_would_be_one(role: Role) -> None:
    """HM4: a quarter of a second for its last word, then it is lost, and what it was is written down."""
    scene = Scene().up()
    _die(scene, role)
    scene.run(_LAST_WORD_MS - 50)
    assert scene.mode == "AGGRESSIVE"
    scene.run(50)
    assert scene.mode == "OBSERVE_ONLY"
    assert [row["text"] for row in scene.rows("process.lost")] == [f"{role} has ended without a word"]
    scene.run(5_000)
    assert len(scene.rows("process.lost")) == 1


def test_a_dead_executor_is_given_nothing_more() -> None:
    """I2: from the moment on at which its end is known."""
    scene = Scene().up()
    scene.take()
    _die(scene, Role.EXECUTOR)
    scene.run(1_000)
    assert scene.permits() == []


@pytest.mark.parametrize("role", [Role.EXECUTOR, Role.TRADER, Role.GATEWAY])
def test_nothing_is_armed_right_after_a_death(role: Role) -> None:
    """I7: while its last beat is still young, an operator hears that it is gone, not that it is armed."""
    scene = Scene(Environment.LIVE)
    scene.run(1_000)
    _die(scene, role)
    reply = scene.ask(Arm("ann", "begin"))
    assert reply.exit_code == 4
    assert f"{role} is lost" in reply.message


def test_an_operator_hears_how_it_ended_once_that_is_known() -> None:
    """I7: after its last word it has ended, and is not called lost."""
    scene = Scene(Environment.LIVE)
    scene.run(1_000)
    scene.beat(Role.EXECUTOR, state=ProcessState.STOPPING)
    _die(scene, Role.EXECUTOR)
    scene.run(_LAST_WORD_MS)
    assert "executor is ended" in scene.ask(Arm("ann", "begin")).message


def test_an_orderly_end_stays_one_whatever_is_heard_of_first() -> None:
    """HM4: the word that it stops may be on its way when the process is gone already."""
    scene = Scene().up()
    scene.silence(Role.EXECUTOR)
    scene.tell(Died(Role.EXECUTOR, scene.sessions[Role.EXECUTOR]))
    scene.beat(Role.EXECUTOR, state=ProcessState.STOPPING)
    scene.run(_LAST_WORD_MS)
    assert scene.rows("process.lost") == []
    assert len(scene.rows("process.ended")) == 1


def test_a_crash_loop_uses_up_its_restarts_whatever_its_pace() -> None:
    """HM4: each death is one, also of a trader that is back before its silence would have been noticed."""
    scene = Scene().up()
    for number in range(4):
        assert scene.mode == "AGGRESSIVE", number
        _die(scene, Role.TRADER)
        scene.run(500)
        scene.respawn(Role.TRADER)
        scene.run(1_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert "used up" in scene.core.why(scene.now_ns)
