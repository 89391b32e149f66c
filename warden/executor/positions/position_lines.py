"""Open positions as screens show them: what each cost, would bring, and at which values it is sold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.money import BPS_ONE, Wei
from warden.domain.risk.protection import triggers
from warden.executor.books import position_book
from warden.wire.telemetry import PositionLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.domain.risk.protection import ExitLimits, Guard
    from warden.executor.books.ledger import Ledger
    from warden.executor.books.position_book import Holding

_SHOWN = 32


def lines(ledger: Ledger) -> Iterator[PositionLine]:
    """Yield a line for each position, oldest first, the first so many."""
    state, limits = ledger.engine.state.exits, ledger.engine.limits.exits
    for held in position_book.standing(ledger.holdings)[:_SHOWN]:
        guard = state.guards.get(held.position_id)
        if guard is not None:
            yield _line(held, guard, limits, state.barred)


def _line(held: Holding, guard: Guard, limits: ExitLimits, barred: str) -> PositionLine:
    """Return one line; values are of all that is held, a threshold that is off is None."""
    own, cost = triggers(guard, limits), held.cost_wei
    value = None if not guard.value.amount else guard.value.wei * held.amount // guard.value.amount
    peak = 0 if not guard.peak.amount else guard.peak.wei * held.amount // guard.peak.amount
    armed = peak * BPS_ONE >= cost * (BPS_ONE + own.trailing_from_bps) and own.trailing_bps > 0
    why = "" if guard.gap is None else guard.gap.value
    return PositionLine(
        market=held.market,
        size_wei=held.cost_wei,
        opened=held.opened,
        protected=guard.gap is None,
        id=held.position_id,
        strategy=held.trader,
        token=held.token,
        amount=held.amount,
        value_wei=None if value is None else Wei(value),
        pnl_wei=None if value is None else Wei(value - cost),
        stop_wei=_at(cost, -own.stop_loss_bps) if own.stop_loss_bps else None,
        take_wei=_at(cost, own.take_profit_bps) if own.take_profit_bps else None,
        trail_wei=_at(peak, -own.trailing_bps) if armed else None,
        why=f"{why}: {barred}" if why and barred else why,
        leaving="" if guard.leaving is None else guard.leaving.value,
    )


def _at(base_wei: int, change_bps: int) -> Wei:
    return Wei(base_wei * (BPS_ONE + change_bps) // BPS_ONE)
