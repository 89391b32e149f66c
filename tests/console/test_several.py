"""Several strategies on the screen: each trader by its name, each trade with whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from console.screens.by_hand import instructions
from console.widgets.feeds import Trades
from console.widgets.processes import Processes
from tests.console import samples
from warden.operator.view import build_view

if TYPE_CHECKING:
    from console.model import Picture


def picture(*traders: str) -> Picture:
    """Return what the screen shows with traders of these names in the only trader's place."""
    told = samples.watchdog()
    others = tuple(line for line in told.processes if line.name != "trader")
    lines = tuple(
        msgspec.structs.replace(told.processes[-1], name=name, pid=5_000 + number)
        for number, name in enumerate(traders)
    )
    told = msgspec.structs.replace(told, processes=(*others, *lines))
    snapshot = samples.snapshot((told, samples.executor(), samples.gateway(), samples.notifier()))
    view = build_view(snapshot, samples.NOW_NS)
    return samples.picture(view)


def test_each_trader_is_told_from_the_other() -> None:
    """PL5, CO1: by its strategy's name, as far as the column goes; every one has a line."""
    shown = "\n".join(each.plain for each in Processes("p").draw(picture("trader-arb", "trader-mom"), 80, 20))
    assert "t:arb" in shown
    assert "t:mom" in shown


def test_a_trade_says_whose_it_is_where_there_are_several() -> None:
    """PL5, CO1: an only strategy's name would say nothing."""
    several, one = picture("trader-arb", "trader-mom"), picture("trader")
    name = several.view.money.trades_recent[0].strategy[:18]
    assert name in Trades("t").draw(several, 80, 5)[1].plain
    assert name not in Trades("t").draw(one, 80, 5)[1].plain


def test_every_trader_is_named_when_it_comes_to_killing_by_hand() -> None:
    """CO2, PL5: the pids of all that propose stand in the instructions."""
    told = "\n".join(each.plain for each in instructions(picture("trader-arb", "trader-mom")))
    kill = next(each for each in told.splitlines() if "kill -9" in each)
    assert {"5000", "5001"} <= set(kill.split())
