"""Positions on the overview: how many, whether all are protected, and the worst by its name (SL1)."""

from __future__ import annotations

import msgspec

from console.widgets.money import Money
from tests.console import samples
from warden.domain.money import Wei
from warden.operator.view import build_view
from warden.wire.telemetry import PositionLine

WELL = PositionLine(
    market="a/b",
    size_wei=Wei(100),
    opened="",
    protected=True,
    id="ab" * 16,
    strategy="dip",
    value_wei=Wei(95),
    stop_wei=Wei(90),
)
BARE = msgspec.structs.replace(
    WELL, protected=False, id="cd" * 16, strategy="mom\x1b[2J", why="its exits keep failing"
)


def shown(*positions: PositionLine) -> str:
    """Return the overview's line about these positions."""
    executor = msgspec.structs.replace(samples.executor(), positions=positions)
    snapshot = samples.snapshot((samples.watchdog(), executor, samples.gateway(), samples.notifier()))
    view = build_view(snapshot, samples.NOW_NS)
    picture = samples.picture(view)
    return Money("money").draw(picture, 100, 6)[2].plain


def test_the_worst_of_those_that_are_protected_is_named_with_its_exits() -> None:
    """SL1, CO1: whose it is, by how much it is down, and where it is sold."""
    won = msgspec.structs.replace(WELL, id="ef" * 16, value_wei=Wei(120))
    assert shown(won, WELL) == "open     2 positions · all protected · dip abababab: -5.0 %, stop -10.0 %"


def test_one_that_nothing_protects_comes_before_all_others() -> None:
    """SL1, I10: named with why, in the colour of what is wrong; what a process says cannot paint."""
    line = shown(WELL, msgspec.structs.replace(BARE, value_wei=Wei(130)))
    assert line.startswith("open     2 positions · 1 UNPROTECTED · mom")
    assert line.endswith("cdcdcdcd: +30.0 %, its exits keep failing")
    assert "\x1b" not in line
