"""What comes out of strategies that mean no good: named in words, and never sent."""

from __future__ import annotations

import pytest

from tests.strategies.misbehaving import rubbish
from tests.unit.strategies.samples import market
from tests.unit.trader.test_core import START_NS, core, of, seen
from warden.strategies.propose import an
from warden.trader.core import PROPOSALS_MAX, Note, Send
from warden.trader.main import listed


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("a-text", "a str is not a Proposal"),
        ("numbers", "an int is not a Proposal"),
        ("nothing-in-a-list", "a NoneType is not a Proposal"),
        ("nameless", "a Nameless is not a Proposal"),
        ("hollow", "a proposal that cannot be read: AttributeError"),
        ("huge", "amount_in: out of its range"),
        ("negative", "amount_in: out of its range"),
        ("hostile-number", "min_amount_out: out of its range"),
        ("endless-path", "path: 2 to 8 token addresses are wanted"),
    ],
)
def test_each_kind_of_rubbish_is_named(kind: str, why: str) -> None:
    """EX1: a number that agrees with every limit, a thing whose name raises: none gets past."""
    one = core()
    one.see(seen(), START_NS)
    said = listed(rubbish(market())[kind])
    assert said is not None
    commands = one.say(said, START_NS)
    assert of(Send, commands) == []
    assert {note.data["why"] for note in of(Note, commands)} == {why}


@pytest.mark.parametrize(
    ("kind", "name"),
    [("a-number", "an int"), ("one-proposal-bare", "a Proposal"), ("nameless-bare", "a Nameless")],
)
def test_what_is_no_list_is_said_to_be_none(kind: str, name: str) -> None:
    """A bare proposal is the likeliest slip of a newcomer: the words name it."""
    answer = rubbish(market())[kind]
    assert listed(answer) is None
    assert an(answer) == name


def test_an_endless_answer_is_cut_and_nothing_is_an_answer() -> None:
    """One more than the 16 is enough to know that there are too many."""
    assert listed(iter(int, 1)) == [0] * (PROPOSALS_MAX + 1)
    assert listed(None) == []


def test_a_note_holds_nothing_that_a_log_cannot() -> None:
    """Escapes and lone surrogates become blanks."""
    one = core()
    one.see(seen(), START_NS)
    (send,) = of(Send, one.say(rubbish(market())["surrogates"], START_NS))
    assert send.intent.proposal.note == "[2J"
