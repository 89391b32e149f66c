"""The executor's picture of itself, for screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.intents import TradeState
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.events import NS_PER_S
from warden.domain.risk.profit_loss import recent_trades
from warden.executor.books.risk_report import price_text
from warden.executor.positions.position_lines import lines
from warden.executor.protocol.terms import Ticket
from warden.wire.telemetry import ExecutorStatus, InFlightLine, TradeLine

if TYPE_CHECKING:
    from warden.executor.books.book import Book, Entry
    from warden.executor.core import ExecutorCore
    from warden.executor.protocol.terms import Now, Terms
    from warden.executor.sends.gate import Gate
    from warden.wire.messages import Head

_TRADES_SHOWN = 15
_IN_FLIGHT_SHOWN = 16
_RECORDS_LOOKED_AT = 64


def picture(
    core: ExecutorCore, gate: Gate, terms: Terms, now: Now, *, session: str, head: Head
) -> ExecutorStatus:
    """Return the status to publish; money that is not known now is None, never an old figure."""
    book, view = core.book, core.fresh_head(now)
    closed = gate.refusal(
        Ticket(Action.OPEN, trader_session="", not_after_boot_ns=now.boot_ns + 1_000_000_000)
    )
    capital = None if view is None else Wei(view.trading_balance_wei)
    records = recent_trades(core.ledger.engine.state.profit_loss, _RECORDS_LOOKED_AT)
    nets = {each.tx_hash: each.net_wei for each in records}
    return ExecutorStatus(
        sent_ns=now.boot_ns,
        session=session,
        wallet=terms.wallet,
        gate="" if closed is None else f"{closed.rule}: {closed.message}",
        mode=int(gate.mode),
        exposure_wei=Wei(book.exposure_wei() + core.ledger.engine.state.positions.cost_wei),
        exposure_limit_bps=terms.risk.levers.trade.max_exposure_bps or 0,
        capital_wei=capital,
        gas_balance_wei=None if view is None else Wei(view.gas_balance_wei),
        trades=book.totals.trades,
        wins=core.ledger.ever().wins,
        net_wei=Wei(core.ledger.net_wei),
        gas_wei=Wei(book.totals.gas_wei),
        price_usd=price_text(core.ledger.engine, now.utc_ns),
        breaker=core.ledger.engine.state.breaker.state.value,
        pending=len(book.open_nonces()),
        heads=(head,),
        positions=tuple(lines(core.ledger)),
        recent_trades=tuple(_line(entry, nets) for entry in book.recent(_TRADES_SHOWN)),
        recent_decisions=core.decisions.lines(),
        in_flight=in_flight(book, now),
    )


def in_flight(book: Book, now: Now) -> tuple[InFlightLine, ...]:
    """Return what may still land, by nonce, lowest first; what was signed last stands for its nonce."""
    by_nonce: dict[int, list[Entry]] = {}
    for entry in book.open():
        by_nonce.setdefault(entry.signed.nonce, []).append(entry)
    return tuple(_flight(by_nonce[nonce], now) for nonce in sorted(by_nonce)[:_IN_FLIGHT_SHOWN])


def _flight(entries: list[Entry], now: Now) -> InFlightLine:
    first, newest = entries[0].signed, entries[-1]
    return InFlightLine(
        nonce=first.nonce,
        purpose=newest.signed.purpose.value,
        tx_hash=newest.signed.tx_hash,
        state=newest.outcome.state.value,
        age_s=max(0, now.utc_ns - first.at_ns) // NS_PER_S if first.at_ns else 0,
        max_fee_wei=newest.signed.max_fee_wei,
        attempts=len(entries),
        accepted=newest.accepted,
    )


def _line(entry: Entry, nets: dict[str, int]) -> TradeLine:
    """Return one line; what was realised, where the records have it: a purchase realises its gas alone."""
    signed, outcome = entry.signed, entry.outcome
    net_wei = nets.get(signed.tx_hash, outcome.gain_wei - outcome.gas_wei)
    mined = outcome.state in {TradeState.MINED, TradeState.FINAL, TradeState.REVERTED}
    return TradeLine(
        time=outcome.time,
        intent_id=signed.intent_id,
        trace_id=signed.trace_id,
        strategy=signed.strategy,
        state=outcome.state.value,
        tx_hash=signed.tx_hash,
        block=outcome.block,
        net_wei=Wei(net_wei) if mined else None,
        gas_wei=outcome.gas_wei if mined else None,
        error=outcome.error,
    )
