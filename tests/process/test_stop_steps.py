"""An operator's own stop steps as real processes: ordered, bounded, killed whole, told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psutil

from tests.instance import DEVNET_TOML, wait_until
from tests.process.watchdog_stage import Stage
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.domain.stop_steps import OwnStep
from warden.runtime.clock import NS_PER_S, SystemClock
from warden.watchdog.step_runner import Running, run

if TYPE_CHECKING:
    import pytest

    from warden.watchdog.steps import StepEnded


def _sh(name: str, script: str, limit_s: int = 10) -> OwnStep:
    return OwnStep(name, ("/bin/sh", "-c", script), 50, limit_s)


def _run(tmp_path: Path, *steps: OwnStep, within_s: int = 25, **told: str) -> list[StepEnded]:
    """Run steps to their ends and return these in the order in which they came."""
    ended: list[StepEnded] = []
    until_ns = SystemClock().boot_ns() + within_s * NS_PER_S
    run(Running(steps, str(tmp_path), until_ns, dict(told)), ended.append)
    return ended


def _dead(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_they_run_in_order_and_say_how_they_ended(tmp_path: Path) -> None:
    """ES3: one after the other; exit code and last words of each."""
    ended = _run(
        tmp_path,
        _sh("first", "echo one >>order; echo said"),
        _sh("second", "echo two >>order; echo why >&2; exit 3"),
        _sh("third", "echo three >>order; kill -9 $$"),
    )
    assert (tmp_path / "order").read_text("utf-8").split() == ["one", "two", "three"]
    assert [(each.name, each.outcome, each.exit_code) for each in ended] == [
        ("first", "done", 0),
        ("second", "failed", 3),
        ("third", "failed", -9),
    ]
    assert [each.said.strip() for each in ended[:2]] == ["said", "why"]


def test_one_that_hangs_is_killed_with_all_of_its_group_and_delays_no_other(tmp_path: Path) -> None:
    """ES3: deaf to every signal that can be ignored, with a child that hangs, too: both die at the limit."""
    ended = _run(
        tmp_path,
        _sh("hangs", "trap '' TERM INT HUP; sleep 600 & echo $! >child; echo $$ >leader; wait", limit_s=4),
        _sh("goes-on", "true"),
    )
    assert [(each.name, each.outcome) for each in ended] == [("goes-on", "done"), ("hangs", "killed")]
    for name in ("child", "leader"):
        pid = int((tmp_path / name).read_text("utf-8"))
        wait_until(lambda pid=pid: _dead(pid), f"end of {name}")  # type: ignore[misc] # a default binds it


def test_what_a_step_leaves_behind_is_ended_with_it(tmp_path: Path) -> None:
    """A background child that holds its output open does not make it hang either."""
    (ended,) = _run(tmp_path, _sh("leaves", "sleep 600 & echo $! >child"))
    assert ended.outcome == "done"
    pid = int((tmp_path / "child").read_text("utf-8"))
    wait_until(lambda: _dead(pid), "end of what was left behind")


def test_one_that_cannot_be_started_breaks_no_other(tmp_path: Path) -> None:
    """Not there, no program, a directory: one line each, and the next runs."""
    (tmp_path / "text").write_text("no program", "utf-8")
    (tmp_path / "text").chmod(0o700)
    ended = _run(
        tmp_path,
        OwnStep("gone", ("/no/such/program",), 50, 5),
        OwnStep("text", ("./text",), 50, 5),
        OwnStep("directory", ("/tmp",), 50, 5),  # noqa: S108 - any directory will do
        _sh("runs", "true"),
    )
    assert [each.outcome for each in ended] == ["failed", "failed", "failed", "done"]
    assert all(each.said.startswith("could not be started: ") for each in ended[:3])


def test_the_overall_limit_ends_all(tmp_path: Path) -> None:
    """ES3: whatever their own limits say, nothing runs past the overall one; what had no turn says so."""
    ended = _run(
        tmp_path,
        _sh("long", "sleep 600", limit_s=30),
        _sh("next", "sleep 600", limit_s=30),
        _sh("never", "touch ran"),
        within_s=1,
    )
    assert {each.name: each.outcome for each in ended} == {
        "long": "killed",
        "next": "not-started",
        "never": "not-started",
    }
    assert not (tmp_path / "ran").exists()
    # Well before its own limit, which would have ended it, too.
    assert next(each.elapsed_ms for each in ended if each.name == "long") < 20_000


def test_a_flood_of_words_is_cut(tmp_path: Path) -> None:
    """Only the end of what it says is kept, and it is not held up by a full pipe."""
    (ended,) = _run(tmp_path, _sh("talks", "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end"))
    assert ended.outcome == "done"
    assert ended.said.endswith("the end\n")
    assert len(ended.said) <= 2_000


def test_nothing_secret_is_in_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is named: of the stop, the home, and what any program needs."""
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-secret")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials")
    _run(tmp_path, _sh("env", "env >out"), reason="MANUAL", message="a; b $(c)")
    names = {line.partition("=")[0] for line in (tmp_path / "out").read_text("utf-8").splitlines()}
    allowed = {
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TZ",
        "WARDEN_HOME",
        "WARDEN_STOP_REASON",
        "WARDEN_STOP_MESSAGE",
    }
    assert names <= allowed | {"PWD", "SHLVL", "_", "OLDPWD"}
    assert "WARDEN_STOP_MESSAGE=a; b $(c)" in (tmp_path / "out").read_text("utf-8")


