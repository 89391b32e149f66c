"""What a strategy says is made into a proposal of our own, or refused with the reason."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.unit.strategies.samples import GEM, WETH
from warden.domain.intents import Proposal, Swap
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.strategies.propose import ProposalInvalid, checked, swap
from warden.wire.codec import decode, encode

GOOD = swap([WETH, GEM.address], 10**18, 5, note="two words")


def test_swap_takes_tokens_and_addresses() -> None:
    """The path becomes addresses, the amounts wei."""
    assert GOOD.swap == Swap((WETH.address, GEM.address), Wei(10**18), Wei(5))
    assert (GOOD.action, GOOD.valid_blocks) == (Action.OPEN, 2)


def test_what_is_good_passes_and_travels() -> None:
    """A proposal built by hand with plain numbers and a list comes out fit for the wire."""
    by_hand = Proposal(swap=Swap([WETH.address, GEM.address], 2**100, 7))  # type: ignore[arg-type] # rough on purpose
    out = checked(by_hand)
    assert decode(encode(out), Proposal) == out
    assert out.swap == Swap((WETH.address, GEM.address), Wei(2**100), Wei(7))
    assert checked(GOOD) == GOOD


@pytest.mark.parametrize("shrinks", [True, False])
def test_whether_it_shrinks_is_handed_on(*, shrinks: bool) -> None:
    """A proposal that would take less still says so when it leaves, and no other does."""
    assert checked(swap([WETH, GEM], 1, 1, shrinks=shrinks)).shrinks is shrinks
    assert not checked(GOOD).shrinks


def test_a_note_is_one_line() -> None:
    """Line breaks and runs of blanks in a note become single blanks: it goes into logs."""
    assert checked(swap([WETH, GEM], 1, 1, note=" a\nb\t c ")).note == "a b c"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"swap": "WETH"}, "swap: a str is not a Swap"),
        ({"action": "open"}, "action: a str is not an Action"),
        ({"valid_blocks": 0}, "valid_blocks: out of its range"),
        ({"valid_blocks": 101}, "valid_blocks: out of its range"),
        ({"valid_blocks": True}, "valid_blocks: a bool is not a whole number"),
        ({"expected_profit_wei": 2**200}, "expected_profit_wei: out of its range"),
        ({"shrinks": 1}, "shrinks: an int is neither True nor False"),
        ({"note": 5}, "note: text of at most 200 characters"),
        ({"note": "x" * 201}, "note: text of at most 200 characters"),
    ],
)
def test_a_field_that_is_wrong_is_named(changes: dict[str, Any], says: str) -> None:
    """Each field's type and range are checked; the reason names the field, not the value."""
    with pytest.raises(ProposalInvalid, match=says):
        checked(msgspec.structs.replace(GOOD, **changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"path": (WETH.address,)}, "path: 2 to 8 token addresses"),
        ({"path": (WETH.address, GEM.address) * 5}, "path: 2 to 8 token addresses"),
        ({"path": WETH.address}, "path: 2 to 8 token addresses"),
        ({"path": (WETH.address, "GEM")}, "path: a token address is 0x and 40 hex digits"),
        ({"path": (WETH.address, GEM)}, "path: a token address is 0x and 40 hex digits"),
        ({"path": (WETH.address, WETH.address.lower())}, "path: a token follows itself"),
        ({"amount_in": 0}, "amount_in: out of its range"),
        ({"amount_in": 1.5}, "amount_in: a float is not a whole number"),
        ({"amount_in": 2**112}, "amount_in: out of its range"),
        ({"min_amount_out": 0}, "min_amount_out: out of its range"),
        ({"min_amount_out": None}, "min_amount_out: a NoneType is not a whole number"),
    ],
)
def test_a_swap_that_is_wrong_is_named(changes: dict[str, Any], says: str) -> None:
    """Paths and amounts too; a swap without a least amount out would enforce nothing on the chain."""
    wrong = msgspec.structs.replace(GOOD, swap=msgspec.structs.replace(GOOD.swap, **changes))
    with pytest.raises(ProposalInvalid, match=says):
        checked(wrong)


@pytest.mark.parametrize("said", [None, "buy", 7, object(), GOOD.swap, [GOOD]])
def test_what_is_no_proposal_is_refused(said: object) -> None:
    """Only a Proposal is one."""
    with pytest.raises(ProposalInvalid, match="is not a Proposal"):
        checked(said)
