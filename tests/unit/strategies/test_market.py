"""What a strategy asks a market, and what it is refused."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from tests.unit.strategies.samples import DEPTH, ETHER, GEM, USDX, USDX_DEPTH, WETH, market
from warden.domain.amm import Hop, Pool, SwapImpossible


def test_a_token_has_three_names() -> None:
    """Symbol, address in any case, and the token itself."""
    here = market()
    for name in ("USDX", USDX.address, USDX.address.lower(), USDX):
        assert here.token(name) is USDX
    with pytest.raises(LookupError, match="no token 'DOGE', only WETH, USDX, GEM"):
        here.token("DOGE")


def test_a_pool_is_found_from_both_sides() -> None:
    """The order of the two tokens does not matter; where there is none, None."""
    here = market(pools=2)
    assert here.pool("WETH", "USDX") is here.pool(USDX, WETH) is here.pools[0]
    assert here.pool("WETH", "GEM") is None


def test_a_quote_goes_through_every_pool_in_its_direction() -> None:
    """The path's amounts are those of the pools one after another, the contracts' rounding included."""
    first = Hop(DEPTH, USDX_DEPTH).amount_out(ETHER)
    assert market().quote(["WETH", "USDX"], ETHER) == first
    second = Hop(USDX_DEPTH, 40 * DEPTH).amount_out(first)
    assert market().quote([WETH, USDX, GEM], ETHER) == second
    assert market().quote(("GEM", "USDX", "WETH"), ETHER) < second


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (["WETH"], "two tokens at least"),
        ([], "two tokens at least"),
        (["WETH", "GEM"], "no pool of WETH and GEM"),
        (["WETH", "USDX", "WETH"], "each pool once"),
        (["WETH", "WETH"], "no pool of WETH and WETH"),
    ],
)
def test_paths_that_the_router_would_undo_are_refused(path: list[str], says: str) -> None:
    """Too short, without a pool, or through one pool twice: SwapImpossible says which."""
    with pytest.raises(SwapImpossible, match=says):
        market(pools=2).quote(path, ETHER)


def test_a_market_cannot_be_changed() -> None:
    """EX4: a strategy sees a snapshot; neither its fields nor its tables can be written."""
    here = market()
    with pytest.raises(FrozenInstanceError):
        here.block = 5  # type: ignore[misc] # what is shown not to work
    with pytest.raises(TypeError):
        here._named["WETH"] = GEM  # type: ignore[index] # as above
    assert market() == market()


def test_two_pools_of_one_pair_are_refused() -> None:
    """A venue has one pool for each pair; two would make every look-up a matter of luck."""
    here = market()
    twin = Pool("0xp4", USDX.address, WETH.address, 1, 1)
    with pytest.raises(ValueError, match="two pools"):
        replace(here, pools=(*here.pools, twin))
