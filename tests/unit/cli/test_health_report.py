"""`warden health-report`: from a real journal, with and without a whole hour in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from warden.cli.app import run_app
from warden.cli.health_report import read, text_of
from warden.domain.health import Health
from warden.domain.health_report import ProcessSample, Sample, Tally
from warden.domain.roles import Role
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal
from warden.runtime.places import create
from warden.wire.codec import to_json, to_plain

if TYPE_CHECKING:
    from pathlib import Path


FIGURES = "lag 1/10 ms, CPU 2/2 %, memory 60/60 MB, threads 9/9, files 41/41"


def sample(score_bps: int = 10_000, *, up: bool = True, session: str = "a", lag_ms: float = 1.0) -> Sample:
    """Return one moment of a system of one process."""
    executor = ProcessSample(
        name="executor",
        state="ready" if up else "LOST",
        up=up,
        session=session,
        lag_ms=lag_ms if up else None,
        lag_ms_max=int(lag_ms * 10) if up else None,
        cpu_percent=2.0,
        pss_mb=60.0,
        threads=9,
        files=41,
    )
    return Sample(
        score_bps=score_bps,
        status=Health.HEALTHY if up else Health.DEGRADED,
        processes=(executor,),
        ill={} if up else {"executor": Health.CRITICAL},
        machine={"cpu_percent": 10.0},
    )


def written(home: Path, *, hours: int, samples: list[Sample]) -> Path:
    """Write a watchdog's journal with so many whole hours, then these samples."""
    places = create(home)
    journal = Journal(places.journal(Role.WATCHDOG), SystemClock())
    for hour in range(hours):
        tally = Tally()
        for score_bps in (10_000, 9_000 - hour):
            tally.add(sample(score_bps, lag_ms=2.0))
        journal.append("health.report", to_json(tally.report(3_600, whole=True)))
        journal.append("beats", to_json(to_plain(sample(1))))
        journal.append("health.report", to_json(tally.report(60, whole=False)))
    for each in samples:
        journal.append("beats", to_json(each))
    journal.close()
    return places.journal(Role.WATCHDOG)


def test_the_running_hour_is_told_from_the_rows_since_the_last_report(tmp_path: Path) -> None:
    """HM4, HM5: what the heartbeats' rows came to, without the watchdog."""
    path = written(tmp_path, hours=1, samples=[sample(), sample(4_000, up=False), sample(session="b")])
    reports, since = read(path, 5)
    assert [each.report.whole for each in reports] == [True, False]
    assert since is not None
    assert (since.report.samples, since.report.score_bps_mean, since.report.score_bps_least) == (
        3,
        8_000,
        4_000,
    )
    text = list(text_of(since))
    assert "health score 0.80 on average, 0.40 at the lowest; up: executor 66.6 %" in text[0]
    assert text[1:] == [
        f"  executor: up 66.6 %, restarts 1, {FIGURES}",
        "  machine: cpu_percent 10/10",
        "  executor, CRITICAL at worst: HEALTHY 66.6 %, CRITICAL 33.3 %",
    ]


def test_the_newest_hours_oldest_first_and_no_more(tmp_path: Path) -> None:
    """HM5: as many as are asked for."""
    path = written(tmp_path, hours=3, samples=[])
    reports, since = read(path, 2)
    assert since is None
    assert [(each.report.whole, each.report.score_bps_least) for each in reports] == [
        (True, 8_998),
        (False, 8_998),
    ]


def test_json_for_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """HM5: every figure by its name."""
    written(tmp_path, hours=1, samples=[sample()])
    assert run_app(["health-report", "--home", str(tmp_path), "--json", "--hours", "4"]) == 0
    document = msgspec.json.decode(capsys.readouterr().out)
    (executor,) = document["reports"][0]["processes"]
    assert executor["lag_ms"] == {"mean": 2.0, "most": 20.0}
    assert (executor["up_percent"], document["reports"][0]["score_bps_least"]) == (100.0, 9_000)
    assert document["since"]["machine"] == {"cpu_percent": {"mean": 10.0, "most": 10.0}}


def test_before_anything_was_written_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """HM5: exit code 1 and one line; no file is no report."""
    create(tmp_path)
    assert run_app(["health-report", "--home", str(tmp_path)]) == 1
    assert "has written nothing on health yet" in capsys.readouterr().err


@pytest.mark.parametrize("hours", ["0", "169", "x"])
def test_hours_out_of_range_are_wrong_usage(
    hours: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """OP1: one line, exit code 2."""
    assert run_app(["health-report", "--home", str(tmp_path), "--hours", hours]) == 2
    assert "--hours" in capsys.readouterr().err
