"""Calls of unknown contracts, judged by what a simulation saw, never by what their author says (EX11, EX12).

A call may do one of four things, so that the books can tell every wei of it afterwards: move nothing, spend
and bring the wrapped native token, buy one token with it, or sell one. What comes must be worth what leaves.
The native coin stays where it is: its moves inside a call leave no log, and the books could not follow.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.money import BPS_ONE
from warden.domain.risk import asset_changes
from warden.domain.risk.asset_changes import NATIVE, Allowance, Declared
from warden.domain.risk.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.domain.intents import Call
    from warden.domain.risk.asset_changes import Changes
    from warden.executor.protocol.terms import Terms

DATA_BYTES_MAX: Final = 24_576
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_UNIT: Final = "smallest unit"


class CallKind(StrEnum):
    """What a call does to the wallet's tokens."""

    NOTHING = "nothing"
    CYCLE = "cycle"
    OPENS = "opens"
    REDUCES = "reduces"


class Moves(msgspec.Struct, frozen=True):
    """What would go and come.

    Attributes:
        token: what is bought or sold, lower case; empty where only the wrapped native token moves.
        went, came: in smallest units: of the wrapped native token, but for the token's own side.
        allowance: the one that it would set or raise, None for none.
    """

    kind: CallKind
    token: str = ""
    went: int = 0
    came: int = 0
    allowance: Allowance | None = None


def shape(call: Call, terms: Terms, next_nonce: int) -> Refusal | None:
    """Return why a call is refused before anything is asked about it, or None."""
    return next(_shape(call, terms, next_nonce), None)


def _shape(call: Call, terms: Terms, next_nonce: int) -> Iterator[Refusal]:
    if not _ADDRESS.fullmatch(call.to):
        yield Refusal("call.to", "a call needs the address of a contract; none is created here")
    if len(call.data) > DATA_BYTES_MAX:
        yield Refusal("call.data", "too much calldata", str(DATA_BYTES_MAX), str(len(call.data)), "bytes")
    if refusal := nonce(call, next_nonce):
        yield refusal
    if not terms.sends:
        yield Refusal("call.paper", "on paper only swaps of the known router can be filled")
    if call.value_wei:
        yield _native(int(call.value_wei))


def nonce(call: Call, next_nonce: int) -> Refusal | None:
    """Return why a call may not have the nonce that its author gives it, or None.

    Another one is meant to take an older one's place, or to come after one that was never sent.
    """
    if call.nonce is None or call.nonce == next_nonce:
        return None
    message = "Warden gives nonces and replaces what is stuck: leave the nonce out"
    return Refusal("call.nonce", message, str(next_nonce), str(call.nonce), "nonce")


def moves(changes: Changes, terms: Terms) -> Moves | Refusal:
    """Return what a call does, or why that is nothing that the books could follow."""
    weth = terms.weth.lower()
    net: dict[str, int] = {}
    for change in changes.assets:
        token = change.token
        if token == NATIVE:
            if change.went or change.came or change.counted:
                return _native(change.went or change.came or abs(change.counted or 0))
            continue
        amount = asset_changes.came(changes, token) - asset_changes.went(changes, token)
        if amount and token != weth:
            net[token] = amount
    raised = [each for each in changes.allowances if asset_changes.raised(each)]
    # A second one is refused as unsaid.
    allowance = raised[0] if raised else None
    went, came = asset_changes.went(changes, weth), asset_changes.came(changes, weth)
    if not net:
        kind = CallKind.CYCLE if went or came else CallKind.NOTHING
        return Moves(kind, "", went, came, allowance)
    (token, amount), *more = net.items()
    if more or (amount > 0 and went <= came):
        return Refusal(
            "call.shape",
            "it would move what the books cannot follow: one token bought or sold for the wrapped one",
            observed=", ".join(f"{each} {value:+d}" for each, value in net.items())[:300],
            unit=_UNIT,
        )
    if amount > 0:
        return Moves(CallKind.OPENS, token, went, amount, allowance)
    return Moves(CallKind.REDUCES, token, -amount, came, allowance)


def refusal(
    changes: Changes, found: Moves, terms: Terms, allowance_max: int, *, first: bool = False
) -> Refusal | None:
    """Return why a call may not be signed for what it would do, or None.

    Args:
        changes: as they were simulated.
        found: what they come to.
        terms: the venue, and whom the operator allows an allowance.
        allowance_max: the most of the allowance's token that a spender may be left, in its smallest unit.
        first: what it buys was not known before, so its balance is read only when it is tried again.
    """
    return next(_refusals(changes, found, terms, allowance_max, first=first), None)


def _refusals(
    changes: Changes, found: Moves, terms: Terms, allowance_max: int, *, first: bool
) -> Iterator[Refusal]:
    weth = terms.weth.lower()
    if found.allowance is not None:
        yield from _allowance(found.allowance, terms, allowance_max)
    gives, takes = weth, weth
    if found.kind is CallKind.OPENS:
        takes = "" if first else found.token
    elif found.kind is CallKind.REDUCES:
        gives = found.token
    allowed = found.allowance
    declared = Declared(
        gives=gives,
        gives_max=found.went,
        takes=takes if found.came else "",
        takes_min=found.came,
        spender="" if allowed is None else allowed.spender,
        allows_token="" if allowed is None else allowed.token,
        allows=None if allowed is None else allowed.after,
    )
    if unsaid := asset_changes.judge(changes, declared):
        yield unsaid


def _allowance(each: Allowance, terms: Terms, most: int) -> Iterator[Refusal]:
    if each.spender == terms.router.lower():
        yield Refusal(
            "call.router-allowance",
            "Warden itself allows the router what each trade needs: leave the approval out",
            observed=each.token,
            unit="token",
        )
    if each.spender not in terms.bot.spenders:
        yield Refusal(
            "call.spender",
            "it would let a contract take tokens that the settings do not name",
            limit=", ".join(terms.bot.spenders) or "none",
            observed=each.spender,
            unit="address",
            setting="bot.spenders",
        )
    if each.after is None or each.after > most:
        yield Refusal(
            "call.allowance",
            "exact amounts only: no more than one trade may be, or than is held",
            limit=str(most),
            observed="all" if each.after is None else str(each.after),
            unit=_UNIT,
        )


def loses(went_wei: int, came_wei: int, terms: Terms, *, gains: bool = False) -> Refusal | None:
    """Return that what comes is worth too little for what leaves, or None; both in wei.

    `gains`: it must bring more, as a cycle must.
    """
    least_wei = went_wei - went_wei * terms.bot.max_loss_bps // BPS_ONE
    if gains and went_wei:
        least_wei = went_wei + 1
    if came_wei >= least_wei:
        return None
    return Refusal(
        "call.loses",
        "what would come is worth less than what would leave",
        limit=str(least_wei),
        observed=str(came_wei),
        unit="wei",
        setting="" if gains else "bot.max_loss_percent",
    )


def _native(amount_wei: int) -> Refusal:
    return Refusal(
        "call.native",
        "the capital is the wrapped native token; a call of an unknown contract may not move the coin itself",
        limit="0",
        observed=str(amount_wei),
        unit="wei",
    )
