"""The risk of an opportunity as one score with its reasons; approves it, shrinks it or refuses it (RK1).

Six factors are observed, each a number that grows with the risk and has a limit. A factor's points are its
share of its limit, 0 to 10000; the score is their mean by weight, 0 (none) to 10000 (all at their limits).
An opportunity passes when no factor is above its limit and the score is not above `score_max_bps`.

| factor | what is observed |
|---|---|
| exposure | this trade and all that is open or in flight, of the capital |
| concentration | the same, with what is held in other markets counted as far as they move together |
| volatility | one standard deviation of the path's wildest pool, over the horizon |
| impact | what the size costs by moving the price, from the pools' reserves |
| gas | the fee per gas above its trend |
| sandwich | the most that others can take, given the bound on the output; a private relay counts in part |

What is not known counts as at its limit: volatility, correlation, gas trend. What nothing can be told
without refuses: reserves, and capital. Where a smaller size would do, the largest that passes is looked for
by bisection; its bound on the output keeps the share of the exact output that the strategy asked for.

Trades that reduce, and cancels, are not assessed: they are what lessens the risk.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.amm import Hop, SwapImpossible, route_out
from warden.domain.errors import ConfigurationInvalid
from warden.domain.intents import Outcome
from warden.domain.modes import Action
from warden.domain.money import BPS_ONE, share_bps
from warden.domain.risk.events import NS_PER_S, Observed, Request, RiskEvent
from warden.domain.risk.impact import impact_bps
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.sandwich import sandwich_bps
from warden.domain.risk.volatility import (
    MarketLimits,
    Markets,
    correlation_bps,
    gas_rise_bps,
    observe,
    volatility_bps,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BISECTIONS_MAX: Final = 128
_PERCENT: Final = 100


class Factors(msgspec.Struct, frozen=True):
    """One number for each factor; the order is that of the table above."""

    exposure: int
    concentration: int
    volatility: int
    impact: int
    gas: int
    sandwich: int


_NAMES: Final = Factors.__struct_fields__
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "exposure": "at stake together, of the capital",
        "concentration": "at stake in markets that move together, of the capital",
        "volatility": "one standard deviation of the price over the time it is at risk",
        "impact": "lost to the price that the size itself moves",
        "gas": "above the trend of the gas price",
        "sandwich": "what a sandwich could take",
    }
)


class AssessmentLimits(msgspec.Struct, frozen=True):
    """Limits and weights.

    Attributes:
        limits: for each factor, basis points, above zero; above it the factor refuses by itself.
        weights: for each factor, not negative, not all zero.
        score_max_bps: the highest score that passes.
        private_percent: how much of the sandwich exposure counts on a private relay.
        reserves_stale_after_ns: reserves older than this are not known.
        markets: how markets are observed.

    Raises:
        ConfigurationInvalid: one is out of range.
    """

    limits: Factors = Factors(
        exposure=5_000, concentration=4_000, volatility=1_000, impact=300, gas=10_000, sandwich=100
    )
    weights: Factors = Factors(exposure=20, concentration=10, volatility=15, impact=20, gas=10, sandwich=25)
    score_max_bps: int = 6_000
    private_percent: int = 10
    reserves_stale_after_ns: int = 60 * NS_PER_S
    markets: MarketLimits = MarketLimits()

    def __post_init__(self) -> None:
        """Refuse what would pass everything, or divide by nothing."""
        for name in _NAMES:
            if getattr(self.limits, name) <= 0:
                raise ConfigurationInvalid(f"assessment.max_{name}_percent must be above 0")
            if getattr(self.weights, name) < 0:
                raise ConfigurationInvalid(f"assessment.weight_{name} must not be negative")
        if not any(msgspec.structs.astuple(self.weights)):
            raise ConfigurationInvalid("one assessment.weight_... at least must be above 0")
        if not 0 < self.score_max_bps <= BPS_ONE:
            raise ConfigurationInvalid("assessment.score_max_percent must be above 0 and at most 100")
        if not 0 <= self.private_percent <= _PERCENT:
            raise ConfigurationInvalid("assessment.private_percent must be from 0 to 100")
        if self.reserves_stale_after_ns <= 0:
            raise ConfigurationInvalid("assessment.reserves_stale_after_s must be above 0")


class Opportunity(msgspec.Struct, frozen=True):
    """A request with what its risk is told from; amounts in wei, or smallest units of the path's tokens.

    Attributes:
        request: `pools` are the markets of the path, in its order, each once.
        amount_in, min_amount_out: of the swap.
        hops: the pools in its direction, None where a reserve is not known; read at `reserves_ns`.
        capital_wei: None when it is not known.
        exposure_wei: what is open, in flight or reserved already; `held` is in it.
        held: what is held at cost, market (a pool) by market, each once.
        horizon_ns: how long it is at risk: a closed cycle until it can be mined no longer, an opening for as
            long as positions are held.
        private: it goes by a private relay only.
        smallest: the least amount in that is worth trading.
    """

    request: Request
    amount_in: int
    min_amount_out: int
    hops: tuple[Hop, ...] | None
    reserves_ns: int
    capital_wei: int | None
    exposure_wei: int
    horizon_ns: int
    held: tuple[tuple[str, int], ...] = ()
    private: bool = False
    smallest: int = 1


class Reason(msgspec.Struct, frozen=True):
    """One factor of a score: text in `unit`, `points_bps` of `weight`."""

    name: str
    message: str
    limit: str
    observed: str
    unit: str
    setting: str
    points_bps: int
    weight: int


class Verdict(msgspec.Struct, frozen=True):
    """The answer: `amount_in` and `min_amount_out` are those to trade with, 0 when refused.

    Score and reasons are those of that size; of what was asked for, when refused.
    """

    outcome: Outcome
    score_bps: int
    amount_in: int = 0
    min_amount_out: int = 0
    reasons: tuple[Reason, ...] = ()
    refusal: Refusal | None = None


class _Fixed(msgspec.Struct, frozen=True):
    """What does not change with the size: `pays` is the exact output of what was asked for."""

    hops: tuple[Hop, ...]
    capital_wei: int
    together_wei: int
    volatility: int | None
    gas: int | None
    pays: int


class _Measured(msgspec.Struct, frozen=True):
    """Observed basis points of every factor in order, None where not known; and what they come to."""

    observed: tuple[int | None, ...]
    points: tuple[int, ...]
    score_bps: int
    above: str


def step(state: Markets, limits: AssessmentLimits, event: RiskEvent, at_ns: int) -> Markets:
    """Take one event in: only what a block shows of the markets counts."""
    return observe(state, limits.markets, event, at_ns) if isinstance(event, Observed) else state


def check(state: Markets, limits: AssessmentLimits, opportunity: Opportunity, at_ns: int) -> Refusal | None:
    """Return why an opportunity of this very size is refused, or None."""
    if opportunity.request.action is not Action.OPEN:
        return None
    fixed = _fixed(state, limits, opportunity, at_ns)
    if isinstance(fixed, Refusal):
        return fixed
    measured = _measure(limits, opportunity, fixed, opportunity.amount_in, opportunity.min_amount_out)
    return None if _passes(measured, limits) else _refusal(measured, limits)


def assess(state: Markets, limits: AssessmentLimits, opportunity: Opportunity, at_ns: int) -> Verdict:
    """Return the score with its reasons, and the size that may be traded."""
    asked, bound = opportunity.amount_in, opportunity.min_amount_out
    if opportunity.request.action is not Action.OPEN:
        return Verdict(Outcome.APPROVED, 0, asked, bound)
    fixed = _fixed(state, limits, opportunity, at_ns)
    if isinstance(fixed, Refusal):
        return Verdict(Outcome.REFUSED, BPS_ONE, refusal=fixed)
    measured = _measure(limits, opportunity, fixed, asked, bound)
    reasons = _reasons(measured, limits)
    if _passes(measured, limits):
        return Verdict(Outcome.APPROVED, measured.score_bps, asked, bound, reasons)
    refusal = _refusal(measured, limits)
    size = _largest(limits, opportunity, fixed) if opportunity.request.shrinks else 0
    if not size:
        return Verdict(Outcome.REFUSED, measured.score_bps, reasons=reasons, refusal=refusal)
    smaller = _bound(opportunity, fixed, size)
    measured = _measure(limits, opportunity, fixed, size, smaller)
    return Verdict(Outcome.REDUCED, measured.score_bps, size, smaller, _reasons(measured, limits), refusal)


def _fixed(
    state: Markets, limits: AssessmentLimits, opportunity: Opportunity, at_ns: int
) -> _Fixed | Refusal:
    """Return what is the same for every size, or why nothing can be told."""
    unknown = next(_unknown(limits, opportunity, at_ns), None)
    if unknown is not None:
        return unknown
    request, hops = opportunity.request, opportunity.hops or ()
    least = max(1, opportunity.min_amount_out)
    try:
        pays = route_out(hops, opportunity.amount_in)
    except SwapImpossible as error:
        return Refusal("assessment.reserves", f"the swap is impossible: {error}")
    if pays < least:
        return Refusal(
            "assessment.reverts", "its pools pay less than its bound", str(least), str(pays), "smallest units"
        )
    return _Fixed(
        hops=hops,
        capital_wei=opportunity.capital_wei or 0,
        together_wei=_together(state, limits.markets, opportunity, at_ns),
        volatility=volatility_bps(state, limits.markets, request.pools, opportunity.horizon_ns, at_ns),
        gas=gas_rise_bps(state, limits.markets, request.fee_per_gas_wei),
        pays=pays,
    )


def _unknown(limits: AssessmentLimits, opportunity: Opportunity, at_ns: int) -> Iterator[Refusal]:
    """Refuse what nothing can be told of."""
    pools, hops, age_ns = opportunity.request.pools, opportunity.hops, at_ns - opportunity.reserves_ns
    if not hops or len(pools) != len(hops) or len(set(pools)) != len(hops):
        yield Refusal("assessment.reserves", "the reserves of its pools are not known, or one comes twice")
    if age_ns > limits.reserves_stale_after_ns:
        yield Refusal(
            "assessment.reserves",
            "the reserves of its pools are too old",
            limit=str(limits.reserves_stale_after_ns // NS_PER_S),
            observed=str(age_ns // NS_PER_S),
            unit="s",
            setting="assessment.reserves_stale_after_s",
        )
    if opportunity.capital_wei is None or opportunity.capital_wei <= 0:
        yield Refusal("capital.unknown", "there is no capital, or it is not known now")
    held = min((wei for _, wei in opportunity.held), default=0)
    if min(opportunity.horizon_ns, opportunity.exposure_wei, opportunity.request.spend_wei, held) < 0:
        yield Refusal("assessment.shape", "a time or an amount is negative")


def _together(state: Markets, limits: MarketLimits, opportunity: Opportunity, at_ns: int) -> int:
    """Return what is at stake already, each market counted as far as it moves with the path, in wei."""
    total, rest = 0, opportunity.exposure_wei
    for market, wei in opportunity.held:
        known = [correlation_bps(state, limits, market, pool, at_ns) for pool in opportunity.request.pools]
        close = max(BPS_ONE if share is None else share for share in known)
        total += -(-wei * close // BPS_ONE)
        rest -= wei
    # What is in flight, and not yet held in any market, counts whole.
    return total + max(0, rest)


def _measure(
    limits: AssessmentLimits, opportunity: Opportunity, fixed: _Fixed, amount: int, bound: int
) -> _Measured:
    """Return the score of one size."""
    spend = -(-opportunity.request.spend_wei * amount // opportunity.amount_in)
    share = _PERCENT if not opportunity.private else limits.private_percent
    observed = (
        share_bps(spend + opportunity.exposure_wei, fixed.capital_wei),
        share_bps(spend + fixed.together_wei, fixed.capital_wei),
        fixed.volatility,
        impact_bps(fixed.hops, amount),
        fixed.gas,
        -(-sandwich_bps(fixed.hops, amount, bound) * share // _PERCENT),
    )
    points, total, above = list[int](), 0, ""
    weights = msgspec.structs.astuple(limits.weights)
    for name, seen, limit, weight in zip(
        _NAMES, observed, msgspec.structs.astuple(limits.limits), weights, strict=True
    ):
        part = BPS_ONE if seen is None or seen >= limit else -(-seen * BPS_ONE // limit)
        points.append(part)
        total += part * weight
        if seen is not None and seen > limit:
            above = above or name
    return _Measured(observed, tuple(points), -(-total // sum(weights)), above)


def _passes(measured: _Measured, limits: AssessmentLimits) -> bool:
    return not measured.above and measured.score_bps <= limits.score_max_bps


def _bound(opportunity: Opportunity, fixed: _Fixed, amount: int) -> int:
    """Return the bound on the output of a smaller size: the same share of what the pools pay exactly."""
    return -(-route_out(fixed.hops, amount) * opportunity.min_amount_out // fixed.pays)


def _largest(limits: AssessmentLimits, opportunity: Opportunity, fixed: _Fixed) -> int:
    """Return the largest size below what was asked that passes, 0 when not even the smallest does."""

    def passes(amount: int) -> bool:
        try:
            bound = _bound(opportunity, fixed, amount)
            return _passes(_measure(limits, opportunity, fixed, amount, bound), limits)
        except SwapImpossible:
            return False  # rounded down to nothing on the way

    # Halved until it passes: from below, the smallest could fail for being rounded down to nothing.
    smallest = max(1, opportunity.smallest)
    low = high = opportunity.amount_in
    while low == high:
        low = max(smallest, high // 2)
        if low >= high:
            return 0
        if not passes(low):
            high = low
    for _ in range(_BISECTIONS_MAX):
        if high - low <= 1:
            break
        middle = (low + high) // 2
        low, high = (middle, high) if passes(middle) else (low, middle)
    return low


def _reasons(measured: _Measured, limits: AssessmentLimits) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            name=name,
            message=_WORDS[name],
            limit=_percent(getattr(limits.limits, name)),
            observed="unknown" if seen is None else _percent(seen),
            unit="%",
            setting=f"assessment.max_{name}_percent",
            points_bps=points,
            weight=getattr(limits.weights, name),
        )
        for name, seen, points in zip(_NAMES, measured.observed, measured.points, strict=True)
    )


def _refusal(measured: _Measured, limits: AssessmentLimits) -> Refusal:
    """Return the factor that is above its limit, else the score with what weighs most in it."""
    reasons = {reason.name: reason for reason in _reasons(measured, limits)}
    if measured.above:
        reason = reasons[measured.above]
        return Refusal(
            f"assessment.{reason.name}",
            reason.message,
            limit=reason.limit,
            observed=reason.observed,
            unit=reason.unit,
            setting=reason.setting,
        )
    worst = max(reasons.values(), key=lambda reason: reason.points_bps * reason.weight)
    return Refusal(
        "assessment.score",
        f"too much risk together; most by {worst.name}: {worst.observed} of {worst.limit} {worst.unit}",
        limit=_percent(limits.score_max_bps),
        observed=_percent(measured.score_bps),
        unit="%",
        setting="assessment.score_max_percent",
    )


def _percent(share: int) -> str:
    return f"{share // 100}.{share % 100:02d}"
