"""An open position in words, the same on every screen: what it is worth and when it is sold (SL1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.money import BPS_ONE, format_ether

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.wire.telemetry import PositionLine


def change_bps(value_wei: int | None, cost_wei: int) -> int | None:
    """Return by how much a value is above the cost, in basis points towards zero; None: cannot be told."""
    if value_wei is None or cost_wei <= 0:
        return None
    change = abs(value_wei - cost_wei) * BPS_ONE // cost_wei
    return change if value_wei >= cost_wei else -change


def percent_text(bps: int | None) -> str:
    """Return basis points as signed percent with one decimal."""
    if bps is None:
        return "unknown"
    tenths = abs(bps) // 10
    return f"{'-' if bps < 0 else '+'}{tenths // 10}.{tenths % 10} %"


def exits_text(position: PositionLine) -> str:
    """Return at which changes of its value a position is sold."""
    levels = (("stop", position.stop_wei), ("take", position.take_wei), ("trail", position.trail_wei))
    named = [f"{name} {percent_text(change_bps(wei, position.size_wei))}" for name, wei in levels if wei]
    return ", ".join(named) or "no exits"


def state_text(position: PositionLine) -> str:
    """Return whether its exits watch over it."""
    if not position.protected:
        return f"UNPROTECTED: {position.why}"
    return f"being sold: {position.leaving}" if position.leaving else "protected"


def position_text(position: PositionLine) -> str:
    """Return a position as one line."""
    change = percent_text(change_bps(position.value_wei, position.size_wei))
    value = "unknown" if position.value_wei is None else f"{format_ether(position.value_wei)} ETH"
    return (
        f"position {position.id} of {position.strategy}: {int(position.amount)} of {position.token} "
        f"for {format_ether(position.size_wei)} ETH, now {value} ({change}); "
        f"{exits_text(position)}; {state_text(position)}"
    )


def worst_first(positions: Iterable[PositionLine]) -> list[PositionLine]:
    """Return positions by what they have lost of their cost: first those of which that cannot be told."""

    def rank(position: PositionLine) -> tuple[bool, int]:
        change = change_bps(position.value_wei, position.size_wei)
        return change is not None, change or 0

    return sorted(positions, key=rank)


def worst(positions: Iterable[PositionLine]) -> PositionLine | None:
    """Return the position to look at first, of those that nothing protects where there are any."""
    shown = tuple(positions)
    bare = [each for each in shown if not each.protected]
    known = [each for each in shown if change_bps(each.value_wei, each.size_wei) is not None]
    return next(iter(worst_first(bare or known)), None)
