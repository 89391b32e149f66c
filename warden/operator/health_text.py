"""The watchdog's judgement of health, in words: the score, and each part that is not well (HM2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from warden.domain.health import Health, rank, score_text
from warden.domain.money import BPS_ONE
from warden.wire.health_json import component_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.domain.health import CheckLine
    from warden.wire.telemetry import HealthStatus


def health_text(health: HealthStatus | None) -> Iterator[str]:
    """Yield the score, then a line for each part that is not well, worst first."""
    if health is None:
        yield "health: UNKNOWN, the watchdog does not say"
        return
    below = score_text(health.stop_below_bps)
    low = "" if health.low_for_ms is None else f", below {below} for {health.low_for_ms // 1_000} s"
    yield f"health: {health.status}, score {score_text(health.score_bps)}{low}"
    for line in ill(health):
        yield component_text(line)


def ill(health: HealthStatus) -> list[CheckLine]:
    """Return what is not well, worst first."""
    lines = [each for each in health.lines if each.status is not Health.HEALTHY]
    return sorted(lines, key=lambda each: (-rank(each.status), each.leaves_bps, each.name))


def component_text(line: CheckLine) -> str:
    """Return one part as one line."""
    limit = f", limit {line.limit}" if line.limit else ""
    mend = f"; runbook {line.mend}" if line.mend else ""
    return f"health {line.name}: {line.status}, {line.found}{limit}{mend}"


def health_json(health: HealthStatus | None) -> dict[str, Any] | None:
    """Return it as plain values, shares from 0 to 1; null while the watchdog does not say."""
    if health is None:
        return None
    return {
        "score": health.score_bps / BPS_ONE,
        "status": health.status.value,
        "stop_below": health.stop_below_bps / BPS_ONE,
        "low_for_ms": health.low_for_ms,
        "components": [component_json(each) for each in health.lines],
    }
