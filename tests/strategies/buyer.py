"""A strategy for tests of what may be bought: it wants a little of each token that a file names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from warden.strategies import Strategy, swap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.strategies import Decision, Market, Proposal


class Buyer(Strategy):
    """Proposes all of them, again and again.

    Args:
        listing: a JSON file of addresses; nothing is wanted until it is there. What is answered is written
            beside it, a line each.
        amount_wei, least: what each is bought with, and what must come, in smallest units, as text.
    """

    def __init__(self, listing: str, amount_wei: str, least: str) -> None:
        self._listing = Path(listing)
        self._amount_wei = int(amount_wei)
        self._least = int(least)

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Return a proposal for each, another one first in each block."""
        if not self._listing.is_file():
            return
        wanted = json.loads(self._listing.read_text(encoding="utf-8"))
        first = market.block % len(wanted)
        for token in wanted[first:] + wanted[:first]:
            yield swap((market.weth, token), self._amount_wei, self._least, valid_blocks=5)

    def on_decision(self, decision: Decision, proposal: Proposal) -> None:
        """Write down which rule refused which token."""
        line = json.dumps([proposal.swap.path[-1], decision.rule])
        with self._listing.with_suffix(".decisions").open("a", encoding="utf-8") as said:
            said.write(line + "\n")
