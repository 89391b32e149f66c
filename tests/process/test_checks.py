"""Checks and what shuts down, with the real watchdog on real sockets, and on a whole system that trades."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.faults import fault
from tests.instance import DEVNET_TOML, REPOSITORY, wait_until
from tests.process.operator_at_work import let_trade
from tests.process.system import BUSY_TOML, System
from tests.process.watchdog_stage import Stage
from warden.domain.checks import CHECKS
from warden.domain.modes import Mode
from warden.domain.risk.engine import RiskLimits
from warden.domain.roles import Role
from warden.executor.books.snapshots import KIND, RowFold
from warden.operator.link import ask
from warden.runtime.checkpoints import checkpoint_path
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal, read
from warden.wire.codec import from_json, to_json
from warden.wire.messages import Arm, Recover
from warden.wire.rows import ExecutorRow
from warden.wire.telemetry import Event, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHORT_TOML = (
    DEVNET_TOML
    + """
[failsafe]
capital_s = 2
"""
)
NEVER_TOML = BUSY_TOML + '[watchdog]\narm_on_start = "never"\n'


def fail(stage: Stage, *names: str) -> None:
    """Let checks of the cast's executor fail from now on; none: all pass again."""
    path = stage.home / "checks-executor.json"
    partial = path.with_suffix(".new")
    partial.write_bytes(msgspec.json.encode(dict.fromkeys(names, "it is not")))
    partial.rename(path)


def test_a_check_that_fails_only_observes_and_calls_a_human() -> None:
    """FS2, ES5: OBSERVE_ONLY, a CRITICAL event; arming is refused and names it; once it passes, it works."""
    with Stage() as stage:
        fail(stage, "integrity.pools")
        stage.whole_cast()
        stage.wait_mode(Mode.OBSERVE_ONLY, "integrity.pools fails")
        refused = stage.ask(Arm("ann", "trying"))
        assert (refused.exit_code, "check integrity.pools fails" in refused.message) == (4, True)
        fail(stage)
        stage.arm("it adds up again")
        stage.wait_mode(Mode.AGGRESSIVE)
        assert len(stage.rows("check.failed")) == len(stage.rows("check.passed")) == 1
        fail(stage, "wallet")
        stage.wait_mode(Mode.OBSERVE_ONLY, "wallet fails")

        def told() -> list[Event]:
            stage.look()
            return [each for each in stage.events if each.data.get("check") == "wallet"]

        wait_until(lambda: bool(told()), "event of the failed check")
        assert [(each.severity, each.runbook) for each in told()] == [
            (Severity.CRITICAL, CHECKS["wallet"].mend)
        ]


@fault("it-lasts")
def test_what_lasts_shuts_down_until_a_manual_restart() -> None:
    """FS1: SHUTDOWN with row and file; killed, it comes back shut down; an orderly restart lifts it."""
    with Stage(SHORT_TOML) as stage:
        stage.whole_cast()
        stage.arm("a start")
        fail(stage, "capital.books")
        stage.wait_mode(Mode.SHUTDOWN, "capital-inconsistent")
        assert stage.wait_event("failsafe.shutdown").severity is Severity.CRITICAL
        file = stage.places.state / "final-state.json"
        wait_until(file.exists, "the final state on disk")
        told = msgspec.json.decode(file.read_bytes())
        assert (told["trigger"], told["status"]["mode"]) == ("capital-inconsistent", Mode.SHUTDOWN)
        wait_until(lambda: bool(stage.rows("shutdown")), "row of the shutdown")
        fail(stage)
        assert stage.ask(Arm("ann", "trying")).exit_code == 4
        stage.kill(Role.WATCHDOG)
        stage.forget()
        stage.start(Role.WATCHDOG)
        stage.wait_mode(Mode.SHUTDOWN, "capital-inconsistent")
        assert stage.end(Role.WATCHDOG) == 0
        stage.forget()
        stage.start(Role.WATCHDOG)
        stage.wait_mode(Mode.OBSERVE_ONLY)
        stage.arm("mended")
        stage.wait_mode(Mode.AGGRESSIVE)


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """Return a whole system that has traded; an operator arms it."""
    with contextlib.closing(System(NEVER_TOML)) as made:
        made.start_all()
        let_trade(made)
        yield made


