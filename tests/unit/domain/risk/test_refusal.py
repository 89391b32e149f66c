"""A rule's answer as a decision: nothing of it is lost on the way to screen and journal."""

from __future__ import annotations

from warden.domain.intents import Decision, Outcome
from warden.domain.risk.refusal import Refusal, approved, refused


def test_a_refusal_becomes_a_decision_with_every_field() -> None:
    """EX1: rule, limit, observed value, unit, setting and message arrive as they were."""
    refusal = Refusal("limits.x", "too much", limit="1", observed="2", unit="ETH", setting="limits.x")
    assert refused("intent", refusal) == Decision(
        intent_id="intent",
        outcome=Outcome.REFUSED,
        rule="limits.x",
        limit="1",
        observed="2",
        unit="ETH",
        setting="limits.x",
        message="too much",
    )


def test_an_approval_names_the_intent_alone() -> None:
    """EX1: nothing was compared, so nothing is said."""
    assert approved("intent") == Decision(intent_id="intent", outcome=Outcome.APPROVED)
