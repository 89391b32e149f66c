"""What lasts becomes SHUTDOWN, and stays."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.watchdog.scene import S, Scene
from warden.domain import failsafe
from warden.domain.causes import Cause
from warden.domain.errors import EXIT_REFUSED
from warden.domain.failsafe import TRIGGERS
from warden.domain.health import Health
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.runtime.settings import Settings
from warden.watchdog.check_terms import CheckTerms, check_terms
from warden.watchdog.commands import PersistState
from warden.watchdog.events import Broke, Paused
from warden.watchdog.last_run import LastRun
from warden.wire.messages import Arm, ProcessState, SetMode
from warden.wire.telemetry import Severity

ARM = Arm("ann", "looked into it")


def scene_of(name: str, window_s: int = 60, **terms: Any) -> Scene:  # noqa: ANN401 - of the terms' fields
    """Return a scene that is up, with one trigger alone."""
    values: dict[str, Any] = {"windows_ns": {name: window_s * S}}
    scene = Scene(environment=Environment.DEVNET, check_terms=CheckTerms(**(values | terms)))
    scene.run(1_000)  # the wallet is told each second
    return scene.up()


def begin(scene: Scene, name: str) -> None:
    """Let the condition of a trigger begin."""
    match name:
        case failsafe.MARKET_DATA:
            scene.beats[Role.GATEWAY]["state"] = ProcessState.DEGRADED
        case failsafe.LEDGER:
            scene.fail("integrity.journal", status=Health.CRITICAL)
        case failsafe.SNAPSHOT:
            scene.fail("snapshot", status=Health.CRITICAL)
        case failsafe.CAPITAL:
            scene.fail("capital.books")
        case failsafe.HEALTH:
            scene.fail("wallet")
        case _:
            for _ in range(3):
                scene.tell(Broke(Role.EXECUTOR, "ValueError: no"))


LASTING = (failsafe.MARKET_DATA, failsafe.LEDGER, failsafe.CAPITAL, failsafe.HEALTH)


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_shuts_down(name: str) -> None:
    """FS1: OBSERVE_ONLY first; SHUTDOWN at the window's end, with row, file and CRITICAL alert."""
    scene = scene_of(name)
    begin(scene, name)
    scene.run(50_000)
    assert scene.mode == "OBSERVE_ONLY"
    scene.run(20_000)
    assert scene.mode == "SHUTDOWN"
    (row,) = scene.rows("shutdown")
    assert (row["trigger"], row["setting"]) == (name, TRIGGERS[name].setting)
    (alarm,) = scene.notices("failsafe.shutdown")
    assert (alarm.severity, alarm.runbook) == (Severity.CRITICAL, "startup#shut-down")
    (kept,) = [each for each in scene.commands if isinstance(each, PersistState)]
    assert kept.trigger == name
    scene.take()
    scene.run(5_000)
    assert not scene.permits()


@pytest.mark.parametrize("name", LASTING)
def test_a_warning_comes_before(name: str) -> None:
    """ES1a: an ERROR at 90 % of the window, once, and it says how long is left."""
    scene = scene_of(name)
    begin(scene, name)
    scene.run(52_000)
    assert not scene.notices("failsafe.near")
    scene.run(7_500)
    (near,) = scene.notices("failsafe.near")
    assert near.severity is Severity.ERROR
    assert "SHUTDOWN in" in near.message


