"""Executor's journals with the lives of trades in them, written by the real journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.executor.rows import signed, tx
from warden.domain.intents import Decision, Outcome, TradeState
from warden.domain.money import Wei
from warden.domain.risk.events import RiskEvent, Sent
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal
from warden.wire.codec import to_json
from warden.wire.rows import DecisionRow, ExecutorRow, LegRow, OutcomeRow, Purpose, RiskRow, SignedRow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

import msgspec

ETHER = 10**18


def trace(number: int) -> str:
    """Return a trace's id."""
    return f"{number:02x}ace{number:027x}"


def intent(number: int) -> str:
    """Return an intent's id."""
    return f"{number:02x}1d{number:028x}"


def swap(number: int, *, purpose: Purpose = Purpose.SWAP, replaces: str = "") -> SignedRow:
    """Return a signed transaction of trade `number % 100`."""
    return msgspec.structs.replace(
        signed(number, purpose=purpose, replaces=replaces, spend_wei=ETHER, max_fee_wei=1_500_000_000),
        intent_id=f"cancel-{replaces}" if replaces else intent(number % 100),
        trace_id=trace(number % 100),
        strategy="Triangular",
    )


def refused(number: int, *, count: int = 1) -> DecisionRow:
    """Return a refusal of trade `number`."""
    decision = Decision(
        intent_id=intent(number),
        outcome=Outcome.REFUSED,
        rule="limits.max_trade_eth",
        limit="10",
        observed="12",
        unit="ETH",
        setting="limits.max_trade_eth",
        message="larger than a trade may be",
    )
    return DecisionRow(strategy="Triangular", trace_id=trace(number), decision=decision, count=count)


def leg(number: int, text: str = "") -> LegRow:
    """Return an endpoint's answer."""
    return LegRow(tx_hash=tx(number), endpoint="alpha", result="accepted", text=text)


def mined(number: int) -> OutcomeRow:
    """Return an outcome with figures."""
    return OutcomeRow(
        tx_hash=tx(number),
        state=TradeState.MINED,
        time="",
        block=77,
        gain_wei=Wei(10**16),
        gas_wei=Wei(10**15),
        sold_wei=Wei(ETHER),
        bought_wei=Wei(ETHER + 10**16),
    )


def counted(event: RiskEvent) -> RiskRow:
    """Return a row of the risk rules."""
    return RiskRow(at_ns=1, event=event)


def sent(number: int) -> RiskRow:
    """Return what the rules count when it was signed."""
    return counted(Sent(intent(number)))


def write(path: Path, rows: Iterable[ExecutorRow]) -> Path:
    """Write rows as the executor does and return the journal's path."""
    journal = Journal(path, SystemClock())
    for row in rows:
        journal.append(str(row.__struct_config__.tag), to_json(row))
    journal.close()
    return path
