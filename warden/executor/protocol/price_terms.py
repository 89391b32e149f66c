"""Prices, as they are fixed while an executor runs: how far they are believed, and who else tells them."""

from __future__ import annotations

import msgspec

from warden.domain.amm import Hop
from warden.domain.risk.doubt import DoubtLimits

Route = tuple[str, ...]


class PricePair(msgspec.Struct, frozen=True):
    """The token that is worth one dollar, whose pair with the wrapped native token tells the price."""

    token: str
    decimals: int


class PriceTerms(msgspec.Struct, frozen=True):
    """Second sources of prices.

    Attributes:
        doubts: how far what a pool says is believed; None: as far as it goes.
        factories: of other venues, whose pairs of the same tokens are looked at.
        bridges: tokens through which a second way may lead.
        second_usd: another token that is worth one dollar; None: the first one's own last blocks must do.
    """

    doubts: DoubtLimits | None = None
    factories: tuple[str, ...] = ()
    bridges: tuple[str, ...] = ()
    second_usd: PricePair | None = None


class SecondPrices(msgspec.Struct, frozen=True):
    """What second sources say at a head.

    Attributes:
        ways: by route on which something is sold, reserves along other ways from its first token to its last.
        usd_reserves: of the second dollar's pair: native token, dollars; None where there is none.
    """

    ways: dict[Route, tuple[tuple[Hop, ...], ...]] = {}
    usd_reserves: tuple[int, int] | None = None
