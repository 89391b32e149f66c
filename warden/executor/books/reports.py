"""What the executor says happened: one event for each turn that an operator may want to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.intents import TradeState
from warden.domain.risk.findings import Finding, Noted
from warden.domain.stops import CleanUp, Stop, StopReason
from warden.executor.books.settlement import is_strangers, is_trade
from warden.executor.protocol.commands import Command, DemandStop, Tell
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from warden.executor.books.book import Entry
    from warden.executor.books.ledger import Demand
    from warden.executor.protocol.terms import Now
    from warden.wire.rows import OutcomeRow, SignedRow

RUNBOOK_TRADES: Final = "manual-intervention"
RUNBOOK_STOP: Final = "emergency-stop"


def notes(findings: Iterable[Finding]) -> Iterator[Command]:
    """Yield what the rules have to tell; a demand for a stop is told with its stop."""
    for finding in findings:
        if isinstance(finding, Noted):
            data = {
                name: value
                for name in ("limit", "observed", "unit", "setting")
                if (value := getattr(finding, name))
            }
            text = finding.message
            if finding.limit and finding.observed:
                text += f" ({finding.observed} of {finding.limit} {finding.unit})".replace(" )", ")")
            severity = Severity(finding.weight.value.lower())
            yield Tell(severity, finding.kind, text, runbook=finding.runbook, data=data)


def demand(demanded: Demand, now: Now) -> DemandStop:
    """Return the order to stop for what a rule demands."""
    finding = demanded.finding
    figures = f": {finding.observed} of {finding.limit} {finding.unit}" if finding.limit else ""
    text = f"{finding.message}{figures} ({finding.rule})"
    stop = Stop(
        stop_id=demanded.stop_id,
        reason=finding.reason.value,
        message=text,
        operator="executor",
        policy=finding.policy.value,
        time=now.wall,
    )
    data = {"stop_id": demanded.stop_id, "setting": finding.setting}
    return DemandStop(stop, Tell(Severity.CRITICAL, "risk.stop", text, runbook=RUNBOOK_STOP, data=data))


def integrity_stop(session: str, why: str, time: str) -> Stop:
    """Return the stop for a journal whose rows are not what was written; one for each run that finds it."""
    return Stop(
        stop_id=f"integrity-{session[:12]}",
        reason=StopReason.DATA_INTEGRITY.value,
        message=f"the executor's journal is not as it was written: {why}",
        operator="executor",
        policy=CleanUp.HOLD.value,
        time=time,
    )


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
