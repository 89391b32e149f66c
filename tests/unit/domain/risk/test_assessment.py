"""The assessment: each factor's limit on both sides, the score, shrinking, and what refuses (RK1)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from warden.domain.amm import Hop, route_out
from warden.domain.errors import ConfigurationInvalid
from warden.domain.intents import Outcome
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.assessment import (
    AssessmentLimits,
    Factors,
    Opportunity,
    Verdict,
    assess,
    check,
    step,
)
from warden.domain.risk.events import MarketPrice, Observed, Request, Ticked
from warden.domain.risk.sandwich import sandwich_bps
from warden.domain.risk.volatility import Markets

S = 1_000_000_000
MINUTE = 60 * S
ETHER = 10**18
AT = 20 * MINUTE
LIMITS = AssessmentLimits()
WIDE = Factors(*[10**9] * 6)
DEEP = Hop(10**6 * ETHER, 10**6 * ETHER)
THIN = Hop(100 * ETHER, 100 * ETHER)


def observed(**steps: int) -> Markets:
    """Return markets that swing by a step, of 10000, every minute up to `AT`; gas stays at 1 gwei."""
    markets = Markets()
    for minute in range(21):
        prices = tuple(
            MarketPrice(name, Wei(10_000 + size * (minute % 2)), Wei(10_000)) for name, size in steps.items()
        )
        markets = step(markets, LIMITS, Observed(prices, Wei(10**9)), minute * MINUTE)
    return markets


CALM = observed(pool=1, other=1, still=0)


def opportunity(amount: int = ETHER, hop: Hop = DEEP, **changes: Any) -> Opportunity:  # noqa: ANN401 - any field
    """Return a swap in the pool named `pool` whose bound is its exact output."""
    request = Request(
        "i",
        "s",
        changes.pop("action", Action.OPEN),
        amount,
        0,
        0,
        changes.pop("fee", 10**9),
        pools=("pool",),
        shrinks=changes.pop("shrinks", False),
    )
    return msgspec.structs.replace(
        Opportunity(
            request=request,
            amount_in=amount,
            min_amount_out=hop.amount_out(amount) if amount > 0 else 1,
            hops=(hop,),
            reserves_ns=AT,
            capital_wei=100 * ETHER,
            exposure_wei=0,
            horizon_ns=MINUTE,
        ),
        **changes,
    )


def rule(asked: Opportunity, markets: Markets = CALM, limits: AssessmentLimits = LIMITS) -> str:
    """Return the rule that refuses, empty when it passes; check and assess agree on it."""
    verdict, refusal = assess(markets, limits, asked, AT), check(markets, limits, asked, AT)
    assert verdict.refusal == refusal
    assert (verdict.outcome is Outcome.APPROVED) == (refusal is None)
    return "" if refusal is None else refusal.rule


def points(verdict: Verdict) -> dict[str, int]:
    """Return a verdict's points by factor."""
    return {reason.name: reason.points_bps for reason in verdict.reasons}


@pytest.mark.parametrize(
    ("name", "concentration", "at_limit", "above"),
    [
        ("exposure", 5_000, {"exposure_wei": 49 * ETHER}, {"exposure_wei": 49 * ETHER + 1}),
        (
            "concentration",
            4_000,
            {"held": (("pool", 39 * ETHER),), "exposure_wei": 39 * ETHER},
            {"held": (("pool", 39 * ETHER + 1),), "exposure_wei": 39 * ETHER + 1},
        ),
        ("gas", 4_000, {"fee": 2 * 10**9}, {"fee": 2 * 10**9 + 1}),
    ],
)
def test_a_factor_refuses_above_its_limit_and_not_at_it(
    name: str, concentration: int, at_limit: dict[str, Any], above: dict[str, Any]
) -> None:
    """RK1: 50 % exposure, 40 % in markets that move together, gas at double its trend."""
    loose = AssessmentLimits(
        score_max_bps=10_000, limits=msgspec.structs.replace(LIMITS.limits, concentration=concentration)
    )
    assert rule(opportunity(**at_limit), limits=loose) == ""
    assert rule(opportunity(**above), limits=loose) == f"assessment.{name}"


