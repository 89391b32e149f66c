"""The last alerts, decisions and trades, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from console.paint import SEVERITY_SIGN, TIMES, Tone, clean, clock_text, ether_text, heading, line, money_tone
from console.widgets.pane import Pane
from warden.domain.intents import Outcome, TradeState
from warden.domain.roles import strategy_of

if TYPE_CHECKING:
    from textual.content import Content

    from console.model import Picture
    from warden.wire.telemetry import AlertLine, DecisionLine, TradeLine

_WIDE: Final = 100
_SEVERITY_FROM: Final = 60
_LANDED: Final = frozenset({TradeState.MINED.value, TradeState.FINAL.value})
_FAILED: Final = frozenset({TradeState.REVERTED.value, TradeState.REJECTED.value})


class Alerts(Pane):
    """Alerts, as the notifier keeps them; bare events while it is silent."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Content]:
        """Return a heading and as many alerts as fit, those that nobody answered first."""
        part = picture.view.alerts
        rest = "" if part.unacknowledged is None or part.seen.stale else f"{part.unacknowledged} unanswered"
        ordered = sorted(part.recent, key=lambda alert: bool(alert.acknowledged_by))
        lines = [_alert(each, width) for each in ordered[: height - 1]]
        return [heading("ALERTS", part.seen, rest), *(lines or [line(("none", Tone.QUIET))])]


def _alert(each: AlertLine, width: int) -> Content:
    sign, tone = SEVERITY_SIGN[each.severity]
    word = f" {each.severity.value.upper():<8}" if width >= _SEVERITY_FROM else ""
    times = f" {TIMES}{each.count}" if each.count > 1 else ""
    answered = f" ({clean(each.acknowledged_by)})" if each.acknowledged_by else ""
    return line(
        (f"{sign}{word} ", Tone.QUIET if each.acknowledged_by else tone),
        (f"{clock_text(each.time)} ", Tone.QUIET),
        f"{clean(each.title)}{times}{answered}: {clean(each.message)}",
    )


class Decisions(Pane):
    """What the gate answered: for a refusal the rule, what was observed and the limit."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Content]:
        """Return a heading and as many decisions as fit."""
        money = picture.view.money
        lines = [_decision(each, width) for each in money.decisions[: height - 1]]
        seen = money.seen if money.seen.stale else None
        return [heading("DECISIONS", seen), *(lines or [line(("none", Tone.QUIET))])]


def _decision(each: DecisionLine, width: int) -> Content:
    decision = each.decision
    times = f" {TIMES}{each.count}" if each.count > 1 else ""
    when = (f" {clock_text(each.time)}{times} ", Tone.QUIET)
    if decision.outcome is Outcome.APPROVED:
        return line(("✓", Tone.GOOD), when, f"approved {clean(each.strategy)}")
    compared = _compared(each)
    message = f" · {clean(decision.message)}" if width >= _WIDE or not compared else ""
    sign, tone = ("▼", Tone.CAUTION) if decision.outcome is Outcome.REDUCED else ("✗", Tone.CAUTION)
    return line((sign, tone), when, (clean(decision.rule), tone), compared, (message, Tone.QUIET))


def _compared(each: DecisionLine) -> str:
    """Return what was observed and the limit, as far as the rule has them."""
    unit = f" {clean(each.decision.unit)}" if each.decision.unit else ""
    observed = f" {clean(each.decision.observed)}{unit}" if each.decision.observed else ""
    limit = f" limit {clean(each.decision.limit)}{unit}" if each.decision.limit else ""
    return f"{observed},{limit}" if observed and limit else observed or limit


class Trades(Pane):
    """What was signed, its newest state, hash and net result."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Content]:
        """Return a heading and as many trades as fit."""
        money = picture.view.money
        several = any(strategy_of(each.name) for each in picture.view.processes)
        lines = [_trade(each, width, whose=several) for each in money.trades_recent[: height - 1]]
        seen = money.seen if money.seen.stale else None
        rest = f"{money.pending} in flight" if money.pending and seen is None else ""
        if rest and money.in_flight and width >= _WIDE:
            # The lowest nonce: what all the others wait for.
            first = money.in_flight[0]
            tries = f", attempt {first.attempts}" if first.attempts > 1 else ""
            rest += f" · nonce {first.nonce}: {clean(first.purpose)}, {first.age_s} s{tries}"
        return [heading("TRADES", seen, rest), *(lines or [line(("none yet", Tone.QUIET))])]


def _trade(each: TradeLine, width: int, *, whose: bool) -> Content:
    sign, tone = "·", Tone.PLAIN
    if each.state in _LANDED:
        sign, tone = "✓", Tone.GOOD
    elif each.state in _FAILED:
        sign, tone = "✗", Tone.BAD
    elif each.state == TradeState.UNKNOWN:
        sign, tone = "?", Tone.CAUTION
    net: tuple[str, str] = (f"{'pending':>14}", Tone.QUIET)
    if each.net_wei is not None:
        net = (f"{ether_text(each.net_wei):>14}", money_tone(each.net_wei))
    tx_hash = clean(each.tx_hash)
    if width < _WIDE and len(tx_hash) > 14:  # noqa: PLR2004 - both ends of a hash and an ellipsis
        tx_hash = f"{tx_hash[:6]}…{tx_hash[-4:]}"
    when = (f" {clock_text(each.time)} ", Tone.QUIET)
    block = f" #{each.block}" if each.block else ""
    error = f" {clean(each.error)}" if each.error else ""
    strategy = f" {clean(each.strategy)[:18]}" if whose else ""
    told = f"{strategy}  {tx_hash}{block}"
    return line((sign, tone), when, f"{clean(each.state)[:8]:<8} ", net, told, (error, tone))
