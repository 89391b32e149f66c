"""Drafts of transactions: what will be signed, with fees by the chain's rules (EX6)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
from eth_utils.address import to_checksum_address

from warden.domain.modes import Action
from warden.domain.money import BPS_ONE, Wei
from warden.executor.books.signed_bytes import call_of
from warden.executor.protocol.commands import Sign
from warden.executor.protocol.events import HeadRead
from warden.executor.protocol.terms import Now, Terms
from warden.executor.reads import calldata
from warden.executor.sends.leg import PUBLIC
from warden.executor.sends.trade_kinds import TradeKind, kind_of
from warden.wire.rows import Purpose, SignedRow

if TYPE_CHECKING:
    from warden.domain.intents import Intent
    from warden.executor.books.book import Entry

# Room above what the simulation used: state may have moved on by the time it is mined.
_GAS_ROOM_PERCENT: Final = 30
CANCEL_GAS: Final = 21_000
_APPROVAL_VALID_BLOCKS: Final = 10
# For what has no deadline; and no cap is made for more full blocks in a row than the other.
_BLOCKS_AHEAD: Final = 6
_BLOCKS_AHEAD_MAX: Final = 40
# What frees a nonce must get through, or it blocks every exit; still, no fee is without bound.
_CANCEL_CAP_FACTOR: Final = 4
# Until it is mined the chain below may have become dearer (OP stack: its own base fee, an eighth a block).
_L1_ROOM_PERCENT: Final = 125


class Moment(msgspec.Struct, frozen=True):
    """The chain's head, the terms and the time that a draft is made at."""

    head: HeadRead
    terms: Terms
    now: Now


def fees(at: Moment, not_after_s: int = 0) -> tuple[int, int]:
    """Return the highest fee and the priority fee per gas, in wei, never above the operator's cap.

    The cap follows the base fee as far as full blocks may raise it while the transaction is valid.
    """
    cap = at.terms.max_fee_wei
    return min(_outliving(at, not_after_s), cap), min(at.head.tip_wei, cap)


def cost_wei(gas: int, fee_wei: int, at: Moment) -> int:
    """Return what so many units burn at most at a fee per gas, the data on the chain below with it."""
    return gas * fee_wei + at.head.l1_fee_wei * _L1_ROOM_PERCENT // 100


