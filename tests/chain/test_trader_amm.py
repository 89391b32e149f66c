"""The trader's arithmetic against the real Router02: quotes, and what the best cycle really pays."""

from __future__ import annotations

import random
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from tests.chain.devnet import ETHER, DevnetProcess, call, quantity
from tests.chain.trader_peers import push
from tests.chain.uniswap import NO_DEADLINE, amounts_out, balance, encoded, send
from warden.domain.amm import SwapImpossible, Token, best_input, cycle_profit, rounding_max
from warden.runtime.rpc import JsonRpc
from warden.runtime.venue import Endpoint, Venue
from warden.strategies.triangular import TriangularArbitrage
from warden.trader.reader import Limits, MarketReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eth_account.signers.local import LocalAccount

LIMITS = Limits(trade_min_wei=ETHER // 100, trade_max_wei=50 * ETHER, trade_max_percent=100)


@pytest.fixture
def wallet(devnet: DevnetProcess) -> LocalAccount:
    """A wallet with 100 WETH."""
    return devnet.account(eth_wei=10 * ETHER, weth_wei=100 * ETHER)


@pytest.fixture
def reader(devnet: DevnetProcess, wallet: LocalAccount) -> Iterator[MarketReader]:
    """The trader's own reader on the devnet."""
    manifest = devnet.manifest
    venue = Venue(
        chain_id=manifest.chain_id,
        genesis=manifest.genesis,
        router=manifest.router,
        factory=manifest.factory,
        weth=manifest.weth,
        tokens=tuple(Token(each.symbol, each.address, each.decimals) for each in manifest.tokens),
        endpoints=tuple(Endpoint(each.name, each.url) for each in manifest.endpoints),
    )
    made = MarketReader(JsonRpc(devnet.url("devnet-a"), timeout_s=30), venue, wallet.address.lower(), LIMITS)
    yield made
    made.close()


def test_the_market_is_what_stands_on_the_chain(
    devnet: DevnetProcess, wallet: LocalAccount, reader: MarketReader
) -> None:
    """Every pair is found through the factory; reserves, header and balance are those of the one block."""
    manifest = devnet.manifest
    market = reader.market(reader.head())
    header = call(manifest.node_url, "eth_getBlockByNumber", hex(market.block), False)
    assert (market.timestamp_s, market.base_fee_wei) == (
        int(header["timestamp"], 16),
        int(header["baseFeePerGas"], 16),
    )
    tip_wei = quantity(manifest.node_url, "eth_maxPriorityFeePerGas")
    assert market.gas_price_wei == 2 * market.base_fee_wei + tip_wei
    assert market.balance_wei == balance(manifest.node_url, manifest.weth, wallet.address) == 100 * ETHER
    assert market.trade_max_wei == 50 * ETHER
    assert {pool.address for pool in market.pools} == {pair.address.lower() for pair in manifest.pairs}
    for pool in market.pools:
        assert pool.reserve0 == balance(manifest.node_url, pool.token0, pool.address)
        assert pool.reserve1 == balance(manifest.node_url, pool.token1, pool.address)


def test_quotes_are_the_routers_own(devnet: DevnetProcess, reader: MarketReader) -> None:
    """EX5: for every path of two to four tokens and amounts of all sizes, to the last unit."""
    amounts = random.Random(11)
    market = reader.market(reader.head())
    router = devnet.manifest.router
    asked = 0
    for length in (2, 3, 4):
        for path in permutations([token.address for token in market.tokens], length):
            amount = amounts.randrange(1, 10 ** amounts.randrange(1, 24))
            try:
                quoted = market.quote(path, amount)
            except SwapImpossible:
                continue  # an amount that a pool on the way rounds down to nothing
            expected = amounts_out(devnet.manifest.node_url, router, amount, path)[-1]
            assert expected == quoted
            asked += 1
    assert asked > 30


def test_amounts_in_are_the_routers_own(devnet: DevnetProcess, reader: MarketReader) -> None:
    """What must be paid for an amount is what getAmountsIn asks for, to the last unit."""
    market = reader.market(reader.head())
    for one, other in permutations(market.tokens, 2):
        pool = market.pool(one, other)
        assert pool is not None
        for wanted in (1, 12_345, ETHER):
            data = encoded("getAmountsIn(uint256,address[])", wanted, [one.address, other.address])
            raw = call(
                devnet.manifest.node_url, "eth_call", {"to": devnet.manifest.router, "data": data}, "latest"
            )
            # The answer is an array: offset, length, then the amounts; the first is what goes in.
            assert int(raw[2 + 2 * 64 : 2 + 3 * 64], 16) == pool.hop(one.address).amount_in(wanted)


def test_the_shipped_strategy_earns_what_it_claims(
    devnet: DevnetProcess, wallet: LocalAccount, reader: MarketReader
) -> None:
    """EX5: the proposed cycle, executed by the real router, pays exactly the claimed profit before gas.

    The same call with a pay that is one unit higher is undone by `amountOutMin`: the profit is enforced
    on the chain.
    """
    manifest = devnet.manifest
    weth = manifest.weth
    approve = encoded("approve(address,uint256)", manifest.router, 10**30)
    send(devnet, "devnet-a", wallet, to=weth, data=approve)
    push(devnet, weth, manifest.tokens[0].address, 3)
    market = reader.market(reader.head())
    gas_units = 300_000
    (proposal,) = TriangularArbitrage(gas_units=gas_units).on_block(market)
    trade = proposal.swap
    gas_wei = gas_units * market.gas_price_wei
    claimed = proposal.expected_profit_wei + gas_wei
    assert trade.path[0] == trade.path[-1] == weth
    before = balance(manifest.node_url, weth, wallet.address)
    receipts = []
    for nonce, (least, status) in enumerate(
        ((trade.amount_in + claimed + 1, "0x0"), (trade.amount_in + claimed, "0x1")), start=1
    ):
        data = encoded(
            "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)",
            *(trade.amount_in, least, list(trade.path), wallet.address, NO_DEADLINE),
        )
        receipts.append(send(devnet, "devnet-a", wallet, nonce=nonce, to=manifest.router, data=data))
        assert receipts[-1]["status"] == status
    assert balance(manifest.node_url, weth, wallet.address) - before == claimed
    assert trade.amount_in < trade.min_amount_out <= trade.amount_in + claimed
    assert int(receipts[-1]["gasUsed"], 16) <= gas_units
    after = reader.market(quantity(manifest.node_url, "eth_blockNumber"))
    hops = after.hops(trade.path)
    left = best_input(hops, LIMITS.trade_max_wei)
    assert left == 0 or cycle_profit(hops, left) <= rounding_max(hops), "the cycle is used up"


def test_a_market_of_another_block_is_read_at_that_block(devnet: DevnetProcess, reader: MarketReader) -> None:
    """Reserves are pinned to the number asked for: an older block gives the older reserves."""
    manifest = devnet.manifest
    before = reader.market(reader.head())
    push(devnet, manifest.tokens[1].address, manifest.weth, 1)
    after = reader.market(reader.head())
    again = reader.market(before.block)
    assert again.pools == before.pools
    assert after.pools != before.pools
