"""Properties of the assessment: the sandwich bound, the impact, and what the score grows with (RK1)."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from warden.domain.amm import Hop, SwapImpossible, fold, rounding_max, route_out
from warden.domain.intents import Outcome
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.assessment import AssessmentLimits, Factors, Opportunity, assess, check, step
from warden.domain.risk.events import MarketPrice, Observed, Request
from warden.domain.risk.impact import impact_bps
from warden.domain.risk.sandwich import front_run_max, sandwich_bps, take
from warden.domain.risk.volatility import Markets, correlation_bps, volatility_bps

MINUTE = 60 * 10**9
ETHER = 10**18
LIMITS = AssessmentLimits()
LOOSE = AssessmentLimits(limits=Factors(*[10**12] * 6), score_max_bps=10_000)

_fees = st.sampled_from((0, 5, 30, 100))
_small = st.builds(Hop, st.integers(2, 600), st.integers(2, 20_000), _fees)
_large = st.builds(Hop, st.integers(1, 2**90), st.integers(1, 2**90), _fees)


def _simulated(hop: Hop, amount: int, bound: int) -> tuple[int, int]:
    """Return the largest front-run under which a swap still pays `bound`, and the most any of them gains."""
    most, gained, ahead = 0, 0, 0
    while True:
        bought = hop.amount_out(ahead) if ahead else 0
        after = Hop(hop.reserve_in + ahead, hop.reserve_out - bought, hop.fee_bps)
        paid = after.amount_out(amount)
        if paid < bound:
            return most, gained
        most = ahead
        if bought:
            behind = Hop(after.reserve_out - paid, after.reserve_in + amount, hop.fee_bps)
            gained = max(gained, behind.amount_out(bought) - ahead)
        ahead += 1


@settings(max_examples=150, deadline=None)
@given(_small, st.data())
def test_no_front_run_takes_more_than_the_bound(hop: Hop, data: st.DataObject) -> None:
    """RK1: every front-run of a small pool is tried: none gains more; but for rounding one gains it."""
    amount = data.draw(st.integers(1, 4 * hop.reserve_in))
    exact = hop.amount_out(amount)
    assume(exact >= 2)
    bound = data.draw(st.integers(max(1, exact * 2 // 3), exact))
    most, gained = _simulated(hop, amount, bound)
    assert front_run_max(hop, amount, bound) == most
    claimed = take(hop, amount, most)
    assert claimed >= gained
    # The contracts round each step down by less than a unit, and a unit bought is worth its last price.
    unit = -(-(hop.reserve_in + most + amount) // (hop.reserve_out - exact))
    assert claimed - gained <= 3 + 2 * unit
    if bound < exact:
        assert sandwich_bps((hop,), amount, bound) == -(-claimed * 10_000 // amount)
    else:
        assert sandwich_bps((hop,), amount, bound) == 0


@settings(max_examples=100, deadline=None)
@given(st.lists(_small, min_size=2, max_size=3), st.data())
def test_a_front_run_of_one_pool_of_a_path_is_within_the_bound(hops: list[Hop], data: st.DataObject) -> None:
    """RK1: whichever pool of a path is attacked, with the whole slack, its share is not above the bound."""
    amount = data.draw(st.integers(1, 2 * hops[0].reserve_in))
    try:
        exact = route_out(hops, amount)
    except SwapImpossible:
        return
    assume(exact >= 2)
    bound = data.draw(st.integers(max(1, exact // 2), exact - 1))
    share = sandwich_bps(hops, amount, bound)
    place = data.draw(st.integers(0, len(hops) - 1))
    inside = route_out(hops[:place], amount) if place else amount
    hop, gained, ahead = hops[place], 0, 0
    while True:
        bought = hop.amount_out(ahead) if ahead else 0
        after = Hop(hop.reserve_in + ahead, hop.reserve_out - bought, hop.fee_bps)
        paid = after.amount_out(inside)
        try:
            if route_out(hops[place + 1 :], paid) < bound:
                break
        except SwapImpossible:
            break
        if bought:
            behind = Hop(after.reserve_out - paid, after.reserve_in + inside, hop.fee_bps)
            gained = max(gained, behind.amount_out(bought) - ahead)
        ahead += 1
    assert -(-gained * 10_000 // inside) <= share


@settings(max_examples=100, deadline=None)
@given(_large, st.data())
def test_the_bound_holds_for_large_pools(hop: Hop, data: st.DataObject) -> None:
    """RK1: in pools of any size and depth no front-run that is drawn gains more."""
    amount = data.draw(st.integers(1, 2**90))
    exact = hop.amount_out(amount)
    assume(exact >= 1)
    bound = data.draw(st.integers(max(1, exact // 2), exact))
    most = front_run_max(hop, amount, bound)

    def after(ahead: int) -> Hop:
        bought = hop.amount_out(ahead) if ahead else 0
        return Hop(hop.reserve_in + ahead, hop.reserve_out - bought, hop.fee_bps)

    assert after(most).amount_out(amount) >= bound > after(most + 1).amount_out(amount)
    claimed = take(hop, amount, most)
    for part in data.draw(st.lists(st.integers(0, 1_000), max_size=8)):
        ahead = most * part // 1_000
        if ahead and hop.amount_out(ahead):
            ran = after(ahead)
            behind = Hop(ran.reserve_out - ran.amount_out(amount), ran.reserve_in + amount, hop.fee_bps)
            assert behind.amount_out(hop.amount_out(ahead)) - ahead <= claimed


@settings(max_examples=100, deadline=None)
@given(st.lists(_large, min_size=1, max_size=3), st.integers(1, 2**90))
def test_impact_is_what_the_contracts_lose_but_for_rounding(hops: list[Hop], amount: int) -> None:
    """RK1: the share lost is that of the pools' own arithmetic, within what they can round away."""
    folded = fold(hops)
    spot = Fraction(folded.a * amount, folded.b)
    exact = spot * (1 - Fraction(folded.c * amount, folded.b + folded.c * amount))
    try:
        paid = route_out(hops, amount)
    except SwapImpossible:
        paid = 0
    assert 0 <= exact - paid < rounding_max(hops) or paid == 0
    assert 0 <= impact_bps(hops, amount) - (1 - exact / spot) * 10_000 < 1
    assert impact_bps(hops, amount) <= impact_bps(hops, amount + 1) <= 10_000


