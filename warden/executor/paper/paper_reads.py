"""What paper reads of the chain, on the reader's thread: the head, and blocks in which something lands."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.amm import Pool
from warden.domain.errors import EndpointRefused
from warden.domain.fills import Block
from warden.executor.paper.paper_funds import FundedRpc
from warden.executor.protocol.commands import Simulate
from warden.executor.protocol.events import HeadRead, Simulated, SimulationFailed, Watch
from warden.executor.reads import calldata, trial
from warden.executor.reads.chain import read_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from warden.domain.fills import FillModel
    from warden.executor.protocol.terms import Terms
    from warden.executor.reads.pools import Pools
    from warden.runtime.rpc import JsonRpc

# Nodes without an archive keep the state of 128 blocks; what lands deeper than this is not looked for.
_DEPTH_MAX: Final = 64
_NOWHERE: Final = "0x" + "00" * 20


class Waiting(msgspec.Struct, frozen=True):
    """A transaction that may land; `block` is the first in which it could, 0 when that is not known."""

    tx_hash: str
    path: tuple[str, ...]
    block: int


class Landing(msgspec.Struct, frozen=True):
    """The block where a transaction lands, and its path's pools after that; None where there is none."""

    block: Block
    block_hash: str
    pools: tuple[Pool | None, ...]


class PaperAsk(msgspec.Struct, frozen=True):
    """What a read is to bring besides the head.

    Attributes:
        hashes: whose receipts the core wants.
        waiting: what may land.
        blocks: whose hashes are to be looked at again: a reorg shows there.
        watch: the ways on which positions are sold.
    """

    hashes: tuple[str, ...]
    waiting: tuple[Waiting, ...]
    blocks: tuple[int, ...]
    observe: bool
    watch: Watch


class PaperRead(msgspec.Struct, frozen=True):
    """The head, of which the wallet's fields mean nothing, and what was asked for with it."""

    ask: PaperAsk
    head: HeadRead
    landings: dict[str, Landing]
    hashes: dict[int, str]
    routes: dict[tuple[str, ...], tuple[Pool | None, ...]] = {}


class PaperTried(msgspec.Struct, frozen=True):
    """A swap, its path's pools as the chain has them now, and what the chain said of it.

    Attributes:
        found: the pools' addresses.
        seen: of what the wrapped native token pays for; None: nobody was asked.
    """

    order: Simulate
    found: tuple[str, ...]
    pools: tuple[Pool | None, ...]
    seen: Simulated | SimulationFailed | None = None


def read_paper(rpc: JsonRpc, terms: Terms, ask: PaperAsk, pools: Pools) -> PaperRead:
    """Read the head, and what `ask` wants beside it.

    Raises:
        EndpointFailed, EndpointRefused: no usable answer.
        ValueError, KeyError, TypeError: an answer of the wrong form.
    """
    head = read_head(rpc, terms, (), pools, observe=ask.observe)
    due = [(each, each.block or head.block) for each in ask.waiting if each.block <= head.block]
    due = [(each, number) for each, number in due if head.block - number <= _DEPTH_MAX]
    numbers = {number for _, number in due} | {number for number in ask.blocks if number <= head.block}
    headers, landings = _headers(rpc, sorted(numbers)), {}
    for each, number in due:
        if number not in headers:
            continue
        try:
            landings[each.tx_hash] = _landing(rpc, each, headers[number], pools)
        except EndpointRefused:
            # State that no endpoint has (any more): it has not landed as far as anybody can tell.
            continue
    routes = {
        route: read_pools(rpc, route, pools.find(rpc, route), {"blockHash": head.block_hash})
        for route in ask.watch.routes
    }
    hashes = {number: each["hash"] for number, each in headers.items()}
    return PaperRead(ask, head, landings, hashes, routes)


def try_swap(rpc: JsonRpc, pools: Pools, order: Simulate, terms: Terms, model: FillModel) -> PaperTried:
    """Read a swap's pools as they are now; have the chain simulate it where money for it can be had there.

    Raises:
        EndpointFailed, EndpointRefused: no usable answer.
        ValueError: an answer of the wrong form.
    """
    found = pools.find(rpc, order.path)
    stand, wanted, seen = read_pools(rpc, order.path, found, "latest"), calldata.swap_of(order.data), None
    if wanted is not None and order.path[0].lower() == terms.weth.lower():
        funded = FundedRpc(rpc, terms, order, wanted[0], model.gas(len(found)))
        seen = trial.simulate(funded, order, terms.wallet, pools)
    return PaperTried(order, found, stand, seen)


def read_pools(
    rpc: JsonRpc, path: Sequence[str], found: Sequence[str], at: str | dict[str, str]
) -> tuple[Pool | None, ...]:
    """Return the pools of a path at a block, by name or hash (EIP-1898); None where there is none.

    Raises:
        EndpointFailed, EndpointRefused: no usable answer.
        ValueError: an answer of the wrong form.
    """
    calls: list[tuple[str, list[Any]]] = [
        ("eth_call", [{"to": pool, "data": calldata.GET_RESERVES}, at]) for pool in found if pool != _NOWHERE
    ]
    answers = iter(rpc.batch(calls) if calls else [])
    return tuple(
        None if pool == _NOWHERE else _pool(pool, step, next(answers))
        for pool, step in zip(found, pairwise(path), strict=True)
    )


def _pool(address: str, step: tuple[str, str], answer: object) -> Pool:
    reserve0, reserve1 = calldata.reserves(answer)
    token0, token1 = sorted(token.lower() for token in step)
    return Pool(address, token0, token1, reserve0, reserve1)


def _headers(rpc: JsonRpc, numbers: Iterable[int]) -> dict[int, dict[str, Any]]:
    wanted = list(numbers)
    if not wanted:
        return {}
    calls: list[tuple[str, list[Any]]] = [("eth_getBlockByNumber", [hex(each), False]) for each in wanted]
    # Of a block that an endpoint behind the others has not yet there is no header.
    return {number: each for number, each in zip(wanted, rpc.batch(calls), strict=True) if each is not None}


def _landing(rpc: JsonRpc, waiting: Waiting, header: dict[str, Any], pools: Pools) -> Landing:
    found = pools.find(rpc, waiting.path) if waiting.path else ()
    return Landing(
        block=Block(
            number=calldata.quantity(header["number"]),
            timestamp_s=calldata.quantity(header["timestamp"]),
            base_fee_wei=calldata.quantity(header["baseFeePerGas"]),
        ),
        block_hash=header["hash"],
        pools=read_pools(rpc, waiting.path, found, {"blockHash": header["hash"]}) if found else (),
    )
