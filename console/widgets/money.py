"""Exposure against its limit, profit and loss, breaker and gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from console.paint import Tone, bar, clean, ether_text, heading, line, money_tone, stale_text
from console.widgets.pane import Pane
from warden.domain.money import format_ether
from warden.operator.capital_text import GOOD, capital_text
from warden.operator.position_text import change_bps, exits_text, percent_text, worst

if TYPE_CHECKING:
    from textual.content import Content

    from console.model import Picture
    from warden.operator.picture import Money as MoneyPart
    from warden.wire.telemetry import CapitalLine, PositionLine

_LABEL: Final = 9
_BAR_MAX: Final = 40
_FIGURES: Final = 17
# As much of a position's id as tells it from others.
_ID: Final = 8


class Money(Pane):
    """The executor's book; a stale book shows no figure as if it were current."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Content]:
        """Return four lines, five with the heading."""
        money = picture.view.money
        if money.seen.stale:
            labels = ("exposure", "P&L net", "trades", "breaker")
            lines = [line(f"{label:<{_LABEL}}", (stale_text(money.seen), Tone.BAD)) for label in labels]
            return [heading("MONEY"), *lines][-height:]
        lines = [_exposure(money, width), _profit(money), _trades(money), _breaker(money)]
        if money.positions:
            lines.insert(1, _positions(money))
        capital = picture.view.capital
        if capital is None or capital.state not in GOOD:
            # What nobody agrees on matters more than how many trades there were.
            lines[-2] = _doubtful(capital)
        rest = f"{_wallet(money.wallet)}{_capital(capital)}"
        title = [heading("MONEY", rest=rest)] if height > len(lines) else []
        return [*title, *lines]


def _wallet(wallet: str) -> str:
    return f"{clean(wallet[:6])}…{clean(wallet[-4:])}" if wallet else ""


def _capital(capital: CapitalLine | None) -> str:
    if capital is None or capital.state != "AGREED" or capital.equity_wei is None:
        return ""
    return f" {format_ether(capital.equity_wei, places=2)} ETH ✓ by {len(capital.endpoints)}"


def _doubtful(capital: CapitalLine | None) -> Content:
    text = capital_text(capital).removeprefix("capital: ")
    return line(f"{'capital':<{_LABEL}}", (f"✗ {clean(text)}", Tone.BAD))


def _exposure(money: MoneyPart, width: int) -> Content:
    label = f"{'exposure':<{_LABEL}}"
    if money.capital_wei == 0:
        return line(label, ("✗ the wallet holds no trading capital", Tone.BAD))
    if money.percent is None or money.limit_percent is None or money.used_bps is None:
        return line(label, ("UNKNOWN: capital is not known", Tone.CAUTION))
    room = min(_BAR_MAX, width - _LABEL - _FIGURES)
    figures = f" {money.percent:.1f}% of {money.limit_percent:.0f}%"
    return line(label) + (bar(money.used_bps, room) if room > 0 else line("")) + line(figures)


def _profit(money: MoneyPart) -> Content:
    net_wei = money.net_wei or 0
    usd = "" if money.net_usd is None else f"  {money.net_usd:+,.2f} USD"
    return line(f"{'P&L net':<{_LABEL}}", (ether_text(net_wei), money_tone(net_wei)), usd)


def _trades(money: MoneyPart) -> Content:
    gas = f" · gas {format_ether(money.gas_wei or 0, places=4)} ETH"
    return line(f"{'trades':<{_LABEL}}{money.trades} · {money.wins} won{gas}")


def _breaker(money: MoneyPart) -> Content:
    closed = money.breaker == "CLOSED"
    sign, tone = ("✓", Tone.GOOD) if closed else ("✗", Tone.BAD)
    gate = ("gate open", Tone.GOOD) if not money.gate else (f"gate closed: {clean(money.gate)}", Tone.CAUTION)
    return line(f"{'breaker':<{_LABEL}}", (f"{sign} {clean(money.breaker)}", tone), " · ", gate)


def _positions(money: MoneyPart) -> Content:
    bare = sum(not position.protected for position in money.positions)
    told = (f" · {bare} UNPROTECTED", Tone.BAD) if bare else (" · all protected", Tone.GOOD)
    last = worst(money.positions)
    rest = "" if last is None else f" · {_far(last)}"
    return line(f"{'open':<{_LABEL}}{len(money.positions)} positions", told, rest)


def _far(position: PositionLine) -> str:
    """Return how the worst position stands: why nothing protects it, or when it is sold."""
    stands = percent_text(change_bps(position.value_wei, position.size_wei))
    rest = exits_text(position) if position.protected else position.why
    return clean(f"{position.strategy} {position.id[:_ID]}: {stands}, {rest}")
