"""Who hears how a transaction fares: a trade whoever submitted it, an exit the strategy whose position it is.

An exit has no submitter. It is told to the process that the gate last let an intent of that strategy in from:
so after a trader's restart, or the executor's own, from the strategy's next intent on. What cannot be told is
missed: nothing waits for it and nothing is told again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.executor.protocol import Reply
from warden.executor.settlement import is_trade, update
from warden.wire.messages import Progress
from warden.wire.rows import Purpose

if TYPE_CHECKING:
    from warden.executor.book import Entry
    from warden.executor.protocol import Submitted, Terms
    from warden.wire.rows import OutcomeRow


class Hearers:
    """The process of each strategy, as its intents prove it: one for each pool, so no more than there are."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._latest: dict[str, tuple[str, bytes]] = {}

    def heard(self, event: Submitted) -> None:
        """Take in where an intent came from; one that no gate let in, or that a bot sent, proves nothing."""
        if event.by_bot:
            return  # it stands for a strategy whose own process is another
        if event.gate is None or event.reduce_gate is None:
            strategy = event.intent.strategy
            self._latest[self._terms.pool_of(strategy)] = (strategy, event.identity)

    def told(self, entry: Entry, row: OutcomeRow, owner: bytes | None) -> list[Reply]:
        """Return whom to tell of a new state: at most one.

        Args:
            entry: the transaction.
            row: its new state.
            owner: who submitted it; None where nobody did, or that is forgotten.
        """
        if entry.signed.purpose is Purpose.EXIT:
            strategy, latest = self._latest.get(entry.signed.pool, ("", None))
            # Of one strategy alone the pool's name is no proof: another one may run by now.
            owner = latest if strategy == entry.signed.strategy else None
        elif not is_trade(entry):
            return []
        return [] if owner is None else [Reply(owner, Progress(update=update(entry, row)))]
