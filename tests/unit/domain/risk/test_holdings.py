"""What open positions cost and would bring, whatever happens to them."""

from __future__ import annotations

from tests.unit.domain.risk.requests import ETHER, NOON_NS, opened, position
from warden.domain.money import Wei
from warden.domain.risk.events import Closed, Opened, Restored, Valuation, Valued
from warden.domain.risk.holdings import Holdings, step
from warden.wire.codec import from_json, to_json


def held(*events: Opened | Closed | Restored | Valued) -> Holdings:
    """Return the holdings after events."""
    holdings = Holdings()
    for event in events:
        holdings = step(holdings, event)
    return holdings


def valued(value_wei: int | None, amount: int = 1_000, position_id: str = "position") -> Valued:
    """Return one position's exit value."""
    value = None if value_wei is None else Wei(value_wei)
    return Valued(NOON_NS, (Valuation(position_id, Wei(amount), value),))


def test_a_position_is_worth_its_cost_until_it_is_valued() -> None:
    """ES1: nothing is lost by opening, and nothing unknown."""
    holdings = held(opened())
    assert (holdings.loss_wei, holdings.unvalued) == (0, 0)


def test_losses_and_gains_of_all_count_together() -> None:
    """ES1: the portfolio's loss is cost less value of all positions."""
    holdings = held(opened("a"), opened("b"), valued(ETHER // 2, position_id="a"))
    assert holdings.loss_wei == ETHER // 2
    holdings = step(holdings, valued(2 * ETHER, position_id="b"))
    assert holdings.loss_wei == -ETHER // 2


def test_a_value_that_cannot_be_told_is_counted_and_the_last_one_kept() -> None:
    """ES1: an unreadable pool is neither a loss nor a gain, and known to be unreadable."""
    holdings = held(opened(), valued(ETHER // 4), valued(None))
    assert (holdings.loss_wei, holdings.unvalued) == (3 * ETHER // 4, 1)
    assert step(holdings, valued(None)).unvalued == 1
    assert step(holdings, valued(ETHER)).unvalued == 0


def test_in_a_dispute_the_worse_of_the_two_counts() -> None:
    """ES1, ES2: a loss is what the second source says, where that is less than what the pool has shown."""
    told = Valued(NOON_NS, (Valuation("position", Wei(1_000), Wei(ETHER), least_wei=Wei(ETHER // 4)),))
    assert held(opened(), told).loss_wei == 3 * ETHER // 4


def test_what_is_sold_takes_its_share_with_it() -> None:
    """ES1: of a position half sold half the loss remains, rounded against us."""
    holdings = held(opened(cost_wei=Wei(1_001)), valued(501), Closed("position", Wei(500), Wei(250)))
    holding = holdings.open["position"]
    assert (holding.amount, holding.cost_wei, holding.value_wei) == (500, 501, 250)
    assert holdings.loss_wei == 251
    assert held(opened(), valued(None), Closed("position", Wei(1_000), Wei(1))) == Holdings()


def test_a_value_of_another_amount_counts_in_proportion() -> None:
    """ES1: reserves that were read before a part was sold value what is left."""
    assert held(opened(amount=Wei(500)), valued(ETHER, amount=1_000)).loss_wei == ETHER // 2
    assert held(opened(amount=Wei(2_000)), valued(ETHER // 2, amount=1_000)).loss_wei == ETHER // 2


def test_a_reorg_leaves_the_position_as_it_is_told() -> None:
    """EX8: a close that was undone brings the rest back at its value; an opening that was undone goes."""
    sold = held(opened(), valued(ETHER // 2), Closed("position", Wei(500), Wei(1)))
    assert step(sold, Restored(position())).loss_wei == ETHER // 2
    assert step(sold, Restored(position(amount=Wei(0)))) == Holdings()


def test_what_is_not_held_changes_nothing() -> None:
    """ES1: a close or value of an unknown position is another rule's error, and no loss here."""
    holdings = held(opened())
    assert step(holdings, Closed("other", Wei(1), Wei(1))) is holdings
    assert step(holdings, valued(0, position_id="other")) == holdings
    assert from_json(to_json(holdings), Holdings) == holdings
