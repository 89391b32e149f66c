"""What the watchdog tells: every process in one word, stops, and why the mode is not higher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.watchdog.scene import LOST_MS, Scene
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.watchdog.status import status
from warden.wire.codec import encode
from warden.wire.messages import Head, ProcessState

if TYPE_CHECKING:
    from warden.wire.telemetry import WatchdogStatus

_HEAD = Head("watchdog", 3, "ab" * 32)


def _told(scene: Scene) -> WatchdogStatus:
    told = status(scene.core, _HEAD, lambda _role: (12.5, 1.5), scene.now_ns)
    encode(told)
    return told


def _words(scene: Scene) -> dict[str, str]:
    return {line.name: line.state for line in _told(scene).processes}


def test_each_process_in_one_word() -> None:
    """CO3: alive ones say it themselves; what is not alive is said in capitals or as what it is."""
    scene = Scene(Environment.DEVNET)
    scene.silence(Role.DEVNET, Role.API)
    scene.run(1_000)
    scene.beat(Role.API)
    scene.beat(Role.NOTIFIER, state=ProcessState.STOPPING)
    scene.silence(Role.NOTIFIER)
    scene.beats[Role.TRADER] = {"offered": 2}
    scene.beats[Role.LOGGER] = {"state": ProcessState.STARTING, "detail": "opens files"}
    scene.run(12_000)
    assert _words(scene) == {
        "devnet": "unseen",
        "gateway": "ready",
        "executor": "ready",
        "watchdog": "ready",
        "logger": "starting",
        "notifier": "ended",
        "api": "LOST",
        "trader": "LIVELOCKED",
    }


def test_ages_measures_and_heads() -> None:
    """Age counts from the last beat, none is none; what is not alive costs nothing; heads of all."""
    scene = Scene()
    scene.beats[Role.EXECUTOR] = {"heads": (Head("executor", 9, "cd" * 32),)}
    scene.up()
    scene.silence(Role.API)
    scene.run(LOST_MS + 1_000)
    told = _told(scene)
    lines = {line.name: line for line in told.processes}
    assert "devnet" not in lines
    assert lines["api"].age_ms == LOST_MS + 1_000
    assert (lines["api"].pss_mb, lines["trader"].pss_mb, lines["trader"].cpu_percent) == (0.0, 12.5, 1.5)
    assert [head.journal for head in told.heads] == ["watchdog", "executor"]
    assert (told.mode, told.why.startswith("the api is away")) == (3, True)


def test_stops_and_an_unreadable_directory() -> None:
    """ES1: who, why and when, and that nobody can know."""
    scene = Scene().up()
    scene.touch("s1", reason="MANUAL", operator="bob", message="enough", time="2026-01-01T00:00:00Z")
    scene.run(200)
    told = _told(scene)
    assert [(stop.id, stop.operator, stop.message) for stop in told.stops] == [("s1", "bob", "enough")]
    scene.unreadable = "stop directory /x: Permission denied"
    scene.run(100)
    assert _told(scene).stop_dir == "stop directory /x: Permission denied"