@pytest.mark.parametrize("name", LASTING)
def test_what_ends_in_time_shuts_nothing_down(name: str) -> None:
    """FS1: the window counts without a break, and begins anew."""
    scene = scene_of(name)
    for _ in range(3):
        begin(scene, name)
        scene.run(40_000)
        scene.checks.clear()
        scene.beats[Role.GATEWAY].clear()
        scene.run(1_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert not scene.rows("shutdown")


def test_a_snapshot_that_is_too_old_needs_no_window_of_the_watchdogs() -> None:
    """FS1: its age is the window, counted by the executor from the newest snapshot."""
    scene = scene_of(failsafe.SNAPSHOT, window_s=90_000)
    scene.fail("snapshot", status=Health.UNHEALTHY)
    scene.run(5_000)
    assert scene.mode == "OBSERVE_ONLY"
    begin(scene, failsafe.SNAPSHOT)
    scene.run(1_000)
    assert scene.mode == "SHUTDOWN"


def test_three_exceptions_in_ten_minutes_shut_down() -> None:
    """FS1: an exception that nothing caught, again and again; not long ago, nor a strategy's."""
    scene = scene_of(failsafe.EXCEPTION, window_s=600)
    for _ in range(2):
        scene.tell(Broke(Role.EXECUTOR, "ValueError: no"))
    scene.run(650_000)
    for name in (Role.EXECUTOR, Role.GATEWAY, Role.TRADER, Role.TRADER, "nobody"):
        scene.tell(Broke(name, "KeyError: 'x'"))
    scene.run(1_000)
    assert scene.mode == "AGGRESSIVE"
    assert len(scene.rows("process.broke")) == 6
    scene.tell(Broke(Role.GATEWAY, "KeyError: 'x'"))
    scene.run(1_000)
    assert scene.mode == "SHUTDOWN"
    assert scene.notices("executor.broke")[0].severity is Severity.ERROR


def test_nothing_but_a_restart_lifts_it() -> None:
    """FS1: it stays: neither that the condition ends nor an operator's arming lifts it."""
    scene = scene_of(failsafe.HEALTH)
    begin(scene, failsafe.HEALTH)
    scene.run(70_000)
    scene.checks.clear()
    scene.run(60_000)
    assert scene.mode == "SHUTDOWN"
    assert scene.ask(ARM).exit_code == EXIT_REFUSED
    assert scene.mode == "SHUTDOWN"


def last_of(scene: Scene, *, clean: bool) -> LastRun:
    """Return what the run in `scene` leaves to the next."""
    kept = scene.core.failsafe.kept()
    return LastRun(clean=clean, shutdown=kept, trips=("failsafe",) if clean else ())


@pytest.mark.parametrize("ordered", [False, True])
def test_a_crash_of_the_watchdog_is_no_manual_restart(*, ordered: bool) -> None:
    """FS1: SHUTDOWN outlives the watchdog's own end without a word, by whatever it was shut down."""
    scene = scene_of(failsafe.HEALTH)
    if ordered:
        scene.ask(SetMode("ann", "enough", 0))
    else:
        begin(scene, failsafe.HEALTH)
        scene.run(70_000)
    again = Scene(environment=Environment.DEVNET, last=last_of(scene, clean=False))
    again.run(5_000)
    assert again.mode == "SHUTDOWN"
    assert again.ask(ARM).exit_code == EXIT_REFUSED


def test_after_a_manual_restart_an_operator_arms() -> None:
    """FS1, I7: `warden down` and `warden up` lift it; arming is a human's all the same."""
    scene = scene_of(failsafe.HEALTH)
    begin(scene, failsafe.HEALTH)
    scene.run(70_000)
    again = Scene(environment=Environment.DEVNET, last=last_of(scene, clean=True))
    again.run(5_000)
    assert again.mode == "OBSERVE_ONLY"
    assert again.ask(ARM).exit_code == 0
    assert again.mode == "AGGRESSIVE"


def test_time_in_which_nobody_looked_does_not_count() -> None:
    """FS1: a machine that was suspended for hours is not shut down for them."""
    scene = scene_of(failsafe.MARKET_DATA)
    begin(scene, failsafe.MARKET_DATA)
    scene.run(10_000)
    scene.now_ns += 8 * 3_600 * S
    scene.tell(Paused(8 * 3_600 * S))
    scene.run(40_000)
    assert scene.mode == "OBSERVE_ONLY"
    scene.run(20_000)
    assert scene.mode == "SHUTDOWN"


def test_a_trigger_that_is_switched_off_never_fires() -> None:
    """FS1: each window is a setting; "none" switches it off."""
    scene = scene_of(failsafe.LEDGER)
    begin(scene, failsafe.CAPITAL)
    scene.run(200_000)
    assert scene.mode == "OBSERVE_ONLY"


def test_the_standard_windows_are_those_of_the_promise() -> None:
    """FS1: market data 10 min, ledger 15 min, snapshot 25 h."""
    windows_s = {name: each // S for name, each in check_terms(Settings()).windows_ns.items()}
    assert windows_s.keys() == TRIGGERS.keys()
    assert [windows_s[name] for name in (failsafe.MARKET_DATA, failsafe.LEDGER, failsafe.SNAPSHOT)] == [
        600,
        900,
        90_000,
    ]


def test_observing_comes_first_whatever_lasted() -> None:
    """FS1: only when OBSERVE_ONLY has not helped: what lowers no mode does at its window's end."""
    scene = scene_of(failsafe.MARKET_DATA)
    scene.fail("endpoints")
    scene.run(50_000)
    assert scene.mode == "AGGRESSIVE"
    scene.run(20_000)
    assert scene.mode == "OBSERVE_ONLY"
    scene.run(65_000)
    assert scene.mode == "SHUTDOWN"


def test_a_gateway_that_never_came_is_no_market_data() -> None:
    """FS1: fail closed: what was never there has stalled, too."""
    scene = Scene(
        environment=Environment.DEVNET,
        check_terms=CheckTerms(windows_ns={failsafe.MARKET_DATA: 60 * S}),
    )
    scene.beating.discard(Role.GATEWAY)
    scene.run(70_000)
    assert scene.mode == "SHUTDOWN"
    assert Cause.FAILSAFE in scene.core.authority.standing
