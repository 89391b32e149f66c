"""A call as the rules and books know it, by what it moves, and as the chain gets it, as it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from eth_utils.address import to_checksum_address

from warden.domain.intents import Proposal, Swap
from warden.domain.money import Wei
from warden.domain.risk.exits import valuation
from warden.domain.risk.refusal import Refusal
from warden.executor.intents import call_rules
from warden.executor.intents.call_rules import CallKind
from warden.executor.protocol.commands import Sign
from warden.wire.rows import Purpose

if TYPE_CHECKING:
    from warden.domain.intents import Call, Intent
    from warden.executor.books.position_book import Holding
    from warden.executor.intents.call_rules import Moves
    from warden.executor.sends.drafts import Moment


def as_swap(intent: Intent, call: Call, found: Moves, weth: str) -> Intent:
    """Return the intent as a swap of the same tokens and amounts, as rules and books know it."""
    token = to_checksum_address(found.token) if found.token else weth
    path = (token, weth) if found.kind is CallKind.REDUCES else (weth, token)
    trade = Swap(path, Wei(max(1, found.went)), Wei(max(1, found.came)))
    return msgspec.structs.replace(intent, proposal=Proposal(swap=trade, call=call))


def undersold(held: Holding, found: Moves, at: Moment) -> Refusal | None:
    """Return why a sale by a call brings too little beside what the pools would pay, or None."""
    hops = [hop for hop in at.head.routes.get(held.route, ()) if hop is not None]
    route = hops if len(hops) == len(held.route) - 1 else []
    worth_wei = valuation(held.position_id, found.went, route).value_wei
    if worth_wei is None:
        return Refusal(
            "simulation.unvalued",
            f"{found.token}: nobody can tell what it is worth, and it would leave the wallet",
            observed=str(found.went),
            unit="smallest unit",
        )
    return call_rules.loses(int(worth_wei), found.came, at.terms)


def signed_as_written(sign: Sign, call: Call, found: Moves) -> Sign:
    """Return the draft of a call, out of that of the swap that stands for it.

    The chain enforces no profit of it, so none is worth a dearer replacement. What moves nothing costs its
    gas alone, as an approval does.
    """
    draft = msgspec.structs.replace(sign.draft, to=to_checksum_address(call.to), profit_wei=None)
    if found.kind is CallKind.NOTHING:
        allowed = found.allowance
        draft = msgspec.structs.replace(
            draft,
            purpose=Purpose.APPROVE,
            spend_wei=Wei(0),
            spender="" if allowed is None else allowed.spender,
            allowance=Wei(0 if allowed is None else allowed.after or 0),
        )
    return Sign(draft=draft, data=call.data, value_wei=0)
