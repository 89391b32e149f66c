"""What the risk rules say now, for people: limits as they stand and how much of each is used."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from warden.domain.money import BPS_ONE, WEI_PER_ETHER, format_ether
from warden.domain.risk import levers, profit_loss, usd
from warden.domain.risk.breaker_metrics import metrics
from warden.domain.risk.capital import invested_wei
from warden.domain.risk.drawdown import drawdown_bps
from warden.domain.risk.events import DAY_NS, NS_PER_S
from warden.domain.risk.lever_table import NUMBERS
from warden.domain.risk.pools import Account
from warden.wire.orders import BreakerLine, LeverLine, LimitLine, PoolLine, RiskReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warden.domain.risk.engine import Engine
    from warden.domain.risk.figures import Figures
    from warden.domain.risk.levers import LeverLimits
    from warden.domain.risk.refusal import Refusal

_PER_CENT: Final = 100
# What a probation makes smaller (thresholds.effective).
_SIZES: Final = frozenset(
    {
        "max_trade_eth",
        "max_trade_usd",
        "max_trade_percent",
        "max_trade_loss_eth",
        "risk_per_trade_percent",
        "max_exposure_percent",
        "max_exposure_usd",
    }
)


def price_text(engine: Engine, at_ns: int) -> str:
    """Return what one ether is worth in USD; empty where nobody knows, or it is too old for the limits (I10).

    Args:
        engine: the rules.
        at_ns: UTC now.
    """
    means, life_ns = engine.state.means, engine.limits.levers.trade.price_life_ns
    if means.quote is None or (life_ns is not None and at_ns >= means.priced_ns + life_ns):
        return ""
    return usd.format_usd(usd.micro_usd_of(WEI_PER_ETHER, means.quote))


def report(
    engine: Engine,
    pools: Sequence[str],
    fee_per_gas_wei: int,
    at_ns: int,
    barred: tuple[Refusal, ...] = (),
) -> RiskReport:
    """Return the rules' state as text and figures.

    Args:
        engine: the rules.
        pools: whose trades `blocked` is about; of several it is what is in the way of the freest.
        fee_per_gas_wei: what a unit of gas would cost now.
        at_ns: UTC now.
        barred: what stands in the way beside the rules.
    """
    state = engine.state
    low, today = state.drawdown, at_ns // DAY_NS * DAY_NS
    known = low.equity_wei is not None
    invested = invested_wei(state.capital)
    return RiskReport(
        blocked=(*barred, *min((engine.blocked(pool, fee_per_gas_wei, at_ns) for pool in pools), key=len)),
        limits=tuple(_limit(engine, name, at_ns) for name in NUMBERS),
        levers=tuple(
            LeverLine(each.lever, each.value, each.operator, each.reason, _time(each.at_ns))
            for each in levers.listing(state.levers)
        ),
        breaker=_breaker(engine, at_ns),
        pools=tuple(
            PoolLine(
                pool=name,
                total_wei=each.total_wei,
                accounts={account.value: getattr(each, f"{account.value}_wei") for account in Account},
            )
            for name, each in sorted(state.capital.pools.items())
        ),
        price_usd=price_text(engine, at_ns),
        equity_wei=low.equity_wei,
        peak_wei=low.peak_wei if known else None,
        opening_wei=state.emergency.day.opening_wei,
        drawdown_bps=drawdown_bps(int(low.peak_wei), int(low.equity_wei or 0)) if known else None,
        today=_figures(
            profit_loss.figures_between(state.profit_loss, today, at_ns + 1, invested_wei=invested or None)
        )
        | _calls(engine, at_ns),
        ever=_figures(profit_loss.figures_ever(state.profit_loss, at_ns + 1, invested_wei=invested or None)),
    )


def _limit(engine: Engine, name: str, at_ns: int) -> LimitLine:
    number = NUMBERS[name]
    now = _amount(engine.in_force, name)
    if now is not None and name in _SIZES:
        now = now * engine.percent // _PER_CENT
    configured = _amount(engine.limits.levers, name)
    observed = _observed(engine, name, at_ns)
    used = None
    if observed is not None and now and not number.least:
        used = min(-(-observed * BPS_ONE // now), 10 * BPS_ONE)
    return LimitLine(
        name=f"limits.{name}",
        limit="" if now is None else number.text(now),
        configured="" if configured is None else number.text(configured),
        observed="" if observed is None else number.text(observed),
        unit=number.unit.value,
        used_bps=used,
    )


def _amount(limits: LeverLimits, name: str) -> int | None:
    number = NUMBERS[name]
    value: int | None = getattr(getattr(limits, number.part), number.field)
    return value


def _observed(engine: Engine, name: str, at_ns: int) -> int | None:
    """Return how much of a limit is used now, in its base unit; None where that has no meaning."""
    state, now = engine.state, engine.effective
    exposure = engine.exposure_wei
    found: int | None = None
    if name == "max_exposure_percent" and now.capital_wei > 0:
        found = -(-exposure * BPS_ONE // now.capital_wei)
    elif name == "max_exposure_usd" and now.quote is not None:
        found = usd.micro_usd_of(exposure, now.quote)
    elif name == "max_positions":
        found = len(state.positions.open) + len(state.reservations.held)
    elif name == "gas_reserve_eth":
        found = state.means.gas_wei
    elif name == "max_fees_per_day_eth":
        today = at_ns // DAY_NS
        found = state.fees.burnt_wei if state.fees.day == today else 0
    return found


def _breaker(engine: Engine, at_ns: int) -> BreakerLine:
    found = metrics(engine.state.breaker, engine.limits.breaker, at_ns)
    why = found.why
    return BreakerLine(
        state=found.state.value,
        why="" if why is None else _why(why),
        until=_time(at_ns + found.cools_for_ns) if found.cools_for_ns else "",
        trips=found.trips,
        forced=found.forced,
        open_s=found.spent_open_ns // NS_PER_S,
        operator=found.operator,
        reason=found.reason,
    )


def _why(why: Refusal) -> str:
    return f"{why.message} ({why.observed} of {why.limit} {why.unit})" if why.limit else why.message


def _figures(figures: Figures) -> dict[str, str]:
    """Return the figures that exist, by name, in the order in which people ask for them."""
    found: dict[str, str] = {
        "trades": str(figures.trades),
        "wins": str(figures.wins),
        "losses": str(figures.losses),
        "failures": str(figures.failures),
        "net": f"{format_ether(figures.net_wei, signed=True)} ETH",
        "gross": f"{format_ether(figures.gross_wei, signed=True)} ETH",
        "gas": f"{format_ether(figures.gas_wei)} ETH",
    }
    if figures.success_rate is not None:
        found["success rate"] = f"{figures.success_rate * _PER_CENT:.1f} %"
    if figures.win_rate is not None:
        found["win rate"] = f"{figures.win_rate * _PER_CENT:.1f} %"
    if figures.profit_factor is not None:
        found["profit factor"] = f"{figures.profit_factor:.2f}"
    if figures.roi is not None:
        found["ROI"] = f"{figures.roi * _PER_CENT:.3f} %"
    if figures.largest_win_wei is not None:
        found["largest win"] = f"{format_ether(figures.largest_win_wei, signed=True)} ETH"
    if figures.largest_loss_wei is not None:
        found["largest loss"] = f"{format_ether(figures.largest_loss_wei, signed=True)} ETH"
    return found


def _calls(engine: Engine, at_ns: int) -> dict[str, str]:
    """Return how many RPC calls the day has seen, of how many that the plan allows (PL2)."""
    found = profit_loss.running(engine.state.profit_loss, engine.limits.profit_loss, at_ns)
    quota = f" of {found.calls_per_day:,}" if found.calls_per_day else ""
    return {"RPC calls": f"{found.calls_today:,}{quota}"}


def _time(at_ns: int) -> str:
    moment = datetime.fromtimestamp(at_ns // NS_PER_S, UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
