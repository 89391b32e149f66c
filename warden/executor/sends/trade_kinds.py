"""What a swap does to the exposure, by its path alone: never by what a trader calls it (EX1)."""

from __future__ import annotations

from enum import StrEnum


class TradeKind(StrEnum):
    """What a swap is; `w` is the wrapped native token, in which capital is counted."""

    CYCLE = "cycle"  # w to w: opens and closes in one step
    OPENS = "opens"  # w to a token: a position
    REDUCES = "reduces"  # a token to w: out of a position
    OTHER = "other"  # a token to another: whose cost could not be told


def kind_of(path: tuple[str, ...], weth: str) -> TradeKind:
    """Return what a swap along this path is; addresses in any case, two at least."""
    native = weth.lower()
    first, last = path[0].lower() == native, path[-1].lower() == native
    if first and last:
        return TradeKind.CYCLE
    if first:
        return TradeKind.OPENS
    return TradeKind.REDUCES if last else TradeKind.OTHER
