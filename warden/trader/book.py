"""The intents that are under way, and which proposal each belongs to; bounded, and pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.intents import TradeState
from warden.runtime.clock import NS_PER_S

if TYPE_CHECKING:
    from warden.domain.intents import Intent, Proposal

ASKED_MAX: Final = 32
RUNNING_MAX: Final = 64
# An executor that has not answered this long after an intent ran out will not.
_GRACE_NS: Final = 10 * NS_PER_S

_OVER: Final = frozenset({TradeState.FINAL, TradeState.REJECTED, TradeState.RELEASED})


class Book:
    """Intents that wait for an answer, at most 32, and those that were approved, at most 64."""

    def __init__(self) -> None:
        self._asked: dict[str, Intent] = {}
        self._running: dict[str, Proposal] = {}

    @property
    def full(self) -> bool:
        """Whether no further intent may be sent now."""
        return len(self._asked) >= ASKED_MAX

    def ask(self, intent: Intent) -> None:
        """Remember an intent that is being sent.

        Raises:
            ValueError: the book is full.
        """
        if self.full:
            raise ValueError("too many intents wait for an answer")
        self._asked[intent.intent_id] = intent

    def decide(self, intent_id: str, *, approved: bool) -> Proposal | None:
        """Return the proposal that was decided, None when nobody asked; an approved one is kept."""
        intent = self._asked.pop(intent_id, None)
        if intent is None:
            return None
        if approved:
            while len(self._running) >= RUNNING_MAX:
                del self._running[next(iter(self._running))]
            self._running[intent_id] = intent.proposal
        return intent.proposal

    def follow(self, intent_id: str, state: TradeState) -> Proposal | None:
        """Return the proposal whose trade has come to `state`, None when it is not known (any more)."""
        if state in _OVER:
            return self._running.pop(intent_id, None)
        return self._running.get(intent_id)

    def unanswered(self, now_ns: int) -> list[Intent]:
        """Return and keep as running what was never answered: its fate is unknown, not failed."""
        late = [intent for intent in self._asked.values() if now_ns > intent.not_after_boot_ns + _GRACE_NS]
        for intent in late:
            self.decide(intent.intent_id, approved=True)
        return late
