"""What the circuit breaker counts, and which of its limits that is beyond (CB1, CB3).

- A *failure* is a swap that reverted, for slippage or otherwise.
- A *losing trade* is a swap that went through and lost. A reverted one neither lengthens nor ends that row,
  or the third failure would always come before the fifth; nor does one that only opens a position.
- A *loss* is how far the running net of all transactions in the window stands below its best: gas of what
  failed, of approvals and of cancels is in it. Earlier gains excuse no loss, later ones make it good.
- In USD each counts at the price when it settled. What settles while no price is known waits for the next
  one and is judged then; `blind` says that meanwhile nothing new may start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.money import BPS_ONE
from warden.domain.risk import day as days
from warden.domain.risk import streak, usd, window
from warden.domain.risk.day import Day
from warden.domain.risk.events import NS_PER_S, BaselinesReset, Priced, RiskEvent
from warden.domain.risk.figures import result
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.streak import Streak
from warden.domain.risk.thresholds import exact_ether, format_percent
from warden.domain.risk.usd import Quote
from warden.domain.risk.window import Window

if TYPE_CHECKING:
    from warden.domain.risk.events import Trade

SWAP: Final = "swap"
_OPEN: Final = "breaker.open"
_NO_PRICE: Final = Refusal(
    "price.unknown",
    "a loss limit in USD is set and the price is not known",
    setting="breaker.loss_usd",
)
_NO_OPENING: Final = Refusal(
    "breaker.day-unknown",
    "a loss limit is a share of the day's opening equity, which is not known yet",
    setting="breaker.loss_percent",
)


class BreakerLimits(msgspec.Struct, frozen=True):
    """When it opens and closes; the defaults are the profile `standard`. None: no such limit.

    Attributes:
        enabled: it opens by itself; by hand it can be opened all the same (ES1a).
        failure_rate_bps: opens above this share of failures, of `min_sample` trades at least.
        losing_trades, consecutive_failures: open at this number in a row; below 64.
        loss_*: open above this loss within `loss_window_s`; `loss_bps` of the day's opening equity, and
            `loss_micro_usd` in millionths of a USD.
        loss_cooldown_s: the cooldown after a loss in USD or percent.
        price_life_s: a price older than this is not known.
    """

    consecutive_failures: int = 5
    cooldown_s: int = 60
    successes_to_close: int = 2
    probe_timeout_s: int = 30
    enabled: bool = True
    failure_rate_bps: int = 5_000
    failure_window_s: int = 300
    min_sample: int = 5
    losing_trades: int = 3
    loss_wei: int | None = 10**18
    loss_micro_usd: int | None = 500 * usd.MICRO_PER_USD
    loss_bps: int | None = 300
    loss_window_s: int = 86_400
    loss_cooldown_s: int = 3_600
    price_life_s: int = 60


class Counts(msgspec.Struct, frozen=True):
    """What is counted.

    Attributes:
        failing, losing: the rows that go on now.
        failed, passed: swaps in the failure window, 1 each.
        lost, lost_micro_usd: net of each transaction in the loss window, losses above zero.
        unpriced: net in wei of what settled without a price.
        unjudged: something settled that could not be judged in percent: the day's opening was not known.
    """

    failing: Streak = streak.EMPTY
    losing: Streak = streak.EMPTY
    failed: Window = window.EMPTY
    passed: Window = window.EMPTY
    lost: Window = window.EMPTY
    lost_micro_usd: Window = window.EMPTY
    unpriced: Window = window.EMPTY
    unjudged: bool = False
    day: Day = Day()
    quote: Quote | None = None
    price_until_ns: int = 0


class Excess(msgspec.Struct, frozen=True):
    """A limit that is exceeded; `slow` when the long cooldown follows."""

    why: Refusal
    slow: bool = False


def settled(counts: Counts, limits: BreakerLimits, trade: Trade, at_ns: int, *, outcomes: bool) -> Counts:
    """Return the counts after a transaction was mined; its outcome counts only where `outcomes` says so."""
    key, length_ns = trade.trade_id, limits.loss_window_s * NS_PER_S
    loss = -trade.net_wei
    if loss:
        counts = msgspec.structs.replace(
            counts,
            lost=window.add(counts.lost, length_ns, at_ns, key, loss),
            unjudged=counts.unjudged or not days.is_known(counts.day, at_ns),
        )
        counts = _in_usd(counts, limits, key, loss, at_ns)
    if not outcomes or trade.kind != SWAP:
        return counts
    return _outcome(counts, limits, trade, at_ns)


def _in_usd(counts: Counts, limits: BreakerLimits, key: str, loss: int, at_ns: int) -> Counts:
    if limits.loss_micro_usd is None:
        return counts
    length_ns = limits.loss_window_s * NS_PER_S
    if counts.quote is None or at_ns >= counts.price_until_ns:
        unpriced = window.add(counts.unpriced, length_ns, at_ns, key, loss)
        return msgspec.structs.replace(counts, unpriced=unpriced)
    value = usd.micro_usd_of(loss, counts.quote)
    lost = window.add(counts.lost_micro_usd, length_ns, at_ns, key, value)
    return msgspec.structs.replace(counts, lost_micro_usd=lost)


def _outcome(counts: Counts, limits: BreakerLimits, trade: Trade, at_ns: int) -> Counts:
    key, length_ns = trade.trade_id, limits.failure_window_s * NS_PER_S
    came = result(trade)
    losing = counts.losing
    if came > 0 or (came < 0 and trade.success):
        losing = streak.add(losing, key, bad=came < 0)
    failed, passed = counts.failed, counts.passed
    if trade.success:
        passed = window.add(passed, length_ns, at_ns, key, 1, lingers=False)
    else:
        failed = window.add(failed, length_ns, at_ns, key, 1)
    return msgspec.structs.replace(
        counts,
        failing=streak.add(counts.failing, key, bad=not trade.success),
        losing=losing,
        failed=failed,
        passed=passed,
    )


def undone(counts: Counts, key: str) -> Counts:
    """Return the counts with all taken back that a transaction added."""
    return msgspec.structs.replace(
        counts,
        failing=streak.without(counts.failing, key),
        losing=streak.without(counts.losing, key),
        failed=window.without(counts.failed, key),
        passed=window.without(counts.passed, key),
        lost=window.without(counts.lost, key),
        lost_micro_usd=window.without(counts.lost_micro_usd, key),
        unpriced=window.without(counts.unpriced, key),
    )


def told(counts: Counts, limits: BreakerLimits, event: RiskEvent, at_ns: int) -> Counts:
    """Return the counts after what is no outcome: equity, price, capital, a reset; itself if unchanged."""
    if isinstance(event, BaselinesReset):
        return msgspec.structs.replace(fresh(counts, at_ns), day=days.step(counts.day, event, at_ns))
    if isinstance(event, Priced):
        return _priced(counts, limits, event, at_ns)
    day = days.step(counts.day, event, at_ns)
    return counts if day is counts.day else msgspec.structs.replace(counts, day=day)


def _priced(counts: Counts, limits: BreakerLimits, event: Priced, at_ns: int) -> Counts:
    quote = usd.quote_of(event.usd)
    if quote is None:
        return msgspec.structs.replace(counts, quote=None, price_until_ns=0)
    lost, waiting = counts.lost_micro_usd, counts.unpriced
    for time, key, loss in zip(waiting.times, waiting.keys, waiting.values, strict=True):
        length_ns = limits.loss_window_s * NS_PER_S
        lost = window.add(lost, length_ns, time, key, usd.micro_usd_of(loss, quote))
    return msgspec.structs.replace(
        counts,
        quote=quote,
        price_until_ns=at_ns + limits.price_life_s * NS_PER_S,
        lost_micro_usd=lost,
        unpriced=window.EMPTY,
    )


def fresh(counts: Counts, until_ns: int) -> Counts:
    """Return the counts without rows, rates, and losses of up to `until_ns`: those are answered for."""
    return msgspec.structs.replace(
        counts,
        failing=streak.EMPTY,
        losing=streak.EMPTY,
        failed=window.EMPTY,
        passed=window.EMPTY,
        lost=window.after(counts.lost, until_ns),
        lost_micro_usd=window.after(counts.lost_micro_usd, until_ns),
        unpriced=window.after(counts.unpriced, until_ns),
    )


def blind(counts: Counts, limits: BreakerLimits, at_ns: int) -> Refusal | None:
    """Return why no loss could be judged now, or None: a limit is set whose price or baseline is unknown."""
    if limits.loss_micro_usd is not None and at_ns >= counts.price_until_ns:
        return _NO_PRICE
    if limits.loss_bps is not None and not days.is_known(counts.day, at_ns):
        return _NO_OPENING
    return None


def loss_excess(counts: Counts, limits: BreakerLimits, at_ns: int) -> Excess | None:
    """Return the loss limit that is exceeded, the ones with the long cooldown first, or None."""
    length_ns = limits.loss_window_s * NS_PER_S
    lost = int(window.pruned(counts.lost, length_ns, at_ns).fall)
    if limits.loss_micro_usd is not None:
        micro_usd = int(window.pruned(counts.lost_micro_usd, length_ns, at_ns).fall)
        if micro_usd > limits.loss_micro_usd:
            limit, observed = usd.format_usd(limits.loss_micro_usd), usd.format_usd(micro_usd)
            return Excess(_why("lost more USD than allowed", limit, observed, "USD", "loss_usd"), slow=True)
    base_wei = counts.day.base_wei
    known = limits.loss_bps is not None and days.is_known(counts.day, at_ns)
    if limits.loss_bps is not None and known and lost > 0 and lost * BPS_ONE > limits.loss_bps * base_wei:
        share = format_percent(-(-lost * BPS_ONE // base_wei)) if base_wei > 0 else "all"
        message = "lost too large a share of the day's opening equity"
        limit = format_percent(limits.loss_bps)
        return Excess(_why(message, limit, share, "%", "loss_percent"), slow=True)
    if limits.loss_wei is not None and lost > limits.loss_wei:
        limit, observed = exact_ether(limits.loss_wei), exact_ether(lost)
        return Excess(_why("lost more ETH than allowed", limit, observed, "ETH", "loss_eth"))
    return None


def outcome_excess(counts: Counts, limits: BreakerLimits, at_ns: int) -> Excess | None:
    """Return the limit on rows or rates that is met, or None."""
    row = counts.failing.length
    if row >= limits.consecutive_failures:
        limit = str(limits.consecutive_failures)
        why = _why("trades failed in a row", limit, str(row), "trades", "consecutive_failures")
        return Excess(why)
    losing = counts.losing.length
    if losing >= limits.losing_trades:
        limit = str(limits.losing_trades)
        return Excess(_why("trades lost in a row", limit, str(losing), "trades", "losing_trades"))
    length_ns = limits.failure_window_s * NS_PER_S
    failed = window.pruned(counts.failed, length_ns, at_ns).total
    sample = failed + window.pruned(counts.passed, length_ns, at_ns).total
    if sample >= limits.min_sample and failed * BPS_ONE > limits.failure_rate_bps * sample:
        limit, rate = format_percent(limits.failure_rate_bps), format_percent(-(-failed * BPS_ONE // sample))
        message = f"too many of the last {sample} trades failed"
        return Excess(_why(message, limit, rate, "%", "failure_rate_percent"))
    return None


def _why(message: str, limit: str, observed: str, unit: str, setting: str) -> Refusal:
    return Refusal(
        _OPEN, f"the circuit breaker is open: {message}", limit, observed, unit, f"breaker.{setting}"
    )
