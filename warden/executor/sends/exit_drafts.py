"""Drafts of Warden's own sales of positions (EX6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.executor.protocol.commands import Sign
from warden.executor.sends import drafts
from warden.executor.sends.leg import PUBLIC
from warden.wire.rows import Purpose, SignedRow

if TYPE_CHECKING:
    from warden.executor.books.position_book import Holding
    from warden.executor.sends.drafts import Moment


def sale(
    held: Holding,
    *,
    reason: str,
    intent_id: str,
    data: bytes,
    gas: int,
    not_after_s: int,
    nonce: int,
    at: Moment,
) -> Sign:
    """Return the draft that sells from a position; its deadline is in its calldata, too."""
    max_fee, priority = drafts.fees(at, not_after_s)
    row = SignedRow(
        intent_id=intent_id,
        trace_id=held.position_id,
        strategy=held.trader,
        purpose=Purpose.EXIT,
        tx_hash="",
        raw="",
        nonce=nonce,
        to=at.terms.router,
        gas=gas,
        max_fee_wei=Wei(max_fee),
        priority_fee_wei=Wei(priority),
        spend_wei=Wei(0),
        not_after_s=not_after_s,
        # Public, whatever route the strategy takes: an exit must not depend on one relay's good will.
        route=PUBLIC,
        time=at.now.wall,
        path=held.route,
        market=held.market,
        whale=held.whale,
        pool=held.strategy,
        at_ns=at.now.utc_ns,
        block=at.head.block,
        action=Action.REDUCE,
        position_id=held.position_id,
        exit_reason=reason,
    )
    return Sign(draft=row, data=data, value_wei=0)