def health_check(home: Path) -> tuple[int, dict[str, Any], str]:
    """Run `warden health-check --json`; return exit code, what it says, and its standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "warden.cli", "health-check", "--json", "--home", str(home)],
        capture_output=True,
        cwd=REPOSITORY,
        check=False,
    )
    return done.returncode, msgspec.json.decode(done.stdout), done.stderr.decode()


def checks_of(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the checks of an answer by name."""
    return {each["name"]: each for each in told["checks"]}


def test_every_check_is_done_anew_when_asked(system: System) -> None:
    """FS2, FS3: `warden health-check` shows every check of a system that trades, and all pass."""
    code, told, _ = health_check(system.home)
    checks = checks_of(told)
    assert checks.keys() >= CHECKS.keys()
    assert [name for name, each in checks.items() if not each["passes"]] == []
    assert all(each["found"] for each in checks.values())
    assert "all of them 0 s ago" in checks["integrity.journal"]["found"]
    assert {each["name"] for each in told["components"]} >= {"executor", "gateway", "market-data"}
    # It runs without supervisord here, and that alone is what is wrong; how busy the machine is, it is.
    problems = [each for each in told["problems"] if not each.startswith("component machine.")]
    assert (code, problems) == (1, ["supervisord: not running"])


def test_too_few_endpoints_hold_up_what_is_armed_next(system: System) -> None:
    """FS2: endpoints reachable: with one of three left `warden arm` says so, and how to mend it."""
    for name in ("devnet-b", "devnet-c"):
        system.fault(name, "dead")
    try:

        def told() -> bool:
            line = checks_of(health_check(system.home)[1])["endpoints"]
            return not line["passes"] and line["mend"] == CHECKS["endpoints"].mend

        wait_until(told, "a failing check of the endpoints")
    finally:
        for name in ("devnet-b", "devnet-c"):
            system.fault(name, "healthy")
    wait_until(
        lambda: checks_of(health_check(system.home)[1])["endpoints"]["passes"], "endpoints that pass again"
    )


@fault("rolled-back")
def test_a_snapshot_and_then_a_whole_journal_that_are_not_what_was_written(system: System) -> None:
    """FS3, I9: rows well chained that nobody wrote, then an older copy with its checkpoint: both are found.

    The first is a durable stop with the reason DATA_INTEGRITY; the second the watchdog remembers. While
    either is so, nothing is armed.
    """
    let_trade(system)
    journal = system.places.journal(Role.EXECUTOR)
    assert system.end(Role.EXECUTOR) == 0
    kept = {path: path.read_bytes() for path in (journal, checkpoint_path(journal))}
    forge_snapshot(journal)
    system.start(Role.EXECUTOR)
    assert system.written_stop("a stop").reason == "DATA_INTEGRITY"
    found = wait_failing(system, "integrity.snapshots")
    assert "totals is not what the rows before come to" in found
    refused = ask(system.home, Recover("tester", "trying"))
    assert (refused.exit_code, "integrity.snapshots" in refused.message) == (4, True)

    assert system.end(Role.EXECUTOR) == 0
    for path in journal.parent.glob("executor.db-*"):
        path.unlink()
    for path, content in kept.items():
        path.write_bytes(content)
    system.start(Role.EXECUTOR)
    assert "truncated or rolled back" in wait_failing(system, "integrity.witness")
    refused = ask(system.home, Recover("tester", "trying"))
    assert (refused.exit_code, "integrity.witness" in refused.message) == (4, True)


def forge_snapshot(path: Path) -> None:
    """Add a snapshot that says more was won than the rows come to, chained as its writer would."""
    ledger = RowFold(RiskLimits())
    for row in read(path):
        ledger.apply(from_json(row.body, ExecutorRow))
    ledger.book.totals = msgspec.structs.replace(ledger.book.totals, gain_wei=10**18)
    journal = Journal(path, SystemClock())
    journal.append(KIND, to_json(ledger.snapshot()))
    journal.close()


def wait_failing(system: System, name: str) -> str:
    """Wait until a check fails; return what it found."""
    found: list[str] = []

    def fails() -> bool:
        line = checks_of(health_check(system.home)[1]).get(name)
        found.extend([line["found"]] if line is not None and not line["passes"] else [])
        return bool(found)

    wait_until(fails, f"failing check {name}")
    return found[0]
