"""The trial of a sale: which approvals it takes, and how what came of it is read."""

from __future__ import annotations

import pytest

from tests.unit.executor.reads.test_asset_logs import word
from tests.unit.executor.scene import TOKEN_A
from warden.executor.reads.round_trips import _trip, approved, steps
from warden.executor.reads.simulation import Result


def said(value: int | str = 0, *, success: bool = True) -> Result:
    """Return a simulated call's result."""
    answer = word(value) if isinstance(value, int) else value
    return Result(success=success, answer=answer, logs=[], gas=10, error="" if success else "reverts")


AMOUNTS = word(32) + word(2)[2:] + word(100)[2:] + word(90)[2:]
# allowance, quote, held, proceeds, sale, held, proceeds, decimals
GOOD = [said(100), said(AMOUNTS), said(105), said(7), said("0x"), said(5), said(97), said(18)]


@pytest.mark.parametrize(
    ("standing", "wanted", "expected"),
    [(0, 5, (5,)), (5, 5, ()), (3, 5, (0, 5)), (7, 5, (0, 5)), (3, 0, (0,)), (0, 0, ())],
)
def test_an_allowance_goes_over_zero(standing: int, wanted: int, expected: tuple[int, ...]) -> None:
    """EX7: some tokens take no other way from one amount to another."""
    assert steps(standing, wanted) == expected


@pytest.mark.parametrize(
    ("result", "works"),
    [
        (said(1), True),
        (said("0x"), True),
        (said(0), False),
        (said("0x12"), False),
        (said(1, success=False), False),
    ],
)
def test_what_an_approval_says(result: Result, works: bool) -> None:  # noqa: FBT001 - a parameter
    """EX7: true or nothing at all; false, rubbish and a revert are none."""
    assert approved(result) == works


def test_a_sale_that_brings_what_the_pool_says() -> None:
    """EX7: amounts are differences of balances, and nothing of what came is left."""
    trip = _trip(TOKEN_A, 100, 100, [said(1)], GOOD)
    assert (trip.paid, trip.came, trip.quoted_wei, trip.sold_wei) == (100, 100, 90, 90)
    assert (trip.failed, trip.kept, trip.exit_gas, trip.decimals) == ("", 0, 20, 18)


@pytest.mark.parametrize(
    ("place", "result", "failed_at", "kept"),
    [
        (0, said(99), "approve", 0),
        (0, said("0x"), "approve", 0),
        (4, said("0x", success=False), "sold", 0),
        (5, said(6), "", 1),
        (5, said(4), "", 1),
        (5, said("0x"), "", 100),
        (2, said("0x"), "", 100),
    ],
)
def test_each_way_to_fail(place: int, result: Result, failed_at: str, kept: int) -> None:
    """EX7: an allowance too small, a sale that reverts, a balance that does not fall by what was sold."""
    rest = [*GOOD[:place], result, *GOOD[place + 1 :]]
    trip = _trip(TOKEN_A, 100, 100, [said(1)], rest)
    assert (trip.failed_at, trip.kept) == (failed_at, kept)
    assert bool(trip.failed) == bool(failed_at)
    assert trip.sold_wei == (0 if failed_at else 90)


def test_what_the_pool_cannot_quote_is_nothing() -> None:
    """EX7: without a quote nobody can tell whether enough came: the rules take it for all lost."""
    rest = [GOOD[0], said("0x", success=False), *GOOD[2:]]
    assert _trip(TOKEN_A, 100, 100, [said(1)], rest).quoted_wei == 0
