"""The size of a trade, at every limit and one wei beside it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warden.domain.risk.position_size import Capital, SizeLimits, check_fee, check_size

ETHER = 10**18
GWEI = 10**9
LIMITS = SizeLimits(
    max_trade_wei=10 * ETHER,
    min_trade_wei=ETHER // 100,
    max_trade_bps=2_000,
    max_exposure_bps=5_000,
    max_fee_wei=200 * GWEI,
    gas_reserve_wei=ETHER // 50,
)
# Share limits that never bind, and absolute ones that never do: each is then tried alone.
WIDE = msgspec.structs.replace(LIMITS, max_trade_bps=10_000, max_exposure_bps=10_000)
LARGE = msgspec.structs.replace(LIMITS, max_trade_wei=10**30)
RICH = Capital(trading_wei=1_000 * ETHER, gas_wei=ETHER)


def rule(
    amount_wei: int,
    exposure_wei: int = 0,
    capital: Capital | None = RICH,
    limits: SizeLimits = LIMITS,
) -> str:
    """Return the rule that refuses, without its prefix; empty when none does."""
    refusal = check_size(amount_wei, exposure_wei, capital, limits)
    return "" if refusal is None else refusal.rule


@pytest.mark.parametrize(
    ("amount_wei", "refused"),
    [
        (ETHER // 100 - 1, "limits.min_trade_eth"),
        (ETHER // 100, ""),
        (10 * ETHER, ""),
        (10 * ETHER + 1, "limits.max_trade_eth"),
        (0, "limits.min_trade_eth"),
        (-1, "limits.min_trade_eth"),
    ],
)
def test_smallest_and_largest_trade(amount_wei: int, refused: str) -> None:
    """PS1: both ends are inclusive; one wei outside is refused."""
    assert rule(amount_wei) == refused


@pytest.mark.parametrize(
    ("amount_wei", "refused"), [(2 * ETHER, ""), (2 * ETHER + 1, "limits.max_trade_percent")]
)
def test_share_of_the_capital(amount_wei: int, refused: str) -> None:
    """PS1: 20 % of ten ether to the wei; a share is rounded up, so that one wei more is more (ES2)."""
    assert rule(amount_wei, capital=Capital(10 * ETHER, ETHER)) == refused


@pytest.mark.parametrize(
    ("exposure_wei", "refused"),
    [
        (3 * ETHER, ""),
        (3 * ETHER + 1, "limits.max_exposure_percent"),
        (50 * ETHER, "limits.max_exposure_percent"),
    ],
)
def test_exposure_together(exposure_wei: int, refused: str) -> None:
    """PS1: what is at stake already counts with the new trade, 50 % of ten ether to the wei."""
    assert rule(2 * ETHER, exposure_wei, Capital(10 * ETHER, ETHER)) == refused


@pytest.mark.parametrize(("amount_wei", "refused"), [(ETHER, ""), (ETHER + 1, "capital.short")])
def test_no_more_than_there_is(amount_wei: int, refused: str) -> None:
    """PS1: a trade above what the wallet holds is refused by that name."""
    assert rule(amount_wei, capital=Capital(ETHER, ETHER), limits=WIDE) == refused


@pytest.mark.parametrize(
    ("gas_wei", "refused"), [(ETHER // 50 - 1, "limits.gas_reserve_eth"), (ETHER // 50, "")]
)
def test_the_gas_reserve_stays(gas_wei: int, refused: str) -> None:
    """EX6: below the reserve for cancels and exits nothing is opened."""
    assert rule(ETHER, capital=Capital(100 * ETHER, gas_wei)) == refused


@pytest.mark.parametrize(
    ("capital", "refused"),
    [
        (None, "capital.unknown"),
        (Capital(0, ETHER), "capital.zero"),
        (Capital(-1, ETHER), "capital.zero"),
        (Capital(1, ETHER), "capital.short"),
    ],
)
def test_no_capital_is_no_missing_figure(capital: Capital | None, refused: str) -> None:
    """ES2's trap: zero is a total loss, unknown is unknown; both refuse, by different names."""
    assert rule(ETHER, capital=capital) == refused


@pytest.mark.parametrize(("fee_wei", "refused"), [(200 * GWEI, False), (200 * GWEI + 1, True)])
def test_the_fee_cap(fee_wei: int, refused: bool) -> None:  # noqa: FBT001 - a table's column
    """EX6: gas at the cap passes, one wei above it does not."""
    assert (check_fee(fee_wei, LIMITS) is not None) is refused


def test_a_refusal_says_limit_observed_and_setting() -> None:
    """EX1: what was compared, in which unit, and which setting changes it."""
    size = check_size(10 * ETHER + ETHER // 2, 0, RICH, LIMITS)
    assert size is not None
    assert (size.limit, size.observed, size.unit, size.setting) == (
        "10.000000",
        "10.500000",
        "ETH",
        "limits.max_trade_eth",
    )
    share = check_size(3 * ETHER, 0, Capital(10 * ETHER, ETHER), LIMITS)
    assert share is not None
    assert (share.limit, share.observed, share.unit) == ("20.00", "30.00", "%")
    fee = check_fee(200 * GWEI + 5 * GWEI // 10, LIMITS)
    assert fee is not None
    assert (fee.limit, fee.observed, fee.unit) == ("200", "200.5", "gwei")


AMOUNTS = st.integers(1, 10**24)


@given(amount=AMOUNTS, exposure=st.integers(0, 10**24), trading=AMOUNTS, gas=st.integers(0, ETHER))
def test_what_passes_is_within_every_limit(amount: int, exposure: int, trading: int, gas: int) -> None:
    """PS1: in exact arithmetic, what breaks a limit is refused, and nothing else is."""
    passes = check_size(amount, exposure, Capital(trading, gas), LIMITS) is None
    assert passes == (
        LIMITS.min_trade_wei <= amount <= LIMITS.max_trade_wei
        and amount <= trading
        and amount * 10_000 <= LIMITS.max_trade_bps * trading
        and (amount + exposure) * 10_000 <= LIMITS.max_exposure_bps * trading
        and gas >= LIMITS.gas_reserve_wei
    )


@given(trading=AMOUNTS, exposure=st.integers(0, 10**24))
def test_the_share_limits_alone_are_exact(trading: int, exposure: int) -> None:
    """PS1: the largest amount that the share allows passes, one wei more does not, at any capital."""
    limits = msgspec.structs.replace(LARGE, min_trade_wei=0, max_exposure_bps=10**9)
    largest = limits.max_trade_bps * trading // 10_000
    capital = Capital(trading, ETHER)
    assert check_size(largest, exposure, capital, limits) is None or exposure * 10_000 > 10**9 * trading
    assert check_size(largest + 1, 0, capital, limits) is not None
