"""The rules that an intent passes, in the order of EX1: permission, breaker, integrity, capital, limits.

Each answers with a typed refusal or lets it through; the first refusal counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.modes import Action
from warden.domain.risk import circuit_breaker
from warden.domain.risk.circuit_breaker import Breaker
from warden.domain.risk.position_size import Capital, check_fee, check_size, scaled
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
    """What the rules look at besides the intent.

    Attributes:
        head: None while the chain is unknown or its last read is too old to count.
        busy: why nothing else may start now; empty when it may.
        known: the intent's id was seen before.
        size_percent: how much of every size limit counts.
    """

    gate: Refusal | None
    breaker: Breaker
    head: HeadRead | None
    exposure_wei: int
    busy: str
    known: bool
    size_percent: int


def refusal(intent: Intent, situation: Situation, terms: Terms) -> Refusal | None:
    """Return why the intent is refused, or None when it may be simulated."""
    return next(_refusals(intent, situation, terms), None)


def _refusals(intent: Intent, situation: Situation, terms: Terms) -> Iterator[Refusal]:
    if situation.gate is not None:
        yield situation.gate
    blocked = circuit_breaker.check(situation.breaker)
    if blocked is not None:
        yield blocked
    if situation.known:
        yield Refusal("intent.duplicate", "an intent with this id was submitted before")
    if not terms.sends:
        yield Refusal("environment.paper", "paper: observed and recorded; nothing is signed or sent")
    head = situation.head
    if head is None:
        yield Refusal("chain.unknown", "the chain's state is not known now")
        return
    yield from _shape(intent, head, terms)
    capital = Capital(trading_wei=head.trading_balance_wei, gas_wei=head.gas_balance_wei)
    size = scaled(terms.size, situation.size_percent)
    oversized = check_size(int(intent.proposal.swap.amount_in), situation.exposure_wei, capital, size)
    if oversized is not None:
        yield oversized
    dear = check_fee(head.base_fee_wei + head.tip_wei, terms.size)
    if dear is not None:
        yield dear
    if situation.busy:
        yield Refusal("pending", situation.busy)


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
