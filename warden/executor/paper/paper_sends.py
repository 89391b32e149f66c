"""Where signatures and sends go on paper: into the journal, behind the gate, and nowhere else (EX4)."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from warden.executor.protocol.events import LegDone, Signed
from warden.executor.sends.leg import ACCEPTED, NOT_BEGUN

if TYPE_CHECKING:
    from warden.executor.protocol.commands import Send, Sign
    from warden.executor.sends.gate import Gate

ROUTE: Final = "paper"
"""The route and the endpoint of everything on paper, as the journal names them."""


def sign(order: Sign) -> Signed:
    """Return the draft as it goes into the journal: no bytes, a hash of its own, its call in the clear.

    The hash is made of everything that makes a transaction another one, and is no hash of any transaction.
    """
    draft = order.draft
    parts = (
        *("paper", draft.intent_id, draft.purpose, draft.nonce, draft.to, draft.gas, order.data.hex()),
        *(int(draft.max_fee_wei), int(draft.priority_fee_wei), order.value_wei),
    )
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()
    call = "0x" + order.data.hex()
    return Signed(msgspec.structs.replace(draft, raw="", tx_hash=f"0x{digest}", route=ROUTE, call=call))


class PaperLegs:
    """Takes what is to be sent, behind the gate like any other leg, and sends it nowhere.

    Attributes:
        block: the newest that was read.
        left: the block after which each that may still land left, in this run.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._results: deque[LegDone] = deque()
        self.block = 0
        self.left: dict[str, int] = {}
        self._dropped: set[str] = set()
        self.wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def send(self, order: Send) -> None:
        """Let it leave if the gate lets it; it left after the block that is the newest now."""
        refusal = self._gate.refusal(order.ticket)
        result, text = (ACCEPTED, "") if refusal is None else (NOT_BEGUN, refusal.message)
        if refusal is None:
            self.left[order.tx_hash] = self.block
        self._results.append(LegDone(order.tx_hash, ROUTE, result, text))
        os.eventfd_write(self.wake, 1)

    def never_lands(self, tx_hash: str) -> bool:
        """Tell whether no block will take it."""
        return tx_hash in self._dropped

    def drop(self, tx_hash: str) -> None:
        """Take in that no block will take it."""
        self._dropped.add(tx_hash)

    def forget(self, open_hashes: set[str]) -> None:
        """Keep what is still open alone."""
        self.left = {key: block for key, block in self.left.items() if key in open_hashes}
        self._dropped &= open_hashes

    def take(self) -> list[LegDone]:
        """Return what came of sends since the last call."""
        try:
            os.eventfd_read(self.wake)
        except BlockingIOError:
            return []
        return [self._results.popleft() for _ in range(len(self._results))]

    def close(self) -> None:
        """There is nothing to end."""
