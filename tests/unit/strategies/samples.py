"""A small market for tests: WETH, USDX of 6 decimals, GEM; every two have a pool."""

from __future__ import annotations

from warden.strategies import Market, Pool, Token

ETHER = 10**18
GWEI = 10**9
WETH = Token("WETH", "0x" + "aA" * 20)
USDX = Token("USDX", "0x" + "bB" * 20, 6)
GEM = Token("GEM", "0x" + "cC" * 20)
DEPTH = 1_000 * ETHER
USDX_DEPTH = 2_000_000 * 10**6


def market(
    *,
    block: int = 100,
    gem_percent: int = 100,
    trade_max_wei: int = 10 * ETHER,
    base_fee_wei: int = GWEI,
    pools: int = 3,
) -> Market:
    """Return the market at fair prices, GEM in the GEM/WETH pool at `gem_percent` of its fair price."""
    listed = (
        Pool("0xp1", WETH.address.lower(), USDX.address, DEPTH, USDX_DEPTH),
        Pool("0xp2", USDX.address, GEM.address, USDX_DEPTH, 40 * DEPTH),
        Pool("0xp3", GEM.address, WETH.address, 40 * DEPTH, DEPTH * gem_percent // 100),
    )
    return Market(
        block=block,
        timestamp_s=1_700_000_000 + block,
        base_fee_wei=base_fee_wei,
        gas_price_wei=2 * base_fee_wei + GWEI,
        weth=WETH,
        tokens=(WETH, USDX, GEM),
        pools=listed[:pools],
        balance_wei=50 * ETHER,
        trade_min_wei=ETHER // 100,
        trade_max_wei=trade_max_wei,
    )
