"""A strategy for tests of positions: it buys and sells as a file says, and writes down what it hears."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from warden.domain.intents import Outcome
from warden.strategies import Strategy, swap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.domain.intents import TradeUpdate
    from warden.strategies import Decision, Market, Proposal

AMOUNT_WEI = 10**17


class Obedient(Strategy):
    """Carries out one wish at a time, and proposes it on each block until it is approved.

    Args:
        wish: a file of one line: a number of its own, and what to sell in smallest units, 0: buy. What is
            heard is written beside it, a line of JSON each.
    """

    def __init__(self, wish: str) -> None:
        self._wish = Path(wish)
        self._heard = self._wish.with_suffix(".heard")
        self._done = 0

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Return the wish's trade, as long as it was not approved."""
        words = self._wish.read_text(encoding="utf-8").split() if self._wish.is_file() else []
        if len(words) != 2 or int(words[0]) <= self._done:
            return
        path = [market.weth, market.token("GEM")]
        amount = int(words[1]) or AMOUNT_WEI
        if int(words[1]):
            path.reverse()
        least = market.quote(path, amount) * 95 // 100
        yield swap(path, amount, least, valid_blocks=10, note=words[0])

    def on_decision(self, decision: Decision, proposal: Proposal) -> None:
        """Take the wish for done once it is approved."""
        if decision.outcome is not Outcome.REFUSED:
            self._done = int(proposal.note)
        self._write("decision", number=int(proposal.note), rule=decision.rule, outcome=decision.outcome)

    def on_trade(self, update: TradeUpdate, proposal: Proposal) -> None:
        """Write it down."""
        self._write("trade", number=int(proposal.note), state=update.state, position=update.position)

    def on_exit(self, update: TradeUpdate) -> None:
        """Write it down."""
        self._write("exit", exit=update.exit, state=update.state, position=update.position)

    def _write(self, what: str, **told: object) -> None:
        with self._heard.open("a", encoding="utf-8") as heard:
            heard.write(json.dumps({"what": what, **told}) + "\n")
