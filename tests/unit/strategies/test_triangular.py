"""The shipped strategy as a script: markets in, proposals out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.strategies.samples import ETHER, GEM, GWEI, USDX, WETH, market
from warden.domain.amm import cycle_profit
from warden.domain.intents import Decision, Outcome, Proposal, TradeState, TradeUpdate
from warden.domain.money import Wei
from warden.strategies.triangular import TriangularArbitrage

if TYPE_CHECKING:
    from warden.strategies import Market

BY_GEM = (WETH.address, USDX.address, GEM.address, WETH.address)
BY_USDX = (WETH.address, GEM.address, USDX.address, WETH.address)


def only(strategy: TriangularArbitrage, here: Market) -> Proposal:
    """Return the one proposal on a market."""
    (proposal,) = strategy.on_block(here)
    return proposal


@pytest.mark.parametrize(("gem_percent", "path"), [(105, BY_GEM), (95, BY_USDX)])
def test_the_cycle_goes_the_way_that_pays(gem_percent: int, path: tuple[str, ...]) -> None:
    """Dear GEM is bought with USDX and sold for WETH; cheap GEM the other way round (EX5)."""
    assert only(TriangularArbitrage(), market(gem_percent=gem_percent)).swap.path == path


def test_profit_is_after_gas_and_enforced_on_the_chain() -> None:
    """Pay back at least: what went in, the gas, and the least profit; the claim is exact on this state."""
    here = market(gem_percent=105, trade_max_wei=100 * ETHER)
    strategy = TriangularArbitrage(min_profit_eth="0.001", gas_units=250_000)
    proposal = only(strategy, here)
    gas_wei = 250_000 * here.gas_price_wei
    amount = proposal.swap.amount_in
    earned = cycle_profit(here.hops(proposal.swap.path), amount)
    assert proposal.expected_profit_wei == earned - gas_wei
    assert proposal.swap.min_amount_out == amount + gas_wei + ETHER // 1_000
    assert here.quote(proposal.swap.path, amount) >= proposal.swap.min_amount_out


@pytest.mark.parametrize(
    "here",
    [
        market(),
        market(gem_percent=105, base_fee_wei=1_000_000 * GWEI),
        market(gem_percent=105, trade_max_wei=0),
        market(gem_percent=105, trade_max_wei=ETHER // 1_000),
        market(gem_percent=105, pools=2),
    ],
    ids=["fair prices", "gas eats it", "nothing to trade with", "below the smallest trade", "no triangle"],
)
def test_nothing_is_proposed_when_nothing_is_earned(here: Market) -> None:
    """No edge, dear gas, no money, too little money, no triangle: silence."""
    assert list(TriangularArbitrage().on_block(here)) == []


def test_both_limits_on_the_size_hold() -> None:
    """The market's limit and the strategy's own: the tighter one."""
    here = market(gem_percent=120, trade_max_wei=2 * ETHER)
    assert only(TriangularArbitrage(), here).swap.amount_in <= 2 * ETHER
    assert only(TriangularArbitrage(max_input_eth="0.5"), here).swap.amount_in <= ETHER // 2


def test_one_proposal_is_open_at_a_time() -> None:
    """While one may still be mined the same pools are left alone; then the strategy looks again."""
    strategy = TriangularArbitrage(valid_blocks=3)
    only(strategy, market(gem_percent=105, block=100))
    for block in (101, 102, 103):
        assert list(strategy.on_block(market(gem_percent=105, block=block))) == []
    only(strategy, market(gem_percent=105, block=104))


@pytest.mark.parametrize("ended", ["refused", TradeState.MINED, TradeState.REVERTED, TradeState.RELEASED])
def test_an_end_lets_it_look_again(ended: TradeState | str) -> None:
    """A refusal or a trade's end frees it at once; an approval or an unknown fate does not."""
    strategy = TriangularArbitrage()
    proposal = only(strategy, market(gem_percent=105, block=100))
    strategy.on_decision(Decision("1", Outcome.APPROVED), proposal)
    strategy.on_trade(TradeUpdate("1", TradeState.SENT), proposal)
    strategy.on_trade(TradeUpdate("1", TradeState.UNKNOWN), proposal)
    assert list(strategy.on_block(market(gem_percent=105, block=101))) == []
    if isinstance(ended, TradeState):
        strategy.on_trade(TradeUpdate("1", ended), proposal)
    else:
        strategy.on_decision(Decision("1", Outcome.REFUSED), proposal)
    only(strategy, market(gem_percent=105, block=101))


def test_a_smaller_size_would_do_and_counts_as_open() -> None:
    """EX1: reduced is let through: nothing else is proposed until that trade has come to its end."""
    strategy = TriangularArbitrage()
    proposal = only(strategy, market(gem_percent=105, block=100))
    assert proposal.shrinks
    reduced = Decision("1", Outcome.REDUCED, rule="limits.max_trade_eth", amount_in=Wei(ETHER // 2))
    strategy.on_decision(reduced, proposal)
    assert list(strategy.on_block(market(gem_percent=105, block=101))) == []
    strategy.on_trade(TradeUpdate("1", TradeState.MINED), proposal)
    only(strategy, market(gem_percent=105, block=102))


def test_the_same_markets_give_the_same_proposals() -> None:
    """EX4: nothing but what it is handed decides, so a replay proposes the same."""
    markets = [market(gem_percent=90 + 3 * n, block=100 + n) for n in range(10)]
    runs = []
    for _ in range(2):
        strategy = TriangularArbitrage()
        runs.append([list(strategy.on_block(each)) for each in markets])
    assert runs[0] == runs[1]
    assert any(runs[0])


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"min_profit_eth": "much"}, "min_profit_eth must be an amount of ETH"),
        ({"min_profit_eth": "-1"}, "min_profit_eth must be from 0"),
        ({"max_input_eth": "NaN"}, "max_input_eth must be an amount of ETH"),
        ({"gas_units": 0}, "gas_units must be a whole number above 0"),
        ({"gas_units": "many"}, "gas_units must be a whole number above 0"),
        ({"valid_blocks": 101}, "valid_blocks must be from 1 to 100"),
        ({"valid_blocks": True}, "valid_blocks must be a whole number"),
    ],
)
def test_a_wrong_parameter_is_named(parameters: dict[str, object], says: str) -> None:
    """Each parameter says what it must be."""
    with pytest.raises(ValueError, match=says):
        TriangularArbitrage(**parameters)  # type: ignore[arg-type] # what is shown not to work
