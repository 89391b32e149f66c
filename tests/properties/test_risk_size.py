"""The size rules over any capital, price and probation, beside the same limits written down in fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.risk.requests import ETHER, NOON_NS, USD, S, request
from warden.domain.money import Wei
from warden.domain.risk.position_size import check, largest, resized
from warden.domain.risk.thresholds import Means, TradeLimits, effective
from warden.domain.risk.usd import micro_usd_of, quote_of, wei_of

if TYPE_CHECKING:
    from decimal import Decimal

    from warden.domain.risk.events import Request

EXAMPLES = settings(max_examples=100, deadline=None)
AMOUNTS = st.integers(0, 200 * ETHER) | st.integers(0, 10)
PRICES = st.decimals("0.01", "1000000", places=4).filter(lambda usd: usd > 0)
MAYBE_WEI = st.none() | st.integers(ETHER, 20 * ETHER)
MAYBE_USD = st.none() | st.integers(0, 100_000 * USD)
MAYBE_BPS = st.none() | st.integers(1_000, 10_000)
LIMITS = st.builds(
    TradeLimits,
    min_trade_wei=st.sampled_from([0, 1, ETHER // 100, ETHER]),
    max_trade_wei=MAYBE_WEI,
    max_trade_micro_usd=MAYBE_USD,
    max_trade_bps=MAYBE_BPS,
    max_exposure_bps=MAYBE_BPS,
    max_exposure_micro_usd=MAYBE_USD,
    max_loss_wei=MAYBE_WEI,
    max_risk_bps=MAYBE_BPS,
    gas_reserve_wei=st.sampled_from([0, ETHER // 50]),
)
Situation = tuple[Means, TradeLimits, int, int, int]


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Draw means, limits, probation percent, cost of open positions and what is reserved, mostly sound."""
    strange = draw(st.integers(0, 9)) == 0
    trading = draw(AMOUNTS if strange else st.integers(ETHER, 200 * ETHER))
    gas = (
        draw(st.sampled_from([0, ETHER // 50 - 1]))
        if strange
        else draw(st.sampled_from([ETHER // 50, ETHER]))
    )
    cost, reserved = draw(st.integers(0, trading // 2)), draw(st.integers(0, trading // 2))
    equity = max(0, trading + gas + cost + draw(st.integers(-ETHER // 2, ETHER)))
    quote = draw((st.none() if strange else PRICES).map(lambda usd: None if usd is None else quote_of(usd)))
    means = Means(Wei(trading), Wei(gas), Wei(equity), quote, NOON_NS)
    return means, draw(LIMITS), draw(st.sampled_from([100, 100, 25, 1, 0])), cost, reserved


@st.composite
def asked_in(draw: st.DrawFn) -> tuple[Situation, Request]:
    """Draw a situation and a request in it: of any size, or of one beside a limit."""
    situation = draw(situations())
    means, limits, percent, cost, reserved = situation
    now = effective(means, limits, percent, cost)
    edges = [now.min_wei, now.trade.wei, now.exposure.wei - cost - reserved, now.held_wei - reserved]
    spend = draw(st.sampled_from(edges) | st.sampled_from([min(edges[1:]), ETHER // 10]) | AMOUNTS)
    spend = max(0, min(spend, 300 * ETHER) + draw(st.integers(-1, 1)))
    loss = max(0, draw(st.sampled_from([0, min(now.loss.wei, 300 * ETHER)])) + draw(st.integers(-1, 1)))
    loss = draw(st.just(loss) | st.integers(0, 10 * ETHER))
    gas = draw(st.sampled_from([0, loss // 3, loss]))
    return situation, request(spend, loss_wei=loss, gas_wei=gas, shrinks=draw(st.booleans()))


def allowed(situation: Situation, asked: Request) -> bool:
    """Tell in fractions, written down anew, whether every limit of PS1 allows it."""
    means, limits, percent, cost, reserved = situation
    spend, loss = asked.spend_wei, asked.loss_wei
    assert means.trading_wei is not None
    assert means.gas_wei is not None
    assert means.equity_wei is not None
    capital = min(means.trading_wei + cost, means.equity_wei - means.gas_wei)
    in_usd = limits.max_trade_micro_usd is not None or limits.max_exposure_micro_usd is not None
    if capital <= 0 or means.equity_wei <= 0 or means.gas_wei < limits.gas_reserve_wei:
        return False
    if in_usd and means.quote is None:
        return False
    part = Fraction(percent, 100)
    price = Fraction(0) if means.quote is None else Fraction(means.quote.numerator, means.quote.denominator)

    def usd(wei: int) -> Fraction:
        return wei * price * USD / ETHER

    exposure = cost + reserved + spend
    bounds = [
        (limits.max_trade_wei, Fraction(spend)),
        (limits.max_trade_micro_usd, usd(spend)),
        (limits.max_trade_bps, Fraction(spend * 10_000, capital)),
        (limits.max_exposure_bps, Fraction(exposure * 10_000, capital)),
        (limits.max_exposure_micro_usd, usd(exposure)),
        (limits.max_loss_wei, Fraction(loss)),
        (limits.max_risk_bps, Fraction(loss * 10_000, means.equity_wei)),
    ]
    return max(1, limits.min_trade_wei) <= spend <= means.trading_wei - reserved and all(
        limit is None or seen <= limit * part for limit, seen in bounds
    )


@EXAMPLES
@given(asked_in())
def test_what_passes_is_within_every_limit_and_nothing_else_is_refused(
    drawn: tuple[Situation, Request],
) -> None:
    """PS1: in exact arithmetic no limit is ever exceeded by what passes, and what is refused exceeds one."""
    situation, asked = drawn
    means, limits, percent, cost, reserved = situation
    now = effective(means, limits, percent, cost)
    refusal = check(now, asked, cost + reserved, reserved, NOON_NS)
    assert (refusal is None) == allowed(situation, asked)
    if refusal is not None:
        assert refusal.rule
        assert refusal.message


@EXAMPLES
@given(asked_in(), st.none() | AMOUNTS)
def test_the_largest_size_is_the_largest(drawn: tuple[Situation, Request], room: int | None) -> None:
    """PS1: what it gives passes every limit, one wei more would not, and it is never below the minimum."""
    situation, asked = drawn
    means, limits, percent, cost, reserved = situation
    now = effective(means, limits, percent, cost)
    size = largest(now, asked, cost + reserved, reserved, NOON_NS, room_wei=room)
    if size == 0:
        one = max(1, limits.min_trade_wei)
        smallest = resized(asked, one) if asked.shrinks and one <= asked.spend_wei else asked
        assert not allowed(situation, smallest) or (room is not None and room < smallest.spend_wei)
        return
    assert one_of(asked, size, room)
    fitted = resized(asked, size)
    assert check(now, fitted, cost + reserved, reserved, NOON_NS) is None
    assert allowed(situation, fitted)
    assert largest(now, fitted, cost + reserved, reserved, NOON_NS, room_wei=room) == size
    if size < asked.spend_wei and size != room:
        assert not allowed(situation, resized(asked, size + 1))


def one_of(asked: Request, size: int, room: int | None) -> bool:
    """Tell whether a size is no more than was asked for and than other rules leave, and all if it must."""
    return (
        size <= asked.spend_wei
        and (room is None or size <= room)
        and (asked.shrinks or size == asked.spend_wei)
    )


@EXAMPLES
@given(PRICES, st.integers(0, 10**12), AMOUNTS)
def test_usd_and_wei_agree_to_the_last_unit(price: Decimal, micro_usd: int, amount_wei: int) -> None:
    """PS1: a limit in wei is worth no more than the limit, one wei more is; what is seen is never less."""
    quote = quote_of(price)
    assert quote is not None
    limit_wei = wei_of(micro_usd, quote)
    assert (
        limit_wei * Fraction(price) * USD / ETHER
        <= micro_usd
        < (limit_wei + 1) * Fraction(price) * USD / ETHER
    )
    seen = micro_usd_of(amount_wei, quote)
    assert seen - 1 < amount_wei * Fraction(price) * USD / ETHER <= seen


@EXAMPLES
@given(asked_in(), st.integers(-(2**40), 600 * S))
def test_time_only_ever_closes(drawn: tuple[Situation, Request], later_ns: int) -> None:
    """PS1: as a price ages nothing passes that did not pass when it was new."""
    situation, asked = drawn
    means, limits, percent, cost, reserved = situation
    now = effective(means, limits, percent, cost)
    fresh = check(now, asked, cost + reserved, reserved, NOON_NS)
    aged = check(now, asked, cost + reserved, reserved, NOON_NS + later_ns)
    assert fresh is None or aged is not None
