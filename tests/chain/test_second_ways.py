"""Second sources of prices on a real chain: which there are, what they say, what a broken one spoils."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.chain.devnet import call
from tests.chain.gateway import GatewayProcess
from tests.unit.executor.scene import TERMS
from warden.domain.amm import Hop
from warden.domain.risk.doubt import DoubtLimits, compared
from warden.executor.protocol.events import Watch
from warden.executor.protocol.price_terms import PricePair, PriceTerms
from warden.executor.reads import calldata
from warden.executor.reads.chain import read_head
from warden.executor.reads.pools import Pools
from warden.runtime.rpc import JsonRpc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chain.devnet import DevnetProcess
    from warden.executor.protocol.events import HeadRead
    from warden.executor.protocol.terms import Terms

NO_FACTORY = "0x" + "77" * 20
LIMITS = DoubtLimits()


@pytest.fixture(scope="module")
def rpc(shared_devnet: DevnetProcess) -> Iterator[JsonRpc]:
    """A client of a real gateway before the devnet."""
    with GatewayProcess() as gateway:
        gateway.introduce(shared_devnet)
        made = JsonRpc(gateway.url, timeout_s=20)
        yield made
        made.close()


def terms_of(devnet: DevnetProcess, prices: PriceTerms) -> Terms:
    """Return the terms of an executor on this devnet."""
    manifest = devnet.manifest
    return msgspec.structs.replace(
        TERMS, router=manifest.router, weth=manifest.weth, factory=manifest.factory, prices=prices
    )


def looked(devnet: DevnetProcess, rpc: JsonRpc, prices: PriceTerms) -> HeadRead:
    """Read a head with the way on which a position of the devnet's second token is sold."""
    terms = terms_of(devnet, prices)
    pools = Pools(terms.factory, terms.weth, None, prices)
    return read_head(rpc, terms, (), pools, watch=Watch(routes=(route_of(devnet),)))


def route_of(devnet: DevnetProcess) -> tuple[str, ...]:
    """Return the way out of the devnet's second token."""
    return (devnet.manifest.tokens[1].address, devnet.manifest.weth)


def hop(devnet: DevnetProcess, sold: str, bought: str) -> Hop:
    """Return a pair as the chain itself has it, as seen by who sells."""
    manifest = devnet.manifest
    pair = next(
        each
        for each in manifest.pairs
        if {each.token0.lower(), each.token1.lower()} == {sold.lower(), bought.lower()}
    )
    words = call(manifest.node_url, "eth_call", {"to": pair.address, "data": calldata.GET_RESERVES}, "latest")
    reserves = calldata.reserves(words)
    return Hop(*(reserves if sold.lower() < bought.lower() else reserves[::-1]))


def test_ways_through_other_tokens_say_what_the_pool_says(devnet: DevnetProcess, rpc: JsonRpc) -> None:
    """ES2: two ways beside the pool itself, by the very reserves that the chain has of their pairs."""
    tokens, route = devnet.manifest.tokens, route_of(devnet)
    prices = PriceTerms(
        doubts=LIMITS,
        bridges=tuple(each.address for each in tokens),
        second_usd=PricePair(tokens[0].address, tokens[0].decimals),
    )
    head = looked(devnet, rpc, prices)
    (own,), ways = head.routes[route], head.second.ways[route]
    assert own is not None
    gem, weth_address = route
    assert ways == tuple(
        (hop(devnet, gem, bridge.address), hop(devnet, bridge.address, weth_address))
        for bridge in (tokens[0], tokens[2])
    )
    # Other tests on this chain may have moved any of them: it is within what they do.
    found = compared((own,), ways, LIMITS)
    assert found is not None
    assert 5_000 < found.of(10_000) < 20_000
    assert head.second.usd_reserves is not None
    weth, dollars = head.second.usd_reserves
    assert 1_000 < dollars * 10**18 // weth // 10 ** tokens[0].decimals < 4_000


def test_what_is_no_factory_spoils_nothing(devnet: DevnetProcess, rpc: JsonRpc) -> None:
    """ES2: the same pairs at another factory are a second source; an address without a contract is none."""
    route = route_of(devnet)
    prices = PriceTerms(doubts=LIMITS, factories=(NO_FACTORY, devnet.manifest.factory))
    head = looked(devnet, rpc, prices)
    (way,) = head.second.ways[route]
    assert way == head.routes[route]


def test_without_bounds_nobody_else_is_asked(devnet: DevnetProcess, rpc: JsonRpc) -> None:
    """EX1: no second source where prices are believed as they are."""
    bridges = tuple(each.address for each in devnet.manifest.tokens)
    assert looked(devnet, rpc, PriceTerms(bridges=bridges)).second.ways == {}
