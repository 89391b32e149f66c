"""Stops: seen, written down, sent on, and missed when they vanish."""

from __future__ import annotations

from tests.unit.watchdog.scene import STEP_MS, Scene
from warden.domain.roles import Role
from warden.domain.stops import Stop
from warden.watchdog.commands import ForwardStop, WriteStop
from warden.watchdog.events import StopAcknowledged, StopWritten
from warden.watchdog.last_run import LastRun
from warden.wire.telemetry import Severity


def _forwarded(scene: Scene) -> list[Stop]:
    return [command.stop for command in scene.commands if isinstance(command, ForwardStop)]


def test_a_bare_touch_becomes_a_recorded_stop_within_250_ms() -> None:
    """ES4: journalled and told with who, why, policy and the runbook."""
    scene = Scene().up()
    scene.take()
    scene.touch("s1", reason="REGULATORY", operator="bob", policy="cancel", message="asked to")
    scene.run(200)
    assert [row["stop_id"] for row in scene.rows("stop.seen")] == ["s1"]
    (notice,) = scene.notices("stop.seen")
    assert (notice.severity, notice.runbook) == (Severity.CRITICAL, "emergency-stop")
    assert notice.data == {
        "stop_id": "s1",
        "reason": "REGULATORY",
        "operator": "bob",
        "policy": "cancel",
    }


def test_a_stop_that_is_being_written_is_put_down_with_its_content() -> None:
    """The name appears a moment before the content; both are in the row."""
    scene = Scene().up()
    scene.touch("s1")
    scene.run(STEP_MS)
    scene.touch("s1", operator="bob")
    scene.run(STEP_MS)
    assert [row["operator"] for row in scene.rows("stop.seen")] == ["bob"]


def test_it_is_sent_on_at_once_and_again_until_acknowledged() -> None:
    """The executor hears of it by socket too, not only by its own look."""
    scene = Scene().up()
    scene.touch("s1")
    scene.run(STEP_MS)
    assert [stop.stop_id for stop in _forwarded(scene)] == ["s1"]
    scene.run(2_000)
    assert len(_forwarded(scene)) == 3
    scene.tell(StopAcknowledged("s1", "executor-1", ("0xabc",)))
    scene.run(5_000)
    assert len(_forwarded(scene)) == 3
    assert scene.rows("stop.acknowledged")[0]["in_flight"] == ["0xabc"]


def test_a_stop_that_vanishes_is_told_and_nothing_resumes() -> None:
    """I7: removing the file by hand clears nothing; an operator arms."""
    scene = Scene().up()
    scene.touch("s1")
    scene.run(500)
    del scene.stops["s1"]
    scene.run(500)
    assert [notice.severity for notice in scene.notices("stop.vanished")] == [Severity.CRITICAL]
    scene.take()
    scene.run(30_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert {permit.mode for permit in scene.permits()} == {1}


def test_a_stop_seen_only_once_is_written_down_all_the_same() -> None:
    """However short it stood, it was a stop."""
    scene = Scene().up()
    scene.touch("s1")
    scene.run(STEP_MS)
    del scene.stops["s1"]
    scene.run(STEP_MS)
    assert len(scene.rows("stop.seen")) == len(scene.rows("stop.vanished")) == 1
    assert scene.mode == "OBSERVE_ONLY"


def test_a_stop_of_the_run_before_is_told_again_but_not_written_twice() -> None:
    """One row for one stop, however often the watchdog starts."""
    scene = Scene(last=LastRun(stop_ids=("s1",)))
    scene.touch("s1")
    scene.run(500)
    assert scene.rows("stop.seen") == []
    assert len(scene.notices("stop.seen")) == 1


def _written(scene: Scene) -> list[str]:
    return [command.stop.stop_id for command in scene.commands if isinstance(command, WriteStop)]


def test_what_only_the_executor_keeps_is_written_once_a_second_until_it_stands() -> None:
    """ES4: a stop that was heard over the socket, or that a rule demands, becomes a file."""
    scene = Scene().up()
    scene.take()
    scene.beats[Role.EXECUTOR]["stops"] = (Stop(stop_id="s1"),)
    scene.run(2_900)
    assert _written(scene) == ["s1"] * 3
    scene.touch("s1")
    scene.run(3_000)
    assert _written(scene) == ["s1"] * 3
    assert scene.rows("stop.seen")


def test_nobody_else_may_demand_a_stop_by_its_beat() -> None:
    """Only the executor's beats count: a trader that says so changes nothing."""
    scene = Scene().up()
    scene.take()
    scene.beat(Role.TRADER, stops=(Stop(stop_id="s1"),))
    scene.run(2_000)
    assert _written(scene) == []


def test_one_that_cannot_be_written_is_told_once() -> None:
    """ES4: it holds while the executor lives; an operator hears that it would not outlive it."""
    scene = Scene().up()
    scene.take()
    for _ in range(3):
        scene.tell(StopWritten("s1", "No space left on device"))
    (notice,) = scene.notices("stop.unwritten")
    assert notice.severity is Severity.CRITICAL
    assert "No space left" in notice.message
