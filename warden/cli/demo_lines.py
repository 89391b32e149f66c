"""What the demo prints without a terminal: (picture, time) -> lines. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.intents import TradeState
from warden.domain.money import format_ether

if TYPE_CHECKING:
    from warden.operator.picture import SystemView
    from warden.wire.telemetry import TradeLine

LANDED: Final = frozenset({TradeState.MINED.value, TradeState.FINAL.value})
_UNKNOWN: Final = "?"


def status_line(view: SystemView, clock_text: str) -> str:
    """Return how things stand in one line; what is not known now is a question mark."""
    money, endpoints = view.money, view.endpoints
    live = not money.seen.stale
    parts = [
        f"{clock_text} {view.word} block {_known(endpoints.head, live=not endpoints.seen.stale)}",
        f"trades {_known(money.trades, live=live)}",
        f"net {_ether(money.net_wei) if live else _UNKNOWN} ETH",
        f"exposure {_percent(money.percent, live=live)} % of {_percent(money.limit_percent, live=live)} %",
    ]
    if endpoints.seen.stale:
        parts.append(f"endpoints {_UNKNOWN}")
    else:
        healthy = sum(line.state == "ok" for line in endpoints.lines)
        parts.append(f"endpoints {healthy}/{len(endpoints.lines)} ok")
    if view.why:
        parts.append(view.why)
    return " · ".join(parts)


def landed_trades(view: SystemView, told: frozenset[str]) -> list[TradeLine]:
    """Return the trades that have landed on the chain and whose hash is not among `told`, oldest first."""
    new = [line for line in view.money.trades_recent if line.state in LANDED and line.tx_hash not in told]
    return sorted(new, key=lambda line: (line.block, line.time))


def trade_line(line: TradeLine, clock_text: str) -> str:
    """Return one transaction that has landed in one line: a trade, or the allowance before the first."""
    what = "allowance" if line.intent_id.startswith("approve-") else "trade"
    return f"{clock_text} {what} landed: {line.tx_hash} in block {line.block}, net {_ether(line.net_wei)} ETH"


def _known(value: object, *, live: bool) -> str:
    return str(value) if live and value is not None else _UNKNOWN


def _percent(value: object, *, live: bool) -> str:
    return f"{value:g}" if live and value is not None else _UNKNOWN


def _ether(wei: int | None) -> str:
    return _UNKNOWN if wei is None else format_ether(wei, signed=True)
