"""A rule's answer when it refuses: which rule, which limit, what was observed, and what would change it."""

from __future__ import annotations

import msgspec

from warden.domain.intents import Decision, Outcome
from warden.domain.money import Wei


class Refusal(msgspec.Struct, frozen=True):
    """Why something may not be done; `limit` and `observed` are text in `unit` (EX1)."""

    rule: str
    message: str
    limit: str = ""
    observed: str = ""
    unit: str = ""
    setting: str = ""


def refused(intent_id: str, refusal: Refusal) -> Decision:
    """Return the refusal as the decision on one intent."""
    return Decision(
        intent_id=intent_id,
        outcome=Outcome.REFUSED,
        rule=refusal.rule,
        limit=refusal.limit,
        observed=refusal.observed,
        unit=refusal.unit,
        setting=refusal.setting,
        message=refusal.message,
    )


def reduced(intent_id: str, refusal: Refusal, amount_in: int) -> Decision:
    """Return the approval of one intent at a smaller size, with the limit that asked for it."""
    decision = refused(intent_id, refusal)
    return msgspec.structs.replace(decision, outcome=Outcome.REDUCED, amount_in=Wei(amount_in))


def approved(intent_id: str) -> Decision:
    """Return the approval of one intent."""
    return Decision(intent_id=intent_id, outcome=Outcome.APPROVED)
