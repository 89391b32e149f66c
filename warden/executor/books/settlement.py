"""What became of every signed transaction, found on the chain and nowhere else (EX2, EX3, I6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.intents import TradeState, TradeUpdate
from warden.domain.money import Wei
from warden.wire.rows import OutcomeRow, Purpose

if TYPE_CHECKING:
    from warden.executor.books.book import Book, Entry
    from warden.executor.protocol.events import HeadRead, Receipt
    from warden.executor.protocol.terms import Now, Terms
    from warden.wire.rows import SignedRow

# A receipt and a nonce may be read from different moments: only a second look counts.
_LOOKS_WITHOUT_RECEIPT: Final = 2
# Before a stranger is blamed, the receipt of one's own has had time to turn up.
_BLOCKS_WITHOUT_RECEIPT: Final = 2
_UNFINAL_LOOKED_AT: Final = 16
_STUCK_AFTER_BLOCKS: Final = 2
_NONCES_LOOKED_AT: Final = 100
_REASON_UNKNOWN: Final = "unknown"
_REPLACED_BY: Final = "replaced by"
_ON_CHAIN: Final = frozenset({TradeState.MINED, TradeState.FINAL, TradeState.REVERTED})


class Settlement:
    """Compares the book with what the chain says."""

    def __init__(self, book: Book, terms: Terms) -> None:
        self._book = book
        self._terms = terms
        self._missed: dict[str, tuple[int, int]] = {}
        self._gone: dict[str, int] = {}

    def wanted(self, head: HeadRead | None) -> tuple[str, ...]:
        """Return the hashes whose receipts the next read should bring.

        All that is open; of what is mined the newest, where reorgs happen, and what is due to be final.
        """
        hashes = [entry.signed.tx_hash for entry in self._book.open()]
        unfinal = self._book.unfinal()
        young = unfinal[-_UNFINAL_LOOKED_AT:]
        deep = () if head is None else tuple(entry for entry in unfinal if self._is_deep(entry, head))
        hashes += [entry.signed.tx_hash for entry in (*deep[:_UNFINAL_LOOKED_AT], *young)]
        return tuple(dict.fromkeys(hashes))

    def outcomes(self, head: HeadRead, now: Now) -> list[OutcomeRow]:
        """Return the new states that this read of the chain proves."""
        rows = [self._of_open(entry, head, now) for entry in self._book.open()]
        rows += [self._of_mined(entry, head, now) for entry in self._book.unfinal()]
        found = [row for row in rows if row is not None]
        return found + self._reopened(found, head, now)

    def _reopened(self, found: list[OutcomeRow], head: HeadRead, now: Now) -> list[OutcomeRow]:
        """Return what must be looked for once more: its nonce's winner is gone, or is none that is known."""
        undone = {row.tx_hash for row in found if row.state is TradeState.REORGED}
        entries = self._book.recent(_NONCES_LOOKED_AT)
        nonces = {entry.signed.nonce for entry in entries if entry.signed.tx_hash in undone}
        landed = {row.tx_hash for row in found if row.state in _ON_CHAIN}
        held = {
            entry.signed.nonce for entry in entries if entry.outcome.state in _ON_CHAIN or self._may_be(entry)
        } | {entry.signed.nonce for entry in entries if entry.signed.tx_hash in landed}
        return [
            OutcomeRow(tx_hash=entry.signed.tx_hash, state=state, time=now.wall, at_ns=now.utc_ns)
            for entry in entries
            if (state := self._reopens(entry, head, undone=nonces, held=held)) is not None
        ]

    def _may_be(self, entry: Entry) -> bool:
        """Tell whether an open one may be what consumed its nonce: its receipt was not missed often."""
        looks, _ = self._missed.get(entry.signed.tx_hash, (0, 0))
        return not entry.settled and looks < _LOOKS_WITHOUT_RECEIPT

    @staticmethod
    def _reopens(entry: Entry, head: HeadRead, *, undone: set[int], held: set[int]) -> TradeState | None:
        nonce, state = entry.signed.nonce, entry.outcome.state
        if state is TradeState.SUPERSEDED and nonce in undone:
            # What took its place was taken back: either may be mined now.
            return TradeState.REORGED
        if state is TradeState.RELEASED and entry.rejected and nonce not in held and head.nonce > nonce:
            # All refused it, and yet its nonce is used by no other: one of them may have passed it on.
            return TradeState.UNKNOWN
        return None

    def is_late(self, entry: Entry, head: HeadRead) -> bool:
        """Tell whether chain time has passed the point after which it cannot succeed any more."""
        return bool(entry.signed.not_after_s) and head.timestamp_s > entry.signed.not_after_s

    def is_stuck(self, entry: Entry, head: HeadRead) -> bool:
        """Tell whether it should have been mined or expired by now, so that its nonce must be freed."""
        grace_s = _STUCK_AFTER_BLOCKS * self._terms.block_time_s
        return bool(entry.signed.not_after_s) and head.timestamp_s > entry.signed.not_after_s + grace_s

    def _is_deep(self, entry: Entry, head: HeadRead) -> bool:
        return head.block - entry.outcome.block >= self._terms.finality_depth

    def _of_open(self, entry: Entry, head: HeadRead, now: Now) -> OutcomeRow | None:
        tx_hash = entry.signed.tx_hash
        receipt = head.receipts.get(tx_hash)
        if receipt is not None:
            self._missed.pop(tx_hash, None)
            return _mined(receipt, now)
        if tx_hash not in head.receipts:
            return None
        if head.nonce > entry.signed.nonce:
            return self._of_consumed(entry, head, now)
        if entry.outcome.state is TradeState.REJECTED and self.is_late(entry, head):
            # No endpoint took it, and the chain would refuse it now: its nonce is free.
            return OutcomeRow(
                tx_hash=tx_hash,
                state=TradeState.RELEASED,
                time=now.wall,
                at_ns=now.utc_ns,
                error=entry.rejected,
            )
        return None

    def _of_consumed(self, entry: Entry, head: HeadRead, now: Now) -> OutcomeRow | None:
        """Return its end once its nonce was seen to be another's: sooner when that one is known."""
        tx_hash = entry.signed.tx_hash
        looks, since_block = self._missed.get(tx_hash, (0, head.block))
        self._missed[tx_hash] = (looks + 1, since_block)
        winner = self._winner(entry.signed, head)
        # One that was given up may have landed after all: it is looked for before a stranger is blamed.
        long = looks >= _LOOKS_WITHOUT_RECEIPT and head.block - since_block >= _BLOCKS_WITHOUT_RECEIPT
        if looks + 1 < _LOOKS_WITHOUT_RECEIPT or not (winner or long):
            return None
        del self._missed[tx_hash]
        error = f"{_REPLACED_BY} {winner}" if winner else _strangers_text(entry.signed.nonce)
        return OutcomeRow(
            tx_hash=tx_hash,
            state=TradeState.SUPERSEDED,
            time=now.wall,
            at_ns=now.utc_ns,
            block=head.block,
            error=error,
        )

    def _winner(self, signed: SignedRow, head: HeadRead) -> str:
        """Return the hash of another one that is mined with this nonce; "" when the journal knows of none."""
        for other in self._book.recent(_NONCES_LOOKED_AT):
            tx_hash, state = other.signed.tx_hash, other.outcome.state
            if other.signed.nonce != signed.nonce or tx_hash == signed.tx_hash:
                continue
            if state in _ON_CHAIN or (not other.settled and head.receipts.get(tx_hash) is not None):
                return tx_hash
        return ""

    def _of_mined(self, entry: Entry, head: HeadRead, now: Now) -> OutcomeRow | None:
        """Return that it was taken back, seen twice, or that it is final."""
        tx_hash, before = entry.signed.tx_hash, entry.outcome
        # An endpoint that has not come so far yet does not know it; that is no reorg.
        if tx_hash not in head.receipts or head.block < before.block:
            return None
        receipt = head.receipts[tx_hash]
        if receipt is None or receipt.block_hash != before.block_hash:
            looks = self._gone.get(tx_hash, 0) + 1
            self._gone[tx_hash] = looks
            if looks < _LOOKS_WITHOUT_RECEIPT:
                return None
            del self._gone[tx_hash]
            return OutcomeRow(
                tx_hash=tx_hash, state=TradeState.REORGED, time=now.wall, at_ns=now.utc_ns, block=before.block
            )
        self._gone.pop(tx_hash, None)
        if not self._is_deep(entry, head):
            return None
        return msgspec.structs.replace(before, state=TradeState.FINAL, time=now.wall, at_ns=now.utc_ns)


