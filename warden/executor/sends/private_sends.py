"""What is particular to transactions on a private route: until when, and how they are taken back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from warden.executor.sends.leg import PUBLIC
from warden.wire.rows import Purpose

if TYPE_CHECKING:
    from warden.executor.books.book import Book
    from warden.executor.protocol.events import HeadRead
    from warden.executor.protocol.terms import Terms
    from warden.wire.rows import SignedRow


def last_block(row: SignedRow, head: HeadRead | None, terms: Terms) -> int:
    """Return the last block that it can succeed in, as a relay may be told; 0: no such block is known."""
    if head is None or not row.not_after_s:
        return 0
    return head.block + max(1, math.ceil((row.not_after_s - head.timestamp_s) / terms.block_time_s))


def withdrawn_by(row: SignedRow, book: Book) -> tuple[str, ...]:
    """Return the hashes that a cancel takes back: everything else that is open at its nonce."""
    if row.purpose is not Purpose.CANCEL:
        return ()
    return tuple(
        entry.signed.tx_hash
        for entry in book.open()
        if entry.signed.nonce == row.nonce and entry.signed.purpose is not Purpose.CANCEL
    )


def caveat(signed: SignedRow, terms: Terms) -> str:
    """Return what must be said beside the report of a cancel: that it may be impossible (ES6)."""
    if not terms.replaceable:
        return "; this chain replaces nothing: if its sequencer has it, taking it back is impossible"
    private = [route for route in signed.route.split("+") if route != PUBLIC]
    if any(route not in terms.withdrawing for route in private):
        return "; its relay takes nothing back: it may be mined until the cancel is"
    return ""
