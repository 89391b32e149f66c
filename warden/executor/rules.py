"""The first rules of EX1: permission, and whether the intent is one that this version can protect.

What it may cost is for the engine (domain/risk). Each answers with a typed refusal or lets it through.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.modes import Action
from warden.domain.risk.refusal import Refusal
from warden.executor.protocol import HeadRead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.domain.intents import Intent
    from warden.executor.protocol import Terms

_CYCLE_TOKENS_MIN: Final = 3
_PATH_TOKENS_MAX: Final = 6
_NAME_MAX: Final = 100
_UINT256: Final = 2**256
_ID: Final = re.compile(r"[0-9a-f]{32}")
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")


class Situation(msgspec.Struct, frozen=True):
    """What these rules look at besides the intent.

    Attributes:
        gate: why nothing may leave now.
        head: None while the chain is unknown or its last read is too old to count.
        known: the intent's id was seen before.
    """

    gate: Refusal | None
    head: HeadRead | None
    known: bool


def refusal(intent: Intent, situation: Situation, terms: Terms) -> Refusal | None:
    """Return why the intent is refused before any limit is looked at, or None."""
    return next(_refusals(intent, situation, terms), None)


def _refusals(intent: Intent, situation: Situation, terms: Terms) -> Iterator[Refusal]:
    if situation.gate is not None:
        yield situation.gate
    if situation.known:
        yield Refusal("intent.duplicate", "an intent with this id was submitted before")
    if situation.head is None:
        yield Refusal("chain.unknown", "the chain's state is not known now")
        return
    if situation.head.trading_balance_wei <= 0:
        # Zero is no capital, not "no data" (ES2's trap); whether it was lost is for the engine to say.
        yield Refusal("capital.zero", "the wallet holds no trading capital", observed="0", unit="ETH")
    yield from _shape(intent, situation.head, terms)


def _shape(intent: Intent, head: HeadRead, terms: Terms) -> Iterator[Refusal]:
    """Refuse what is no trade, or one that this version cannot protect."""
    swap = intent.proposal.swap
    if not (_ID.fullmatch(intent.intent_id) and _ID.fullmatch(intent.trace_id)):
        yield Refusal("intent.shape", "ids are 32 hex characters")
    if len(intent.strategy) > _NAME_MAX or not intent.strategy.isprintable():
        yield Refusal("intent.shape", f"a strategy's name is at most {_NAME_MAX} printable characters")
    if intent.proposal.action is not Action.OPEN:
        # What a trade does to the exposure is for the executor to say, not for the trader to claim: whoever
        # called a swap a cancel would trade in every mode.
        yield Refusal("intent.action", "a cycle opens and closes in one step, and counts as opening")
    if not 0 < swap.amount_in < _UINT256 or not 0 < swap.min_amount_out < _UINT256:
        yield Refusal("intent.shape", "amounts must be above zero and fit the chain's 256 bits")
    if not swap.path or len(swap.path) > _PATH_TOKENS_MAX or not all(map(_ADDRESS.fullmatch, swap.path)):
        yield Refusal("intent.shape", "the path must be one to six token addresses")
        return
    ends = {swap.path[0].lower(), swap.path[-1].lower()}
    if ends != {terms.weth.lower()} or len(swap.path) < _CYCLE_TOKENS_MIN:
        yield Refusal(
            "intent.open-position",
            "only cycles that begin and end in the wrapped native token: nothing protects a position yet",
        )
    if swap.min_amount_out <= swap.amount_in:
        yield Refusal(
            "intent.unprofitable",
            "a cycle must enforce more out than in on the chain",
            limit=str(int(swap.amount_in)),
            observed=str(int(swap.min_amount_out)),
            unit="wei",
        )
    if intent.not_after_s <= head.timestamp_s:
        yield Refusal(
            "not_after",
            "its last block has passed",
            limit=str(intent.not_after_s),
            observed=str(head.timestamp_s),
            unit="s",
        )
