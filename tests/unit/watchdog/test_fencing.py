"""A silent executor under a stop is ended; one that answers, beats or ends by itself is not."""

from __future__ import annotations

from tests.unit.watchdog.scene import MS, Scene
from warden.domain.roles import Role
from warden.watchdog.commands import Deed
from warden.watchdog.events import KillEnded, Outcome, Paused, StopAcknowledged
from warden.wire.messages import ProcessState


def _deeds(scene: Scene) -> list[tuple[str, str, Deed]]:
    return [(kill.name, kill.session, kill.deed) for kill in scene.kills()]


def _ended(scene: Scene, outcome: Outcome) -> None:
    scene.tell(
        KillEnded(
            name=Role.EXECUTOR,
            session="executor-1",
            pid=102,
            outcome=outcome,
            how="ended by SIGKILL",
            deed=Deed.KILL,
        )
    )


def test_a_hung_executor_under_a_stop_is_killed_at_once_and_said_to_be() -> None:
    """I3, I4: it must not wake up and send; that it is dead is written down with the stop's id."""
    scene = Scene().up()
    scene.silence(Role.EXECUTOR)
    scene.run(1_000)
    scene.touch("s1")
    scene.run(900)
    assert _deeds(scene) == []
    scene.run(200)
    assert _deeds(scene) == [(Role.EXECUTOR, "executor-1", Deed.KILL)]
    assert [row["stop_ids"] for row in scene.rows("stop.fence")] == [["s1"]]
    _ended(scene, Outcome.KILLED)
    assert [row["how"] for row in scene.rows("stop.fenced")] == ["ended by SIGKILL"]
    assert "s1" in scene.notices("stop.fenced")[0].message
    scene.run(30_000)
    assert len(scene.kills()) == 1


def test_what_could_not_be_killed_is_not_said_to_be_fenced() -> None:
    """I10: only what is proven is said; it is tried again."""
    scene = Scene().up()
    scene.touch("s1")
    scene.silence(Role.EXECUTOR)
    scene.run(3_000)
    _ended(scene, Outcome.NOT_KILLED)
    assert scene.rows("stop.fenced") == []
    assert len(scene.notices("executor.not-killed")) == 1
    scene.run(11_000)
    assert len(scene.kills()) == 2


def test_no_executor_is_fenced_without_a_stop_or_while_it_beats() -> None:
    """A hung executor alone is a lapse; one that beats but has not acknowledged is only told again."""
    scene = Scene().up()
    scene.silence(Role.EXECUTOR)
    scene.run(5_000)
    assert _deeds(scene) == []
    scene = Scene().up()
    scene.touch("s1")
    scene.run(10_000)
    assert _deeds(scene) == []


def test_one_that_has_acknowledged_every_stop_is_left_alone() -> None:
    """Its gate is closed for them; a later one that it never heard of counts again."""
    scene = Scene().up()
    scene.touch("s1")
    scene.run(100)
    scene.tell(StopAcknowledged("s1", "executor-1"))
    scene.silence(Role.EXECUTOR)
    scene.run(10_000)
    assert _deeds(scene) == []
    scene.touch("s2")
    scene.run(1_000)
    assert len(_deeds(scene)) == 1
    assert [row["stop_ids"] for row in scene.rows("stop.fence")] == [["s2"]]


def test_an_acknowledgement_counts_for_the_session_that_gave_it() -> None:
    """Another process has to say so itself."""
    scene = Scene().up()
    scene.touch("s1")
    scene.run(100)
    scene.tell(StopAcknowledged("s1", "executor-1"))
    scene.respawn(Role.EXECUTOR)
    scene.run(1_000)
    scene.silence(Role.EXECUTOR)
    scene.run(3_000)
    assert _deeds(scene) == [(Role.EXECUTOR, "executor-2", Deed.KILL)]


def test_one_that_ends_in_order_may_take_its_time() -> None:
    """It has said so, and writes its last rows."""
    scene = Scene().up()
    scene.touch("s1")
    scene.beat(Role.EXECUTOR, state=ProcessState.STOPPING)
    scene.silence(Role.EXECUTOR)
    scene.run(10_000)
    assert _deeds(scene) == []


def test_a_paused_watchdog_does_not_take_its_own_pause_for_silence() -> None:
    """HM4: whoever was not watched is not judged by that time."""
    scene = Scene().up()
    scene.touch("s1")
    scene.now_ns += 20_000 * MS
    scene.tell(Paused(20_000 * MS))
    scene.turn()
    assert _deeds(scene) == []
    scene.run(5_000)
    assert _deeds(scene) == []


def test_a_long_setting_for_lost_does_not_delay_it() -> None:
    """The source documents' 120 s is valid, but not under a stop."""
    scene = Scene(lost_after_ns=120_000 * MS).up()
    scene.touch("s1")
    scene.silence(Role.EXECUTOR)
    scene.run(3_000)
    assert len(_deeds(scene)) == 1