def test_impact_refuses_above_three_percent() -> None:
    """RK1: x / (reserve + x) without a fee: 3 of 100 is exactly 3 %, one wei more is above."""
    free = Hop(97 * ETHER, 97 * ETHER, 0)
    assert rule(opportunity(3 * ETHER, free)) == ""
    refusal = check(CALM, LIMITS, opportunity(3 * ETHER + 1, free), AT)
    assert refusal is not None
    assert (refusal.rule, refusal.limit, refusal.observed) == ("assessment.impact", "3.00", "3.01")
    assert (refusal.unit, refusal.setting) == ("%", "assessment.max_impact_percent")


def test_volatility_refuses_above_ten_percent() -> None:
    """RK1: 1 % a minute is 10 % over a hundred minutes."""
    wild = observed(pool=100)
    assert rule(opportunity(horizon_ns=100 * MINUTE), wild) == ""
    assert rule(opportunity(horizon_ns=102 * MINUTE), wild) == "assessment.volatility"


def test_sandwich_refuses_above_one_percent_and_a_relay_lowers_it() -> None:
    """RK1: no slack, no exposure; with slack it counts by what can be taken, a tenth of it in private."""
    asked = opportunity(2 * ETHER, THIN)
    assert points(assess(CALM, LIMITS, asked, AT))["sandwich"] == 0
    open_wide = msgspec.structs.replace(asked, min_amount_out=THIN.amount_out(2 * ETHER) * 9 // 10)
    share = sandwich_bps((THIN,), 2 * ETHER, open_wide.min_amount_out)
    assert 100 < share < 1_000
    assert rule(open_wide) == "assessment.sandwich"
    private = msgspec.structs.replace(open_wide, private=True)
    assert rule(private) == ""
    assert points(assess(CALM, LIMITS, private, AT))["sandwich"] == -(-share // 10) * 100
    at_limit = msgspec.structs.replace(LIMITS, limits=msgspec.structs.replace(LIMITS.limits, sandwich=share))
    below = msgspec.structs.replace(LIMITS, limits=msgspec.structs.replace(LIMITS.limits, sandwich=share - 1))
    assert (rule(open_wide, limits=at_limit), rule(open_wide, limits=below)) == ("", "assessment.sandwich")


def test_the_score_is_the_weighted_mean_of_the_points() -> None:
    """RK1: by hand: exposure 25 of 50 %, gas halfway to double, the rest nothing; rounded up."""
    weights = Factors(exposure=2, concentration=0, volatility=0, impact=0, gas=3, sandwich=2)
    limits = AssessmentLimits(
        limits=msgspec.structs.replace(WIDE, exposure=5_000, gas=10_000), weights=weights
    )
    verdict = assess(CALM, limits, opportunity(25 * ETHER, fee=15 * 10**8), AT)
    assert verdict.score_bps == -(-(2 * 5_000 + 3 * 5_000) // 7)
    assert (verdict.outcome, verdict.refusal) == (Outcome.APPROVED, None)
    assert (verdict.reasons[0].name, verdict.reasons[0].weight) == ("exposure", 2)


@pytest.mark.parametrize(("most", "refused"), [(3_572, ""), (3_571, "assessment.score")])
def test_the_score_refuses_above_its_limit(most: int, refused: str) -> None:
    """RK1: at the limit it passes; the refusal names what weighs most."""
    weights = Factors(exposure=2, concentration=0, volatility=0, impact=0, gas=3, sandwich=2)
    wide = msgspec.structs.replace(WIDE, exposure=5_000, gas=10_000)
    limits = AssessmentLimits(limits=wide, weights=weights, score_max_bps=most)
    asked = opportunity(25 * ETHER, fee=15 * 10**8)
    assert rule(asked, limits=limits) == refused
    refusal = check(CALM, limits, asked, AT)
    if refusal is not None:
        assert (refusal.limit, refusal.observed, refusal.setting) == (
            "35.71",
            "35.72",
            "assessment.score_max_percent",
        )
        assert "gas: 50.00 of 100.00 %" in refusal.message


def test_each_reason_is_typed() -> None:
    """RK1: name, limit, observed, unit and the setting that would change it, for every factor."""
    reasons = assess(CALM, LIMITS, opportunity(), AT).reasons
    assert [reason.name for reason in reasons] == list(Factors.__struct_fields__)
    for reason in reasons:
        assert reason.message
        assert reason.unit == "%"
        assert reason.setting == f"assessment.max_{reason.name}_percent"
        assert reason.limit == f"{getattr(LIMITS.limits, reason.name) / 100:.2f}"
    assert reasons[0].observed == "1.00"


def test_what_is_not_known_counts_as_at_its_limit() -> None:
    """RK1: no market, no gas trend: full points, though it may still pass when all else is small."""
    verdict = assess(Markets(), LIMITS, opportunity(), AT)
    assert verdict.outcome is Outcome.APPROVED
    assert (points(verdict)["volatility"], points(verdict)["gas"]) == (10_000, 10_000)
    assert [each.observed for each in verdict.reasons if each.name in {"volatility", "gas"}] == [
        "unknown"
    ] * 2
    strict = AssessmentLimits(score_max_bps=2_000)
    assert rule(opportunity(), Markets(), strict) == "assessment.score"


def test_markets_that_move_together_are_one_risk() -> None:
    """RK1: what is held in a market like this one counts whole, in an unknown one too, in another in part."""
    held: dict[str, Any] = {"exposure_wei": 20 * ETHER}
    alike = assess(CALM, LIMITS, opportunity(held=(("other", 20 * ETHER),), **held), AT)
    unknown = assess(CALM, LIMITS, opportunity(held=(("still", 20 * ETHER),), **held), AT)
    assert points(alike)["concentration"] == points(unknown)["concentration"] == 21 * 10_000 // 40
    markets = Markets()
    for minute in range(41):
        prices = tuple(
            MarketPrice(name, Wei(10_000 + (minute + late) // 2 % 2 * 100), Wei(10_000))
            for name, late in (("pool", 0), ("apart", 1))
        )
        markets = step(markets, LIMITS, Observed(prices), minute * MINUTE)
    asked = opportunity(held=(("apart", 20 * ETHER),), **held)
    asked = msgspec.structs.replace(asked, reserves_ns=40 * MINUTE)
    assert points(assess(markets, LIMITS, asked, 40 * MINUTE))["concentration"] == 250
    # What is in flight belongs to no market yet: it counts whole.
    asked = msgspec.structs.replace(asked, exposure_wei=25 * ETHER)
    assert points(assess(markets, LIMITS, asked, 40 * MINUTE))["concentration"] == 1_500


def test_a_smaller_size_is_the_largest_that_passes() -> None:
    """RK1: shrunk to 3 % impact to the wei; one wei more does not pass; its bound keeps the slack."""
    free = Hop(97 * ETHER, 97 * ETHER, 0)
    asked = opportunity(5 * ETHER, free, shrinks=True)
    asked = msgspec.structs.replace(asked, min_amount_out=asked.min_amount_out * 999 // 1_000)
    loose = AssessmentLimits(limits=msgspec.structs.replace(LIMITS.limits, sandwich=10_000))
    verdict = assess(CALM, loose, asked, AT)
    assert (verdict.outcome, verdict.amount_in) == (Outcome.REDUCED, 3 * ETHER)
    assert verdict.refusal is not None
    assert verdict.refusal.rule == "assessment.impact"
    exact = free.amount_out(3 * ETHER)
    assert verdict.min_amount_out == -(-exact * asked.min_amount_out // free.amount_out(5 * ETHER))
    assert exact * 998 // 1_000 < verdict.min_amount_out < exact
    smaller = msgspec.structs.replace(
        asked,
        request=msgspec.structs.replace(asked.request, spend_wei=verdict.amount_in),
        amount_in=verdict.amount_in,
        min_amount_out=verdict.min_amount_out,
    )
    assert check(CALM, loose, smaller, AT) is None


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"shrinks": False}, Outcome.REFUSED),
        ({"shrinks": True, "smallest": 3 * ETHER + 1}, Outcome.REFUSED),
        ({"shrinks": True, "smallest": 3 * ETHER}, Outcome.REDUCED),
        ({"shrinks": True, "smallest": 6 * ETHER}, Outcome.REFUSED),
        ({"shrinks": True, "fee": 3 * 10**9}, Outcome.REFUSED),  # no size makes gas cheaper
    ],
)
def test_what_cannot_be_shrunk_is_refused(changes: dict[str, Any], outcome: Outcome) -> None:
    """RK1: where only one size will do, the smallest is too large, or size does not matter."""
    verdict = assess(CALM, LIMITS, opportunity(5 * ETHER, Hop(97 * ETHER, 97 * ETHER, 0), **changes), AT)
    assert verdict.outcome is outcome
    assert (verdict.amount_in > 0) == (outcome is Outcome.REDUCED)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"hops": None}, "assessment.reserves"),
        ({"hops": ()}, "assessment.reserves"),
        ({"hops": (DEEP, DEEP)}, "assessment.reserves"),
        ({"hops": (Hop(0, 0),)}, "assessment.reserves"),
        ({"amount_in": 0}, "assessment.reserves"),
        ({"reserves_ns": AT - 60 * S}, ""),
        ({"reserves_ns": AT - 60 * S - 1}, "assessment.reserves"),
        ({"capital_wei": None}, "capital.unknown"),
        ({"capital_wei": 0}, "capital.unknown"),
        ({"horizon_ns": -1}, "assessment.shape"),
        ({"exposure_wei": -1}, "assessment.shape"),
        ({"held": (("pool", -1),)}, "assessment.shape"),
        ({"min_amount_out": DEEP.amount_out(ETHER) + 1}, "assessment.reverts"),
    ],
)
def test_what_nothing_can_be_told_of_is_refused(changes: dict[str, Any], refused: str) -> None:
    """RK1: fails closed: no reserves, old ones, no capital, a swap that would revert."""
    assert rule(opportunity(**changes)) == refused


