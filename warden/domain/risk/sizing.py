"""How large a trade should be, from how its strategy has fared of late (PS3). A wish, never a leave.

`propose` returns a *request* of another size, which nothing has let through yet: the only way from it to a
size that may trade is `position_size.largest` and `check`, as for any request. So no multiplier can come
after the limits: this module knows none of them, and what it returns is asked about like anything else.

Two figures count, both over the last hour, of one strategy's own trades; DYNAMIC looks at the first, KELLY
at both, of which the smaller wins, and FIXED at none:

- performance: the asked size times `least_bps` (no win) to `most_bps` (all won), straight between the two;
- Kelly (J. L. Kelly, "A New Interpretation of Information Rate", 1956): a fraction of the capital,
  f = p - (1 - p) / b with p wins of all and b the mean win over the mean loss, of which `kelly_bps` is
  taken (a quarter). It reckons a loss as the whole stake, so it is never more than the general formula says.

With fewer trades than `trades_min` nothing is known, and the request stays as it is; so does one of one size
only, unless Kelly's stake is below it, which refuses. With no edge (f is zero or less) there is no trade, as
Kelly has it; an hour later those trades are out of the window and it may try again at the size that is asked
for. A trade that came to nothing is not a win.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.money import BPS_ONE, Wei
from warden.domain.risk.events import NS_PER_S, OPENS, RiskEvent, Settled, Trade, Undone
from warden.domain.risk.position_size import resized
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.thresholds import refusal_eth

if TYPE_CHECKING:
    from warden.domain.risk.events import Request

# More than that in a window: the newest count.
_SAMPLES_MAX: Final = 512
_STRATEGIES_MAX: Final = 64
_NEVER_NS: Final = 2**63 - 1
_SWAP: Final = "swap"


class SizingMode(StrEnum):
    """What sizes follow."""

    FIXED = "fixed"
    DYNAMIC = "dynamic"
    KELLY = "kelly"


_FIXED: Final = SizingMode.FIXED  # read once, as OPENS is


class SizingLimits(msgspec.Struct, frozen=True):
    """How sizes follow results, in basis points; `most_bps` above 10,000 lets a good hour ask for more.

    Attributes:
        kelly_bps: how much of the Kelly fraction is used; 10,000 is all of it.
    """

    mode: SizingMode = SizingMode.FIXED
    window_ns: int = 3_600 * NS_PER_S
    trades_min: int = 10
    least_bps: int = 5_000
    most_bps: int = 15_000
    kelly_bps: int = 2_500


class Sample(msgspec.Struct, frozen=True):
    """What one trade came to."""

    trade_id: str
    at_ns: int
    net_wei: Wei


class Performance(msgspec.Struct, frozen=True):
    """One strategy's trades in the window, oldest first, and what the wins and the losses came to."""

    samples: tuple[Sample, ...] = ()
    wins: int = 0
    gain_wei: Wei = Wei(0)
    loss_wei: Wei = Wei(0)

    @property
    def trades(self) -> int:
        """How many trades count."""
        return len(self.samples)


class Sizing(msgspec.Struct, frozen=True):
    """The state: performance by strategy; `next_ns`: until then nothing leaves the window."""

    strategies: dict[str, Performance] = {}
    next_ns: int = _NEVER_NS


def step(state: Sizing, limits: SizingLimits, event: RiskEvent, at_ns: int) -> Sizing:
    """Return the state after an event; what is older than the window is forgotten."""
    state = _forget(state, limits, at_ns)
    if isinstance(event, Settled) and _tells(event.trade):
        return _add(state, limits, event.trade, at_ns)
    if isinstance(event, Undone):
        return _take_back(state, event.trade)
    return state


def propose(
    state: Sizing, limits: SizingLimits, request: Request, capital_wei: int, at_ns: int
) -> Request | Refusal:
    """Return the request at the size it should have, yet to be checked; or why it should not be made.

    Args:
        state: performance so far.
        limits: how sizes follow it.
        request: what is asked for; one that may not shrink is taken as it is or refused.
        capital_wei: what the Kelly fraction is of (`Effective.capital_wei`).
        at_ns: UTC now.
    """
    if limits.mode is _FIXED or request.action is not OPENS:
        return request
    performance = _forget(state, limits, at_ns).strategies.get(request.strategy)
    if performance is None or performance.trades < max(1, limits.trades_min):
        return request
    wish = request.spend_wei * factor_bps(performance, limits) // BPS_ONE
    if limits.mode is SizingMode.KELLY:
        kelly_wei = kelly(performance, capital_wei, limits.kelly_bps)
        if kelly_wei <= 0 or (kelly_wei < request.spend_wei and not request.shrinks):
            return _too_bold(performance, kelly_wei, request.spend_wei)
        wish = min(wish, kelly_wei)
    return resized(request, wish) if request.shrinks else request


