"""The limits on sizes (PS1), worked out in wei for what there is now, so that a check only compares.

The engine folds `Means` by `step`, and makes `Effective` anew by `effective` whenever something it is made
from has changed. Of several limits on one thing the tightest wins, and keeps its own unit for the refusal.
"""

from __future__ import annotations

from typing import Final

import msgspec

from warden.domain.money import BPS_ONE, Wei, format_ether
from warden.domain.risk import usd
from warden.domain.risk.events import NS_PER_S, Priced, Read, RiskEvent
from warden.domain.risk.refusal import Refusal

_WHOLE: Final = 100
_UNKNOWN_CAPITAL: Final = Refusal("capital.unknown", "the wallet's capital is not known now")
_UNKNOWN_PRICE: Final = Refusal("price.unknown", "a limit in USD is set and the price is not known")


class TradeLimits(msgspec.Struct, frozen=True):
    """Limits on a trade's size, on all together and on what may be lost; None: not configured (PS1).

    The defaults are the profile `standard`. USD are millionths. Shares are basis points of the capital (free
    balance and what open positions cost, never more than they would bring), but `max_risk_bps` of equity.

    Attributes:
        max_loss_wei: the most that one trade may be estimated to lose.
        max_risk_bps: the same as a share of equity.
        gas_reserve_wei: below it nothing is opened (EX6).
        price_life_ns: a USD price older than this is unknown; None: it stays until the next.
    """

    min_trade_wei: int = 10**16
    max_trade_wei: int | None = 10 * 10**18
    max_trade_micro_usd: int | None = None
    max_trade_bps: int | None = 2_000
    max_exposure_bps: int | None = 5_000
    max_exposure_micro_usd: int | None = None
    max_loss_wei: int | None = None
    max_risk_bps: int | None = 200
    gas_reserve_wei: int = 2 * 10**16
    price_life_ns: int | None = 60 * NS_PER_S


class Means(msgspec.Struct, frozen=True):
    """The state: what there is, as the chain and the price had it last. None: not known."""

    trading_wei: Wei | None = None
    gas_wei: Wei | None = None
    equity_wei: Wei | None = None
    quote: usd.Quote | None = None
    priced_ns: int = 0


class Ceiling(msgspec.Struct, frozen=True):
    """The tightest of several limits on one thing: in wei to compare, and as text in its own unit."""

    wei: int
    rule: str
    message: str
    limit: str
    unit: str


_NOTHING: Final = Ceiling(0, "", "", "", "")
# No ceiling at all: only where a limit is expressly not configured.
_BOUNDLESS: Final = Ceiling(2**256, "", "", "", "")
_FOREVER_NS: Final = 2**63 - 1


class Effective(msgspec.Struct, frozen=True):
    """Limits worked out in wei for what there is now, so that `check` compares integers and no more.

    Derived, never journalled: made by `effective` anew whenever `Means`, the limits in force, the probation
    percent or the cost of open positions changed. As made without arguments it lets nothing open.

    Attributes:
        closed: why nothing may open whatever its size; None when something may.
        held_wei: the free trading balance.
        price_until_ns: from then on the price is too old to count.
    """

    closed: Refusal | None = _UNKNOWN_CAPITAL
    min_wei: int = 0
    trade: Ceiling = _NOTHING
    exposure: Ceiling = _NOTHING
    loss: Ceiling = _NOTHING
    held_wei: int = 0
    capital_wei: int = 0
    equity_wei: int = 0
    quote: usd.Quote | None = None
    price_until_ns: int = 0


def step(means: Means, _limits: TradeLimits, event: RiskEvent, at_ns: int) -> Means:
    """Return the state after an event; the same object when it says nothing of capital or price."""
    if isinstance(event, Read):
        return msgspec.structs.replace(
            means, trading_wei=event.trading_wei, gas_wei=event.gas_wei, equity_wei=event.equity_wei
        )
    if isinstance(event, Priced):
        return msgspec.structs.replace(means, quote=usd.quote_of(event.usd), priced_ns=at_ns)
    return means