def test_a_pool_that_comes_twice_is_refused() -> None:
    """RK1: after its first swap its reserves are no longer those that are known."""
    asked = opportunity(hops=(DEEP, DEEP))
    asked = msgspec.structs.replace(
        asked, request=msgspec.structs.replace(asked.request, pools=("pool", "pool")), min_amount_out=1
    )
    assert rule(asked) == "assessment.reserves"


def test_a_path_of_several_pools_is_assessed_whole() -> None:
    """RK1: impact and output of a cycle are those of its pools together."""
    hops = (DEEP, Hop(10**6 * ETHER, 10**6 * ETHER + 10**4 * ETHER))
    asked = opportunity(hops=hops, min_amount_out=route_out(hops, ETHER))
    asked = msgspec.structs.replace(
        asked, request=msgspec.structs.replace(asked.request, pools=("pool", "other"))
    )
    assert rule(asked) == ""


@pytest.mark.parametrize("action", [Action.REDUCE, Action.CANCEL])
def test_what_lessens_the_risk_is_not_assessed(action: Action) -> None:
    """RK1: an exit goes through whatever the markets do, even when nothing is known."""
    asked = opportunity(action=action, hops=None, capital_wei=None)
    assert rule(asked, Markets()) == ""
    assert assess(Markets(), LIMITS, asked, AT).amount_in == ETHER


def test_only_observations_change_the_state() -> None:
    """RK1: other events leave the state itself."""
    assert step(CALM, LIMITS, Ticked(), AT) is CALM


@pytest.mark.parametrize(
    "broken",
    [
        {"limits": msgspec.structs.replace(LIMITS.limits, gas=0)},
        {"weights": msgspec.structs.replace(LIMITS.weights, impact=-1)},
        {"weights": Factors(0, 0, 0, 0, 0, 0)},
        {"score_max_bps": 0},
        {"score_max_bps": 10_001},
        {"private_percent": 101},
        {"private_percent": -1},
        {"reserves_stale_after_ns": 0},
    ],
)
def test_limits_out_of_range_are_refused(broken: dict[str, Any]) -> None:
    """RK1: limits that pass everything, or divide by nothing, are a configuration error."""
    with pytest.raises(ConfigurationInvalid, match=r"assessment\."):
        AssessmentLimits(**broken)
