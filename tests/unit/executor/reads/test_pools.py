"""Reserves in the direction of a path, and the price that a pool tells."""

from __future__ import annotations

from decimal import Decimal

from warden.domain.amm import Hop
from warden.domain.risk.events import MarketPrice
from warden.executor.protocol.price_terms import PricePair
from warden.executor.reads.pools import Pools, price_of

LOW, HIGH = "0x" + "11" * 20, "0x" + "Ee" * 20
NOWHERE = "0x" + "00" * 20
ETHER = 10**18


def reserves(first: int, second: int) -> str:
    """Return what a pair answers: its reserves by the order of its tokens' addresses."""
    return "0x" + b"".join(each.to_bytes(32, "big") for each in (first, second, 7)).hex()


def test_reserves_come_in_the_direction_of_the_path() -> None:
    """RK1: a pair keeps its tokens by address; a path may go either way, and a step may have no pool."""
    path, pools = (LOW, HIGH, LOW, HIGH), ("0xa", "0xb", NOWHERE)
    assert Pools.hops(path, pools, [reserves(3, 5), reserves(4, 6)]) == (Hop(3, 5), Hop(6, 4), None)


def test_the_price_is_exact_whichever_token_comes_first() -> None:
    """PS1: dollars of six decimals; an empty pool tells no price, and neither does none."""
    for weth, dollar, answer in (
        (LOW, HIGH, reserves(3 * ETHER, 6_001 * 10**6)),
        (HIGH, LOW, reserves(6_001 * 10**6, 3 * ETHER)),
    ):
        told = Pools(NOWHERE, weth, PricePair(dollar, 6)).price_usd(answer)
        assert told is not None
        assert abs(told - Decimal(6_001) / 3) < Decimal("1e-20")
    priced = Pools(NOWHERE, LOW, PricePair(HIGH, 6))
    assert priced.price_usd(reserves(0, 5)) is None
    assert priced.price_usd(reserves(5, 0)) is None
    assert Pools(NOWHERE, LOW).price_usd(reserves(1, 1)) is None


def test_an_empty_pool_has_no_price() -> None:
    """RK1: it is left out rather than taken for worthless."""
    assert price_of("0xa", reserves(2, 3)) == MarketPrice("0xa", 2, 3)  # type: ignore[arg-type] # whole numbers
    assert price_of("0xa", reserves(0, 3)) is None
    assert price_of("0xa", reserves(2, 0)) is None
