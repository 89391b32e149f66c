"""What the executor's journal tells of transactions in flight, from its whole or from its tail."""

from __future__ import annotations

from warden.domain.intents import TradeState
from warden.domain.money import Wei
from warden.wire.rows import ExecutorRow, OpenRow, OutcomeRow, Purpose, SignedRow, in_flight


def signed(tx_hash: str) -> SignedRow:
    """Return a signed row with that hash."""
    return SignedRow(
        intent_id=tx_hash,
        trace_id=tx_hash,
        strategy="s",
        purpose=Purpose.SWAP,
        tx_hash=tx_hash,
        raw="0x",
        nonce=0,
        to="0x",
        gas=1,
        max_fee_wei=Wei(1),
        priority_fee_wei=Wei(1),
        spend_wei=Wei(1),
        not_after_s=0,
        route="public",
        time="",
    )


def ended(tx_hash: str, state: TradeState) -> OutcomeRow:
    """Return a new state of that hash."""
    return OutcomeRow(tx_hash=tx_hash, state=state, time="")


def test_what_has_no_end_is_in_flight() -> None:
    """DESIGN §3: signed, rejected or taken back by a reorg may land; mined, released, superseded may not."""
    rows: list[ExecutorRow] = [
        signed("a"),
        signed("b"),
        signed("c"),
        signed("d"),
        ended("a", TradeState.MINED),
        ended("b", TradeState.REJECTED),
        ended("c", TradeState.RELEASED),
        ended("d", TradeState.MINED),
        ended("d", TradeState.REORGED),
    ]
    assert in_flight(rows) == ("b", "d")


def test_the_tail_tells_as_much_as_the_whole() -> None:
    """I4: a stop on a dead executor reads the journal's end alone, however old the journal is."""
    rows: list[ExecutorRow] = [
        signed("old"),
        signed("gone"),
        ended("gone", TradeState.MINED),
        OpenRow(hashes=("old",)),
        signed("new"),
        ended("old", TradeState.MINED),
    ]
    assert in_flight(rows) == in_flight(rows[3:]) == ("new",)
