"""Refusals, folded: a strategy that is refused each block for one reason fills neither screen nor journal."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final
from zlib import crc32

from msgspec.structs import replace

from warden.domain.intents import Outcome
from warden.wire.rows import DecisionRow
from warden.wire.telemetry import DecisionLine

if TYPE_CHECKING:
    from warden.domain.intents import Decision, Intent, Proposal
    from warden.executor.protocol.terms import Now

_LINES_MAX: Final = 20
_AGAIN_AFTER_NS: Final = 60 * 1_000_000_000
# What it would have done is the record of a time in which only watching was allowed: closer, and by market.
_OBSERVED_AFTER_NS: Final = 10 * 1_000_000_000
_NOT_NOW: Final = frozenset({"mode", "stop"})
_PERMIT: Final = "permit."
_SELECTOR_BYTES: Final = 4
_RULES_MAX: Final = 64
# Paths are a strategy's to choose: however many it proposes, so many rows each ten seconds.
_SLOTS: Final = 16
_REMEMBERED_MAX: Final = 2_000


class Decisions:
    """The last decisions for the screen, and which of them the journal should hold."""

    def __init__(self) -> None:
        self._lines: deque[DecisionLine] = deque(maxlen=_LINES_MAX)
        self._seen: dict[tuple[str, str, int], tuple[int, int]] = {}
        self._remembered: deque[DecisionLine] = deque(maxlen=_REMEMBERED_MAX)

    def lines(self) -> tuple[DecisionLine, ...]:
        """Return the last decisions, newest first, equal ones in a row folded."""
        return tuple(reversed(self._lines))

    def find(self, wanted: str) -> tuple[DecisionLine, ...]:
        """Return the decisions of intents whose id begins so, oldest first, folded ones too; this run's last.

        Of a whole id there is one at most, unless it was submitted twice.
        """
        return tuple(each for each in self._remembered if each.decision.intent_id.startswith(wanted))

    def note(self, intent: Intent, decision: Decision, now: Now) -> DecisionRow | None:
        """Take a decision in; return the row to journal.

        What is traded has one each: an approval by its signed row, a smaller size by this one. Of refusals a
        rule's first, then one a minute with a count. While nothing at all may be traded: one each ten seconds
        of a market, with what would have been done (FS4).
        """
        self._remembered.append(DecisionLine(time=now.wall, strategy=intent.strategy, decision=decision))
        self._show(intent, decision, now)
        if decision.outcome is Outcome.APPROVED:
            return None
        if decision.outcome is Outcome.REDUCED:
            return DecisionRow(strategy=intent.strategy, trace_id=intent.trace_id, decision=decision, count=1)
        observed = decision.rule in _NOT_NOW or decision.rule.startswith(_PERMIT)
        again_ns = _OBSERVED_AFTER_NS if observed else _AGAIN_AFTER_NS
        key = (intent.strategy, decision.rule, _slot(intent.proposal) if observed else 0)
        last_ns, count = self._seen.get(key, (-again_ns, 0))
        if now.boot_ns - last_ns < again_ns:
            self._seen[key] = (last_ns, count + 1)
            return None
        if len(self._seen) >= _RULES_MAX:
            self._seen.clear()
        self._seen[key] = (now.boot_ns, 0)
        return DecisionRow(
            strategy=intent.strategy,
            trace_id=intent.trace_id,
            decision=decision,
            count=count + 1,
            proposal=_as_told(intent.proposal) if observed else None,
        )

    def _show(self, intent: Intent, decision: Decision, now: Now) -> None:
        last = self._lines[-1] if self._lines else None
        if last is not None and (last.strategy, last.decision.outcome, last.decision.rule) == (
            intent.strategy,
            decision.outcome,
            decision.rule,
        ):
            self._lines[-1] = replace(last, time=now.wall, decision=decision, count=last.count + 1)
            return
        self._lines.append(DecisionLine(time=now.wall, strategy=intent.strategy, decision=decision))


def _slot(proposal: Proposal) -> int:
    """Return which of a strategy's proposals this one is like: the same market's are."""
    return crc32("".join(proposal.swap.path).encode()) % _SLOTS


def _as_told(proposal: Proposal) -> Proposal:
    """Return a proposal as it is written down: of a call's data, which may be long, the selector alone."""
    if proposal.call is None:
        return proposal
    return replace(proposal, call=replace(proposal.call, data=proposal.call.data[:_SELECTOR_BYTES]))
