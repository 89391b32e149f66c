"""Drafts of transactions: what will be signed, with fees by the chain's rules (EX6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from eth_utils.address import to_checksum_address

from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.executor import calldata
from warden.executor.leg import PUBLIC
from warden.executor.protocol import HeadRead, Now, Sign, Terms
from warden.wire.rows import Purpose, SignedRow

if TYPE_CHECKING:
    from warden.domain.intents import Intent
    from warden.executor.book import Entry

# Room above what the simulation used: state may have moved on by the time it is mined.
_GAS_ROOM_PERCENT: Final = 30
_CANCEL_GAS: Final = 21_000
# Two full blocks raise the base fee by less than this factor (EIP-1559: 12.5 % a block).
_BASE_FEE_FACTOR: Final = 2
_APPROVAL_VALID_BLOCKS: Final = 10


class Moment(msgspec.Struct, frozen=True):
    """The chain's head, the terms and the time that a draft is made at."""

    head: HeadRead
    terms: Terms
    now: Now


def fees(at: Moment) -> tuple[int, int]:
    """Return the highest fee and the priority fee per gas, in wei, never above the operator's cap."""
    head, cap = at.head, at.terms.max_fee_wei
    return min(_BASE_FEE_FACTOR * head.base_fee_wei + head.tip_wei, cap), min(head.tip_wei, cap)


def swap(intent: Intent, gas: int, nonce: int, at: Moment) -> Sign:
    """Return the draft of an intent's swap; its deadline is the intent's: the chain bounds it (I2)."""
    order = intent.proposal.swap
    max_fee, priority = fees(at)
    return Sign(
        draft=_draft(
            intent_id=intent.intent_id,
            trace_id=intent.trace_id,
            strategy=intent.strategy,
            purpose=Purpose.SWAP,
            nonce=nonce,
            to=at.terms.router,
            gas=with_room(gas),
            fee=(max_fee, priority),
            spend_wei=int(order.amount_in),
            not_after_s=intent.not_after_s,
            route=at.terms.route,
            now=at.now,
            path=order.path,
            market=market_of(order.path),
            pool=at.terms.pool,
        ),
        data=swap_calldata(intent, at.terms),
        value_wei=0,
    )


def with_room(gas: int) -> int:
    """Return the gas limit for what a simulation used, in units."""
    return gas + gas * _GAS_ROOM_PERCENT // 100


def swap_calldata(intent: Intent, terms: Terms) -> bytes:
    """Return what the router is called with."""
    order = intent.proposal.swap
    return calldata.swap(
        int(order.amount_in), int(order.min_amount_out), order.path, terms.wallet, intent.not_after_s
    )


def market_of(path: tuple[str, ...]) -> str:
    """Return what position limits count a path by: its tokens, in lower case and sorted, each once."""
    return "/".join(sorted({token.lower() for token in path}))


class Approving(msgspec.Struct, frozen=True):
    """An approval to be signed: exactly `amount` of a token, `gas` units as its simulation said."""

    intent_id: str
    trace_id: str
    token: str
    amount: int
    gas: int
    action: Action


def approval(approving: Approving, nonce: int, at: Moment) -> Sign:
    """Return the draft that allows the router exactly so much of a token (EX7)."""
    sign = Sign(
        draft=_draft(
            intent_id=approving.intent_id,
            trace_id=approving.trace_id,
            strategy="warden",
            purpose=Purpose.APPROVE,
            nonce=nonce,
            to=to_checksum_address(approving.token),
            gas=with_room(approving.gas),
            fee=fees(at),
            spend_wei=0,
            not_after_s=at.head.timestamp_s + int(_APPROVAL_VALID_BLOCKS * at.terms.block_time_s) + 1,
            route=PUBLIC,
            now=at.now,
            pool=at.terms.pool,
        ),
        data=calldata.approve(at.terms.router, approving.amount),
        value_wei=0,
    )
    draft = msgspec.structs.replace(
        sign.draft, spender=at.terms.router, allowance=Wei(approving.amount), action=approving.action
    )
    return msgspec.structs.replace(sign, draft=draft)


def cancel(stuck: Entry, at: Moment) -> Sign:
    """Return the draft that takes a stuck transaction's place: same nonce, nothing moved, both fees raised.

    The fees may pass the operator's cap per gas: a cancel that the chain refuses would block every exit.
    """
    signed = stuck.signed
    max_fee, priority = fees(at)
    return Sign(
        draft=_draft(
            intent_id=f"cancel-{signed.tx_hash}",
            trace_id=signed.trace_id,
            strategy="warden",
            purpose=Purpose.CANCEL,
            nonce=signed.nonce,
            to=at.terms.wallet,
            gas=_CANCEL_GAS,
            fee=(
                max(max_fee, _raised(signed.max_fee_wei, at.terms.bump_percent)),
                max(priority, _raised(signed.priority_fee_wei, at.terms.bump_percent)),
            ),
            spend_wei=0,
            not_after_s=0,
            # A private one is cancelled by its own relay and publicly: whoever mines next may take either.
            route=signed.route if signed.route == PUBLIC else f"{signed.route}+{PUBLIC}",
            now=at.now,
            replaces=signed.tx_hash,
            pool=signed.pool,
        ),
        data=b"",
        value_wei=0,
    )


def routes(row: SignedRow) -> tuple[str, ...]:
    """Return where a signed transaction goes; it is never sent anywhere else (DESIGN: Transactions)."""
    return tuple(row.route.split("+"))


def _raised(fee_wei: int, percent: int) -> int:
    return fee_wei + -(-fee_wei * percent // 100) + 1


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
    now: Now,
    path: tuple[str, ...] = (),
    market: str = "",
    pool: str = "",
    replaces: str = "",
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
        time=now.wall,
        replaces=replaces,
        path=path,
        market=market,
        pool=pool,
        at_ns=now.utc_ns,
    )
