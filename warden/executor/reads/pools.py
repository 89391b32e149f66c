"""Reserves of the venue's pools, read by the executor itself: no price is taken from a trader."""

from __future__ import annotations

from decimal import Decimal, localcontext
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from warden.domain.amm import Hop
from warden.domain.money import WEI_PER_ETHER, Wei
from warden.domain.risk.events import MarketPrice
from warden.executor.protocol.price_terms import PriceTerms
from warden.executor.reads import calldata
from warden.executor.reads.agreed import agreed
from warden.executor.reads.second_ways import SecondWays

if TYPE_CHECKING:
    from warden.executor.protocol.price_terms import PricePair
    from warden.runtime.rpc import JsonRpc

_PAIRS_MAX: Final = 256
_WATCHED_MAX: Final = 16
_PRECISION: Final = 60
_NOWHERE: Final = "0x" + "00" * 20

Call = tuple[str, list[Any]]
_NO_SECOND: Final = PriceTerms()


class Pools:
    """The pools that were asked for, by their tokens. Belongs to the thread that reads.

    Args:
        factory: of the venue's pairs.
        weth: the wrapped native token.
        priced_by: where the price in USD comes from; None: from nowhere on the chain.
        prices: who else may tell prices.
    """

    def __init__(
        self,
        factory: str,
        weth: str,
        priced_by: PricePair | None = None,
        prices: PriceTerms = _NO_SECOND,
    ) -> None:
        self.second = SecondWays(factory, weth, prices)
        self._factory = factory
        self._weth = weth
        self._priced_by = priced_by
        self._pairs: dict[tuple[str, str], str] = {}

    def find(self, rpc: JsonRpc, path: tuple[str, ...]) -> tuple[str, ...]:
        """Return the pool of each step of a path, lower case; the zero address where there is none.

        Raises:
            EndpointFailed, EndpointRefused: no usable answer.
            ValueError: an answer of the wrong form.
        """
        steps = [_sorted(sold, bought) for sold, bought in pairwise(path)]
        missing = [tokens for tokens in dict.fromkeys(steps) if tokens not in self._pairs]
        if missing:
            # It is kept for good: no single endpoint may say where a pool stands.
            _, answers = agreed(rpc, [_call(self._factory, calldata.get_pair(*tokens)) for tokens in missing])
            if len(self._pairs) + len(missing) > _PAIRS_MAX:
                self._pairs.clear()
            for tokens, answer in zip(missing, answers, strict=True):
                address = calldata.address(answer)
                if address != _NOWHERE:  # one that does not exist yet may come to be
                    self._pairs[tokens] = address
        return tuple(self._pairs.get(tokens, _NOWHERE) for tokens in steps)

    def reserves_calls(self, pools: tuple[str, ...]) -> list[Call]:
        """Return the calls that read the reserves of these pools."""
        return [_call(pool, calldata.GET_RESERVES) for pool in pools if pool != _NOWHERE]

    @staticmethod
    def hops(path: tuple[str, ...], pools: tuple[str, ...], answers: list[Any]) -> tuple[Hop | None, ...]:
        """Return the pools in a path's direction from their answers; None where there is no pool."""
        found = iter(answers)
        hops: list[Hop | None] = []
        for (sold, bought), pool in zip(pairwise(path), pools, strict=True):
            if pool == _NOWHERE:
                hops.append(None)
                continue
            reserve0, reserve1 = calldata.reserves(next(found))
            forward = sold.lower() < bought.lower()
            hops.append(Hop(*((reserve0, reserve1) if forward else (reserve1, reserve0))))
        return tuple(hops)

    # --- what a head read brings besides

    def price_pool(self, rpc: JsonRpc) -> str:
        """Return the pool that tells the price, empty where none does."""
        if self._priced_by is None:
            return ""
        (pool,) = self.find(rpc, (self._weth, self._priced_by.token))
        return "" if pool == _NOWHERE else pool

    def price_usd(self, answer: object) -> Decimal | None:
        """Return USD for one native coin from the price pool's reserves; None of an empty one."""
        if self._priced_by is None:
            return None
        reserve0, reserve1 = calldata.reserves(answer)
        first = self._weth.lower() < self._priced_by.token.lower()
        return usd_of(*((reserve0, reserve1) if first else (reserve1, reserve0)), self._priced_by)

    def watched(self) -> tuple[str, ...]:
        """Return the pools whose prices are observed: those that were traded through, the newest."""
        return tuple(self._pairs.values())[-_WATCHED_MAX:]


def usd_of(native: int, dollars: int, pair: PricePair) -> Decimal | None:
    """Return USD for one native coin from a pair's reserves; None of an empty one."""
    if not native or not dollars:
        return None
    with localcontext() as context:
        context.prec = _PRECISION
        return Decimal(dollars) * WEI_PER_ETHER / (native * Decimal(10) ** pair.decimals)


def price_of(pool: str, answer: object) -> MarketPrice | None:
    """Return a pool's price from its reserves; None of an empty one.

    Raises:
        ValueError: the answer is not a pair's.
    """
    reserve0, reserve1 = calldata.reserves(answer)
    return MarketPrice(pool, Wei(reserve0), Wei(reserve1)) if reserve0 and reserve1 else None


def _sorted(one: str, other: str) -> tuple[str, str]:
    low, high = sorted((one.lower(), other.lower()))
    return low, high


def _call(to: str, data: str) -> Call:
    return "eth_call", [{"to": to, "data": data}, "latest"]
