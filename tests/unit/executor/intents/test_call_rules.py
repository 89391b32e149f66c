"""What a call does, told from its asset changes, and which of it is refused."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.executor.scene import ROUTER, TERMS, TOKEN_A, TOKEN_B, WETH
from warden.domain.intents import Call
from warden.domain.money import Wei
from warden.domain.risk.asset_changes import NATIVE, Allowance, Change, Changes
from warden.executor.intents import call_rules
from warden.executor.intents.call_rules import CallKind, Moves
from warden.executor.protocol.terms import BotTerms

SPENDER = "0x" + "51" * 20
NAMED = msgspec.structs.replace(TERMS, bot=BotTerms(spenders=(SPENDER,)))


def change(token: str, went: int, came: int) -> Change:
    """Return what an honest token did."""
    return Change(token, went, came, came - went)


def changes(*assets: Change, allowances: tuple[Allowance, ...] = (), unique: str = "") -> Changes:
    """Return all that a call would change."""
    return Changes(assets, allowances, (unique,) if unique else ())


def rule(found: Changes, *, most: int = 0, first: bool = False) -> str:
    """Return the rule that refuses a call, empty where it may pass."""
    moves = call_rules.moves(found, NAMED)
    refusal = (
        call_rules.refusal(found, moves, NAMED, most, first=first) if isinstance(moves, Moves) else moves
    )
    return "" if refusal is None else refusal.rule


@pytest.mark.parametrize(
    ("assets", "kind", "token"),
    [
        ((), CallKind.NOTHING, ""),
        ((change(WETH, 5, 7),), CallKind.CYCLE, ""),
        ((change(WETH, 0, 7),), CallKind.CYCLE, ""),
        ((change(WETH, 5, 0), change(TOKEN_A, 0, 9)), CallKind.OPENS, TOKEN_A),
        ((change(WETH, 0, 5), change(TOKEN_A, 9, 0)), CallKind.REDUCES, TOKEN_A),
        ((change(WETH, 0, 0), change(TOKEN_A, 9, 0)), CallKind.REDUCES, TOKEN_A),
    ],
)
def test_what_a_call_does_is_told_by_what_moves(
    assets: tuple[Change, ...], kind: CallKind, token: str
) -> None:
    """EX11: one of four things, each of which the books can follow, and then none is refused as unsaid."""
    found = changes(*assets)
    moves = call_rules.moves(found, TERMS)
    assert isinstance(moves, Moves)
    assert (moves.kind, moves.token) == (kind, token)
    assert rule(found) == ""


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (changes(change(NATIVE, 1, 0)), "call.native"),
        (changes(change(NATIVE, 0, 1)), "call.native"),
        (changes(Change(NATIVE, 0, 0, -1)), "call.native"),
        (changes(change(WETH, 5, 0), change(TOKEN_A, 0, 9), change(TOKEN_B, 0, 1)), "call.shape"),
        (changes(change(TOKEN_A, 9, 0), change(TOKEN_B, 0, 9)), "call.shape"),
        (changes(change(TOKEN_A, 0, 9)), "call.shape"),
        (changes(change(WETH, 5, 5), change(TOKEN_A, 0, 9)), "call.shape"),
        (changes(change(WETH, 5, 7), unique=TOKEN_B), "simulation.takes-too-much"),
        (changes(Change(WETH, 5, 7, 1)), "simulation.token-lies"),
        (changes(change(WETH, 5, 0), Change(TOKEN_A, 0, 9, None)), "simulation.balance-unknown"),
        (changes(change(WETH, 5, 7), change(TOKEN_A, 3, 3)), "simulation.takes-too-much"),
    ],
)
def test_what_the_books_cannot_follow_is_refused(found: Changes, expected: str) -> None:
    """EX11: the native coin, several tokens, gifts, tokens by id, contracts that lie."""
    assert rule(found) == expected


def test_a_token_that_is_bought_is_read_when_it_is_known() -> None:
    """EX11: the first look cannot know its balance; the second must."""
    found = changes(change(WETH, 5, 0), Change(TOKEN_A, 0, 9, None))
    assert rule(found, first=True) == ""
    assert rule(found, first=False) == "simulation.balance-unknown"


@pytest.mark.parametrize(
    ("allowances", "most", "expected"),
    [
        ((Allowance(WETH, SPENDER, 0, 10),), 10, ""),
        ((Allowance(WETH, SPENDER, 10, 0),), 0, ""),
        ((Allowance(WETH, SPENDER, 0, 11),), 10, "call.allowance"),
        ((Allowance(WETH, SPENDER, 0, 2**256 - 1),), 10, "call.allowance"),
        ((Allowance(TOKEN_A, SPENDER, 0, None),), 10, "call.allowance"),
        ((Allowance(WETH, TOKEN_B, 0, 1),), 10, "call.spender"),
        ((Allowance(WETH, ROUTER, 0, 1),), 10, "call.router-allowance"),
        ((Allowance(WETH, SPENDER, 0, 1), Allowance(TOKEN_A, SPENDER, 0, 1)), 10, "simulation.allowance"),
        ((Allowance(WETH, SPENDER, 0, 1), Allowance(WETH, TOKEN_B, 0, 1)), 10, "simulation.allowance"),
    ],
)
def test_allowances_are_named_and_exact(allowances: tuple[Allowance, ...], most: int, expected: str) -> None:
    """EX7: one at a time, to whom the operator named, no more than one trade; never for all."""
    assert rule(changes(allowances=allowances), most=most) == expected


@pytest.mark.parametrize(
    ("went", "came", "gains", "refused"),
    [
        (10_000, 9_700, False, False),
        (10_000, 9_699, False, True),
        (10_000, 0, False, True),
        (0, 0, False, False),
        (10_000, 10_001, True, False),
        (10_000, 10_000, True, True),
        (0, 5, True, False),
    ],
)
def test_what_comes_is_worth_what_leaves(went: int, came: int, *, gains: bool, refused: bool) -> None:
    """EX11: to within the operator's bound; a cycle must bring more."""
    refusal = call_rules.loses(went, came, TERMS, gains=gains)
    assert (refusal is not None) == refused


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (Call(to=TOKEN_A, data=b"1234"), ""),
        (Call(to=TOKEN_A, nonce=7), ""),
        (Call(to=TOKEN_A, nonce=6), "call.nonce"),
        (Call(to=TOKEN_A, nonce=8), "call.nonce"),
        (Call(to=""), "call.to"),
        (Call(to="0x12"), "call.to"),
        (Call(to=TOKEN_A, data=bytes(24_577)), "call.data"),
        (Call(to=TOKEN_A, value_wei=Wei(1)), "call.native"),
    ],
)
def test_a_calls_form_is_looked_at_before_anything_is_asked(call: Call, expected: str) -> None:
    """EX12: no creation, no native coin, no nonce of another mind."""
    refusal = call_rules.shape(call, TERMS, 7)
    assert ("" if refusal is None else refusal.rule) == expected


def test_on_paper_only_swaps_are_filled() -> None:
    """EX4: what an unknown contract would do cannot be filled from reserves."""
    refusal = call_rules.shape(Call(to=TOKEN_A), msgspec.structs.replace(TERMS, sends=False), 0)
    assert refusal is not None
    assert refusal.rule == "call.paper"
