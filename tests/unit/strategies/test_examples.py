"""The examples are what the documentation shows, line by line, and they do what it says."""

from __future__ import annotations

import pytest

from tests.instance import REPOSITORY
from tests.unit.strategies.samples import market
from warden.domain.intents import TradeState, TradeUpdate
from warden.strategies.load import load_strategy


@pytest.mark.parametrize("name", ["my_strategy.py", "dip_buyer.py"])
def test_the_documentation_shows_each_example_whole(name: str) -> None:
    """EX5: what somebody copies from the page is what the tests run."""
    example = (REPOSITORY / "examples" / name).read_text(encoding="utf-8")
    page = (REPOSITORY / "docs" / "strategies.md").read_text(encoding="utf-8")
    assert f"```python\n{example}```" in page


@pytest.mark.parametrize("state", [TradeState.MINED, TradeState.REVERTED])
def test_the_dip_buyer_measures_anew_once_its_position_was_sold(state: TradeState) -> None:
    """SL1: it hears of Warden's exits; after one that sold, what was dear before counts no more."""
    strategy = load_strategy("dip_buyer:DipBuyer", REPOSITORY / "examples", {"most": 2})
    assert list(strategy.on_block(market())) == []
    (bought,) = strategy.on_block(market(gem_percent=90))
    strategy.on_trade(TradeUpdate("ab" * 16, TradeState.MINED), bought)
    strategy.on_exit(TradeUpdate("exit-1", state, position="ab" * 16, exit="take-profit"))
    proposed = list(strategy.on_block(market(gem_percent=90)))
    assert bool(proposed) == (state is TradeState.REVERTED)