def _mined(receipt: Receipt, now: Now) -> OutcomeRow:
    return OutcomeRow(
        tx_hash=receipt.tx_hash,
        state=TradeState.MINED if receipt.success else TradeState.REVERTED,
        time=now.wall,
        at_ns=now.utc_ns,
        block=receipt.block,
        block_hash=receipt.block_hash,
        gain_wei=Wei(receipt.gain_wei),
        gas_wei=Wei(receipt.gas_wei),
        sold_wei=Wei(receipt.sold_wei),
        bought_wei=Wei(receipt.bought_wei),
        flows=receipt.flows,
        l1_fee_wei=Wei(receipt.l1_fee_wei),
        error="" if receipt.success else "reverted on the chain",
    )


def update(entry: Entry, row: OutcomeRow) -> TradeUpdate:
    """Return an outcome as the strategy sees it; figures only once it is mined."""
    mined = row.state in {TradeState.MINED, TradeState.REVERTED, TradeState.FINAL}
    return TradeUpdate(
        intent_id=entry.signed.intent_id,
        state=row.state,
        tx_hash=row.tx_hash,
        block=row.block,
        net_wei=Wei(row.gain_wei - row.gas_wei) if mined else None,
        gas_wei=row.gas_wei if mined else None,
        error=row.error,
        position=entry.signed.position_id,
        exit=exit_of(entry.signed),
    )


def exit_of(signed: SignedRow) -> str:
    """Return why Warden itself sells with this transaction; empty where it is no exit."""
    return (signed.exit_reason or _REASON_UNKNOWN) if signed.purpose is Purpose.EXIT else ""


def is_trade(entry: Entry) -> bool:
    """Tell whether it is a strategy's trade rather than Warden's own transaction."""
    return entry.signed.purpose is Purpose.SWAP


def is_strangers(row: OutcomeRow) -> bool:
    """Tell whether its nonce was consumed by a transaction that is none of ours (EX9)."""
    return row.state is TradeState.SUPERSEDED and not row.error.startswith(_REPLACED_BY)


def _strangers_text(nonce: int) -> str:
    return f"nonce {nonce} was consumed by a transaction that the journal does not know"
