"""Who hears how a transaction fares: a trade whoever submitted it, an exit the strategy whose position it is.

An exit has no submitter. It is told to the process that said last where its strategy hears: each trader does,
once a second, under the session that the watchdog gave it, and so does each intent. After the executor's own
restart nobody has said so yet: what is to be told then waits, bounded, and is told once, to whoever does. An
exit itself waits for nobody.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from warden.executor.books.settlement import is_trade, update
from warden.executor.protocol.commands import Reply
from warden.wire.messages import Progress
from warden.wire.rows import Purpose

if TYPE_CHECKING:
    from warden.domain.intents import TradeUpdate
    from warden.executor.books.book import Entry
    from warden.executor.protocol.events import Submitted
    from warden.executor.protocol.terms import Terms
    from warden.wire.rows import OutcomeRow

_WAITING_MAX: Final = 64


class Hearers:
    """The process of each strategy, as its intents prove it: one for each pool, so no more than there are."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._latest: dict[str, tuple[str, bytes]] = {}
        # By pool, with the strategy that each is for: what came to pass before anybody listened.
        self._waiting: dict[str, deque[tuple[str, TradeUpdate]]] = {}

    def heard(self, event: Submitted) -> None:
        """Take in where an intent came from; one that no gate let in, or that a bot sent, proves nothing."""
        if event.by_bot:
            return  # it stands for a strategy whose own process is another
        if event.gate is None or event.reduce_gate is None:
            strategy = event.intent.strategy
            self._latest[self._terms.pool_of(strategy)] = (strategy, event.identity)

    def listens(self, strategy: str, identity: bytes) -> list[Reply]:
        """Take in where a strategy hears, proven by its session; return what has waited for it."""
        pool = self._terms.pool_of(strategy)
        self._latest[pool] = (strategy, identity)
        waiting = self._waiting.pop(pool, deque())
        return [Reply(identity, Progress(update=each)) for name, each in waiting if name == strategy]

    def told(self, entry: Entry, row: OutcomeRow, owner: bytes | None) -> list[Reply]:
        """Return whom to tell of a new state: at most one.

        Args:
            entry: the transaction.
            row: its new state.
            owner: who submitted it; None where nobody did, or that is forgotten.
        """
        if entry.signed.purpose is Purpose.EXIT:
            strategy, latest = self._latest.get(entry.signed.pool, ("", None))
            if latest is None:
                waiting = self._waiting.setdefault(entry.signed.pool, deque(maxlen=_WAITING_MAX))
                waiting.append((entry.signed.strategy, update(entry, row)))
            # Of one strategy alone the pool's name is no proof: another one may run by now.
            owner = latest if strategy == entry.signed.strategy else None
        elif not is_trade(entry):
            return []
        return [] if owner is None else [Reply(owner, Progress(update=update(entry, row)))]
