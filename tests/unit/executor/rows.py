"""Rows of the executor's journal, for tests of what is folded from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.money import Wei
from warden.executor.protocol.events import Receipt
from warden.wire.rows import LegRow, OutcomeRow, Purpose, SignedRow

if TYPE_CHECKING:
    from warden.domain.intents import TradeState
    from warden.executor.books.book import Book

TIME = "2026-01-01T00:00:00.000Z"


def tx(number: int) -> str:
    """Return a hash."""
    return f"0x{number:064x}"


def signed(
    number: int,
    *,
    nonce: int | None = None,
    purpose: Purpose = Purpose.SWAP,
    spend_wei: int = 1_000,
    not_after_s: int = 1_010,
    max_fee_wei: int = 100,
    priority_fee_wei: int = 10,
    replaces: str = "",
) -> SignedRow:
    """Return a signed transaction; its hash is `tx(number)`, its nonce `number` unless told otherwise."""
    return SignedRow(
        intent_id=f"intent-{number}",
        trace_id=f"trace-{number}",
        strategy="test",
        purpose=purpose,
        tx_hash=tx(number),
        raw=f"0x02{number:02x}",
        nonce=number if nonce is None else nonce,
        to="0x" + "bb" * 20,
        gas=200_000,
        max_fee_wei=Wei(max_fee_wei),
        priority_fee_wei=Wei(priority_fee_wei),
        spend_wei=Wei(spend_wei),
        not_after_s=not_after_s,
        route="public",
        time=TIME,
        replaces=replaces,
    )


def standing(book: Book) -> dict[str, Receipt | None]:
    """Return the receipts of what the book holds as mined, as they were: no reorg came."""
    return {
        entry.signed.tx_hash: Receipt(
            tx_hash=entry.signed.tx_hash,
            block=entry.outcome.block,
            block_hash=entry.outcome.block_hash,
            success=not entry.outcome.error,
            gain_wei=entry.outcome.gain_wei,
            gas_wei=entry.outcome.gas_wei,
        )
        for entry in book.unfinal()
    }


def leg(number: int, result: str, *, text: str = "", endpoint: str = "a") -> LegRow:
    """Return what one endpoint answered."""
    return LegRow(tx_hash=tx(number), endpoint=endpoint, result=result, text=text)


def outcome(
    number: int,
    state: TradeState,
    *,
    block: int = 5,
    block_hash: str = "0xb5",
    gain_wei: int = 0,
    gas_wei: int = 0,
    error: str = "",
) -> OutcomeRow:
    """Return a new state of `tx(number)`."""
    return OutcomeRow(
        tx_hash=tx(number),
        state=state,
        time=TIME,
        block=block,
        block_hash=block_hash,
        gain_wei=Wei(gain_wei),
        gas_wei=Wei(gas_wei),
        error=error,
    )
