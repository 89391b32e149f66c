"""Whether what is bought could be sold again: honeypots, taxes, tokens that lie."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warden.domain.risk.round_trip import RoundTrip, judge

GOOD = RoundTrip("0xaa", paid=1_000, came=1_000, quoted_wei=900, sold_wei=900, decimals=18)


def rule(trip: RoundTrip, max_tax_bps: int = 0, decimals: int | None = 18) -> str:
    """Return which rule refuses it, empty for none."""
    found = judge(trip, max_tax_bps, decimals)
    return "" if found is None else found.rule


def test_what_sells_for_what_the_pool_says_passes() -> None:
    """EX7: an honest token, named in the settings or not."""
    assert rule(GOOD) == rule(GOOD, decimals=None) == ""


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"failed": "reverts", "failed_at": "sold"}, "simulation.honeypot"),
        ({"failed": "answers false", "failed_at": "approve"}, "simulation.honeypot"),
        ({"came": 0}, "simulation.brings-nothing"),
        ({"came": 999}, "simulation.token-tax"),
        ({"sold_wei": 899}, "simulation.token-tax"),
        ({"sold_wei": 0}, "simulation.token-tax"),
        ({"paid": 0}, "simulation.token-tax"),
        ({"quoted_wei": 0}, "simulation.token-tax"),
        ({"kept": 1}, "simulation.token-lies"),
        ({"decimals": 6}, "simulation.metadata"),
        ({"decimals": None}, "simulation.metadata"),
    ],
)
def test_each_bad_token_has_its_rule(changed: dict[str, int | str | None], expected: str) -> None:
    """EX7: one difference from an honest token each, and the rule that names it."""
    assert rule(msgspec.structs.replace(GOOD, **changed)) == expected


def test_a_tax_within_the_setting_passes() -> None:
    """EX7: an operator may accept a tax, on the way in and on the way out, up to a limit that is named."""
    taxed = msgspec.structs.replace(GOOD, came=950, sold_wei=855)
    assert rule(taxed, 500) == ""
    found = judge(taxed, 499, 18)
    assert found is not None
    assert (found.rule, found.limit, found.observed, found.setting) == (
        "simulation.token-tax",
        "499",
        "500",
        "execution.max_token_tax_percent",
    )


def test_a_unit_of_a_large_amount_is_a_tax_too() -> None:
    """EX7: far below a basis point, and above a limit of zero all the same."""
    barely = msgspec.structs.replace(GOOD, paid=10**18, came=10**18 - 1)
    assert rule(barely) == "simulation.token-tax"
    assert rule(barely, 1) == ""


@given(st.integers(1, 10**24), st.integers(0, 10**24), st.integers(0, 10_000))
def test_a_tax_is_never_rounded_away(paid: int, came: int, limit: int) -> None:
    """EX7: one unit too little is above a limit of zero; the limit itself is exact."""
    trip = msgspec.structs.replace(GOOD, paid=paid, came=max(1, came))
    passes = (paid - max(1, came)) * 10_000 <= limit * paid
    assert (rule(trip, limit) == "") == passes
