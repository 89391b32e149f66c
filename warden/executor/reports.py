"""What the executor says happened: one event for each turn that an operator may want to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.intents import TradeState
from warden.domain.risk.circuit_breaker import Breaker, BreakerState
from warden.executor.protocol import Command, Tell
from warden.executor.settlement import is_strangers, is_trade
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from warden.executor.book import Entry
    from warden.wire.rows import OutcomeRow, SignedRow

RUNBOOK_TRADES: Final = "manual-intervention"


def breaker_events(before: Breaker, after: Breaker) -> list[Command]:
    """Return the event of a breaker that changed its state; none when it did not."""
    if before.state is after.state:
        return []
    severity = Severity.ERROR if after.state is BreakerState.OPEN else Severity.INFO
    kind = {BreakerState.OPEN: "opened", BreakerState.CLOSED: "closed", BreakerState.HALF_OPEN: "half-open"}
    text = f"circuit breaker {before.state} -> {after.state} after {after.failures} failures in a row"
    return [Tell(severity, f"breaker.{kind[after.state]}", text, runbook="breaker-opened")]


def outcome_event(entry: Entry, row: OutcomeRow) -> Tell:
    """Return the event of a transaction's new state."""
    signed, net_wei = entry.signed, row.gain_wei - row.gas_wei
    quiet = {TradeState.MINED, TradeState.FINAL, TradeState.RELEASED}
    loud = Severity.ERROR if is_strangers(row) else Severity.WARNING
    severity = Severity.INFO if row.state in quiet else loud
    text = f"{signed.purpose} {row.tx_hash}: {row.state}" + (f" ({row.error})" if row.error else "")
    kind = "trade" if is_trade(entry) else signed.purpose.value
    runbook = "" if severity is Severity.INFO else RUNBOOK_TRADES
    return tell(
        severity, f"{kind}.{row.state}", text, signed, runbook=runbook, net_wei=net_wei, block=row.block
    )


def tell(
    severity: Severity, kind: str, text: str, signed: SignedRow, *, runbook: str = "", **data: object
) -> Tell:
    """Return an event about a signed transaction, traced and with its figures."""
    return Tell(
        severity,
        kind,
        text,
        trace_id=signed.trace_id,
        runbook=runbook,
        data={"intent_id": signed.intent_id, "tx_hash": signed.tx_hash, "nonce": signed.nonce, **data},
    )
