"""The judgement of health in words and as plain values."""

from __future__ import annotations

from warden.domain.health import Health, line
from warden.operator.health_text import health_json, health_text
from warden.wire.telemetry import HealthStatus

_LOAD = "degraded-health#processor-and-load"


def judged() -> HealthStatus:
    """Return a judgement with two parts that are not well, the worse one last."""
    lines = (
        line("executor", Health.HEALTHY, "ready; lag 0/3 ms"),
        line("machine.cpu", Health.DEGRADED, "81 % of all cores", "70/90 %", latency_us=250),
        line("notifier", Health.CRITICAL, "has not beaten for 9 s"),
    )
    return HealthStatus(7_699, Health.HEALTHY, 3_000, lines)


def test_the_score_first_then_what_is_not_well_worst_first() -> None:
    """HM2: a line each with what was found, the limit, and the runbook; what is well needs none."""
    assert list(health_text(judged())) == [
        "health: HEALTHY, score 0.76",
        "health notifier: CRITICAL, has not beaten for 9 s; runbook process-lost#notifier",
        f"health machine.cpu: DEGRADED, 81 % of all cores, limit 70/90 %; runbook {_LOAD}",
    ]


def test_a_score_that_will_stop_says_for_how_long() -> None:
    """ES1a: how long it has been below the limit, and below which."""
    low = HealthStatus(1_600, Health.CRITICAL, 3_000, (), low_for_ms=42_900)
    assert list(health_text(low)) == ["health: CRITICAL, score 0.16, below 0.30 for 42 s"]


def test_without_a_watchdog_nothing_passes_for_current() -> None:
    """I10: unknown is said, and null in JSON."""
    assert list(health_text(None)) == ["health: UNKNOWN, the watchdog does not say"]
    assert health_json(None) is None


def test_json_has_every_part_with_its_share() -> None:
    """HM2: name, status, what was found, limit, mend, share of the score, age, and how long the look took."""
    found = health_json(judged())
    assert found is not None
    assert (found["score"], found["status"], found["stop_below"]) == (0.7699, "HEALTHY", 0.3)
    assert [each["name"] for each in found["components"]] == ["executor", "machine.cpu", "notifier"]
    assert found["components"][1] == {
        "name": "machine.cpu",
        "status": "DEGRADED",
        "found": "81 % of all cores",
        "limit": "70/90 %",
        "mend": "degraded-health#processor-and-load",
        "leaves": 0.9625,
        "age_ms": 0,
        "latency_us": 250,
    }
