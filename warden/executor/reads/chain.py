"""Reads of the chain through the gateway, on a thread of their own: the loop never waits for one."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.errors import EndpointFailed, EndpointRefused
from warden.domain.money import Wei
from warden.executor.protocol.events import Event, HeadRead, Identified, Receipt, UsageRead, Watch
from warden.executor.reads import calldata, l1_fee, trial
from warden.executor.reads.agreed import agreed
from warden.executor.reads.holdings_read import HoldingsRead
from warden.executor.reads.pools import Pools, price_of
from warden.runtime.rpc import JsonRpc
from warden.wire.rows import TokenFlow

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.executor.protocol.commands import Simulate
    from warden.executor.protocol.terms import Terms

_JOBS_MAX: Final = 64
_TIMEOUT_S: Final = 3.0
NOTHING: Final = Watch()


class ReadFailed(msgspec.Struct, frozen=True):
    """A read of the head gave nothing usable."""

    text: str


class ChainReader:
    """One thread that reads; `wake` is an eventfd that becomes readable when `take` has something."""

    def __init__(self, find_url: Callable[[], str | None], terms: Terms) -> None:
        self._find_url = find_url
        self._terms = terms
        self._jobs: deque[Callable[[JsonRpc], Event]] = deque()
        self._results: deque[Event | ReadFailed] = deque(maxlen=4 * _JOBS_MAX)
        self._work = threading.Condition()
        self._closing = False
        self._pools = Pools(terms.factory, terms.weth, terms.priced_by, terms.prices)
        self._rpc: JsonRpc | None = None
        self._url = ""
        self._head_pending = False
        self.wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name="chain-reader", daemon=True)
        self._thread.start()

    def read_head(self, hashes: tuple[str, ...], *, observe: bool = False, watch: Watch = NOTHING) -> None:
        """Ask for the head with the receipts of `hashes`; one at a time, a second request is passed over.

        `observe` asks for the prices of pools that were traded through, too; `watch` for positions.
        """
        if not self._head_pending:
            self._head_pending = self._put(
                lambda rpc: read_head(rpc, self._terms, hashes, self._pools, observe=observe, watch=watch)
            )

    def identify(self) -> None:
        """Ask which chain it is."""
        self._put(_identify)

    def read_usage(self) -> None:
        """Ask the gateway how many calls it has asked of endpoints."""
        self._put(_usage)

    def simulate(self, order: Simulate) -> bool:
        """Ask what a call from the wallet would do; False when too much waits already."""
        return self._put(lambda rpc: trial.simulate(rpc, order, self._terms.wallet, self._pools))

    def ask(self, job: Callable[[JsonRpc, Pools], Any]) -> bool:
        """Have another read done, answered with what it returns; False when too much waits already."""
        return self._put(lambda rpc: job(rpc, self._pools))

    def take(self) -> list[Event | ReadFailed]:
        """Return what was read since the last call."""
        try:
            os.eventfd_read(self.wake)
        except BlockingIOError:
            return []
        results = []
        while self._results:
            result = self._results.popleft()
            if isinstance(result, HeadRead | ReadFailed):
                self._head_pending = False
            results.append(result)
        return results

    def close(self) -> None:
        """End the thread; a read that is under way is left to its timeout."""
        with self._work:
            self._closing = True
            self._work.notify()
        self._thread.join(_TIMEOUT_S)

    def _put(self, job: Callable[[JsonRpc], Event]) -> bool:
        with self._work:
            if len(self._jobs) >= _JOBS_MAX:
                return False
            self._jobs.append(job)
            self._work.notify()
        return True

    def _run(self) -> None:
        while True:
            with self._work:
                while not self._jobs and not self._closing:
                    self._work.wait()
                if self._closing:
                    return
                job = self._jobs.popleft()
            self._results.append(self._do(job))
            os.eventfd_write(self.wake, 1)

    def _do(self, job: Callable[[JsonRpc], Event]) -> Event | ReadFailed:
        try:
            return job(self._client())
        except (EndpointFailed, EndpointRefused, ValueError, KeyError, TypeError, AttributeError) as error:
            # Whatever an endpoint answers, it is an answer that cannot be used, never a crash.
            return ReadFailed(text=f"{type(error).__name__}: {error}"[:300])

    def _client(self) -> JsonRpc:
        url = self._find_url()
        if url is None:
            raise EndpointFailed("the gateway has not said yet where it serves")
        if self._rpc is None or url != self._url:
            if self._rpc is not None:
                self._rpc.close()
            self._rpc, self._url = JsonRpc(url, timeout_s=_TIMEOUT_S), url
        return self._rpc


def read_head(
    rpc: JsonRpc,
    terms: Terms,
    hashes: tuple[str, ...],
    pools: Pools,
    *,
    observe: bool = False,
    watch: Watch = NOTHING,
) -> HeadRead:
    """Read head, fees, nonce, balances, allowance, receipts, prices and what is held, all at one block.

    Raises:
        EndpointFailed, EndpointRefused: no usable answer.
        ValueError, KeyError, TypeError: an answer of the wrong form.
    """
    wallet = terms.wallet
    price_pool = pools.price_pool(rpc)
    priced, watched = ((price_pool,) if price_pool else ()), (pools.watched() if observe else ())
    held = HoldingsRead(rpc, pools, terms, watch)
    second = pools.second.read(rpc, watch.routes)
    optional = held.calls + second.calls
    calls: list[tuple[str, list[Any]]] = [
        ("eth_maxPriorityFeePerGas", []),  # the least that is suggested counts: it is not agreed on
        ("eth_getTransactionCount", [wallet, "latest"]),
        ("eth_getBalance", [wallet, "latest"]),
        ("eth_call", [{"to": terms.weth, "data": calldata.balance_of(wallet)}, "latest"]),
        ("eth_call", [{"to": terms.weth, "data": calldata.allowance(wallet, terms.router)}, "latest"]),
        *l1_fee.calls(terms),
        *pools.reserves_calls(priced + watched),
        *optional,
        *(("eth_getTransactionReceipt", [tx_hash]) for tx_hash in hashes),
    ]
    split = len(priced) + len(watched)
    first = len(calls) - len(hashes) - len(optional)
    block, answers = agreed(rpc, calls, optional=range(first, first + len(optional)))
    tip, nonce, balance, trading, allowance, *rest = answers
    l1_fee_wei, rest = l1_fee.found(terms, rest)
    reserves, receipts = rest[:split], rest[split + len(optional) :]
    answers = rest[split : split + len(optional)]
    found = held.found(answers[: len(held.calls)])
    prices = (price_of(pool, each) for pool, each in zip(watched, reserves[len(priced) :], strict=True))
    return HeadRead(
        block=block.number,
        block_hash=block.hash,
        timestamp_s=block.timestamp_s,
        base_fee_wei=block.base_fee_wei,
        tip_wei=max(calldata.quantity(tip), terms.min_tip_wei),
        nonce=calldata.quantity(nonce),
        gas_balance_wei=calldata.quantity(balance),
        trading_balance_wei=calldata.uint(trading),
        allowance_wei=calldata.uint(allowance),
        receipts={
            tx_hash: _receipt(receipt, terms, watch)
            for tx_hash, receipt in zip(hashes, receipts, strict=True)
        },
        l1_fee_wei=l1_fee_wei,
        price_usd=pools.price_usd(reserves[0]) if priced else terms.fixed_usd,
        prices=tuple(price for price in prices if price is not None),
        tokens=found.tokens,
        routes=found.routes,
        allowances=found.allowances,
        second=second.found(answers[len(held.calls) :]),
    )


def _receipt(receipt: dict[str, Any] | None, terms: Terms, watch: Watch) -> Receipt | None:
    if receipt is None or receipt.get("blockNumber") is None:
        return None
    gave, got = calldata.token_flow(receipt["logs"], terms.weth, terms.wallet)
    flows = calldata.flows_of(receipt["logs"], watch.tokens, terms.wallet)
    # On a chain that pays for data on another (the OP stack) the receipt says how much, beside its own gas.
    l1_fee = calldata.quantity(receipt.get("l1Fee") or "0x0")
    return Receipt(
        tx_hash=receipt["transactionHash"],
        block=calldata.quantity(receipt["blockNumber"]),
        block_hash=receipt["blockHash"],
        success=calldata.quantity(receipt["status"]) == 1,
        gain_wei=got - gave,
        sold_wei=gave,
        bought_wei=got,
        gas_wei=calldata.quantity(receipt["gasUsed"]) * calldata.quantity(receipt["effectiveGasPrice"])
        + l1_fee,
        flows=tuple(TokenFlow(token, Wei(sent), Wei(received)) for token, sent, received in flows),
        l1_fee_wei=l1_fee,
    )


def _identify(rpc: JsonRpc) -> Event:
    chain_id, block = rpc.batch([("eth_chainId", []), ("eth_getBlockByNumber", ["0x0", False])])
    return Identified(chain_id=calldata.quantity(chain_id), genesis=block["hash"])


def _usage(rpc: JsonRpc) -> Event:
    return UsageRead(asked=calldata.quantity(rpc.call("warden_usage")["asked"]))