def _markets(swing: int) -> Markets:
    markets = Markets()
    for minute in range(14):
        price = MarketPrice("pool", Wei(10_000 + swing * (minute % 2)), Wei(10_000))
        markets = step(markets, LIMITS, Observed((price,), Wei(10**9)), minute * MINUTE)
    return markets


CALM = _markets(20)


def _opportunity(hop: Hop, amount: int, kept: int, exposure: int = 0) -> Opportunity:
    request = Request("i", "s", Action.OPEN, amount, 0, 0, 10**9, pools=("pool",), shrinks=True)
    return Opportunity(
        request=request,
        amount_in=amount,
        min_amount_out=-(-hop.amount_out(amount) * kept // 10_000),
        hops=(hop,),
        reserves_ns=13 * MINUTE,
        capital_wei=1_000 * ETHER,
        exposure_wei=exposure,
        horizon_ns=60 * MINUTE,
        smallest=ETHER // 100,
    )


_deep = st.builds(Hop, st.integers(10 * ETHER, 10**6 * ETHER), st.integers(10**9, 10**28), _fees)
_amounts = st.integers(ETHER // 100, 200 * ETHER)
_kept = st.integers(9_000, 10_000)


@settings(max_examples=100, deadline=None)
@given(_deep, _amounts, _amounts, _kept)
def test_the_score_grows_with_the_size(hop: Hop, one: int, other: int, kept: int) -> None:
    """RK1: with the same slack a larger size has no lower score, and no factor has fewer points."""
    small, large = sorted((one, other))
    assume(hop.amount_out(small) >= 10**6)  # whole units of the token would be too coarse a slack
    less, more = (assess(CALM, LOOSE, _opportunity(hop, size, kept), 13 * MINUTE) for size in (small, large))
    for a, b in zip(less.reasons, more.reasons, strict=True):
        assert a.points_bps <= b.points_bps + 1
    less, more = (assess(CALM, LIMITS, _opportunity(hop, size, kept), 13 * MINUTE) for size in (small, large))
    assert less.outcome is not Outcome.REFUSED or more.outcome is Outcome.REFUSED


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 5_000), st.integers(0, 5_000))
def test_the_score_grows_with_volatility(one: int, other: int) -> None:
    """RK1: wilder swings have no lower score."""
    asked = _opportunity(Hop(10**5 * ETHER, 10**5 * ETHER), ETHER, 9_950)
    small, large = sorted((one, other))
    calm, wild = (assess(_markets(swing), LOOSE, asked, 13 * MINUTE).score_bps for swing in (small, large))
    assert calm <= wild


