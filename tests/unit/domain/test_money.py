"""Money is exact."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warden.domain.money import BPS_ONE, Wei, ether_to_wei, format_ether, share_bps, wei_to_ether

AMOUNTS = st.integers(-(2**255), 2**256 - 1)


@given(AMOUNTS)
def test_ether_and_wei_are_the_same_amount(amount_wei: int) -> None:
    """Up to 256 bits, to the last wei."""
    assert ether_to_wei(wei_to_ether(amount_wei)) == amount_wei


def test_examples_by_hand() -> None:
    """What everyone knows."""
    assert ether_to_wei(Decimal(1)) == 10**18
    assert ether_to_wei(Decimal("0.000000000000000001")) == 1
    assert wei_to_ether(1) == Decimal("1e-18")
    assert str(wei_to_ether(2**255 - 1)).endswith(str(2**255 - 1)[-18:])


@pytest.mark.parametrize("amount", ["1e-19", "1.0000000000000000001", "NaN", "Infinity", "-Infinity", "sNaN"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    """Finer than a wei, or no number: never rounded in silence."""
    with pytest.raises(ValueError, match=r"wei|ether"):
        ether_to_wei(Decimal(amount))


@pytest.mark.parametrize(
    ("amount_wei", "places", "signed", "text"),
    [
        (0, 6, False, "0.000000"),
        (10**18, 6, False, "1.000000"),
        (10**18 - 1, 6, False, "0.999999"),
        (-(10**18 - 1), 6, False, "-0.999999"),
        (1_999_999_999_999_999_999, 0, False, "1"),
        (5 * 10**17, 4, True, "+0.5000"),
        (-5 * 10**17, 4, True, "-0.5000"),
        (1, 18, False, "0.000000000000000001"),
        (123_456_789 * 10**18, 2, False, "123456789.00"),
    ],
)
def test_ether_for_people(amount_wei: int, places: int, *, signed: bool, text: str) -> None:
    """Rounded towards zero: a screen never shows more than there is."""
    assert format_ether(amount_wei, places=places, signed=signed) == text


@given(AMOUNTS, st.integers(0, 18))
def test_a_shown_amount_is_never_larger_than_the_true_one(amount_wei: int, places: int) -> None:
    """And is off by less than one unit of its last place."""
    shown = Decimal(format_ether(amount_wei, places=places))
    true = wei_to_ether(amount_wei)
    assert abs(shown) <= abs(true)
    assert ether_to_wei(shown) - amount_wei < 10 ** (18 - places)
    assert amount_wei - ether_to_wei(shown) < 10 ** (18 - places)


@given(st.integers(0, 2**128), st.integers(1, 2**128))
def test_a_share_is_rounded_up_so_that_a_limit_is_met_early(part: int, whole: int) -> None:
    """Both sides: it is enough, and one basis point less would not be."""
    share = share_bps(part, whole)
    assert share * whole >= part * BPS_ONE
    assert (share - 1) * whole < part * BPS_ONE


@pytest.mark.parametrize("whole", [0, -1])
def test_no_share_of_nothing(whole: int) -> None:
    """A capital of zero is an error, not a share of zero (ES2's trap)."""
    with pytest.raises(ValueError, match="no share"):
        share_bps(1, whole)


def test_wei_is_an_int() -> None:
    """Arithmetic on it needs nothing of its own."""
    assert Wei(5) + 1 == 6
    assert isinstance(Wei(5), int)
    assert Wei(str(2**256)) == 2**256
