"""Judging what a transaction would do by its asset changes, never by what it was said to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warden.domain.risk.asset_changes import (
    NATIVE,
    Allowance,
    Change,
    Changes,
    Declared,
    came,
    judge,
    spend_wei,
    went,
)
from warden.domain.risk.refusal import Refusal

WETH, GEM, ODD = "0xaa", "0xbb", "0xcc"
ROUTER, STRANGER = "0xr0", "0x57"
CYCLE = Declared(gives=WETH, gives_max=100, takes=WETH, takes_min=110, spender=ROUTER)
BUY = Declared(gives=WETH, gives_max=100, takes=GEM, takes_min=5, spender=ROUTER)
APPROVAL = Declared(spender=ROUTER, allows_token=WETH, allows=100)


def changes(
    *assets: Change, allowances: tuple[Allowance, ...] = (), uniques: tuple[str, ...] = ()
) -> Changes:
    """Return changes of a wallet whose native coin stays."""
    return Changes((Change(NATIVE, 0, 0, 0), *assets), allowances, uniques)


def honest(token: str, gone: int, come: int) -> Change:
    """Return a change whose balance agrees with its transfers."""
    return Change(token, gone, come, come - gone)


def rule(found: Refusal | None) -> str:
    """Return which rule refused, empty for none."""
    return "" if found is None else found.rule


def test_what_was_declared_passes() -> None:
    """EX11: a cycle, a purchase and an approval that keep their word, and an airdrop."""
    assert judge(changes(honest(WETH, 100, 110)), CYCLE) is None
    assert judge(changes(honest(WETH, 100, 0), honest(GEM, 0, 5), Change(ODD, 0, 9, None)), BUY) is None
    allowed = Allowance(WETH, ROUTER, 7, 100)
    assert judge(changes(honest(WETH, 0, 0), allowances=(allowed,)), APPROVAL) is None


@pytest.mark.parametrize(
    ("asset", "observed"),
    [
        (honest(WETH, 101, 120), "101"),
        (honest(GEM, 1, 0), "1"),
        (Change(NATIVE, 3, 0, -3), "3"),
    ],
)
def test_nothing_else_may_leave(asset: Change, observed: str) -> None:
    """EX11: more than was said, another token, or the chain's own coin."""
    found = judge(changes(honest(WETH, 100, 110), asset), CYCLE)
    assert found is not None
    assert (found.rule, found.observed) == ("simulation.takes-too-much", observed)


def test_a_token_by_id_may_not_leave() -> None:
    """EX11: what has no amount has no limit, so it stays."""
    assert rule(judge(changes(honest(WETH, 100, 110), uniques=(ODD,)), CYCLE)) == "simulation.takes-too-much"


def test_less_than_the_minimum_is_refused() -> None:
    """EX11: what would come is at least what the intent enforces, with limit and observed."""
    found = judge(changes(honest(WETH, 100, 0), honest(GEM, 0, 4)), BUY)
    assert found is not None
    assert (found.rule, found.limit, found.observed) == ("simulation.brings-too-little", "5", "4")


@pytest.mark.parametrize("counted", [-100, 9, 11])
def test_a_token_whose_balance_disagrees_is_refused(counted: int) -> None:
    """EX7: transfers and balances are two witnesses; where they differ, neither is believed."""
    assert rule(judge(changes(Change(WETH, 100, 110, counted)), CYCLE)) == "simulation.token-lies"


def test_a_balance_that_falls_without_a_transfer_is_seen() -> None:
    """EX7: a token that moves no log takes all the same."""
    silent = Change(GEM, 0, 0, -1)
    assert rule(judge(changes(honest(WETH, 100, 110), silent), CYCLE)) == "simulation.token-lies"


@pytest.mark.parametrize("asset", [Change(WETH, 100, 110, None), Change(ODD, 1, 0, None)])
def test_a_balance_that_cannot_be_read_is_refused(asset: Change) -> None:
    """EX11: of what leaves, or is traded, the balance must be known."""
    assert rule(judge(changes(asset), CYCLE)) == "simulation.balance-unknown"


@pytest.mark.parametrize(
    ("allowance", "passes"),
    [
        (Allowance(WETH, ROUTER, 200, 100), True),  # used up by the trade
        (Allowance(WETH, ROUTER, 100, 100), True),
        (Allowance(WETH, STRANGER, 5, 0), True),  # revoked
        (Allowance(WETH, ROUTER, 100, 101), False),
        (Allowance(GEM, STRANGER, 0, 1), False),
        (Allowance(ODD, STRANGER, 0, None), False),  # an operator of all its tokens
    ],
)
def test_nobody_gets_an_allowance(allowance: Allowance, passes: bool) -> None:  # noqa: FBT001 - a parameter
    """EX11: none that was not there before, to whomever."""
    found = judge(changes(honest(WETH, 100, 110), allowances=(allowance,)), CYCLE)
    assert rule(found) == ("" if passes else "simulation.allowance")


@pytest.mark.parametrize("after", [0, 99, 101])
def test_an_approval_sets_exactly_its_amount(after: int) -> None:
    """EX7: not less, not more, and not nothing at all."""
    allowed = (Allowance(WETH, ROUTER, 0, after),)
    assert rule(judge(changes(honest(WETH, 0, 0), allowances=allowed), APPROVAL)) == "simulation.allowance"
    assert rule(judge(changes(honest(WETH, 0, 0)), APPROVAL)) == "simulation.allowance"


def test_an_approval_moves_nothing() -> None:
    """EX7: a token that takes while it is approved is refused."""
    allowed = (Allowance(WETH, ROUTER, 0, 100),)
    found = judge(changes(honest(WETH, 1, 0), allowances=allowed), APPROVAL)
    assert rule(found) == "simulation.takes-too-much"


AMOUNTS = st.integers(0, 10**30)


@given(AMOUNTS, AMOUNTS, st.integers(-(10**30), 10**30))
def test_what_counts_is_the_worse_of_both(gone: int, come: int, counted: int) -> None:
    """EX11: never less leaves, and never more comes, than either witness says."""
    found = changes(Change(GEM, gone, come, counted))
    assert went(found, GEM) >= max(gone, come - counted)
    assert came(found, GEM) <= min(come, counted + gone)
    assert went(found, ODD) == came(found, ODD) == 0


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_only_what_keeps_every_promise_passes(
    gone: int, come: int, other: int, limit: int, least: int
) -> None:
    """EX11: a random transaction passes exactly when each figure keeps within what was declared."""
    declared = Declared(gives=WETH, gives_max=limit, takes=GEM, takes_min=least)
    found = judge(changes(honest(WETH, gone, 0), honest(GEM, 0, come), honest(ODD, other, 0)), declared)
    assert (found is None) == (gone <= limit and come >= least and other == 0)


def test_what_leaves_is_valued_or_refused() -> None:
    """EX11: any contract's spend in wei; a token that nobody can value is not spent."""
    found = changes(honest(WETH, 10, 3), honest(GEM, 4, 0))
    assert spend_wei(found, lambda token, amount: amount * (5 if token == GEM else 1)) == 30
    refused = spend_wei(found, lambda token, amount: None if token == GEM else amount)
    assert isinstance(refused, Refusal)
    assert (refused.rule, refused.observed) == ("simulation.unvalued", "4")
