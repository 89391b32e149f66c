"""Refusals folded: what the screen shows and what the journal holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from tests.unit.executor.scene import TOKEN_A, WETH, intent
from warden.domain.intents import NO_SWAP, Call
from warden.domain.money import Wei
from warden.domain.risk.refusal import Refusal, approved, reduced, refused
from warden.executor.intents.decisions import Decisions
from warden.executor.protocol.terms import Now

if TYPE_CHECKING:
    from warden.domain.intents import Intent
    from warden.wire.rows import DecisionRow

OBSERVED_NS = 10 * 1_000_000_000
MINUTE_NS = 60 * 1_000_000_000
BEGIN_NS = 10**12


def at(ns: int) -> Now:
    """Return a moment after the beginning."""
    return Now(boot_ns=BEGIN_NS + ns, wall=f"t{ns}", utc_ns=BEGIN_NS + ns)


def note(decisions: Decisions, number: int, rule: str, ns: int = 0) -> DecisionRow | None:
    """Have one refusal noted; return the row to journal."""
    order: Intent = intent(number)
    return decisions.note(order, refused(order.intent_id, Refusal(rule, "no")), at(ns))


def test_the_first_refusal_of_a_rule_is_journalled() -> None:
    """EX1: why, with the intent's trace, at once."""
    row = note(Decisions(), 1, "limits.x")
    assert row is not None
    assert (row.strategy, row.trace_id, row.decision.rule, row.count) == ("test", f"{1:032x}", "limits.x", 1)


def test_the_same_again_is_counted_and_told_once_a_minute() -> None:
    """A strategy refused at each block fills no journal: one row a minute, which says how many."""
    decisions = Decisions()
    note(decisions, 0, "limits.x")
    assert [note(decisions, number, "limits.x", number) for number in range(1, 6)] == [None] * 5
    assert note(decisions, 6, "limits.x", MINUTE_NS - 1) is None
    row = note(decisions, 7, "limits.x", MINUTE_NS)
    assert row is not None
    assert row.count == 7
    assert note(decisions, 8, "limits.x", MINUTE_NS + 1) is None


def test_rules_are_counted_apart() -> None:
    """Another rule is another reason: it is journalled at once."""
    decisions = Decisions()
    note(decisions, 0, "limits.x")
    assert note(decisions, 1, "limits.y") is not None
    assert note(decisions, 2, "limits.x") is None


def test_fs4_while_observing_each_market_s_proposal_is_recorded_each_ten_seconds() -> None:
    """FS4: what it would have done, by market; what came in between is counted."""
    decisions = Decisions()
    first = note(decisions, 1, "mode")
    assert first is not None
    assert first.proposal == intent(1).proposal
    assert note(decisions, 2, "mode", OBSERVED_NS - 1) is None
    again = note(decisions, 3, "mode", OBSERVED_NS)
    assert again is not None
    assert (again.count, again.proposal) == (2, intent(3).proposal)
    other = intent(4, path=(WETH, TOKEN_A, WETH))
    row = decisions.note(other, refused(other.intent_id, Refusal("mode", "no")), at(OBSERVED_NS + 1))
    assert row is not None
    assert row.proposal == other.proposal


def test_fs4_without_a_permit_and_under_a_stop_it_is_recorded_too() -> None:
    """FS4: whatever it is that lets nobody trade; what a limit refuses is no such thing."""
    for rule, recorded in (
        ("stop", True),
        ("permit.none", True),
        ("permit.expired", True),
        ("price.x", False),
    ):
        row = note(Decisions(), 1, rule)
        assert row is not None
        assert (row.proposal is not None) is recorded, rule


def test_fs4_of_a_call_the_selector_is_recorded() -> None:
    """FS4: calldata may be long, and the journal is no place to fill."""
    order = intent(1)
    call = Call(to=WETH, data=bytes(range(200)), value_wei=Wei(7))
    order = replace(order, proposal=replace(order.proposal, swap=NO_SWAP, call=call))
    row = Decisions().note(order, refused(order.intent_id, Refusal("mode", "no")), at(0))
    assert row is not None
    assert row.proposal is not None
    assert row.proposal.call == replace(call, data=bytes(range(4)))


def test_op1a_every_refusal_is_remembered_by_its_id_folded_or_not() -> None:
    """OP1a: the journal folds equal ones; why this very intent was refused can be asked all the same."""
    decisions = Decisions()
    for number in range(3):
        note(decisions, number, "limits.x", number)
    (line,) = decisions.find(f"{2:032x}")
    assert (line.time, line.decision.rule) == ("t2", "limits.x")
    assert len(decisions.find("0" * 31)) == 3
    assert decisions.find("f") == ()


def test_approvals_are_shown_and_not_journalled_here() -> None:
    """An approved intent has its own row: the signed bytes."""
    decisions = Decisions()
    order = intent(1)
    assert decisions.note(order, approved(order.intent_id), at(0)) is None
    (line,) = decisions.lines()
    assert line.decision.intent_id == order.intent_id


def test_each_smaller_trade_is_journalled_with_its_limit() -> None:
    """EX1, OP1a: what was traded at another size than was asked for can be explained, trade by trade."""
    decisions = Decisions()
    for number in range(3):
        order = intent(number)
        because = Refusal("limits.max_trade_eth", "above the largest trade", "0.5", "2", "ETH")
        row = decisions.note(order, reduced(order.intent_id, because, 5), at(number))
        assert row is not None
        assert (row.trace_id, row.decision.limit, row.decision.amount_in) == (order.trace_id, "0.5", 5)


def test_the_screen_folds_equal_ones_in_a_row() -> None:
    """Newest first; equal ones in a row are one line with a count and the last time."""
    decisions = Decisions()
    for number, rule in enumerate(["a", "a", "b", "a"]):
        note(decisions, number, rule, number)
    lines = decisions.lines()
    assert [(line.decision.rule, line.count, line.time) for line in lines] == [
        ("a", 1, "t3"),
        ("b", 1, "t2"),
        ("a", 2, "t1"),
    ]


def test_lines_and_rules_are_bounded() -> None:
    """However many rules a strategy provokes, memory holds twenty lines and a bounded set of counts."""
    decisions = Decisions()
    for number in range(1_000):
        note(decisions, number, f"rule-{number}")
    assert len(decisions.lines()) == 20
    assert len(decisions._seen) <= 64


def test_fs4_a_strategy_that_floods_while_observing_fills_no_journal() -> None:
    """FS4, I5: paths are a strategy's to choose; rows of ten seconds are bounded all the same."""
    decisions = Decisions()
    rows = [
        decisions.note(order, refused(order.intent_id, Refusal("mode", "no")), at(number))
        for number in range(1_000)
        for order in (intent(number, path=(WETH, f"0x{number:040x}", WETH)),)
    ]
    assert 2 <= sum(row is not None for row in rows) <= 16
