"""Drawdown and losses in a row: when nothing new is opened for a while (SL2).

- Drawdown is how far equity stands below its peak. From `halt_bps` on nothing is opened, and not before
  `cooldown_s` has passed since equity was last so low. The larger drawdown that stops everything is
  emergency_stop.py's, which measures it in the same way.
- `consecutive_losses` lost swaps in a row, reverted ones included, begin the same cooldown; the row begins
  anew. A swap that only opens a position is no loss yet.

The peak is part of the state, so it is as durable as the journal: a restart forgets nothing. The operator's
own deposits and withdrawals move it in proportion (day.py); `BaselinesReset` begins it anew at the present
equity. While the equity is unknown nothing is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.money import BPS_ONE, Wei
from warden.domain.risk import streak
from warden.domain.risk.day import moved_wei, rebased
from warden.domain.risk.events import (
    NS_PER_S,
    OPENS,
    BaselinesReset,
    CapitalMoved,
    Read,
    RiskEvent,
    Settled,
    Trade,
    Undone,
)
from warden.domain.risk.figures import result
from warden.domain.risk.findings import Finding, Noted, Weight
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.streak import Streak
from warden.domain.risk.thresholds import format_percent

if TYPE_CHECKING:
    from warden.domain.risk.events import Request

_RUNBOOK: Final = "emergency-stop"
_UNKNOWN: Final = Refusal("drawdown.unknown", "the equity is not known now", setting="drawdown.halt_percent")
_NO_CLOCK: Final = Refusal("clock.negative", "the time is not known")
# A warning is told again only after it has gone this far below the share at which it came.
_CALM_BPS: Final = 1_000


class DrawdownLimits(msgspec.Struct, frozen=True):
    """When nothing new is opened; the defaults are the profile `standard`. None: no such limit.

    Attributes:
        halt_bps: at this share of the peak lost.
        consecutive_losses: at so many in a row; below 64.
        cooldown_s: for so long after either.
        warn_bps: a warning comes at this share of `halt_bps` (ES1a).
    """

    halt_bps: int | None = 1_500
    consecutive_losses: int | None = 5
    cooldown_s: int = 300
    warn_bps: int = 9_000


class Drawdown(msgspec.Struct, frozen=True):
    """The state.

    Attributes:
        equity_wei: as last read; None until then.
        peak_wei: the highest equity so far.
        halt: why nothing is opened while the drawdown is at its limit, or None.
        rest: why nothing is opened before `until_ns`.
        warned: that the limit is near was told; told: that it was reached. Told again only after it was over.
    """

    equity_wei: Wei | None = None
    peak_wei: Wei = Wei(0)
    halt: Refusal | None = None
    rest: Refusal | None = None
    until_ns: int = 0
    losing: Streak = streak.EMPTY
    warned: bool = False
    told: bool = False


def step(
    state: Drawdown, limits: DrawdownLimits, event: RiskEvent, at_ns: int
) -> tuple[Drawdown, tuple[Finding, ...]]:
    """Return the state after an event at `at_ns`, and what there is to tell."""
    if isinstance(event, Read):
        return _read(state, limits, int(event.equity_wei), at_ns)
    if isinstance(event, Settled):
        return _settled(state, limits, event.trade, at_ns)
    if isinstance(event, Undone):
        losing = streak.without(state.losing, event.trade.trade_id)
        return (state if losing is state.losing else msgspec.structs.replace(state, losing=losing)), ()
    if isinstance(event, CapitalMoved):
        return _moved(state, moved_wei(event)), ()
    if isinstance(event, BaselinesReset):
        peak = Wei(max(0, state.equity_wei or 0))
        return Drawdown(equity_wei=state.equity_wei, peak_wei=peak), ()
    return state, ()


def check(state: Drawdown, limits: DrawdownLimits, request: Request, at_ns: int) -> Refusal | None:
    """Return why a request may not pass now, or None; what reduces or cancels passes."""
    if request.action is not OPENS:
        return None
    if at_ns < 0:
        return _NO_CLOCK
    if limits.halt_bps is not None:
        if state.equity_wei is None:
            return _UNKNOWN
        if state.halt is not None:
            return state.halt
    return state.rest if at_ns < state.until_ns else None


def drawdown_bps(peak_wei: int, equity_wei: int) -> int:
    """Return the share of the peak that is lost, in basis points rounded up; 10,000 where all is."""
    if equity_wei <= 0:
        return BPS_ONE
    return max(0, -(-(peak_wei - equity_wei) * BPS_ONE // peak_wei)) if peak_wei > 0 else 0


def _read(
    state: Drawdown, limits: DrawdownLimits, equity: int, at_ns: int
) -> tuple[Drawdown, tuple[Finding, ...]]:
    peak = max(state.peak_wei, equity)
    if limits.halt_bps is None:
        return msgspec.structs.replace(state, equity_wei=Wei(equity), peak_wei=Wei(peak), halt=None), ()
    lost = (peak - equity) * BPS_ONE
    # An equity of zero is a total loss, not "no data" (ES2's trap): it is halted whatever the peak was.
    halted = lost >= limits.halt_bps * peak
    near = halted or lost * BPS_ONE >= limits.halt_bps * limits.warn_bps * peak
    calm = lost * BPS_ONE < limits.halt_bps * (limits.warn_bps - _CALM_BPS) * peak
    halt, rest, until_ns = None, state.rest, state.until_ns
    if halted:
        message = "equity has fallen too far below its peak"
        halt = _share("drawdown.halt", message, limits.halt_bps, drawdown_bps(peak, equity))
        rest = msgspec.structs.replace(
            halt, message=f"equity had fallen too far; nothing is opened for {limits.cooldown_s} s after that"
        )
        until_ns = max(until_ns, at_ns + limits.cooldown_s * NS_PER_S)
    findings: tuple[Finding, ...] = ()
    if halt is not None and not state.told:
        findings = (_noted(Weight.ERROR, "drawdown.halted", halt),)
    elif state.told and not near:
        message = f"equity has risen again; nothing is opened before {limits.cooldown_s} s have passed"
        findings = (Noted(Weight.INFO, "drawdown.over", message, runbook=_RUNBOOK),)
    elif near and not state.warned:
        message = "the drawdown is near its limit"
        told = _share("", message, limits.halt_bps, drawdown_bps(peak, equity))
        findings = (_noted(Weight.WARNING, "drawdown.near-limit", told),)
    state = msgspec.structs.replace(
        state,
        equity_wei=Wei(equity),
        peak_wei=Wei(peak),
        halt=halt,
        rest=rest,
        until_ns=until_ns,
        warned=near or (state.warned and not calm),
        told=halted or (state.told and near),
    )
    return state, findings


def _settled(
    state: Drawdown, limits: DrawdownLimits, trade: Trade, at_ns: int
) -> tuple[Drawdown, tuple[Finding, ...]]:
    came = result(trade)
    if came == 0:
        return state, ()
    losing = streak.add(state.losing, trade.trade_id, bad=came < 0)
    if limits.consecutive_losses is None or losing.length < limits.consecutive_losses:
        return msgspec.structs.replace(state, losing=losing), ()
    limit, row = str(limits.consecutive_losses), str(losing.length)
    message = "trades lost in a row; nothing is opened for a while"
    rest = Refusal("drawdown.losses", message, limit, row, "trades", "drawdown.consecutive_losses")
    until_ns = max(state.until_ns, at_ns + limits.cooldown_s * NS_PER_S)
    state = msgspec.structs.replace(state, losing=streak.EMPTY, rest=rest, until_ns=until_ns)
    return state, (_noted(Weight.WARNING, "drawdown.losses", rest),)


def _moved(state: Drawdown, change: int) -> Drawdown:
    if state.equity_wei is None:
        return state
    return msgspec.structs.replace(
        state,
        equity_wei=Wei(state.equity_wei + change),
        peak_wei=rebased(state.peak_wei, state.equity_wei, change),
    )


def _share(rule: str, message: str, limit_bps: int, share_bps: int) -> Refusal:
    limit, share = format_percent(limit_bps), format_percent(share_bps)
    return Refusal(rule, message, limit, share, "%", "drawdown.halt_percent")


def _noted(weight: Weight, kind: str, why: Refusal) -> Noted:
    return Noted(weight, kind, why.message, why.limit, why.observed, why.unit, why.setting, _RUNBOOK)
