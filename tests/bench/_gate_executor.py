"""The executor as it is, but for its reads of the chain: those are answered at once, without any network.

`python -m tests.bench._gate_executor --home HOME`; started by tests/bench/gate.py.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING

from warden.domain.amm import Hop
from warden.domain.roles import Role
from warden.executor import main as executor
from warden.executor import trading
from warden.executor.protocol.events import Event, HeadRead, Identified, Receipt, Simulated, Watch
from warden.runtime.process import run

if TYPE_CHECKING:
    from warden.executor.protocol.commands import Simulate
    from warden.executor.protocol.terms import Terms

GAS = 200_000
ETHER = 10**18
GWEI = 10**9
GENESIS_TIME_S = 1_000


class PremadeReader:
    """Stands in the chain reader's place; every transaction that is asked for has just been mined."""

    def __init__(self, _find_url: object, terms: Terms) -> None:
        self._terms = terms
        self._results: deque[Event] = deque()
        self._mined: dict[str, Receipt] = {}
        self._block = 0
        self.wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def read_usage(self) -> None:
        """Nobody was asked anything."""

    def identify(self) -> None:
        """Answer with the chain that the terms name."""
        self._put(Identified(chain_id=self._terms.chain_id, genesis=self._terms.genesis))

    def read_head(self, hashes: tuple[str, ...], *, observe: bool = False, watch: Watch) -> None:  # noqa: ARG002 - the reader's own
        """Answer with the next block; what was not asked for before is in it."""
        self._block += 1
        block_hash = f"0x{self._block:064x}"
        for each in hashes:
            mined = Receipt(each, self._block, block_hash, success=True, gain_wei=2, gas_wei=1, bought_wei=2)
            self._mined.setdefault(each, mined)
        self._put(
            HeadRead(
                block=self._block,
                block_hash=block_hash,
                timestamp_s=GENESIS_TIME_S,
                base_fee_wei=GWEI,
                tip_wei=GWEI,
                nonce=len(self._mined),
                gas_balance_wei=100 * ETHER,
                trading_balance_wei=100 * ETHER,
                allowance_wei=100 * ETHER,
                receipts={each: self._mined[each] for each in hashes},
                price_usd=self._terms.fixed_usd,
            )
        )

    def simulate(self, order: Simulate) -> bool:
        """Answer that it would succeed, in pools that hardly notice it."""
        steps = len(order.path) - 1
        pools = tuple(f"0x{number:040x}" for number in range(steps))
        hops = (Hop(10**6 * ETHER, 1_005 * 10**3 * ETHER),) * steps
        self._put(Simulated(order.intent_id, gas=GAS, pools=pools, hops=hops))
        return True

    def take(self) -> list[Event]:
        """Return what was answered since the last call."""
        try:
            os.eventfd_read(self.wake)
        except BlockingIOError:
            return []
        return [self._results.popleft() for _ in range(len(self._results))]

    def close(self) -> None:
        """There is nothing to end."""

    def _put(self, answer: Event) -> None:
        self._results.append(answer)
        os.eventfd_write(self.wake, 1)


def main() -> int:
    """Run the executor's own main with that reader."""
    vars(trading)["ChainReader"] = PremadeReader
    return run(Role.EXECUTOR, executor.main)


if __name__ == "__main__":
    raise SystemExit(main())
