"""Rows that only a journal on paper has: what the paper wallet was given, and how each fill was computed."""

from __future__ import annotations

import msgspec

from warden.domain.amm import Pool
from warden.domain.fills import Footprints
from warden.domain.money import Wei


class PaperRow(msgspec.Struct, frozen=True, tag="paper.1"):
    """What was put into the paper wallet less what was taken out, all in all; the newest counts.

    Attributes:
        trading_wei: of the wrapped native token.
        gas_wei: of the native coin.
    """

    trading_wei: Wei
    gas_wei: Wei


class PaperFill(msgspec.Struct, frozen=True):
    """One fill as it was computed: whoever has the row can compute it again.

    Attributes:
        ending: filled or reverted.
        pools: of each step of the path, as the chain had them after the block.
        amounts: what went in, then what each pool paid, in the tokens' smallest units.
        gas: units burnt; `gas_wei` what they cost.
    """

    tx_hash: str
    ending: str
    reason: str
    pools: tuple[Pool | None, ...]
    amounts: tuple[Wei, ...]
    gas: int
    gas_wei: Wei


class FillRow(msgspec.Struct, frozen=True, tag="fill.1"):
    """What landed on paper at one look, in order, and where our fills would have left the pools."""

    block: int
    fills: tuple[PaperFill, ...]
    footprints: Footprints


class PaperState(msgspec.Struct, frozen=True):
    """What rows tell of a paper wallet beside its transactions: its funds, and pools as they stand for it."""

    trading_wei: Wei = Wei(0)
    gas_wei: Wei = Wei(0)
    footprints: Footprints = Footprints()


def after(state: PaperState | None, row: PaperRow | FillRow) -> PaperState:
    """Return the state after a row."""
    held = state or PaperState()
    if isinstance(row, FillRow):
        return msgspec.structs.replace(held, footprints=row.footprints)
    return msgspec.structs.replace(held, trading_wei=row.trading_wei, gas_wei=row.gas_wei)
