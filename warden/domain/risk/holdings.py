"""What the open positions cost and would bring: the loss that is not realised yet (ES1, portfolio stop).

A position is worth what it cost until it is first valued. One whose value cannot be told keeps the last one
that could, and is counted in `unvalued`. Sums are kept, so that nothing walks the positions but `Valued`.
"""

from __future__ import annotations

import msgspec

from warden.domain.money import Wei
from warden.domain.risk.events import Closed, Opened, Position, Restored, Valuation, Valued


class Holding(msgspec.Struct, frozen=True):
    """One position: `amount` of its token, its cost and exit value; `blind`: the value is an old one."""

    amount: Wei
    cost_wei: Wei
    value_wei: Wei
    blind: bool = False


class Holdings(msgspec.Struct, frozen=True):
    """The open positions by id; `loss_wei` is cost less value of all, negative for a gain."""

    open: dict[str, Holding] = {}
    loss_wei: Wei = Wei(0)
    unvalued: int = 0


def step(held: Holdings, event: Opened | Closed | Restored | Valued) -> Holdings:
    """Return the holdings after an event; itself when it names no position that is open."""
    if isinstance(event, Valued):
        return _valued(held, event.valuations)
    if isinstance(event, Closed):
        return _closed(held, event)
    return _placed(held, event.position)


def _placed(held: Holdings, position: Position) -> Holdings:
    """Return the holdings with a position as it is now: opened, or left by a reorg; amount 0 for none."""
    if position.amount <= 0:
        return _put(held, position.position_id, None)
    before = held.open.get(position.position_id)
    cost = value = Wei(position.cost_wei)
    if before is not None:
        value = Wei(before.value_wei * position.amount // before.amount)
    blind = before is not None and before.blind
    return _put(held, position.position_id, Holding(Wei(position.amount), cost, value, blind))


def _closed(held: Holdings, event: Closed) -> Holdings:
    holding = held.open.get(event.position_id)
    if holding is None:
        return held
    left = holding.amount - event.amount
    if left <= 0:
        return _put(held, event.position_id, None)
    part = msgspec.structs.replace(
        holding,
        amount=Wei(left),
        # Against us both times: what is left has cost more rather than less, and brings less.
        cost_wei=Wei(-(-holding.cost_wei * left // holding.amount)),
        value_wei=Wei(holding.value_wei * left // holding.amount),
    )
    return _put(held, event.position_id, part)


def _valued(held: Holdings, valuations: tuple[Valuation, ...]) -> Holdings:
    changed = dict(held.open)
    loss, unvalued = int(held.loss_wei), held.unvalued
    for each in valuations:
        before = changed.get(each.position_id)
        if before is None:
            continue
        if each.value_wei is None or each.amount <= 0:
            holding = msgspec.structs.replace(before, blind=True)
        else:
            # Read while another amount was held: in proportion, never more than it was valued at.
            share = min(before.amount, each.amount)
            worth = each.value_wei if each.least_wei is None else each.least_wei
            value = Wei(worth * share // each.amount)
            holding = msgspec.structs.replace(before, value_wei=value, blind=False)
        changed[each.position_id] = holding
        loss += before.value_wei - holding.value_wei
        unvalued += holding.blind - before.blind
    return Holdings(changed, Wei(loss), unvalued)


def _put(held: Holdings, position_id: str, holding: Holding | None) -> Holdings:
    before = held.open.get(position_id)
    if before is None and holding is None:
        return held
    loss, unvalued = int(held.loss_wei), held.unvalued
    changed = dict(held.open)
    if before is not None:
        loss -= before.cost_wei - before.value_wei
        unvalued -= before.blind
        del changed[position_id]
    if holding is not None:
        loss += holding.cost_wei - holding.value_wei
        unvalued += holding.blind
        changed[position_id] = holding
    return Holdings(changed, Wei(loss), unvalued)
