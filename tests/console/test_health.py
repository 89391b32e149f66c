"""Health on the overview: the score where there is room, what is not well above the keys (HM2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from console.widgets.banner import Ages
from console.widgets.keys import Weakness
from tests.console import samples
from warden.domain.health import CheckLine, Health, line
from warden.operator.view import build_view
from warden.wire.telemetry import HealthStatus

if TYPE_CHECKING:
    from console.model import Picture

WELL = line("executor", Health.HEALTHY, "ready")


def picture(health: HealthStatus | None) -> Picture:
    """Return the overview's picture of a system that is judged so."""
    view = msgspec.structs.replace(build_view(samples.normal(), samples.NOW_NS), health=health)
    return samples.picture(view)


def judged(status: Health, score_bps: int, *lines: CheckLine) -> HealthStatus:
    """Return a judgement."""
    return HealthStatus(score_bps, status, 3_000, (WELL, *lines))


def said(health: HealthStatus | None, width: int = 80) -> str:
    """Return the line above the keys."""
    lines = Weakness("weakness").draw(picture(health), width, 1)
    return lines[0].plain if lines else ""


def ages(health: HealthStatus | None, width: int) -> str:
    """Return the line of ages."""
    return Ages("ages").draw(picture(health), width, 1)[0].plain


def test_what_is_well_takes_no_line() -> None:
    """CO3: what the demo weakens stays where it was; of a silent watchdog nothing is shown as well either."""
    assert said(judged(Health.HEALTHY, 9_800)).startswith("one user:")
    assert said(None).startswith("one user:")


@pytest.mark.parametrize("width", [45, 80, 120])
def test_what_is_not_well_is_named_by_sign_word_and_part(width: int) -> None:
    """HM2, CO3: score, status and the worst, cut to the screen, without what a terminal would obey."""
    gone = line("notifier", Health.CRITICAL, "has not beaten for 9 s \x1b[2J")
    shown = said(judged(Health.UNHEALTHY, 5_500, gone), width)
    assert shown.startswith("✗ health 0.55 UNHEALTHY: notifier"[:width])
    assert len(shown) <= width
    assert "\x1b" not in shown
    degraded = line("machine.cpu", Health.DEGRADED, "81 %")
    assert said(judged(Health.DEGRADED, 6_900, degraded)) == "! health 0.69 DEGRADED: machine.cpu"


def test_the_score_stands_beside_the_ages_where_there_is_room() -> None:
    """HM2: from 100 columns on; below that only the line above the keys says what is not well."""
    assert ages(judged(Health.HEALTHY, 9_899), 120).endswith("health 0.98")
    assert ages(judged(Health.CRITICAL, 1_600), 120).endswith("health 0.16 CRITICAL")
    assert "health" not in ages(judged(Health.CRITICAL, 1_600), 80)
    assert "health" not in ages(None, 120)
