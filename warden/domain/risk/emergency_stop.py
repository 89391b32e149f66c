"""The emergency stop's own conditions: what demands that everything stops (ES1, ES1a, ES2).

`step` takes every `RiskEvent` and returns `StopDemanded` for each condition that is met, once, until an
operator has recovered (`Recovered`, or `BaselinesReset` which also begins the baselines anew). After a
recovery without a reset a condition that still holds is demanded again at the next look. From the first
demand on `check` refuses everything but cancels, so that the gate is closed before the stop's file stands.

| trigger | measured as | stops |
|---|---|---|
| capital-loss | baseline capital less equity, of the baseline | at the limit; ERROR before; equity 0 always |
| daily-loss | the day's loss, of the day's opening equity | at the limit |
| daily-loss-usd | the day's loss at the present price | at the limit |
| drawdown | peak equity less equity, of the peak | at the limit |
| portfolio | open positions' loss together, of the lesser of equity and the day's opening | at the limit |
| errors | failures of the system in a row | at the limit |
| any `Raised` reason | what another part found | at once |

A health score that is too low stops, too: the watchdog judges that by the same gauge (watchdog/health.py),
for it must hold with the executor hung.

A reverted trade is the breaker's business and no error of the system. Baselines are durable, and move with
the operator's own deposits and withdrawals in proportion (day.py). All comparisons are of whole products, so
nothing is truncated. A warning comes at `warn_bps` of a limit, once, and again only after the value has gone
a tenth of the limit below that.

What cannot be judged refuses new trades: unknown equity, no opening equity of the day, no price while a limit
is in USD, a position whose exit value cannot be told.

`enabled=False`: nothing is demanded and nothing refused for being unknown; what would have stopped is told as
an ERROR, once, and warnings still come. A stop by hand never passes through here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk import day as days
from warden.domain.risk import holdings, usd
from warden.domain.risk.day import Day, moved_wei, rebased
from warden.domain.risk.emergency_gauges import (
    ABOUT,
    MONEY,
    Emergency,
    EmergencyLimits,
    Gauge,
    Trigger,
    measure,
    texts,
)
from warden.domain.risk.events import (
    NS_PER_S,
    OPENS,
    BaselinesReset,
    CapitalMoved,
    Closed,
    Failed,
    Opened,
    Priced,
    Raised,
    Read,
    Recovered,
    Restored,
    RiskEvent,
    Valued,
    Worked,
)
from warden.domain.risk.findings import Finding, Noted, StopDemanded, Weight
from warden.domain.risk.refusal import Refusal
from warden.domain.stops import CleanUp

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.domain.risk.events import Request
    from warden.domain.stops import StopReason

__all__ = ["Emergency", "EmergencyLimits", "Trigger", "check", "step", "switched_off"]

_RUNBOOK: Final = "emergency-stop"
_CALM_BPS: Final = 1_000
_NO_CLOCK: Final = Refusal("clock.negative", "the time is not known")
_NO_EQUITY: Final = Refusal("emergency.capital-unknown", "the wallet's capital is not known now")
_NO_OPENING: Final = Refusal(
    "emergency.day-unknown",
    "a limit is a share of the day's opening equity, which is not known yet",
    setting="emergency.daily_loss_percent",
)
_NO_PRICE: Final = Refusal(
    "price.unknown",
    "a limit on the day's loss in USD is set and the price is not known",
    setting="emergency.daily_loss_usd",
)
_NO_VALUE: Final = Refusal(
    "emergency.value-unknown",
    "what an open position would bring cannot be told",
    setting="emergency.portfolio_percent",
)


def step(
    state: Emergency, limits: EmergencyLimits, event: RiskEvent, at_ns: int
) -> tuple[Emergency, tuple[Finding, ...]]:
    """Return the state after an event at `at_ns`, and what it demands or has to tell."""
    day = days.step(state.day, event, at_ns)
    if day is not state.day:
        state = msgspec.structs.replace(state, day=day)
    if isinstance(event, Raised):
        return _raised(state, limits, event)
    if isinstance(event, Priced):
        state = _priced(state, limits, event, at_ns)
    else:
        fold = _FOLDS.get(type(event))
        state = state if fold is None else fold(state, event)
    return _judged(state, limits, _CONCERNS.get(type(event), ()))


def check(state: Emergency, limits: EmergencyLimits, request: Request, at_ns: int) -> Refusal | None:
    """Return why a request may not pass now, or None. A demand to stop lets only cancels through."""
    if state.shut is not None and request.action is not Action.CANCEL:
        return state.shut
    if request.action is not OPENS or not limits.enabled:
        return None
    return _unknown(state, limits, at_ns)


def _unknown(state: Emergency, limits: EmergencyLimits, at_ns: int) -> Refusal | None:
    """Return what would have to be known to judge the limits that are set, or None."""
    if at_ns < 0:
        return _NO_CLOCK
    if state.equity_wei is None:
        return _NO_EQUITY
    if limits.daily_loss_micro_usd is not None and at_ns >= state.price_until_ns:
        return _NO_PRICE
    if not days.is_known(state.day, at_ns) and not (
        limits.daily_loss_bps is None and limits.daily_loss_micro_usd is None and limits.portfolio_bps is None
    ):
        return _NO_OPENING
    return _NO_VALUE if state.holdings.unvalued and limits.portfolio_bps is not None else None


def switched_off(limits: EmergencyLimits) -> Noted | None:
    """Return what must be said loudly at every start while nothing stops by itself (ES1a), or None."""
    if limits.enabled:
        return None
    message = "the emergency stop is switched off: everything stops only by hand"
    return Noted(
        Weight.ERROR, "emergency.switched-off", message, setting="emergency.enabled", runbook=_RUNBOOK
    )


def _judged(
    state: Emergency, limits: EmergencyLimits, triggers: tuple[Trigger, ...]
) -> tuple[Emergency, tuple[Finding, ...]]:
    """Return the state with what these triggers demand, warn of, or no longer warn of."""
    findings: tuple[Finding, ...] = ()
    for trigger in triggers:
        gauge = measure(state, limits, trigger)
        if gauge is None:
            continue
        if gauge.reached:
            state, found = _reached(state, limits, gauge)
            findings += found
        elif gauge.at_least(gauge.warn_bps):
            if trigger not in state.told:
                state = msgspec.structs.replace(state, told=(*state.told, trigger.value))
                findings += (_near(state, limits, gauge),)
        elif trigger in state.told and not gauge.at_least(gauge.warn_bps - _CALM_BPS):
            state = msgspec.structs.replace(state, told=_less(state.told, trigger, _off(trigger)))
    return state, findings


def _reached(
    state: Emergency, limits: EmergencyLimits, gauge: Gauge
) -> tuple[Emergency, tuple[Finding, ...]]:
    about, name = ABOUT[gauge.trigger], gauge.trigger.value
    limit, observed = texts(state, limits, gauge)
    why = Refusal(f"emergency.{name}", about.message, limit, observed, about.unit, about.setting)
    if name not in state.told:
        state = msgspec.structs.replace(state, told=(*state.told, name))
    return _demanded(state, limits, name, about.reason, why)


def _raised(
    state: Emergency, limits: EmergencyLimits, event: Raised
) -> tuple[Emergency, tuple[Finding, ...]]:
    name = event.reason.value.lower().replace("_", "-")
    return _demanded(state, limits, f"raised-{name}", event.reason, Refusal(f"emergency.{name}", event.text))


def _demanded(
    state: Emergency, limits: EmergencyLimits, name: str, reason: StopReason, why: Refusal
) -> tuple[Emergency, tuple[Finding, ...]]:
    """Return the state with a stop demanded, once; told instead where that is switched off."""
    if not limits.enabled:
        if _off(name) in state.told:
            return state, ()
        state = msgspec.structs.replace(state, told=(*state.told, _off(name)))
        text = f"{why.message}: this would stop everything, were the emergency stop not switched off"
        said = (text, why.limit, why.observed, why.unit, "emergency.enabled", _RUNBOOK)
        return state, (Noted(Weight.ERROR, "emergency.not-stopped", *said),)
    if name in state.demanded:
        return state, ()
    policy = limits.policies.get(reason, CleanUp.CANCEL)
    shut = state.shut or why
    state = msgspec.structs.replace(state, demanded=(*state.demanded, name), shut=shut)
    demand = StopDemanded(
        reason, why.rule, why.message, why.limit, why.observed, why.unit, why.setting, policy
    )
    return state, (demand,)


def _near(state: Emergency, limits: EmergencyLimits, gauge: Gauge) -> Noted:
    about = ABOUT[gauge.trigger]
    limit, observed = texts(state, limits, gauge)
    weight = Weight.ERROR if gauge.trigger is Trigger.CAPITAL_LOSS else Weight.WARNING
    message = f"near the emergency stop: {gauge.trigger.value}"
    kind = f"{gauge.trigger.value}.near-limit"
    return Noted(weight, kind, message, limit, observed, about.unit, about.setting, _RUNBOOK)


def _off(name: str) -> str:
    """Return what stands in `told` once it was told that this would have stopped."""
    return f"off:{name}"


def _less(told: tuple[str, ...], *names: str) -> tuple[str, ...]:
    return tuple(each for each in told if each not in names)


# --- what events change ----------------------------------------------------------------------------------


def _read(state: Emergency, event: Read) -> Emergency:
    equity = int(event.equity_wei)
    baseline = state.baseline_wei
    if baseline is None and equity > 0:
        baseline = Wei(equity)
    peak = Wei(max(state.peak_wei, equity))
    return msgspec.structs.replace(state, equity_wei=Wei(equity), baseline_wei=baseline, peak_wei=peak)


def _priced(state: Emergency, limits: EmergencyLimits, event: Priced, at_ns: int) -> Emergency:
    quote = usd.quote_of(event.usd)
    until_ns = 0 if quote is None else at_ns + limits.price_life_s * NS_PER_S
    return msgspec.structs.replace(state, quote=quote or state.quote, price_until_ns=until_ns)


def _moved(state: Emergency, event: CapitalMoved) -> Emergency:
    change, equity, baseline = moved_wei(event), state.equity_wei, state.baseline_wei
    if equity is None:
        return state
    return msgspec.structs.replace(
        state,
        equity_wei=Wei(equity + change),
        baseline_wei=None if baseline is None else rebased(baseline, equity, change),
        peak_wei=rebased(state.peak_wei, equity, change),
    )


def _reset(state: Emergency, _event: BaselinesReset) -> Emergency:
    """Return the state with streaks and baselines begun anew at the present equity, and nothing demanded."""
    equity = state.equity_wei
    return msgspec.structs.replace(
        state,
        baseline_wei=equity if equity is not None and equity > 0 else None,
        peak_wei=Wei(max(0, equity or 0)),
        day=Day(number=state.day.number, opening_wei=equity),
        errors=0,
        failing="",
        demanded=(),
        told=(),
        shut=None,
    )


def _held(state: Emergency, event: Opened | Closed | Restored | Valued) -> Emergency:
    held = holdings.step(state.holdings, event)
    return state if held is state.holdings else msgspec.structs.replace(state, holdings=held)


def _failed(state: Emergency, event: Failed) -> Emergency:
    return msgspec.structs.replace(state, errors=state.errors + 1, failing=event.kind)


def _worked(state: Emergency, event: Worked) -> Emergency:
    if not state.errors or event.kind not in {"", state.failing}:
        return state
    return msgspec.structs.replace(state, errors=0, failing="")


def _recovered(state: Emergency, _event: Recovered) -> Emergency:
    return msgspec.structs.replace(state, demanded=(), told=(), shut=None)


# By the event's type, which the type checker cannot follow.
_FOLDS: Final[dict[type, Callable[[Emergency, Any], Emergency]]] = {
    Read: _read,
    Opened: _held,
    Closed: _held,
    Restored: _held,
    Valued: _held,
    Failed: _failed,
    Worked: _worked,
    CapitalMoved: _moved,
    Recovered: _recovered,
    BaselinesReset: _reset,
}
_CONCERNS: Final[dict[type, tuple[Trigger, ...]]] = {
    Read: MONEY,
    Priced: (Trigger.DAILY_LOSS_USD,),
    Opened: (Trigger.PORTFOLIO,),
    Closed: (Trigger.PORTFOLIO,),
    Restored: (Trigger.PORTFOLIO,),
    Valued: (Trigger.PORTFOLIO,),
    Failed: (Trigger.ERRORS,),
    Worked: (Trigger.ERRORS,),
}
