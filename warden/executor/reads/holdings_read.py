"""What a read of the head asks about positions: balances of their tokens, reserves on the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from warden.domain.amm import Hop
from warden.executor.reads import calldata

if TYPE_CHECKING:
    from warden.executor.protocol.events import Watch
    from warden.executor.protocol.terms import Terms
    from warden.executor.reads.pools import Call, Pools
    from warden.runtime.rpc import JsonRpc


class Found(msgspec.Struct, frozen=True):
    """Balances and allowances by token, and reserves along each route; see `HeadRead`."""

    tokens: dict[str, int]
    allowances: dict[str, int]
    routes: dict[tuple[str, ...], tuple[Hop | None, ...]]


class HoldingsRead:
    """The calls for one read, and what their answers say. A refused call is answered with None.

    Raises:
        EndpointFailed, EndpointRefused: the pools of a route that was not looked up before cannot be told.
        ValueError: an answer of the wrong form.
    """

    def __init__(self, rpc: JsonRpc, pools: Pools, terms: Terms, watch: Watch) -> None:
        self._watch = watch
        self._pools = pools
        self._routes = {route: pools.find(rpc, route) for route in watch.routes}
        self.calls: list[Call] = [
            ("eth_call", [{"to": token, "data": data}, "latest"])
            for data in (calldata.balance_of(terms.wallet), calldata.allowance(terms.wallet, terms.router))
            for token in watch.tokens
        ]
        self._reserves = [pools.reserves_calls(found) for found in self._routes.values()]
        self.calls += [call for calls in self._reserves for call in calls]

    def found(self, answers: list[Any]) -> Found:
        """Return what the calls were answered with.

        A token that does not answer is left out: how much is held, or allowed, is unknown then, not zero.
        """
        count = len(self._watch.tokens)
        tokens, allowances = self._uints(answers[:count]), self._uints(answers[count : 2 * count])
        left = answers[2 * count :]
        routes: dict[tuple[str, ...], tuple[Hop | None, ...]] = {}
        for (route, pools), calls in zip(self._routes.items(), self._reserves, strict=True):
            mine, left = left[: len(calls)], left[len(calls) :]
            try:
                routes[route] = self._pools.hops(route, pools, mine)
            except ValueError:
                routes[route] = (None,) * len(pools)
        return Found(tokens, allowances, routes)

    def _uints(self, answers: list[Any]) -> dict[str, int]:
        found: dict[str, int] = {}
        for token, answer in zip(self._watch.tokens, answers, strict=True):
            try:
                found[token] = calldata.uint(answer)
            except ValueError:
                continue
        return found
