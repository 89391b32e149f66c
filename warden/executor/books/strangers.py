"""Transactions of the wallet that no row explains: another holder of the key, or a rollback (EX9, I9).

Every nonce from the baseline up to the chain's must be one of the journal's own. The baseline is what the
chain said when the journal began, or what an operator accepted by clearing the incident.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.risk.refusal import Refusal
from warden.domain.stops import CleanUp, Stop, StopReason
from warden.executor.protocol.commands import Command, DemandStop, Tell
from warden.wire.rows import BaselineRow
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from warden.executor.books.book import Book
    from warden.executor.protocol.events import HeadRead
    from warden.executor.protocol.terms import Now

# A nonce that is too high for one look is an endpoint's slip; what stays for so many blocks is none.
BLOCKS_BEFORE_A_STRANGER: Final = 2
_RUNBOOK: Final = "emergency-stop#after-a-security-breach"
_REFUSAL: Final = Refusal(
    "integrity.nonce", "the wallet's nonce on the chain is higher than the journal explains"
)


class Strangers:
    """Looks at the wallet's nonce with every head; demands a stop for what stays unexplained."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._since_block: int | None = None
        self._demanded: dict[str, int] = {}

    @property
    def refusal(self) -> Refusal | None:
        """Why nothing may be opened now: from the first look at a nonce that is too high."""
        return None if self._since_block is None else _REFUSAL

    def look(self, head: HeadRead, now: Now) -> tuple[list[BaselineRow], list[Command]]:
        """Compare the chain's nonce with what the journal explains; return rows to apply, and demands."""
        explained = self._book.explained_nonce()
        if explained is None:
            return [BaselineRow(nonce=head.nonce, time=now.wall)], []
        if head.nonce <= explained:
            self._since_block = None
            return [], []
        if self._since_block is None:
            self._since_block = head.block
        if head.block - self._since_block < BLOCKS_BEFORE_A_STRANGER:
            return [], []
        text = (
            f"the wallet has sent {head.nonce} transactions on the chain, the journal explains {explained}: "
            "another holder of its key, or this host was rolled back"
        )
        return [], self.demand(head.nonce, text, now)

    def demand(self, nonce: int, text: str, now: Now) -> list[Command]:
        """Return the demand for a stop, once for each `nonce`, the first that is not consumed."""
        stop = Stop(
            stop_id=f"foreign-transaction-{nonce}",
            reason=StopReason.SECURITY_BREACH.value,
            message=text,
            operator="executor",
            policy=CleanUp.CANCEL.value,
            time=now.wall,
        )
        if stop.stop_id in self._demanded:
            return []
        self._demanded[stop.stop_id] = nonce
        tell = Tell(
            Severity.CRITICAL, "wallet.stranger", text, runbook=_RUNBOOK, data={"stop_id": stop.stop_id}
        )
        return [DemandStop(stop, tell)]

    def recovered(self, stop_id: str, now: Now) -> list[BaselineRow]:
        """An operator cleared a stop: what it named is explained from now on, and nothing beyond it."""
        nonce = self._demanded.pop(stop_id, None)
        if nonce is None:
            return []
        self._since_block = None
        return [BaselineRow(nonce=nonce, time=now.wall)]