def effective(means: Means, limits: TradeLimits, percent: int, open_cost_wei: int) -> Effective:
    """Return the limits in wei.

    Args:
        means: what there is.
        limits: the limits in force, levers included.
        percent: how much of every size counts, 0 to 100 (probation, ES5).
        open_cost_wei: what the open positions cost.
    """
    trading, gas, equity = means.trading_wei, means.gas_wei, means.equity_wei
    if trading is None or gas is None or equity is None:
        return Effective()
    # At what it cost or what it would bring, whichever is less: a pumped price must not widen a limit.
    capital = min(trading + open_cost_wei, equity - gas)
    in_usd = limits.max_trade_micro_usd is not None or limits.max_exposure_micro_usd is not None
    life_ns = limits.price_life_ns
    ceilings = _Ceilings(means.quote, max(0, min(100, percent)))
    return Effective(
        closed=_closed(capital, equity, gas, limits, priced=means.quote is not None or not in_usd),
        min_wei=max(1, limits.min_trade_wei),
        trade=ceilings.tightest(
            ceilings.ether(limits.max_trade_wei, "max_trade_eth", "above the largest trade"),
            ceilings.dollars(limits.max_trade_micro_usd, "max_trade_usd", "above the largest trade"),
            ceilings.share(
                limits.max_trade_bps, capital, "max_trade_percent", "too large a share of the capital"
            ),
        ),
        exposure=ceilings.tightest(
            ceilings.share(
                limits.max_exposure_bps, capital, "max_exposure_percent", "too much at stake together"
            ),
            ceilings.dollars(limits.max_exposure_micro_usd, "max_exposure_usd", "too much at stake together"),
        ),
        loss=ceilings.tightest(
            ceilings.ether(
                limits.max_loss_wei, "max_trade_loss_eth", "may lose more than a trade is allowed to"
            ),
            ceilings.share(
                limits.max_risk_bps,
                equity,
                "risk_per_trade_percent",
                "may lose too large a share of the equity",
            ),
        ),
        held_wei=trading,
        capital_wei=capital,
        equity_wei=equity,
        quote=means.quote,
        price_until_ns=means.priced_ns + life_ns if in_usd and life_ns is not None else _FOREVER_NS,
    )


def _closed(capital: int, equity: int, gas: int, limits: TradeLimits, *, priced: bool) -> Refusal | None:
    if capital <= 0 or equity <= 0:
        # Zero is a total loss, not "no data" (ES2's trap).
        return Refusal("capital.zero", "the wallet holds no trading capital", observed="0", unit="ETH")
    if not priced:
        return _UNKNOWN_PRICE
    if gas < limits.gas_reserve_wei:
        return refusal_eth(
            "limits.gas_reserve_eth", "the gas reserve is used up", limits.gas_reserve_wei, gas
        )
    return None


class _Ceilings:
    """Makes ceilings at one price and one probation percent."""

    def __init__(self, quote: usd.Quote | None, percent: int) -> None:
        self._quote = quote
        self._percent = percent
        self._suffix = "" if percent == _WHOLE else f" ({percent} % sizes for now)"

    def ether(self, wei: int | None, name: str, message: str) -> Ceiling | None:
        if wei is None:
            return None
        cut = wei * self._percent // _WHOLE
        return Ceiling(cut, f"limits.{name}", message + self._suffix, exact_ether(cut), "ETH")

    def dollars(self, micro_usd: int | None, name: str, message: str) -> Ceiling | None:
        if micro_usd is None or self._quote is None:
            return None  # a USD limit without a price lets nothing open at all: see _closed
        cut = micro_usd * self._percent // _WHOLE
        wei = usd.wei_of(micro_usd * self._percent, self._quote) // _WHOLE
        return Ceiling(wei, f"limits.{name}", message + self._suffix, usd.format_usd(cut), "USD")

    def share(self, bps: int | None, whole_wei: int, name: str, message: str) -> Ceiling | None:
        if bps is None:
            return None
        cut = bps * self._percent // _WHOLE
        wei = max(0, whole_wei) * bps * self._percent // (BPS_ONE * _WHOLE)
        return Ceiling(wei, f"limits.{name}", message + self._suffix, format_percent(cut), "%")

    @staticmethod
    def tightest(*ceilings: Ceiling | None) -> Ceiling:
        known = [ceiling for ceiling in ceilings if ceiling is not None]
        return min(known, key=lambda ceiling: ceiling.wei, default=_BOUNDLESS)


def exact_ether(amount_wei: int) -> str:
    """Return wei as ether, every digit that counts and no more."""
    return format_ether(amount_wei, places=18).rstrip("0").removesuffix(".")


def format_percent(share_bps: int) -> str:
    """Return basis points as percent with two decimals."""
    return f"{share_bps // 100}.{share_bps % 100:02d}"


def refusal_eth(
    rule: str, message: str, limit_wei: int, observed_wei: int, setting: str | None = None
) -> Refusal:
    """Return a refusal in ether; its setting is the rule's own name unless another is given."""
    limit, observed = exact_ether(limit_wei), exact_ether(observed_wei)
    return Refusal(rule, message, limit, observed, "ETH", rule if setting is None else setting)
