"""Samples added up: averages, maxima, uptime."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from warden.domain.health import Health, line
from warden.domain.health_report import ProcessSample, Sample, Spread, Tally, ill, summary
from warden.wire.codec import from_json, to_json


def sample(**changes: object) -> Sample:
    """Return a moment of one process."""
    values: dict[str, object] = {"name": "api", "state": "ready", "up": True, "session": "a"} | changes
    return Sample(score_bps=10_000, status=Health.HEALTHY, processes=(ProcessSample(**values),))  # type: ignore[arg-type] # as named


@given(st.lists(st.floats(0, 10_000), min_size=1, max_size=50))
def test_a_figure_is_between_its_least_and_its_most(figures: list[float]) -> None:
    """HM5: average and maximum of what was known."""
    tally = Tally()
    for figure in figures:
        tally.add(sample(cpu_percent=figure))
    spread = tally.report(60, whole=False).processes[0].figures["cpu_percent"]
    assert min(figures) - 0.1 <= spread.mean <= spread.most + 0.1
    assert spread.most == round(max(figures), 1)


def test_what_is_not_known_is_no_zero() -> None:
    """HM5: a process of which nothing was told has no figures, and lowers no average."""
    tally = Tally()
    tally.add(sample(pss_mb=50.0))
    tally.add(sample(up=False, state="LOST", pss_mb=None))
    (process,) = tally.report(60, whole=False).processes
    assert process.figures == {"pss_mb": Spread(50.0, 50.0)}
    assert process.up_percent == 50.0


def test_another_session_is_another_start() -> None:
    """HM5: a crash between two looks is seen by its successor."""
    tally = Tally()
    for session in ("a", "a", "b", "", "b", "c"):
        tally.add(sample(session=session))
    assert tally.report(60, whole=True).processes[0].starts == 2


def test_nothing_is_nothing() -> None:
    """HM5: a report of no samples divides by none of them."""
    report = Tally().report(0, whole=False)
    assert (report.samples, report.score_bps_mean, report.score_bps_least) == (0, 0, 0)


def test_99_99_percent_is_not_all() -> None:
    """HM5: shares are rounded down, and who was away at all is named."""
    tally = Tally()
    for number in range(9_999):
        tally.add(sample(up=number != 5))
    report = tally.report(3_600, whole=True)
    assert report.processes[0].up_percent == 99.9
    assert summary(report).endswith("up: api 99.9 %")


def test_rows_of_another_version_are_read() -> None:
    """I9: a sample without the newer fields decodes: they have defaults, also where names are left out."""
    old = b'{"score_bps": 9000, "status": "HEALTHY", "processes": [["api", "ready", true, "a"]]}'
    decoded: Sample = from_json(old, Sample)
    assert decoded.processes[0] == ProcessSample("api", "ready", up=True, session="a")
    assert from_json(to_json(decoded), Sample) == decoded


def test_only_what_is_not_well_is_kept() -> None:
    """HM4: a row holds what deviates."""
    lines = [line("api", Health.HEALTHY, ""), line("errors", Health.UNHEALTHY, "12 in the last minute")]
    assert ill(lines) == {"errors": Health.UNHEALTHY}