def _outliving(at: Moment, not_after_s: int) -> int:
    head, blocks = at.head, _BLOCKS_AHEAD
    if not_after_s:
        blocks = math.ceil((not_after_s - head.timestamp_s) / at.terms.block_time_s)
    fee_wei = head.base_fee_wei
    for _ in range(max(1, min(blocks, _BLOCKS_AHEAD_MAX))):
        fee_wei += -(-fee_wei * at.terms.base_fee_step_bps // BPS_ONE)
    return fee_wei + head.tip_wei


class Position(msgspec.Struct, frozen=True):
    """What a transaction does to a position: opens it, or sells from it; see SignedRow."""

    action: Action = Action.OPEN
    position_id: str = ""
    whale: str = ""
    triggers: tuple[int | None, int | None, int | None] = (None, None, None)


_NO_POSITION: Final = Position()


def _position_of(intent: Intent, sells_from: str, terms: Terms) -> Position:
    if sells_from:
        return Position(action=Action.REDUCE, position_id=sells_from)
    proposal = intent.proposal
    opens = kind_of(proposal.swap.path, terms.weth) is TradeKind.OPENS
    named = intent.intent_id if opens else ""
    return Position(position_id=named, whale=proposal.whale.lower(), triggers=proposal.triggers)


def _enforced_wei(intent: Intent, terms: Terms) -> Wei | None:
    """Return the profit that the chain enforces of a cycle; None of what opens or reduces a position."""
    order = intent.proposal.swap
    cycle = kind_of(order.path, terms.weth) is TradeKind.CYCLE
    return Wei(int(order.min_amount_out) - int(order.amount_in)) if cycle else None


def swap(intent: Intent, gas: int, nonce: int, at: Moment, *, sells_from: str = "") -> Sign:
    """Return the draft of an intent's swap; its deadline is the intent's: the chain bounds it (I2).

    `sells_from` is the position that it reduces; what opens one gives it the intent's own id.
    """
    order = intent.proposal.swap
    return Sign(
        draft=_draft(
            intent_id=intent.intent_id,
            trace_id=intent.trace_id,
            strategy=intent.strategy,
            purpose=Purpose.SWAP,
            nonce=nonce,
            to=at.terms.router,
            gas=with_room(gas),
            fee=fees(at, intent.not_after_s),
            spend_wei=0 if sells_from else int(order.amount_in),
            not_after_s=intent.not_after_s,
            route=at.terms.route,
            at=at,
            profit_wei=_enforced_wei(intent, at.terms),
            path=order.path,
            market=market_of(order.path),
            pool=at.terms.pool_of(intent.strategy),
            position=_position_of(intent, sells_from, at.terms),
        ),
        data=swap_calldata(intent, at.terms),
        value_wei=0,
    )


def with_room(gas: int) -> int:
    """Return the gas limit for what a simulation used, in units."""
    return gas + gas * _GAS_ROOM_PERCENT // 100


def swap_calldata(intent: Intent, terms: Terms) -> bytes:
    """Return what the router is called with (decision 0022).

    What opens or reduces a position counts what arrives, so that the least amount holds for a taxed token;
    no cycle goes through one.
    """
    order = intent.proposal.swap
    cycle = kind_of(order.path, terms.weth) is TradeKind.CYCLE
    made = calldata.swap if cycle else calldata.counted_swap
    return made(int(order.amount_in), int(order.min_amount_out), order.path, terms.wallet, intent.not_after_s)


def market_of(path: tuple[str, ...]) -> str:
    """Return what position limits count a path by: its tokens, in lower case and sorted, each once."""
    return "/".join(sorted({token.lower() for token in path}))


class Approving(msgspec.Struct, frozen=True):
    """An approval to be signed: exactly `amount` of a token, `gas` units as its simulation said.

    Attributes:
        pool: whose trade it is for; empty: nobody's.
        position_id: that it is to be sold for, empty where it is for none.
    """

    intent_id: str
    trace_id: str
    token: str
    amount: int
    gas: int
    action: Action
    pool: str = ""
    position_id: str = ""


def approval(approving: Approving, nonce: int, at: Moment) -> Sign:
    """Return the draft that allows the router exactly so much of a token (EX7)."""
    not_after_s = at.head.timestamp_s + int(_APPROVAL_VALID_BLOCKS * at.terms.block_time_s) + 1
    sign = Sign(
        draft=_draft(
            intent_id=approving.intent_id,
            trace_id=approving.trace_id,
            strategy="warden",
            purpose=Purpose.APPROVE,
            nonce=nonce,
            to=to_checksum_address(approving.token),
            gas=with_room(approving.gas),
            fee=fees(at, not_after_s),
            spend_wei=0,
            not_after_s=not_after_s,
            route=PUBLIC,
            at=at,
            pool=approving.pool or at.terms.pool,
        ),
        data=calldata.approve(at.terms.router, approving.amount),
        value_wei=0,
    )
    draft = msgspec.structs.replace(
        sign.draft,
        spender=at.terms.router,
        allowance=Wei(approving.amount),
        action=approving.action,
        position_id=approving.position_id,
    )
    return msgspec.structs.replace(sign, draft=draft)


def cancel(stuck: Entry, at: Moment) -> Sign:
    """Return the draft that takes a stuck transaction's place: same nonce, nothing moved, both fees raised.

    The fees may pass the operator's cap per gas: a cancel that the chain refuses would block every exit.
    """
    signed = stuck.signed
    max_fee, priority = freeing(at)
    return _nothing(
        f"cancel-{signed.tx_hash}",
        signed.nonce,
        (max(max_fee, raised(signed.max_fee_wei, at)), max(priority, raised(signed.priority_fee_wei, at))),
        at,
        trace_id=signed.trace_id,
        route=signed.route,
        replaces=signed.tx_hash,
        pool=signed.pool,
    )


def fill(nonce: int, at: Moment) -> Sign:
    """Return the draft that moves nothing at a nonce that nothing holds, so that later ones can land."""
    return _nothing(f"fill-{nonce}", nonce, freeing(at), at, trace_id="", route=at.terms.route)


def bump(stuck: Entry, at: Moment) -> Sign | None:
    """Return the draft of the same call once more, at the same nonce with both fees raised (EX3).

    None where that would pass the operator's cap, or would not be mined at it; or its bytes tell no call.
    """
    signed, call = stuck.signed, call_of(stuck.signed.raw, stuck.signed.call)
    max_fee, priority = fees(at, signed.not_after_s)
    max_fee = max(max_fee, raised(signed.max_fee_wei, at))
    priority = max(priority, raised(signed.priority_fee_wei, at))
    if call is None or not at.head.base_fee_wei <= max_fee <= at.terms.max_fee_wei:
        return None
    draft = msgspec.structs.replace(
        signed,
        tx_hash="",
        raw="",
        max_fee_wei=Wei(max_fee),
        priority_fee_wei=Wei(min(priority, max_fee)),
        replaces=signed.tx_hash,
        time=at.now.wall,
        at_ns=at.now.utc_ns,
        block=at.head.block,
    )
    return Sign(draft=draft, data=call[1], value_wei=call[0])


def freeing(at: Moment) -> tuple[int, int]:
    """Return the fees of what frees a nonce: by the chain's need, up to a bound of its own."""
    cap = _CANCEL_CAP_FACTOR * at.terms.max_fee_wei
    return min(_outliving(at, 0), cap), min(at.head.tip_wei, at.terms.max_fee_wei)


def _nothing(
    intent_id: str,
    nonce: int,
    fee: tuple[int, int],
    at: Moment,
    *,
    trace_id: str,
    route: str,
    replaces: str = "",
    pool: str = "",
) -> Sign:
    """Return the draft of a transaction to the wallet itself that moves nothing."""
    return Sign(
        draft=_draft(
            intent_id=intent_id,
            trace_id=trace_id,
            strategy="warden",
            purpose=Purpose.CANCEL,
            nonce=nonce,
            to=at.terms.wallet,
            gas=CANCEL_GAS,
            fee=fee,
            spend_wei=0,
            not_after_s=0,
            # A private one is cancelled by its own relay and publicly: whoever mines next may take either.
            route=route if PUBLIC in route.split("+") else f"{route}+{PUBLIC}",
            at=at,
            replaces=replaces,
            pool=pool or at.terms.pool,
        ),
        data=b"",
        value_wei=0,
    )


def routes(row: SignedRow) -> tuple[str, ...]:
    """Return where a signed transaction goes; it is never sent anywhere else (DESIGN: Transactions)."""
    return tuple(row.route.split("+"))


def raised(fee_wei: int, at: Moment) -> int:
    """Return the least fee per gas that a replacement must offer by the chain's rule, in wei."""
    return fee_wei + -(-fee_wei * at.terms.bump_percent // 100) + 1


def _draft(
    *,
    intent_id: str,
    trace_id: str,
    strategy: str,
    purpose: Purpose,
    nonce: int,
    to: str,
    gas: int,
    fee: tuple[int, int],
    spend_wei: int,
    not_after_s: int,
    route: str,
    at: Moment,
    profit_wei: Wei | None = None,
    path: tuple[str, ...] = (),
    market: str = "",
    pool: str = "",
    replaces: str = "",
    position: Position = _NO_POSITION,
) -> SignedRow:
    return SignedRow(
        intent_id=intent_id,
        trace_id=trace_id,
        strategy=strategy,
        purpose=purpose,
        tx_hash="",
        raw="",
        nonce=nonce,
        to=to,
        gas=gas,
        max_fee_wei=Wei(fee[0]),
        priority_fee_wei=Wei(fee[1]),
        spend_wei=Wei(spend_wei),
        not_after_s=not_after_s,
        route=route,
        time=at.now.wall,
        replaces=replaces,
        path=path,
        market=market,
        pool=pool,
        at_ns=at.now.utc_ns,
        block=at.head.block,
        profit_wei=profit_wei,
        whale=position.whale,
        action=position.action,
        position_id=position.position_id,
        triggers=position.triggers,
    )
