"""Probation: smaller sizes for a while after a recovery, whatever is restarted meanwhile."""

from __future__ import annotations

from tests.unit.watchdog.scene import BOOT, S, Scene
from warden.watchdog.last_run import LastRun, Span
from warden.watchdog.probation import Course
from warden.watchdog.status import status
from warden.wire.messages import Arm, Head, Recover

_HOUR_S = 3_600


def _recovered(scene: Scene | None = None) -> Scene:
    scene = scene or Scene().up()
    scene.touch("s1")
    scene.run(500)
    scene.take()
    assert scene.ask(Recover("ann", "checked", reset=True)).exit_code == 0
    return scene


def _span(scene: Scene) -> Span:
    span = scene.core.probation.span
    assert span is not None
    return span


def test_after_a_recovery_sizes_are_cut_for_an_hour_and_shown() -> None:
    """ES5: from the first permit on; in the answer, in the status, in the one line that says why."""
    scene = _recovered()
    scene.run(500)
    assert {permit.size_percent for permit in scene.permits()} == {25}
    assert {leave.size_percent for leave in scene.leaves() if leave.mode == 3} == {25}
    told = status(scene.core, Head("watchdog", 1, "ab" * 32), lambda _role: (0.0, 0.0), scene.now_ns)
    assert (told.size_percent, told.why) == (25, "probation: 25 % sizes for 60 min")
    assert told.probation_until_ns == _span(scene).until_ns
    scene.now_ns = _span(scene).until_ns - 59 * S
    assert scene.core.why(scene.now_ns).endswith("probation: 25 % sizes for 1 min")
    scene.now_ns += 60 * S
    scene.take()
    scene.turn()
    assert len(scene.rows("probation.ended")) == 1
    assert (scene.core.probation.percent, scene.core.probation.until_ns) == (100, 0)


def test_it_is_written_down_before_the_arming_that_it_limits() -> None:
    """ES5: with its end in wall time, for people, and whether streaks were to be reset."""
    scene = _recovered()
    kinds = [getattr(command, "kind", "") for command in scene.commands]
    assert kinds.index("probation.begun") < kinds.index("armed")
    assert [row["until"] for row in scene.rows("probation.begun")] == [f"in {_HOUR_S} s"]
    assert [row["reset"] for row in scene.rows("recover")] == [True]


def test_a_plain_arming_brings_none() -> None:
    """ES5: it follows a recovery only."""
    scene = Scene(arm_on_start=False)
    scene.run(500)
    scene.ask(Arm("ann", "go"))
    scene.run(500)
    assert {permit.size_percent for permit in scene.permits()} == {100}


def test_a_recovery_that_was_given_up_after_its_stops_were_cleared_still_owes_it() -> None:
    """ES5: arming afterwards is no way around."""
    scene = Scene(last=LastRun(probation_owed=True, trips=("executor-unclean",)))
    scene.run(1_000)
    assert scene.ask(Arm("ann", "go")).exit_code == 0
    assert scene.core.probation.percent == 25


def test_a_second_recovery_begins_it_anew() -> None:
    """The hour counts from the last one."""
    scene = _recovered()
    first = _span(scene).until_ns
    scene.run(60_000)
    _recovered(scene)
    assert _span(scene).until_ns >= first + 60 * S


def test_it_survives_a_restart_of_the_watchdog() -> None:
    """ES4: in the same boot it ends when it would have ended."""
    scene = _recovered()
    again = Scene(last=LastRun(probation=_span(scene)))
    again.run(500)
    assert again.core.probation.until_ns == _span(scene).until_ns
    assert {permit.size_percent for permit in again.permits()} == {25}


def test_after_a_reboot_it_starts_over() -> None:
    """Nobody knows how long the machine was off; the wall clock decides nothing."""
    span = Span(boot_id="another boot", until_ns=1, length_ns=_HOUR_S * S, percent=25, until="past")
    scene = Scene(last=LastRun(probation=span))
    assert (_span(scene).boot_id, _span(scene).until_ns) == (BOOT, scene.now_ns + _HOUR_S * S)
    scene.run(500)
    assert len(scene.rows("probation.begun")) <= 1
    assert scene.core.probation.percent == 25


def test_the_smaller_of_the_journals_and_the_settings_counts() -> None:
    """Changing the setting over a restart can lower sizes, never raise them."""
    span = Span(boot_id=BOOT, until_ns=2_000 * S, length_ns=_HOUR_S * S, percent=25, until="later")
    for percent, expected in ((10, 10), (80, 25)):
        course = Course(percent=percent, length_ns=_HOUR_S * S, wall_after=str)
        scene = Scene(last=LastRun(probation=span), course=course)
        assert scene.core.probation.percent == expected


def test_it_can_be_switched_off() -> None:
    """`probation_s = 0`."""
    scene = Scene(course=Course(percent=25, length_ns=0, wall_after=str)).up()
    _recovered(scene)
    scene.run(500)
    assert {permit.size_percent for permit in scene.permits()} == {100}
    assert scene.core.why(scene.now_ns) == ""
