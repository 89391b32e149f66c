"""Health with a real watchdog: what it measures, what makes it observe, and what makes it stop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.faults import fault
from tests.instance import DEVNET_TOML, wait_until
from tests.process.cli_runs import warden
from tests.process.watchdog_stage import Stage
from warden.domain.health import Health
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.wire.messages import Arm, Recover

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.domain.health import CheckLine

QUICK = (
    DEVNET_TOML
    + """
[health]
machine_every_s = 1
components_every_s = 1
stop_after_s = 2
ledger_every_s = 10
"""
)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Give one instance to all tests of this file; each goes on where the one before has ended."""
    with Stage(QUICK) as made:
        made.whole_cast()
        made.wait_mode(Mode.AGGRESSIVE)
        yield made


def line(stage: Stage, name: str) -> CheckLine | None:
    """Return the newest line of one component."""
    status = stage.look()
    if status is None or status.health is None:
        return None
    return next((each for each in status.health.lines if each.name == name), None)


def found(stage: Stage, name: str) -> str:
    """Return what was found of one component; empty before the first look."""
    told = line(stage, name)
    return "" if told is None else told.found


def test_every_part_is_looked_at(stage: Stage) -> None:
    """HM1, HM2: each process with what it uses, each component, this machine; the watchdog in its 50 MB."""

    def measured() -> bool:
        watchdog = line(stage, "watchdog")
        return watchdog is not None and "MB" in watchdog.found and line(stage, "machine.cpu") is not None

    wait_until(measured, "look at every part")
    status = stage.look()
    assert status is not None
    assert status.health is not None
    lines = {each.name: each for each in status.health.lines}
    wanted = ("executor", "gateway", "trader", "logger", "notifier", "api", "devnet", "watchdog")
    assert lines.keys() >= {*wanted, "execution-queue", "market-data", "ledger.executor", "ledger.watchdog"}
    assert lines.keys() >= {*(f"machine.{part}" for part in ("cpu", "memory", "disk", "load", "network"))}
    assert "threads" in lines["watchdog"].found
    assert "files" in lines["watchdog"].found
    assert lines["machine.memory"].latency_us > 0
    assert all(each.age_ms is not None for each in lines.values())
    assert 0 < next(each.pss_mb for each in status.processes if each.name == "watchdog") <= 50


def test_the_command_line_shows_it(stage: Stage) -> None:
    """HM2, HM5: `status` has the score and what is not well; `health-report` what it came to so far."""
    shown = warden("status", "--home", str(stage.home), "--json")
    health = json.loads(shown.out)["health"]
    assert 0 < health["score"] <= 1
    assert {"name", "status", "found", "limit", "mend", "leaves"} <= health["components"][0].keys()
    wait_until(lambda: bool(stage.rows("beats")), "row of heartbeats")
    report = warden("health-report", "--home", str(stage.home), "--json")
    assert report.code == 0, report.err
    since = json.loads(report.out)["since"]
    assert {each["name"] for each in since["processes"]} >= {"executor", "watchdog", "trader"}
    assert "health score" in warden("health-report", "--home", str(stage.home)).out


@fault("errors-by-the-dozen")
def test_too_many_errors_observe_and_arming_says_of_what(stage: Stage) -> None:
    """HM3: 11 errors within a minute: OBSERVE_ONLY with no human involved; no arming until they are over."""
    stage.say(Role.EXECUTOR, vitals={"errors": 0})
    wait_until(lambda: "lag" in found(stage, "executor"), "a beat that counts errors")
    stage.say(Role.EXECUTOR, vitals={"errors": 11})
    status = stage.wait_mode(Mode.OBSERVE_ONLY, "errors is UNHEALTHY: 11 in the last minute")
    assert status.health is not None
    assert status.health.status is Health.UNHEALTHY
    refused = stage.ask(Arm("ann", "let us see"))
    assert (refused.exit_code, "errors is UNHEALTHY" in refused.message) == (4, True)
    assert stage.wait_event("health.unhealthy").runbook == "degraded-health"


@fault("executor-and-gateway-killed")
def test_two_that_matter_gone_is_a_durable_stop(stage: Stage) -> None:
    """ES1, ES4: gateway and executor dead: a stop file with the reason HEALTH; recovering is refused."""
    for role in (Role.EXECUTOR, Role.DEVNET):  # the latter plays the gateway too
        stage.kill(role)
    stop = stage.written_stop("stop by health")
    assert (stop.reason, stop.operator, stop.policy) == ("HEALTH", "watchdog", "cancel")
    assert "executor is CRITICAL" in stop.message
    refused = stage.ask(Recover("ann", "at once"))
    assert (refused.exit_code, stage.latch.read().stopped) == (4, True)
    rows = stage.rows("health.stop")
    assert len(rows) == 1
