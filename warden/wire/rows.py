"""The rows of the executor's journal: what was signed, what came of it. Readable without the executor."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from warden.domain.intents import Decision, Proposal, TradeState
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.events import RiskEvent
from warden.wire.rows_paper import FillRow, PaperRow

if TYPE_CHECKING:
    from collections.abc import Iterable


class Purpose(StrEnum):
    """What a transaction is for."""

    SWAP = "swap"
    EXIT = "exit"
    APPROVE = "approve"
    CANCEL = "cancel"


# States after which nothing of an intent can land any more.
SETTLED = frozenset(
    {TradeState.MINED, TradeState.FINAL, TradeState.REVERTED, TradeState.RELEASED, TradeState.SUPERSEDED}
)


# Of these, those in which it never lands, reorgs apart.
GIVEN_UP = frozenset({TradeState.RELEASED, TradeState.SUPERSEDED})


class StartedRow(msgspec.Struct, frozen=True, tag="started.1"):
    """The executor started; `chain_id` and `genesis` are set once the chain is known."""

    session: str
    version: str
    wallet: str


class ChainRow(msgspec.Struct, frozen=True, tag="chain.1"):
    """The chain that this journal belongs to; another one is refused. What is `paper` never becomes live."""

    chain_id: int
    genesis: str
    wallet: str
    paper: bool = False


class SignedRow(msgspec.Struct, frozen=True, tag="signed.1"):
    """A signed transaction, durable before its first byte leaves (I5).

    Attributes:
        raw: the signed bytes, hex with 0x; on paper there are none.
        nonce: bound to this intent until it is consumed at finality depth.
        not_after_s: chain time after which it can no longer succeed; 0 for none.
        spend_wei: what it takes out of the capital at most, gas apart.
        route: `public`, or a relay's name, or both joined by a plus for the cancel of a private one.
        replaces: the hash of the transaction that this one stands in for, same nonce.
        path, market, whale: as the risk rules count it (events.Trade); `pool` whose capital it spends.
        action: what it does to the exposure; `position_id` names what it opens or sells from, else empty.
        spender, allowance: of an approval, who may take how much of the token `to` afterwards.
        triggers: of the position that it opens, in basis points: stop-loss, take-profit, trailing stop.
        call: on paper, what the contract would be called with, hex with 0x.
        block: the head that it was signed at; 0 in rows of before it was kept.
        profit_wei: what the chain enforces that comes more than goes, before gas; None: it enforces none.
        exit_reason: of an exit, why the position is sold; empty in rows of before it was kept.
        at_ns: UTC by the executor's own clock, which never goes back; of rows of before there was one, 0.
    """

    intent_id: str
    trace_id: str
    strategy: str
    purpose: Purpose
    tx_hash: str
    raw: str
    nonce: int
    to: str
    gas: int
    max_fee_wei: Wei
    priority_fee_wei: Wei
    spend_wei: Wei
    not_after_s: int
    route: str
    time: str
    replaces: str = ""
    path: tuple[str, ...] = ()
    market: str = ""
    whale: str = ""
    pool: str = "main"
    at_ns: int = 0
    action: Action = Action.OPEN
    position_id: str = ""
    triggers: tuple[int | None, int | None, int | None] = (None, None, None)
    call: str = ""
    spender: str = ""
    allowance: Wei = Wei(0)
    block: int = 0
    profit_wei: Wei | None = None
    exit_reason: str = ""


class TokenFlow(msgspec.Struct, frozen=True):
    """What of one token went out of the wallet and what came, by the receipt's Transfer events.

    Attributes:
        token: its address, lower case.
        sent, received: in its smallest unit.
    """

    token: str
    sent: Wei
    received: Wei


class LegRow(msgspec.Struct, frozen=True, tag="leg.1"):
    """What one endpoint answered: accepted, rejected, unknown, or not-begun."""

    tx_hash: str
    endpoint: str
    result: str
    text: str


class OutcomeRow(msgspec.Struct, frozen=True, tag="outcome.1"):
    """A new state of a signed transaction; figures from its receipt.

    Attributes:
        gain_wei: wrapped native token that came less what went, in wei.
        gas_wei: gas burnt, the L1 data fee with it; `l1_fee_wei` is that part, 0 on chains without one.
        sold_wei, bought_wei: what of it went, and what came.
        flows: the same of every other token of the trade that moved.
        at_ns: as in SignedRow.
    """

    tx_hash: str
    state: TradeState
    time: str
    block: int = 0
    block_hash: str = ""
    gain_wei: Wei = Wei(0)
    gas_wei: Wei = Wei(0)
    error: str = ""
    sold_wei: Wei = Wei(0)
    bought_wei: Wei = Wei(0)
    at_ns: int = 0
    flows: tuple[TokenFlow, ...] = ()
    l1_fee_wei: Wei = Wei(0)


class DecisionRow(msgspec.Struct, frozen=True, tag="decision.1"):
    """A refusal; equal ones in a row are folded into a count.

    Attributes:
        proposal: what would have been done, where nothing may be done now whatever it is (FS4); of a call
            the selector alone.
    """

    strategy: str
    trace_id: str
    decision: Decision
    count: int
    proposal: Proposal | None = None


class StopRow(msgspec.Struct, frozen=True, tag="stop.1"):
    """A stop was seen, or was found lifted."""

    stop_id: str
    lifted: bool


class WitnessRow(msgspec.Struct, frozen=True, tag="witness.1"):
    """Another authority's journal as it was last heard of: it may not be shorter or other later (I9)."""

    journal: str
    rows: int
    hash: str


