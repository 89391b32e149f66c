"""The wallet's capital past the executor, in words: how much, by whom, how well it is known (ES2, CO3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from warden.domain.money import format_ether
from warden.domain.risk.thresholds import format_percent
from warden.operator.picture import age_text

if TYPE_CHECKING:
    from warden.wire.telemetry import CapitalLine

GOOD = frozenset({"AGREED", "PAPER"})
"""States that nobody need look at."""


def capital_text(line: CapitalLine | None) -> str:
    """Return one line; a figure that is not agreed on now stands beside the word that says so."""
    if line is None:
        return "capital: UNKNOWN, the watchdog is silent"
    if line.state == "PAPER":
        return f"capital: {line.detail}"
    detail = f": {line.detail}" if line.detail else ""
    if line.equity_wei is None:
        return f"capital: {line.state}{detail}"
    held = f"{format_ether(line.equity_wei)} ETH"
    at = f"by {' and '.join(line.endpoints)} at block {line.block}"
    if line.state != "AGREED":
        return f"capital: {line.state}{detail}; last {held} {at}, {age_text(line.age_ms)} ago"
    against = f", {format_percent(abs(line.loss_bps))} % {_way(line.loss_bps)}" if line.loss_bps else ""
    outvoted = f", outvoted: {' and '.join(line.outvoted)}" if line.outvoted else ""
    return f"capital: {line.state} {held} {at}{against}{outvoted}"


def capital_json(line: CapitalLine | None) -> dict[str, Any] | None:
    """Return it as plain values, wei as integers; null while the watchdog is silent."""
    if line is None:
        return None
    return {
        "state": line.state,
        "equity_wei": _whole(line.equity_wei),
        "native_wei": _whole(line.native_wei),
        "wrapped_wei": _whole(line.wrapped_wei),
        "tokens_wei": _whole(line.tokens_wei),
        "baseline_wei": _whole(line.baseline_wei),
        "day_opening_wei": _whole(line.opening_wei),
        "loss_bps": line.loss_bps,
        "block": line.block,
        "endpoints": list(line.endpoints),
        "outvoted": list(line.outvoted),
        "age_ms": line.age_ms,
        "detail": line.detail,
    }


def _whole(amount_wei: int | None) -> int | None:
    """Return a plain integer: a JSON of whole wei holds no type of ours."""
    return None if amount_wei is None else int(amount_wei)


def _way(loss_bps: int) -> str:
    return "below what it began with" if loss_bps > 0 else "above what it began with"
