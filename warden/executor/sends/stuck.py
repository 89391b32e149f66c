"""Transactions that the chain does not take at their price: which are dearer still worth it (EX3, EX6).

What is stuck is signed again with the same call, nonce and deadline and higher fees, as long as the profit
that the chain enforces covers them and every rule lets it pass; an approval's or an opening's profit is
enforced by nothing, so these are left to their deadline. The sale of a position always pays more, up to the
operator's cap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.modes import Action
from warden.domain.risk.events import Request
from warden.executor.sends import drafts
from warden.wire.rows import Purpose

if TYPE_CHECKING:
    from warden.executor.books.book import Entry
    from warden.executor.books.ledger import Ledger
    from warden.executor.protocol.commands import Sign
    from warden.executor.protocol.events import HeadRead
    from warden.executor.sends.drafts import Moment
    from warden.wire.rows import SignedRow

# The next one in line that so many blocks passed over: its tip is too low, or it was dropped.
_PASSED_OVER_BLOCKS: Final = 3
# Each raises the fees by the chain's step at least, so that a few reach any price that is worth paying.
_BUMPS_MAX: Final = 8
_BUMPED: Final = frozenset({Purpose.SWAP, Purpose.EXIT})


def is_priced_out(signed: SignedRow, head: HeadRead) -> bool:
    """Tell whether no block can take it while the base fee is what it is."""
    return head.base_fee_wei > signed.max_fee_wei


def is_underpaid(signed: SignedRow, head: HeadRead) -> bool:
    """Tell whether it would be mined for more: priced out, or next in line and passed over for long."""
    passed_over = signed.block > 0 and head.block - signed.block > _PASSED_OVER_BLOCKS
    return is_priced_out(signed, head) or (passed_over and head.nonce == signed.nonce)


class Stuck:
    """Judges what is stuck by the rules that would judge it if it came anew."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def dearer(self, entry: Entry, at: Moment) -> Sign | None:
        """Return the draft that pays more for the same call; None where that is not worth it or allowed."""
        signed, book = entry.signed, self._ledger.book
        tries = sum(each.signed.nonce == signed.nonce for each in book.open())
        if not at.terms.replaceable or signed.purpose not in _BUMPED or tries > _BUMPS_MAX:
            return None
        draft = drafts.bump(entry, at)
        if signed.purpose is Purpose.EXIT and draft is not None:
            # Whatever gas costs: what it protects is worth more. Only a blocked router gets nothing at all.
            return None if signed.to.lower() in self._ledger.engine.state.levers.routers else draft
        if draft is None or signed.profit_wei is None:
            return None
        request = _request(draft.draft, signed.profit_wei, at)
        if request.profit_wei <= 0:
            return None
        refusal = self._ledger.engine.check_send(request, at.now.utc_ns)
        return draft if refusal is None else None

    def holds_up(self, entry: Entry, head: HeadRead) -> bool:
        """Tell whether another of ours could be mined at once, were this one not before it."""
        return any(
            each.signed.nonce > entry.signed.nonce and not is_priced_out(each.signed, head)
            for each in self._ledger.book.open()
        )


def _request(draft: SignedRow, profit_wei: int, at: Moment) -> Request:
    """Return what the rules are asked: the same trade with the gas that it may burn now."""
    gas_wei = drafts.cost_wei(draft.gas, int(draft.max_fee_wei), at)
    return Request(
        intent_id=draft.intent_id,
        strategy=draft.pool,
        action=Action.OPEN,
        spend_wei=draft.spend_wei,
        loss_wei=gas_wei,
        profit_wei=profit_wei - gas_wei,
        fee_per_gas_wei=at.head.base_fee_wei + draft.priority_fee_wei,
        tokens=tuple(dict.fromkeys(token.lower() for token in draft.path)),
        router=draft.to.lower(),
        market=draft.market,
        whale=draft.whale,
        gas_wei=gas_wei,
    )
