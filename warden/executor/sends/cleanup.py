"""A stop's clean-up: which transactions are taken back, and what came of it (ES6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.intents import TradeState
from warden.executor.protocol.commands import Command, Record, Tell
from warden.wire.rows import CleanupRow, Purpose
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from warden.executor.books.book import Book, Entry
    from warden.executor.protocol.events import CleanupAllowed
    from warden.executor.protocol.terms import Terms

_LANDED = frozenset({TradeState.MINED, TradeState.REVERTED, TradeState.FINAL})
_NAMED_MAX = 3


class CleanUp:
    """One clean-up at a time; what it is about is fixed when its leave first comes."""

    def __init__(self, book: Book, terms: Terms) -> None:
        self._book = book
        self._replaceable = terms.replaceable
        self._stop_ids: tuple[str, ...] = ()
        self._wanted: tuple[str, ...] = ()
        self._positions: tuple[str, ...] = ()
        self._under_way = False

    def begin(self, allowed: CleanupAllowed) -> None:
        """Take a leave in; a renewal changes nothing."""
        if self._stop_ids == allowed.stop_ids:
            return
        self._stop_ids = allowed.stop_ids
        self._wanted = tuple(
            entry.signed.tx_hash
            for entry in self._book.open()
            if entry.signed.nonce in allowed.nonces and entry.signed.purpose is not Purpose.CANCEL
        )
        self._positions = allowed.positions
        self._under_way = bool(self._wanted or self._positions)

    def targets(self, nonces: tuple[int, ...]) -> list[Entry]:
        """Return what is still open at the nonces that were given, each with no replacement after it."""
        entries = self._book.open()
        replaced = {entry.signed.replaces for entry in entries}
        return [
            entry
            for entry in entries
            if entry.signed.nonce in nonces and entry.signed.tx_hash not in replaced
        ]

    def report(self, *, over: bool, held: frozenset[str] = frozenset()) -> list[Command]:
        """Return what came of it once nothing is left, or once it is `over`; nothing otherwise.

        `held` are the positions of which the book or the chain still has something.
        """
        if not self._under_way:
            return []
        entries = [(tx_hash, self._book.get(tx_hash)) for tx_hash in self._wanted]
        left = tuple(tx_hash for tx_hash, entry in entries if entry is not None and not entry.settled)
        unsold = tuple(each for each in self._positions if each in held)
        if (left or unsold) and not over:
            return []
        self._under_way = False
        landed = tuple(
            tx_hash for tx_hash, entry in entries if entry is not None and entry.outcome.state in _LANDED
        )
        # What a dearer one of the same intent stood in for was not taken back if either has landed.
        used = {entry.signed.nonce for tx_hash, entry in entries if entry is not None and tx_hash in landed}
        replaced = {tx_hash for tx_hash, entry in entries if entry is not None and entry.signed.nonce in used}
        cancelled = tuple(each for each in self._wanted if each not in {*left, *landed, *replaced})
        sold = tuple(each for each in self._positions if each not in held)
        row = CleanupRow(self._stop_ids, cancelled, landed, left, sold=sold, held=unsold)
        text = f"clean-up after the stop: {len(cancelled)} cancelled, {len(landed)} had landed"
        if not self._replaceable and landed:
            text += " (this chain replaces nothing: taking back what its sequencer has is impossible)"
        if self._positions:
            text += f", {len(sold)} of {len(self._positions)} positions sold"
        if not left and not unsold:
            return [Record(row=row), Tell(Severity.INFO, "cleanup.done", text)]
        named = ", ".join((*left, *unsold)[:_NAMED_MAX])
        text = f"{text}, {len(left)} may still land, {len(unsold)} positions are still held ({named})"
        text += ": look them up on the chain before you recover"
        return [Record(row=row), Tell(Severity.WARNING, "cleanup.left", text, runbook="emergency-stop")]