def _too_bold(performance: Performance, kelly_wei: int, spend_wei: int) -> Refusal:
    if kelly_wei > 0:
        message = "larger than results of late allow, and it may not shrink"
        return refusal_eth("sizing.kelly_percent", message, kelly_wei, spend_wei)
    return Refusal(
        "sizing.no-edge",
        f"its last {performance.trades} trades have no edge to size by",
        limit="0",
        observed=f"{performance.wins} of {performance.trades} won",
        unit="edge",
        setting="sizing.kelly_percent",
    )


def factor_bps(performance: Performance, limits: SizingLimits) -> int:
    """Return by how much performance multiplies the asked size, in basis points, rounded down."""
    span = limits.most_bps - limits.least_bps
    return limits.least_bps + span * performance.wins // performance.trades


def kelly(performance: Performance, capital_wei: int, kelly_bps: int) -> int:
    """Return the stake in wei by `kelly_bps` of the Kelly fraction, rounded down; 0 without an edge.

    With W wins that gained G and n - W losses that lost L, f = p - (1 - p) / b is W (G - L) / (n G).
    """
    wins, gain, loss = performance.wins, performance.gain_wei, performance.loss_wei
    if capital_wei <= 0 or gain <= loss or kelly_bps <= 0:
        return 0
    share = min(kelly_bps, BPS_ONE)
    return capital_wei * share * wins * (gain - loss) // (BPS_ONE * performance.trades * gain)


def _tells(trade: Trade) -> bool:
    """Whether a trade tells how its strategy fares: what opened a position has not been won or lost yet."""
    return trade.kind == _SWAP and not (trade.success and trade.output_wei <= 0)


def _add(state: Sizing, limits: SizingLimits, trade: Trade, at_ns: int) -> Sizing:
    before = state.strategies.get(trade.strategy, Performance())
    if any(sample.trade_id == trade.trade_id for sample in before.samples):
        return state
    others = {name: each for name, each in state.strategies.items() if name != trade.strategy}
    while len(others) >= _STRATEGIES_MAX:
        del others[next(iter(others))]  # the one that has traded least recently
    sample = Sample(trade.trade_id, at_ns, Wei(trade.net_wei))
    samples = (*before.samples, sample)[-_SAMPLES_MAX:]
    next_ns = min(state.next_ns, at_ns + limits.window_ns)
    return Sizing(strategies={**others, trade.strategy: _summed(samples)}, next_ns=next_ns)


def _take_back(state: Sizing, trade: Trade) -> Sizing:
    before = state.strategies.get(trade.strategy)
    if before is None:
        return state
    samples = tuple(sample for sample in before.samples if sample.trade_id != trade.trade_id)
    if len(samples) == before.trades:
        return state
    return msgspec.structs.replace(state, strategies=_with(state.strategies, trade.strategy, samples))


def _forget(state: Sizing, limits: SizingLimits, at_ns: int) -> Sizing:
    if at_ns < state.next_ns:
        return state
    strategies = state.strategies
    for name, each in state.strategies.items():
        samples = tuple(sample for sample in each.samples if at_ns - sample.at_ns < limits.window_ns)
        if len(samples) < each.trades:
            strategies = _with(strategies, name, samples)
    oldest = min((each.samples[0].at_ns for each in strategies.values()), default=_NEVER_NS)
    next_ns = oldest if oldest == _NEVER_NS else oldest + limits.window_ns
    return Sizing(strategies=strategies, next_ns=next_ns)


def _with(
    strategies: dict[str, Performance], name: str, samples: tuple[Sample, ...]
) -> dict[str, Performance]:
    if samples:
        return {**strategies, name: _summed(samples)}
    return {each: value for each, value in strategies.items() if each != name}


def _summed(samples: tuple[Sample, ...]) -> Performance:
    gains = [sample.net_wei for sample in samples if sample.net_wei > 0]
    losses = sum(sample.net_wei for sample in samples if sample.net_wei < 0)
    return Performance(samples=samples, wins=len(gains), gain_wei=Wei(sum(gains)), loss_wei=Wei(-losses))
