"""The first rules of EX1: permission, and whether the intent is one that this version can protect.

What it may cost is for the engine (domain/risk). Each answers with a typed refusal or lets it through.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.modes import Action
from warden.domain.money import BPS_ONE
from warden.domain.risk.exit_triggers import TAKE_PROFIT_BPS_MAX
from warden.domain.risk.refusal import Refusal
from warden.executor.protocol.events import HeadRead
from warden.executor.sends.trade_kinds import TradeKind, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.domain.intents import Intent
    from warden.executor.protocol.terms import Terms

_CYCLE_TOKENS_MIN: Final = 3
_SWAP_TOKENS_MIN: Final = 2
_STOP_LOSS_BPS_MAX: Final = 5_000
_PATH_TOKENS_MAX: Final = 6
_NAME_MAX: Final = 100
_UINT256: Final = 2**256
_ID: Final = re.compile(r"[0-9a-f]{32}")
DUPLICATE: Final = Refusal("intent.duplicate", "an intent with this id was submitted before")
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")


class Situation(msgspec.Struct, frozen=True):
    """What these rules look at besides the intent.

    Attributes:
        gate: why nothing may be opened now; `reduce_gate`: why nothing may be sold from a position.
        head: None while the chain is unknown or its last read is too old to count.
        known: the intent's id was seen before.
    """

    gate: Refusal | None
    head: HeadRead | None
    known: bool
    reduce_gate: Refusal | None = None


def refusal(intent: Intent, situation: Situation, terms: Terms) -> Refusal | None:
    """Return why the intent is refused before any limit is looked at, or None."""
    return next(_refusals(intent, situation, terms), None)


def _refusals(intent: Intent, situation: Situation, terms: Terms) -> Iterator[Refusal]:
    # Reducing has a gate of its own, and only a path can say that it reduces.
    gate = situation.reduce_gate if reduces(intent, terms) else situation.gate
    if gate is not None:
        yield gate
    if situation.known:
        yield DUPLICATE
    if situation.head is None:
        yield Refusal("chain.unknown", "the chain's state is not known now")
        return
    if situation.head.trading_balance_wei <= 0 and not reduces(intent, terms):
        # Zero is no capital, not "no data" (ES2's trap); whether it was lost is for the engine to say.
        yield Refusal("capital.zero", "the wallet holds no trading capital", observed="0", unit="ETH")
    yield from _shape(intent, situation.head, terms)


def names(intent: Intent) -> Refusal | None:
    """Return what is wrong with an intent's ids or its strategy's name, or None."""
    if not (_ID.fullmatch(intent.intent_id) and _ID.fullmatch(intent.trace_id)):
        return Refusal("intent.shape", "ids are 32 hex characters")
    if len(intent.strategy) > _NAME_MAX or not intent.strategy.isprintable():
        return Refusal("intent.shape", f"a strategy's name is at most {_NAME_MAX} printable characters")
    return None


def late(intent: Intent, head: HeadRead) -> Refusal | None:
    """Return that an intent's last block has passed, or None."""
    if intent.not_after_s > head.timestamp_s:
        return None
    return Refusal(
        "not_after",
        "its last block has passed",
        limit=str(intent.not_after_s),
        observed=str(head.timestamp_s),
        unit="s",
    )


def reduces(intent: Intent, terms: Terms) -> bool:
    """Tell whether an intent sells from a position, by its path."""
    path = intent.proposal.swap.path
    return len(path) > 1 and kind_of(path, terms.weth) is TradeKind.REDUCES


def _position(intent: Intent, kind: TradeKind) -> Iterator[Refusal]:
    """Refuse what is said of a position where there is none, and exits that would protect nothing."""
    proposal = intent.proposal
    if proposal.whale and not _ADDRESS.fullmatch(proposal.whale):
        yield Refusal("intent.shape", "the followed wallet must be an address")
    if proposal.position and not _ID.fullmatch(proposal.position):
        yield Refusal("intent.shape", "a position's id is 32 hex characters")
    if any(each is not None for each in proposal.triggers) and kind is not TradeKind.OPENS:
        yield Refusal("intent.triggers", "only what opens a position has exits of its own")
    bounds = (_STOP_LOSS_BPS_MAX, TAKE_PROFIT_BPS_MAX, BPS_ONE)
    said = zip(proposal.triggers, bounds, strict=True)
    if any(each is not None and not 0 < each <= most for each, most in said):
        yield Refusal(
            "intent.triggers",
            "an exit is out of its range, in basis points",
            limit=", ".join(f"1 to {most}" for most in bounds),
            observed=", ".join("" if each is None else str(each) for each in proposal.triggers),
            unit="basis points",
        )


def _shape(intent: Intent, head: HeadRead, terms: Terms) -> Iterator[Refusal]:
    """Refuse what is no trade, or one that this version cannot protect."""
    swap = intent.proposal.swap
    if refusal := names(intent):
        yield refusal
    if intent.proposal.action is not Action.OPEN and not reduces(intent, terms):
        # What a trade does to the exposure is for the executor to say, not for the trader to claim: whoever
        # called a swap a cancel would trade in every mode.
        yield Refusal("intent.action", "what begins in the wrapped native token counts as opening")
    if not 0 < swap.amount_in < _UINT256 or not 0 < swap.min_amount_out < _UINT256:
        yield Refusal("intent.shape", "amounts must be above zero and fit the chain's 256 bits")
    if not swap.path or len(swap.path) > _PATH_TOKENS_MAX or not all(map(_ADDRESS.fullmatch, swap.path)):
        yield Refusal("intent.shape", "the path must be one to six token addresses")
        return
    kind = kind_of(swap.path, terms.weth)
    cycle = kind is TradeKind.CYCLE
    if kind is TradeKind.OTHER or len(swap.path) < (_CYCLE_TOKENS_MIN if cycle else _SWAP_TOKENS_MIN):
        yield Refusal(
            "intent.path", "a path begins or ends in the wrapped native token, and a cycle has three at least"
        )
    yield from _position(intent, kind)
    if cycle and swap.min_amount_out <= swap.amount_in:
        yield Refusal(
            "intent.unprofitable",
            "a cycle must enforce more out than in on the chain",
            limit=str(int(swap.amount_in)),
            observed=str(int(swap.min_amount_out)),
            unit="wei",
        )
    if refusal := late(intent, head):
        yield refusal
