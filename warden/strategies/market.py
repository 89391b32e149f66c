"""The market at one block, as every strategy sees it; frozen, and the same in every environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

from warden.domain.amm import Hop, Pool, SwapImpossible, Token, route_out

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Market:
    """Everything a strategy may decide from.

    A token is named by its symbol, its address or the `Token` itself.

    Attributes:
        block: its number; all of this is the state after that block.
        timestamp_s: the block's time in Unix seconds: the only time a strategy knows.
        base_fee_wei: the block's base fee for each unit of gas.
        gas_price_wei: what to reckon with for each unit of gas, tip and a rise of the base fee included.
        weth: the token in which money is counted.
        tokens: all that may be traded, `weth` first.
        pools: those that exist and hold something, each pair of tokens once.
        balance_wei: what the wallet holds of `weth`.
        trade_min_wei, trade_max_wei: what one trade may put in; smaller and larger ones are refused. The
            limit on a share of capital is in it. Zero maximum: nothing can be traded now.
    """

    block: int
    timestamp_s: int
    base_fee_wei: int
    gas_price_wei: int
    weth: Token
    tokens: tuple[Token, ...]
    pools: tuple[Pool, ...]
    balance_wei: int
    trade_min_wei: int
    trade_max_wei: int
    _named: Mapping[str, Token] = field(init=False, repr=False, compare=False)
    _pooled: Mapping[frozenset[str], Pool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index tokens and pools.

        Raises:
            ValueError: a pair of tokens has two pools.
        """
        named = {token.symbol: token for token in reversed((self.weth, *self.tokens))}
        named |= {token.address.lower(): token for token in self.tokens}
        pooled = {frozenset((pool.token0.lower(), pool.token1.lower())): pool for pool in self.pools}
        if len(pooled) != len(self.pools):
            raise ValueError("a pair of tokens has two pools")
        object.__setattr__(self, "_named", MappingProxyType(named))
        object.__setattr__(self, "_pooled", MappingProxyType(pooled))

    def token(self, name: Token | str) -> Token:
        """Return a token by symbol or address.

        Raises:
            LookupError: the market has none of that name.
        """
        if isinstance(name, Token):
            return name
        found = self._named.get(name) or self._named.get(name.lower())
        if found is None:
            known = ", ".join(token.symbol for token in self.tokens)
            raise LookupError(f"the market has no token {name!r}, only {known}")
        return found

    def pool(self, one: Token | str, other: Token | str) -> Pool | None:
        """Return the pool of two tokens in any order, None when there is none.

        Raises:
            LookupError: the market does not know one of them.
        """
        pair = (self.token(one).address.lower(), self.token(other).address.lower())
        return self._pooled.get(frozenset(pair))

    def hops(self, path: Sequence[Token | str]) -> tuple[Hop, ...]:
        """Return the pools along a path of tokens, each in the direction of the swap.

        Raises:
            SwapImpossible: fewer than two tokens, no pool between two of them, or one pool twice (its
                reserves would no longer be those of the block).
            LookupError: the market does not know one of them.
        """
        tokens = [self.token(each) for each in path]
        pools = [self._pool_of(one, other) for one, other in pairwise(tokens)]
        if not pools:
            raise SwapImpossible("a path has two tokens at least")
        if len({pool.address for pool in pools}) != len(pools):
            raise SwapImpossible("a path uses each pool once")
        return tuple(pool.hop(token.address) for pool, token in zip(pools, tokens, strict=False))

    def quote(self, path: Sequence[Token | str], amount_in: int) -> int:
        """Return exactly what the router would pay of the path's last token on this block's state.

        Args:
            path: two tokens or more.
            amount_in: of the first, in its smallest unit.

        Raises:
            SwapImpossible: the router would revert.
            LookupError: the market does not know one of them.
        """
        return route_out(self.hops(path), amount_in)

    def _pool_of(self, one: Token, other: Token) -> Pool:
        pool = self.pool(one, other)
        if pool is None:
            raise SwapImpossible(f"there is no pool of {one.symbol} and {other.symbol}")
        return pool
