"""The rule by which a pool of pending transactions takes a replacement.

As go-ethereum documents it (`--txpool.pricebump`, default 10): same sender and nonce, and both fee fields
raised by at least that many percent.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from warden.devnet.node import NodeClient
    from warden.devnet.transactions import SignedTransaction

REMEMBERED_MAX: Final = 10_000


class PendingFees:
    """The last accepted transaction of each sender and nonce, over all endpoints."""

    def __init__(self) -> None:
        """Start with none; the oldest are forgotten past a limit."""
        self._by_nonce: OrderedDict[tuple[str, int], SignedTransaction] = OrderedDict()

    def accepted(self, transaction: SignedTransaction) -> None:
        """Remember what the chain took."""
        if transaction.sender is None or transaction.nonce is None:
            return
        self._by_nonce[(transaction.sender, transaction.nonce)] = transaction
        while len(self._by_nonce) > REMEMBERED_MAX:
            self._by_nonce.popitem(last=False)

    async def underprices(self, transaction: SignedTransaction, bump_percent: int, node: NodeClient) -> bool:
        """Whether this would replace a pending transaction without raising both fees enough."""
        if transaction.sender is None or transaction.nonce is None:
            return False
        old = self._by_nonce.get((transaction.sender, transaction.nonce))
        if old is None or old.tx_hash == transaction.tx_hash or raises_both(old, transaction, bump_percent):
            return False
        consumed = await node.call_int("eth_getTransactionCount", transaction.sender, "latest")
        return (
            consumed <= transaction.nonce
        )  # else the old one is mined, and "nonce too low" is the right answer


def raises_both(old: SignedTransaction, new: SignedTransaction, bump_percent: int) -> bool:
    """Whether each fee of `new` is at least `bump_percent` above that of `old`."""
    fees = (
        (old.max_fee_wei, new.max_fee_wei),
        (old.max_priority_fee_wei, new.max_priority_fee_wei),
    )
    return all(
        before is not None and after is not None and after * 100 >= before * (100 + bump_percent)
        for before, after in fees
    )