_TOML = (
    DEVNET_TOML
    + """
[[stop_steps]]
name = "hangs"
command = ["/bin/sh", "-c", "sleep 600 & sleep 600"]
priority = 21
limit_s = 2
[[stop_steps]]
name = "fails"
command = ["/bin/sh", "-c", "echo no route to the pager; exit 7"]
priority = 22
[[stop_steps]]
name = "writes"
command = ["/bin/sh", "-c", "env | grep ^WARDEN_ >told; cut -d ' ' -f 5 /proc/self/stat >group"]
priority = 60
"""
)


def test_the_watchdog_runs_them_beside_a_stop_that_waits_for_none() -> None:
    """ES3: the stop is acknowledged at once; each step's end is journalled and alerted."""
    with Stage(_TOML) as stage:
        stage.whole_cast()
        stage.wait_mode(Mode.AGGRESSIVE)
        stop = {"reason": "MANUAL", "message": "looks wrong", "operator": "ann", "policy": "cancel"}
        (stage.places.stop / "s1").write_text(json.dumps({"stop_id": "s1", **stop}), "utf-8")
        wait_until(lambda: bool(stage.rows("stop.acknowledged")), "acknowledgement")
        wait_until(lambda: len(stage.rows("stop-step.ended")) == 3, "end of all three steps")
        bodies = [msgspec.json.decode(row.body) for row in stage.rows("stop-step.ended")]
        outcomes = {body["step"]: (body["outcome"], body["exit_code"]) for body in bodies}
        assert outcomes == {"fails": ("failed", 7), "hangs": ("killed", -9), "writes": ("done", 0)}
        acknowledged, ended = stage.rows("stop.acknowledged")[0], stage.rows("stop-step.ended")
        assert acknowledged.row < min(row.row for row in ended)
        event = stage.wait_event("stop-step.failed")
        assert event.runbook == "emergency-stop#a-stop-step-of-your-own-failed"
        told = dict(line.split("=", 1) for line in (stage.home / "told").read_text("utf-8").splitlines())
        assert told["WARDEN_STOP_IDS"] == "s1"
        assert told["WARDEN_STOP_OPERATOR"] == "ann"
        assert told["WARDEN_HOME"] == str(stage.home)
        stage.kill(Role.WATCHDOG)
        begun = len(stage.rows("stop-step.begun"))
        stage.start(Role.WATCHDOG)
        stage.forget()
        stage.wait_mode(Mode.OBSERVE_ONLY, "a stop stands (s1)")
        wait_until(lambda: len(stage.rows("started")) == 2, "second run of the watchdog")
        assert len(stage.rows("stop-step.begun")) == begun
        assert Path(f"/proc/{stage.processes[Role.WATCHDOG].pid}").exists()
        assert os.getpgid(stage.processes[Role.WATCHDOG].pid) != int(
            (stage.home / "group").read_text("utf-8")
        )
