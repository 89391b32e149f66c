"""Reads the market of one block through the gateway: header, every pool's reserves, the wallet's balance."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.amm import RESERVE_MAX, Pool, Token
from warden.domain.errors import EndpointFailed
from warden.domain.money import ether_to_wei
from warden.strategies.market import Market
from warden.trader import calldata

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.runtime.rpc import JsonRpc
    from warden.runtime.settings_limits import LimitSettings
    from warden.runtime.venue import Venue

# The base fee may rise by an eighth a block; twice of it lasts six blocks.
_BASE_FEES: Final = 2
_NO_PAIR: Final = "0x" + "0" * 40


class Limits(msgspec.Struct, frozen=True):
    """What one trade may put in: absolute amounts in wei, and the most of the wallet's balance in percent."""

    trade_min_wei: int
    trade_max_wei: int
    trade_max_percent: int


def limits_of(settings: LimitSettings) -> Limits:
    """Return the limits that a strategy is told; the executor enforces its own, whatever it was told."""
    return Limits(
        trade_min_wei=ether_to_wei(settings.min_trade_eth),
        trade_max_wei=ether_to_wei(settings.max_trade_eth),
        trade_max_percent=settings.max_trade_percent,
    )


class MarketReader:
    """Reads one venue through one connection, whose waits are its own; belongs to one thread.

    Args:
        rpc: the connection.
        venue: what is read.
        wallet: whose balance is read.
        limits: what one trade may put in.
        paper_wei: tells what the paper wallet holds, which no chain knows; None where the chain says it.
    """

    def __init__(
        self,
        rpc: JsonRpc,
        venue: Venue,
        wallet: str,
        limits: Limits,
        paper_wei: Callable[[], int] | None = None,
    ) -> None:
        self._rpc = rpc
        self._paper_wei = paper_wei
        self._wallet = wallet
        self._limits = limits
        self._factory = venue.factory
        self._weth = Token("WETH", venue.weth)
        listed = tuple(Token(each.symbol, each.address, each.decimals) for each in venue.tokens)
        others = tuple(token for token in listed if token.address.lower() != venue.weth.lower())
        self._tokens = (self._weth, *others)
        self._pairs: tuple[Pool, ...] | None = None

    def head(self) -> int:
        """Return the newest block's number.

        Raises:
            EndpointFailed, EndpointRefused: the gateway could not say.
        """
        return calldata.quantity(self._rpc.call("eth_blockNumber"))

    def market(self, block: int) -> Market:
        """Return the market after block number `block`, all of it read at that block.

        Raises:
            EndpointFailed, EndpointRefused: the gateway could not say.
        """
        pairs = self._known_pairs()
        at = hex(block)
        calls: list[tuple[str, list[Any]]] = [
            ("eth_getBlockByNumber", [at, False]),
            ("eth_maxPriorityFeePerGas", []),
            ("eth_call", [{"to": self._weth.address, "data": calldata.balance_of(self._wallet)}, at]),
        ]
        calls += [("eth_call", [{"to": pair.address, "data": calldata.GET_RESERVES}, at]) for pair in pairs]
        header, tip, balance, *reserves = self._rpc.batch(calls)
        if not isinstance(header, dict) or calldata.quantity(header.get("number")) != block:
            raise EndpointFailed(f"block {block} is not there yet")
        pools = []
        for pair, answer in zip(pairs, reserves, strict=True):
            reserve0, reserve1 = calldata.uints(answer, 2)
            if max(reserve0, reserve1) > RESERVE_MAX:
                raise EndpointFailed(f"pool {pair.address} answered with impossible reserves")
            if reserve0 and reserve1:
                pools.append(msgspec.structs.replace(pair, reserve0=reserve0, reserve1=reserve1))
        base_fee_wei = calldata.quantity(header.get("baseFeePerGas", "0x0"))
        balance_wei = calldata.uints(balance, 1)[0] if self._paper_wei is None else self._paper_wei()
        return Market(
            block=block,
            timestamp_s=calldata.quantity(header.get("timestamp")),
            base_fee_wei=base_fee_wei,
            gas_price_wei=_BASE_FEES * base_fee_wei + calldata.quantity(tip),
            weth=self._weth,
            tokens=self._tokens,
            pools=tuple(pools),
            balance_wei=balance_wei,
            trade_min_wei=self._limits.trade_min_wei,
            trade_max_wei=min(
                self._limits.trade_max_wei, balance_wei * self._limits.trade_max_percent // 100
            ),
        )

    def close(self) -> None:
        """Close the connection."""
        self._rpc.close()

    def _known_pairs(self) -> tuple[Pool, ...]:
        """Return the venue's pairs, looked up once; reserves are filled in for each block."""
        if self._pairs is None:
            # The contract orders a pair's tokens by address.
            ordered = [
                sorted((one.address, other.address), key=str.lower)
                for one, other in combinations(self._tokens, 2)
            ]
            calls: list[tuple[str, list[Any]]] = [
                ("eth_call", [{"to": self._factory, "data": calldata.get_pair(*both)}, "latest"])
                for both in ordered
            ]
            found = [calldata.address(answer) for answer in self._rpc.batch(calls)] if calls else []
            self._pairs = tuple(
                Pool(pair, token0, token1, 0, 0)
                for pair, (token0, token1) in zip(found, ordered, strict=True)
                if pair != _NO_PAIR
            )
        return self._pairs
