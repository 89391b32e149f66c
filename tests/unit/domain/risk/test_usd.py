"""USD beside wei: exact, rounded to the safe side, and no price where there is none."""

from __future__ import annotations

from decimal import Decimal

import pytest

from warden.domain.risk.usd import format_usd, micro_usd_of, quote_of, wei_of

ETHER = 10**18
USD = 10**6


@pytest.mark.parametrize("usd", ["NaN", "Infinity", "-Infinity", "0", "-1", "1e-10", "1e13", "1e999999"])
def test_what_is_no_price_is_unknown(usd: str) -> None:
    """PS1: a price that cannot be true is none, so that what needs one refuses."""
    assert quote_of(Decimal(usd)) is None


@pytest.mark.parametrize("usd", ["1e-9", "0.3", "2000", "3141.592653589793", "1e12"])
def test_a_price_is_an_exact_ratio(usd: str) -> None:
    """PS1: no digit of a price is lost."""
    quote = quote_of(Decimal(usd))
    assert quote is not None
    assert Decimal(quote.numerator) / Decimal(quote.denominator) == Decimal(usd)


def test_a_limit_is_rounded_down_and_what_is_seen_up() -> None:
    """PS1: at a price of 3 USD, one USD is a third of an ether, rounded to the safe side."""
    quote = quote_of(Decimal(3))
    assert quote is not None
    limit = wei_of(USD, quote)
    assert limit == ETHER // 3
    assert micro_usd_of(limit, quote) == USD
    assert micro_usd_of(limit + 1, quote) == USD + 1


@pytest.mark.parametrize(
    ("micro_usd", "text"),
    [
        (0, "0.00"),
        (500 * USD, "500.00"),
        (12_340_000, "12.34"),
        (500 * USD + 1, "500.000001"),
        (-5 * USD, "-5.00"),
    ],
)
def test_usd_as_text(micro_usd: int, text: str) -> None:
    """EX1: an amount over a limit by a millionth shows as over it."""
    assert format_usd(micro_usd) == text
