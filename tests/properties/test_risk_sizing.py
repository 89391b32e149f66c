"""Sizing over any history: exact, bounded, undone exactly, and never a way past a limit."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.risk.requests import ETHER, NOON_NS, S, request, trade
from warden.domain.money import Wei
from warden.domain.risk.events import Request, Settled, Ticked, Undone
from warden.domain.risk.position_size import check, largest, resized
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.sizing import Sizing, SizingLimits, SizingMode, factor_bps, kelly, propose, step
from warden.domain.risk.thresholds import Means, TradeLimits, effective
from warden.wire.codec import from_json, to_json

if TYPE_CHECKING:
    from warden.domain.risk.events import Trade

EXAMPLES = settings(max_examples=100, deadline=None)
LIMITS = st.builds(
    SizingLimits,
    mode=st.sampled_from(SizingMode),
    trades_min=st.integers(0, 5),
    least_bps=st.integers(0, 10_000),
    most_bps=st.integers(10_000, 30_000),
    kelly_bps=st.integers(0, 20_000),
)
NETS = st.lists(st.integers(-ETHER, 2 * ETHER), max_size=30)
REQUESTS = st.builds(
    lambda spend, loss, shrinks: request(spend, loss_wei=loss, shrinks=shrinks, strategy="strategy-0"),
    st.integers(ETHER // 100, 100 * ETHER),
    st.integers(0, ETHER),
    st.booleans(),
)
CAPITAL = st.integers(0, 1_000 * ETHER)


def trades(nets: list[int]) -> list[Trade]:
    """Return trades that came to so much each, of two strategies."""
    return [
        trade(f"trade-{number}", gross_wei=Wei(net), success=net > 0, strategy=f"strategy-{number % 2}")
        for number, net in enumerate(nets)
    ]


def state_of(nets: list[int], limits: SizingLimits) -> Sizing:
    """Return the state after such trades, a second apart."""
    state = Sizing()
    for number, each in enumerate(trades(nets)):
        state = step(state, limits, Settled(each), NOON_NS + number * S)
    return state


@EXAMPLES
@given(NETS, LIMITS, CAPITAL)
def test_kelly_is_the_textbooks_formula(nets: list[int], limits: SizingLimits, capital_wei: int) -> None:
    """PS3: p - (1 - p) / b in fractions, of which so much is used, rounded down to the wei, never below 0."""
    for name, performance in state_of(nets, limits).strategies.items():
        own = [each.net_wei for each in trades(nets) if each.strategy == name]
        wins, losses = [net for net in own if net > 0], [-net for net in own if net <= 0]
        won = Fraction(len(wins), len(own))
        if not wins:
            fraction = Fraction(0)
        elif not sum(losses):
            fraction = won
        else:
            odds = Fraction(sum(wins), len(wins)) / Fraction(sum(losses), len(losses))
            fraction = max(Fraction(0), won - (1 - won) / odds)
        share = Fraction(min(limits.kelly_bps, 10_000), 10_000)
        assert kelly(performance, capital_wei, limits.kelly_bps) == int(capital_wei * fraction * share)
        assert limits.least_bps <= factor_bps(performance, limits) <= limits.most_bps


@EXAMPLES
@given(NETS, LIMITS, REQUESTS, st.integers(1, 200 * ETHER), st.integers(0, 60 * ETHER))
def test_no_multiplier_passes_a_limit(
    nets: list[int], limits: SizingLimits, asked: Request, trading_wei: int, exposure_wei: int
) -> None:
    """PS3's trap: whatever results do to a size, up to threefold, what may trade has passed every limit."""
    means = Means(Wei(trading_wei), Wei(ETHER), Wei(trading_wei + ETHER))
    rules = TradeLimits(max_trade_micro_usd=None, max_exposure_micro_usd=None)
    now = effective(means, rules, 100, 0)
    proposed = propose(state_of(nets, limits), limits, asked, now.capital_wei, NOON_NS + 60 * S)
    if isinstance(proposed, Refusal):
        return
    assert isinstance(proposed, Request)
    assert proposed.spend_wei <= max(asked.spend_wei, asked.spend_wei * limits.most_bps // 10_000)
    assert asked.shrinks or proposed is asked
    size = largest(now, proposed, exposure_wei, 0, NOON_NS)
    if size:
        assert size <= 10 * ETHER
        assert size * 10_000 <= 2_000 * trading_wei
        assert (size + exposure_wei) * 10_000 <= 5_000 * trading_wei
        assert check(now, resized(proposed, size), exposure_wei, 0, NOON_NS) is None


@EXAMPLES
@given(NETS, LIMITS, st.data())
def test_a_reorg_takes_back_exactly_what_was_counted(
    nets: list[int], limits: SizingLimits, data: st.DataObject
) -> None:
    """PS3, EX8: in any order undone, each trade is as if it had never been; a snapshot changes nothing."""
    state = state_of(nets, limits)
    gone = data.draw(st.sets(st.sampled_from(range(len(nets))))) if nets else set()
    at_ns = NOON_NS + len(nets) * S
    for number in gone:
        state = step(from_json(to_json(state), Sizing), limits, Undone(trades(nets)[number]), at_ns)
    expected = Sizing()
    for number, each in enumerate(trades(nets)):
        if number not in gone:
            expected = step(expected, limits, Settled(each), NOON_NS + number * S)
    assert state.strategies == expected.strategies
    assert step(state, limits, Ticked(), at_ns + 3_600 * S) == Sizing()