@settings(max_examples=100, deadline=None)
@given(_deep, _amounts, _kept, st.integers(0, 600 * ETHER))
def test_what_is_let_through_passes_and_a_wei_more_does_not(
    hop: Hop, amount: int, kept: int, exposure: int
) -> None:
    """RK1: an approved or reduced size passes the check as it stands; a reduced one is the largest."""
    assume(hop.amount_out(ETHER // 100) >= 10**6)
    asked = _opportunity(hop, amount, kept, exposure)
    verdict = assess(CALM, LIMITS, asked, 13 * MINUTE)
    if verdict.outcome is Outcome.REFUSED:
        assert verdict.refusal is not None
        return
    assert ETHER // 100 <= verdict.amount_in <= amount
    sized = _opportunity(hop, verdict.amount_in, kept, exposure)
    assert abs(sized.min_amount_out - verdict.min_amount_out) <= 2
    assert verdict.score_bps <= LIMITS.score_max_bps
    if verdict.outcome is Outcome.APPROVED:
        assert verdict.amount_in == amount
        assert check(CALM, LIMITS, asked, 13 * MINUTE) is None
        return
    assert verdict.amount_in < amount
    assert check(CALM, LIMITS, asked, 13 * MINUTE) is not None
    # Bounds on the output are whole units: what is just above may pass by one of those, hardly more.
    above = _opportunity(hop, verdict.amount_in + 1 + verdict.amount_in // 10**4, kept, exposure)
    assert above.amount_in >= amount or check(CALM, LIMITS, above, 13 * MINUTE) is not None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.integers(1, 10**30), st.integers(1, 10**30)), min_size=1, max_size=40
    )
)
def test_whatever_is_observed_the_figures_stay_in_range(steps: list[tuple[int, int, int]]) -> None:
    """RK1: prices of any size at any distance in time: variance and correlation stay within their bounds."""
    markets, minute = Markets(), 0
    for gap, one, other in steps:
        minute += gap
        prices = (MarketPrice("a", Wei(one), Wei(other)), MarketPrice("b", Wei(other), Wei(one)))
        markets = step(markets, LIMITS, Observed(prices), minute * MINUTE)
        first, second = markets.series["a"], markets.series["b"]
        assert 0 <= first.variance <= first.now <= 4 * 10**18
        assert first.now == second.now  # the other token's price moves as much
        assert len(first.returns) <= 64
        now_ns = minute * MINUTE
        assert volatility_bps(markets, LIMITS.markets, ["a"], MINUTE, now_ns) in {None, *range(20_001)}
        assert correlation_bps(markets, LIMITS.markets, "a", "b", now_ns) in {None, 10_000}
