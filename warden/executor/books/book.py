"""The book: every transaction that was signed, where it stands, and what all of them came to.

Built from journal rows alone, so that the book after a restart equals the book before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from warden.domain.intents import TradeState
from warden.domain.money import Wei
from warden.wire.rows import (
    SETTLED,
    BaselineRow,
    ChainRow,
    EndedRow,
    ExecutorRow,
    LegRow,
    OutcomeRow,
    Purpose,
    SignedRow,
)
from warden.wire.rows_paper import FillRow, PaperRow, PaperState, after

if TYPE_CHECKING:
    from collections.abc import Iterator


class Entry(msgspec.Struct, frozen=True):
    """One signed transaction and its newest state; `accepted` once any endpoint took it."""

    signed: SignedRow
    outcome: OutcomeRow
    accepted: bool = False
    rejected: str = ""

    @property
    def settled(self) -> bool:
        """Nothing of it can land any more, reorgs apart."""
        return self.outcome.state in SETTLED


class Totals(msgspec.Struct, frozen=True):
    """What the settled swaps came to; gas counts every transaction, failed and cancelling ones too (CB3).

    `wins` are of closed cycles; `gain_wei` is what came less what went, open positions' money with it.
    """

    trades: int = 0
    wins: int = 0
    gain_wei: int = 0
    gas_wei: int = 0

    @property
    def net_wei(self) -> int:
        """Profit less gas, in wei."""
        return self.gain_wei - self.gas_wei


class BookState(msgspec.Struct, frozen=True):
    """All that a book is, for a snapshot."""

    entries: tuple[Entry, ...] = ()
    totals: Totals = Totals()
    chain: ChainRow | None = None
    ended_in_order: bool = True
    empty: bool = True
    baseline: int | None = None
    consumed: int = 0
    paper: PaperState | None = None
    allowed: dict[str, Wei] = {}


class Book:
    """The fold of the executor's journal. Settled entries are kept up to `recent_max`, open ones always."""

    def __init__(self, recent_max: int = 200) -> None:
        self._recent_max = recent_max
        self._entries: dict[str, Entry] = {}
        self.totals = Totals()
        self.chain: ChainRow | None = None
        self.ended_in_order = True
        self.empty = True
        self._baseline: int | None = None
        self._consumed = 0
        self.paper: PaperState | None = None
        self._allowed: dict[str, Wei] = {}

    def apply(self, row: ExecutorRow) -> None:
        """Take one row into account; rows come in the journal's order."""
        self.empty = False
        self.ended_in_order = isinstance(row, EndedRow)
        if isinstance(row, ChainRow):
            self.chain = row
        elif isinstance(row, SignedRow):
            self._signed(row)
        elif isinstance(row, LegRow):
            self._leg(row)
        elif isinstance(row, OutcomeRow):
            self._outcome(row)
        elif isinstance(row, BaselineRow):
            self._baseline = max(row.nonce, self._baseline or 0)
        elif isinstance(row, PaperRow | FillRow):
            self.paper = after(self.paper, row)

    def state(self) -> BookState:
        """Return all that it is."""
        return BookState(
            entries=tuple(self._entries.values()),
            totals=self.totals,
            chain=self.chain,
            ended_in_order=self.ended_in_order,
            empty=self.empty,
            baseline=self._baseline,
            consumed=self._consumed,
            paper=self.paper,
            allowed=dict(self._allowed),
        )

    def restore(self, state: BookState) -> None:
        """Become what a book was when `state` was taken."""
        self._entries = {entry.signed.tx_hash: entry for entry in state.entries}
        self.totals, self.chain = state.totals, state.chain
        self.ended_in_order, self.empty = state.ended_in_order, state.empty
        self._baseline, self._consumed = state.baseline, state.consumed
        self.paper = state.paper
        self._allowed = dict(state.allowed)

    def get(self, tx_hash: str) -> Entry | None:
        """Return an entry, None when it is unknown or long settled."""
        return self._entries.get(tx_hash)

    def open(self) -> tuple[Entry, ...]:
        """Return the entries that can still land, oldest first."""
        return tuple(entry for entry in self._entries.values() if not entry.settled)

    def unfinal(self) -> tuple[Entry, ...]:
        """Return the entries that are mined but not final."""
        states = (TradeState.MINED, TradeState.REVERTED)
        return tuple(entry for entry in self._entries.values() if entry.outcome.state in states)

    def recent(self, limit: int) -> tuple[Entry, ...]:
        """Return the last signed entries, newest first."""
        return tuple(entry for _, entry in zip(range(limit), self._newest(), strict=False))

    def consumed(self, nonce: int) -> bool:
        """Tell whether a transaction of ours at this nonce stands on the chain."""
        return any(
            entry.signed.nonce == nonce and _counts(entry.outcome.state) for entry in self._entries.values()
        )

    def carries_on(self, signed: SignedRow) -> bool:
        """Tell whether another transaction of its intent may still land, or has landed."""
        return any(
            entry.signed.intent_id == signed.intent_id
            and entry.signed.tx_hash != signed.tx_hash
            and (not entry.settled or _counts(entry.outcome.state))
            for entry in self._entries.values()
        )

    def hashes_of(self, intent_id: str) -> tuple[str, ...]:
        """Return every transaction that was signed for an intent, oldest first."""
        return tuple(key for key, entry in self._entries.items() if entry.signed.intent_id == intent_id)

    def exposure_wei(self) -> int:
        """Return what open transactions may take out of the capital, in wei: of one nonce one lands."""
        most: dict[int, int] = {}
        for entry in self.open():
            most[entry.signed.nonce] = max(most.get(entry.signed.nonce, 0), entry.signed.spend_wei)
        return sum(most.values())

    def open_nonces(self) -> tuple[int, ...]:
        """Return the nonces at which something can still land, lowest first."""
        return tuple(sorted({entry.signed.nonce for entry in self.open()}))

    def next_nonce(self, chain_nonce: int) -> int:
        """Return the lowest nonce that is neither consumed nor held: one that came free is used first."""
        nonce, held = self._unconsumed(chain_nonce), set(self.open_nonces())
        while nonce in held:
            nonce += 1
        return nonce

    def gaps(self, chain_nonce: int) -> tuple[int, ...]:
        """Return the nonces that nothing holds and that block what is open at higher ones, lowest first."""
        held = self.open_nonces()
        # A chain that tells less than it told when the journal began is no ground to fill anything.
        first = max(self._unconsumed(chain_nonce), self._baseline or 0)
        return () if not held else tuple(each for each in range(first, held[-1]) if each not in held)

    def _unconsumed(self, chain_nonce: int) -> int:
        # A nonce read a moment before a receipt may be too low: what is mined consumed its nonce, too.
        mined = (entry.signed.nonce + 1 for entry in self._entries.values() if _counts(entry.outcome.state))
        return max([chain_nonce, *mined])

    def landed_nonce(self) -> int:
        """Return the first nonce that no transaction of ours has on the chain, as the book has it."""
        landed = [each.signed.nonce for each in self._entries.values() if _counts(each.outcome.state)]
        if landed:
            return max(landed) + 1
        return min([self._consumed, *(entry.signed.nonce for entry in self.open())])

    def explained_nonce(self) -> int | None:
        """Return the highest nonce that the chain may give for the wallet; None while nothing is known of it.

        What was consumed once stays explained: a reorg may bring it back.
        """
        if self._baseline is None:
            return None
        open_nonces = (entry.signed.nonce + 1 for entry in self.open())
        return max([self._baseline, self._consumed, *open_nonces])

    def explained_allowance(self, token: str, spender: str) -> int:
        """Return the most that the journal explains that a spender may take of the wallet's token."""
        key = _allowance_key(token, spender)
        waiting = (
            int(entry.signed.allowance)
            for entry in self.open()
            if entry.signed.purpose is Purpose.APPROVE
            and _allowance_key(entry.signed.to, entry.signed.spender) == key
        )
        return max([int(self._allowed.get(key, 0)), *waiting])

    def _newest(self) -> Iterator[Entry]:
        return iter(reversed(self._entries.values()))

    def _signed(self, row: SignedRow) -> None:
        before = self._entries.get(row.tx_hash)
        if before is not None and _counts(before.outcome.state):
            # The same bytes once more: what has landed has landed, and is not counted again.
            return
        signed = OutcomeRow(tx_hash=row.tx_hash, state=TradeState.SIGNED, time=row.time)
        self._entries[row.tx_hash] = Entry(signed=row, outcome=signed)

    def _leg(self, row: LegRow) -> None:
        entry = self._entries.get(row.tx_hash)
        if entry is None:
            return
        if row.result == "accepted":
            entry = msgspec.structs.replace(entry, accepted=True)
        elif row.result == "rejected":
            entry = msgspec.structs.replace(entry, rejected=row.text or row.result)
        self._entries[row.tx_hash] = entry

    def _outcome(self, row: OutcomeRow) -> None:
        entry = self._entries.get(row.tx_hash)
        if entry is None:
            return
        before = entry.outcome
        # After a reorg nobody may hold its bytes any more: they are sent again.
        accepted = entry.accepted and row.state is not TradeState.REORGED
        self._entries[row.tx_hash] = msgspec.structs.replace(entry, outcome=row, accepted=accepted)
        if _counts(before.state) and not _counts(row.state):
            self._count(entry.signed, before, -1)
        elif _counts(row.state) and not _counts(before.state):
            self._count(entry.signed, row, 1)
            self._consumed = max(self._consumed, entry.signed.nonce + 1)
            self._allow(entry.signed, row)
        self._forget()

    def _allow(self, signed: SignedRow, row: OutcomeRow) -> None:
        if signed.purpose is Purpose.APPROVE and row.state is not TradeState.REVERTED:
            self._allowed[_allowance_key(signed.to, signed.spender)] = signed.allowance

    def _count(self, signed: SignedRow, row: OutcomeRow, sign: int) -> None:
        swap = signed.purpose in {Purpose.SWAP, Purpose.EXIT}
        # What a sale won is told by what its position cost, which the book does not know: ledger.py does.
        win = swap and not signed.position_id and row.gain_wei > row.gas_wei
        self.totals = Totals(
            trades=self.totals.trades + sign * swap,
            wins=self.totals.wins + sign * win,
            gain_wei=self.totals.gain_wei + sign * row.gain_wei,
            gas_wei=self.totals.gas_wei + sign * row.gas_wei,
        )

    def _forget(self) -> None:
        """Drop the oldest settled and final entries: the journal keeps them, the memory stays bounded."""
        surplus = len(self._entries) - self._recent_max
        if surplus <= 0:
            return
        unfinal = {entry.signed.tx_hash for entry in self.unfinal()}
        done = [key for key, entry in self._entries.items() if entry.settled and key not in unfinal]
        for key in done[:surplus]:
            del self._entries[key]


def _counts(state: TradeState) -> bool:
    return state in {TradeState.MINED, TradeState.FINAL, TradeState.REVERTED}


def _allowance_key(token: str, spender: str) -> str:
    return f"{token.lower()}/{spender.lower()}"