class CleanupRow(msgspec.Struct, frozen=True, tag="cleanup.1"):
    """A stop's clean-up came to its end: what was cancelled, what had landed, what is still open, by hash.

    Attributes:
        sold, held: of the positions that it was to sell, those that the chain has no more, and the others.
    """

    stop_ids: tuple[str, ...]
    cancelled: tuple[str, ...]
    landed: tuple[str, ...]
    left: tuple[str, ...]
    sold: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


class BaselineRow(msgspec.Struct, frozen=True, tag="baseline.1"):
    """How many transactions of the wallet are accounted for without rows of their own (EX9, I9).

    The first says what the chain had when the journal began; a later one what an operator accepted.
    """

    nonce: int
    time: str


class RiskRow(msgspec.Struct, frozen=True, tag="risk.1"):
    """Something that the risk rules count and that follows from no other row."""

    at_ns: int
    event: RiskEvent


class MissingRow(msgspec.Struct, frozen=True, tag="missing.1"):
    """The wallet holds less of a position's token than was booked: so much of it is gone, for nothing.

    Attributes:
        booked, found: all positions in that token together, and the balance, in its smallest unit.
        amount: what this position loses of it.
    """

    at_ns: int
    position_id: str
    token: str
    booked: Wei
    found: Wei
    amount: Wei


class SnapshotRow(msgspec.Struct, frozen=True, tag="snapshot.1"):
    """All that the rows before came to, so that a start reads from here; the executor's own form of it."""

    form: int
    book: msgspec.Raw
    risk: msgspec.Raw


class OpenRow(msgspec.Struct, frozen=True, tag="open.1"):
    """Every transaction that may still land, written down now and then: what came before needs no reading."""

    hashes: tuple[str, ...]


class EndedRow(msgspec.Struct, frozen=True, tag="ended.1"):
    """The executor ended in order."""

    session: str


ExecutorRow = (
    StartedRow
    | ChainRow
    | SignedRow
    | LegRow
    | OutcomeRow
    | DecisionRow
    | StopRow
    | WitnessRow
    | CleanupRow
    | BaselineRow
    | RiskRow
    | MissingRow
    | SnapshotRow
    | OpenRow
    | PaperRow
    | FillRow
    | EndedRow
)


def in_flight(rows: Iterable[ExecutorRow]) -> tuple[str, ...]:
    """Return the hashes of signed transactions whose end is not recorded, oldest first."""
    open_hashes: dict[str, None] = {}
    for row in rows:
        if isinstance(row, OpenRow):
            open_hashes = dict.fromkeys(row.hashes)
        elif isinstance(row, SignedRow):
            open_hashes[row.tx_hash] = None
        elif isinstance(row, OutcomeRow):
            if row.state in SETTLED:
                open_hashes.pop(row.tx_hash, None)
            else:
                open_hashes[row.tx_hash] = None
    return tuple(open_hashes)
