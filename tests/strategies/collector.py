"""A strategy for tests of positions in many tokens: it buys what is listed, and sells a part now and then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from warden.strategies import Strategy, swap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.strategies import Decision, Market, Proposal

SELLS_EVERY = 3
PARTS = 3


class Collector(Strategy):
    """Proposes one purchase a block, a token after another, and every few blocks the sale of a third of one.

    It remembers nothing: how much of a token may be held, and whether there is a position to sell from, is
    for the limits to say. What is left is for Warden's exits.

    Args:
        listing: a JSON file: addresses with how many of each are worth one of the wrapped native token;
            nothing is wanted until it is there. What is answered is written beside it, a line each.
        amount_wei: what each is bought with, as text.
    """

    def __init__(self, listing: str, amount_wei: str) -> None:
        self._listing = Path(listing)
        self._amount_wei = int(amount_wei)

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Return what is bought now, and what is sold."""
        if not self._listing.is_file():
            return
        wanted = json.loads(self._listing.read_text(encoding="utf-8"))
        tokens = sorted(wanted)
        yield swap((market.weth, tokens[market.block % len(tokens)]), self._amount_wei, 1, valid_blocks=5)
        turn, rest = divmod(market.block, SELLS_EVERY)
        if rest == 0:
            token = tokens[turn % len(tokens)]
            part = self._amount_wei * int(wanted[token]) // PARTS
            yield swap((token, market.weth), part, 1, valid_blocks=5)

    def on_decision(self, decision: Decision, proposal: Proposal) -> None:
        """Write down which rule refused which token; none where it was let through."""
        path = proposal.swap.path
        line = json.dumps([path[0], path[-1], decision.rule])
        with self._listing.with_suffix(".decisions").open("a", encoding="utf-8") as said:
            said.write(line + "\n")
