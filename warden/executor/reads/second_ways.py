"""Other pools that tell the price of what a route sells: read with each head, traded through by nobody.

A second source is a pair of the same tokens at another factory, or a way through another token at the own
one. Nothing that is wrong with them may keep the head from being read: what does not answer is left out.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.amm import Hop
from warden.executor.protocol.price_terms import Route, SecondPrices
from warden.executor.reads import calldata
from warden.executor.reads.agreed import agreed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.executor.protocol.price_terms import PriceTerms
    from warden.runtime.rpc import JsonRpc

_WAYS_MAX: Final = 4
_ROUTES_MAX: Final = 64
# After so many reads it is looked up anew which pools there are: one may have come to be.
_LOOKED_UP_FOR: Final = 600
_NOWHERE: Final = "0x" + "00" * 20

Call = tuple[str, list[Any]]


class Way(msgspec.Struct, frozen=True):
    """Tokens from the one that is sold to the one that is paid, and the pool of each step."""

    tokens: Route
    pools: tuple[str, ...]


class SecondWays:
    """The second sources of one venue. Belongs to the thread that reads.

    Args:
        factory: the venue's own.
        weth: the wrapped native token.
        prices: who else may tell.
    """

    def __init__(self, factory: str, weth: str, prices: PriceTerms) -> None:
        self._factory = factory
        self._weth = weth
        self._prices = prices
        self._known: dict[Route, tuple[Way, ...]] = {}
        self._left: dict[Route, int] = {}

    def read(self, rpc: JsonRpc, routes: tuple[Route, ...]) -> SecondRead:
        """Return what to ask besides a head for these routes.

        Raises:
            EndpointFailed, EndpointRefused: endpoints do not agree on which pools there are.
        """
        if self._prices.doubts is None:
            return SecondRead({}, None, self._weth)
        ways = {route: self._ways(rpc, route, self._candidates(route)) for route in routes}
        usd = self._prices.second_usd
        paid: tuple[Way, ...] = ()
        if usd is not None:
            pair = (self._weth, usd.token)
            paid = self._ways(rpc, pair, [(self._factory, pair)])
        return SecondRead(ways, paid[0] if paid else None, self._weth)

    def _candidates(self, route: Route) -> list[tuple[str, Route]]:
        """Return factory and tokens of each way that may exist."""
        found = [(factory, route) for factory in self._prices.factories]
        ends = {route[0].lower(), route[-1].lower()}
        if len(route) > 2:  # noqa: PLR2004 - there is a token between the two
            found.append((self._factory, (route[0], route[-1])))
        else:
            bridges = (each for each in self._prices.bridges if each.lower() not in ends)
            found += [(self._factory, (route[0], bridge, route[-1])) for bridge in bridges]
        return found[:_WAYS_MAX]

    def _ways(self, rpc: JsonRpc, route: Route, candidates: list[tuple[str, Route]]) -> tuple[Way, ...]:
        self._left[route] = self._left.get(route, 0) - 1
        if self._left[route] <= 0:
            if len(self._known) >= _ROUTES_MAX:
                self._known.clear()
                self._left.clear()
            self._known[route] = _looked_up(rpc, candidates)
            self._left[route] = _LOOKED_UP_FOR
        return self._known[route]


def _looked_up(rpc: JsonRpc, candidates: list[tuple[str, Route]]) -> tuple[Way, ...]:
    """Return those of the ways of which every pool exists: no single endpoint may say where one stands."""
    calls: list[Call] = [
        _call(factory, calldata.get_pair(*sorted((sold.lower(), bought.lower()))))
        for factory, tokens in candidates
        for sold, bought in pairwise(tokens)
    ]
    if not calls:
        return ()
    _, answers = agreed(rpc, calls, optional=range(len(calls)))
    found, left = [], iter(answers)
    for _, tokens in candidates:
        pools = tuple(_address(next(left)) for _ in pairwise(tokens))
        if _NOWHERE not in pools:
            found.append(Way(tokens, pools))
    return tuple(found)


def _address(answer: object) -> str:
    try:
        return calldata.address(answer)
    except ValueError:
        return _NOWHERE  # no factory stands there, or it does not know the tokens


class SecondRead:
    """The calls for one read, all of them optional, and what their answers say."""

    def __init__(self, ways: dict[Route, tuple[Way, ...]], usd: Way | None, weth: str) -> None:
        self._ways = ways
        self._usd = usd
        self._weth = weth
        each = [way for ways_of in ways.values() for way in ways_of] + ([] if usd is None else [usd])
        self.calls: list[Call] = [_call(pool, calldata.GET_RESERVES) for way in each for pool in way.pools]

    def found(self, answers: list[Any]) -> SecondPrices:
        """Return what the calls were answered with; a way with a pool that does not answer is left out."""
        left = iter(answers)
        ways = {route: tuple(_hops(ways, left)) for route, ways in self._ways.items()}
        usd = () if self._usd is None else tuple(_hops((self._usd,), left))
        return SecondPrices(
            ways={route: each for route, each in ways.items() if each},
            usd_reserves=(usd[0][0].reserve_in, usd[0][0].reserve_out) if usd else None,
        )


def _hops(ways: tuple[Way, ...], left: Iterator[Any]) -> Iterator[tuple[Hop, ...]]:
    for way in ways:
        hops = tuple(_hop(sold.lower() < bought.lower(), next(left)) for sold, bought in pairwise(way.tokens))
        known = tuple(hop for hop in hops if hop is not None)
        if len(known) == len(hops):
            yield known


def _hop(forward: bool, answer: object) -> Hop | None:  # noqa: FBT001 - in which of two directions
    try:
        reserve0, reserve1 = calldata.reserves(answer)
    except ValueError:
        return None
    return Hop(reserve0, reserve1) if forward else Hop(reserve1, reserve0)


def _call(to: str, data: str) -> Call:
    return "eth_call", [{"to": to, "data": data}, "latest"]
