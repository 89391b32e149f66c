"""A security breach is looked into by somebody with a name before anything goes on."""

from __future__ import annotations

import pytest

from tests.unit.watchdog.scene import STEP_MS, Scene
from warden.watchdog.commands import Reply
from warden.watchdog.events import JournalFailed, OperatorAsked
from warden.watchdog.last_run import LastRun
from warden.wire.messages import Arm, ClearIncident, Recover

_RECOVER = Recover("ann", "checked")
_CLEAR = ClearIncident("ann", "old test script, removed", "s1")


def _breached() -> Scene:
    scene = Scene().up()
    scene.touch("s1", reason="SECURITY_BREACH", operator="executor", policy="hold")
    scene.run(500)
    return scene


def test_a_breach_is_not_recovered_from_until_it_is_cleared() -> None:
    """ES5: the refusal names the command; afterwards it is a stop like any other."""
    scene = _breached()
    refused = scene.ask(_RECOVER)
    assert refused.exit_code == 4
    assert "warden clear-incident --stop s1" in refused.message
    assert scene.stops.keys() == {"s1"}
    cleared = scene.ask(_CLEAR)
    assert cleared.exit_code == 0, cleared.message
    assert [row["reason"] for row in scene.rows("incident.cleared")] == ["old test script, removed"]
    assert scene.ask(_RECOVER).exit_code == 0
    assert scene.mode == "AGGRESSIVE"


def test_other_stops_need_no_clearing_and_have_no_incident() -> None:
    """One clear line for an id that is no breach."""
    scene = Scene().up()
    scene.touch("s1", reason="MANUAL")
    scene.run(500)
    reply = scene.ask(_CLEAR)
    assert (reply.exit_code, reply.message) == (4, "no SECURITY_BREACH called s1 is known")
    assert scene.ask(_RECOVER).exit_code == 0


@pytest.mark.parametrize("change", [{"reason": "MANUAL"}, {}])
def test_changing_the_file_clears_nothing(change: dict[str, str]) -> None:
    """Whoever can write there is not therefore believed."""
    scene = _breached()
    scene.touch("s1", **change)
    scene.run(500)
    assert scene.ask(_RECOVER).exit_code == 4


def test_removing_the_file_clears_nothing() -> None:
    """I7: then nothing is armed either until somebody says that it was looked into."""
    scene = _breached()
    del scene.stops["s1"]
    scene.run(500)
    refused = scene.ask(Arm("ann", "go"))
    assert (refused.exit_code, "clear-incident" in refused.message) == (4, True)
    assert scene.ask(_CLEAR).exit_code == 0
    assert scene.ask(Arm("ann", "go")).exit_code == 0


def test_a_stop_of_the_same_name_is_another_incident() -> None:
    """What was cleared was that one, not whatever comes under its name."""
    scene = _breached()
    scene.ask(_CLEAR)
    scene.ask(_RECOVER)
    scene.touch("s1", reason="SECURITY_BREACH")
    scene.run(500)
    assert scene.ask(_RECOVER).exit_code == 4


def test_it_counts_once_it_is_written_down() -> None:
    """ES5: journalled; a disk that hangs or breaks is said, and nothing is recovered meanwhile."""
    scene = _breached()
    scene.syncing = False
    assert scene.ask(_CLEAR, for_ms=20_000).exit_code == 1
    assert scene.ask(_RECOVER).exit_code == 4
    scene.syncing = True
    scene.run(2 * STEP_MS)
    assert scene.ask(_RECOVER).exit_code == 0
    scene = _breached()
    scene.syncing = False
    scene.tell(OperatorAsked(b"operator", _CLEAR))
    scene.tell(JournalFailed("the disk is gone"))
    scene.turn()
    replies = [command.reply for command in scene.commands if isinstance(command, Reply)]
    assert (replies[-1].exit_code, "the disk is gone" in replies[-1].message) == (1, True)


def test_what_was_known_before_a_restart_is_known_after() -> None:
    """ES4: an open incident stays open, a cleared one cleared."""
    for cleared, code in ((False, 4), (True, 0)):
        scene = Scene(last=LastRun(stop_ids=("s1",), incidents={"s1": cleared}))
        scene.touch("s1", reason="SECURITY_BREACH")
        scene.run(1_000)
        assert scene.ask(_RECOVER).exit_code == code
        assert scene.rows("incident.opened") == []


def test_nameless_requests_and_repeated_ones() -> None:
    """By name and with a reason; saying it twice is not an error."""
    scene = _breached()
    assert scene.ask(ClearIncident("", "x", "s1")).exit_code == 2
    assert scene.ask(_CLEAR).exit_code == 0
    assert "cleared already" in scene.ask(_CLEAR).message


def test_a_flood_of_requests_and_of_breaches_is_bounded() -> None:
    """Every queue has an end; while one is open nothing is armed, whatever was not listed."""
    scene = _breached()
    scene.syncing = False
    for _ in range(40):
        scene.tell(OperatorAsked(b"operator", _CLEAR))
    assert len(scene.core.incidents._waiting) == 16
    scene = Scene().up()
    for number in range(300):
        scene.touch(f"b{number}", reason="SECURITY_BREACH")
    scene.run(200)
    scene.stops.clear()
    scene.run(200)
    assert len(scene.core.incidents.known) == 256
    assert scene.ask(Arm("ann", "go")).exit_code == 4
