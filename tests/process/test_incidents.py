"""Incidents written down by a real watchdog: of stops, hangs and kills, without a safety loop that waits."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.instance import wait_until
from tests.process.cli_runs import one_line, warden
from tests.process.watchdog_stage import Stage
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.incident.folder import REPORT, TIMELINE, cases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warden.incident.case import Case

_PASSWORD = "correct-horse-battery"  # noqa: S105 - planted, so that it can be looked for
_KEY = "Abc123Abc123Abc123Abc123"


@pytest.fixture
def armed() -> Iterator[Stage]:
    """A watchdog and its cast, armed."""
    with Stage() as stage:
        stage.whole_cast()
        stage.wait_mode(Mode.AGGRESSIVE)
        yield stage


def _case(stage: Stage, kind: str) -> Case:
    """Wait for an incident in which something of a kind happened, and return it."""
    found: list[Case] = []

    def there() -> bool:
        stage.look()
        all_cases = cases(stage.places.incidents)
        found[:] = [each for each in all_cases if any(one.kind == kind for one in each.happenings)]
        return bool(found)

    wait_until(there, f"incident with {kind}", 90)
    return found[0]


def _folder(stage: Stage, case: Case) -> Path:
    return stage.places.incidents / case.id


def _planted(stage: Stage, time: str) -> None:
    """Let a log of a time hold what no log should: an endpoint's key and a password."""
    lines = [
        {"time": time, "level": "ERROR", "role": "gateway", "kind": "x", "message": text}
        for text in (f"http://rpc.example/{_KEY}", f"it is {_PASSWORD}")
    ]
    (stage.places.logs / "gateway.log").write_text(
        "".join(json.dumps(each) + "\n" for each in lines), "utf-8"
    )


def _files(stage: Stage) -> dict[Path, str]:
    """Return every file that was written of incidents."""
    paths = [*stage.places.incidents.rglob("*"), stage.places.logs / "incidents.log"]
    return {path: path.read_text("utf-8") for path in paths if path.is_file()}


def test_a_stop_with_a_hung_trader_is_one_incident_without_secrets(armed: Stage) -> None:
    """OB1: one folder with timeline, stack, status, machine, report; what is secret is in no file of it."""
    (armed.places.keys / "wallet.password").write_text(f"{_PASSWORD}\n", "utf-8")
    armed.signal(Role.TRADER, signal.SIGSTOP)
    message = f"asked https://ann:{_KEY}@rpc.example/v2/{_KEY} with {_PASSWORD}"
    (armed.places.stop / "by-hand").write_text(
        json.dumps({"stop_id": "by-hand", "message": message}), "utf-8"
    )
    _planted(armed, _case(armed, "stop.seen").first.time)
    case = _case(armed, "trader.killed")
    folder = _folder(armed, case)
    assert case.id.endswith("-by-hand")
    assert case.stop_ids == ("by-hand",)
    files = {"report.md", "timeline.jsonl", "status.json", "machine.json", "incident.json", "stacks"}
    assert {path.name for path in folder.iterdir()} >= files
    page = (folder / REPORT).read_text("utf-8")
    assert any("trader" in path.name and path.stat().st_size for path in (folder / "stacks").iterdir())
    assert "could not be told" not in page
    for wanted in (
        "**CONFIRMED**",
        "AGGRESSIVE to OBSERVE_ONLY",
        "ended by SIGKILL",
        "runbooks/emergency-stop.md",
    ):
        assert wanted in page
    entries = [json.loads(line) for line in (folder / TIMELINE).read_text("utf-8").splitlines()]
    assert [each["time_ns"] for each in entries] == sorted(each["time_ns"] for each in entries)
    assert {"journal", "log"} == {each["source"].partition(" ")[0] for each in entries}
    assert any(each["source"] == "log gateway.log" for each in entries)
    (line,) = (armed.places.logs / "incidents.log").read_text("utf-8").splitlines()
    assert json.loads(line)["id"] == case.id
    assert folder.stat().st_mode & 0o777 == 0o700
    for path, text in _files(armed).items():
        assert _KEY not in text, path
        assert _PASSWORD not in text, path
        assert "--home" not in text or path.suffix == ".txt", path
    _listed_and_shown(armed, case)


def _listed_and_shown(stage: Stage, case: Case) -> None:
    """OP1: `warden incidents`, `--json`, `show`; bad words are one line and code 2; nobody need run."""
    home = str(stage.home)
    for name in list(stage.processes):
        stage.kill(name)
    listed = warden("incidents", "--home", home)
    assert (listed.code, case.id in listed.out) == (0, True)
    told = msgspec.json.decode(warden("incidents", "--json", "--home", home).out)
    assert [(each["id"], each["stops"]) for each in told["incidents"]] == [(case.id, ["by-hand"])]
    shown = warden("incidents", "show", "by-hand", "--home", home)
    assert (shown.code, shown.out.startswith("# STOPPED")) == (0, True)
    refused = warden("incidents", "show", "../../etc", "--home", home)
    assert refused.code == 2
    one_line(refused, "no incident", "warden incidents")


def test_a_stop_of_a_time_without_a_watchdog_is_written_by_the_next(armed: Stage) -> None:
    """ES4: killed in the middle, and stopped while nobody watched: both stand in folders afterwards."""
    armed.kill(Role.WATCHDOG)
    (armed.places.stop / "while-dead").touch()
    armed.start(Role.WATCHDOG)
    case = _case(armed, "stop.seen")
    assert case.stop_ids == ("while-dead",)
    assert any(each.kind == "watchdog.unclean" for each in case.happenings)
    armed.kill(Role.WATCHDOG)
    armed.start(Role.WATCHDOG)

    def finished() -> bool:
        return any(each.complete for each in cases(armed.places.incidents) if each.id == case.id)

    wait_until(finished, "end of the incident that was left", 90)
    assert sum("while-dead" in each.stop_ids for each in cases(armed.places.incidents)) == 1


def test_a_folder_that_cannot_be_written_is_said_and_stops_nothing(armed: Stage) -> None:
    """A stop is never failed by its report: it stands and is acknowledged, and the trouble is one warning."""
    armed.places.incidents.rmdir()
    armed.places.incidents.write_text("in the way", "utf-8")
    (armed.places.stop / "s1").touch()
    event = armed.wait_event("report.unwritten")
    assert event.runbook == "degraded-health#an-incident-is-not-written-down"
    assert b"s1" in armed.rows("stop.acknowledged")[0].body
    assert armed.wait_mode(Mode.OBSERVE_ONLY, "a stop stands (s1)").stops[0].id == "s1"
