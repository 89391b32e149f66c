"""Opened books and an operator's moves, for tests of pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.domain.risk.trades import START_NS
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk import capital
from warden.domain.risk.capital import Capital, CapitalLimits, PoolWeight
from warden.domain.risk.events import CapitalMoved, Moved, Read, Request, Reserved, RiskEvent
from warden.domain.risk.findings import Noted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.domain.risk.pools import Pool

LIMITS = CapitalLimits(pools=(PoolWeight("a"),), confirm_reads=3, short_tolerance_wei=0)
TRADING, GAS = 10_000, 500


def read(total: int) -> Read:
    """Return a Read of a wallet that holds so much in all."""
    return Read(Wei(total - GAS), Wei(GAS), Wei(total))


def moved(move: Moved, amount: int, *, pool: str = "a", account: str = "") -> CapitalMoved:
    """Return what an operator moved."""
    return CapitalMoved(move, Wei(amount), pool, "ada", "because", account)


def reserved(spend: int, intent_id: str = "id", *, pool: str = "a") -> Reserved:
    """Return a reservation."""
    return Reserved(intent_id, pool, "m", "", Wei(spend), Wei(0))


def asks(spend: int, *, strategy: str = "a", action: Action = Action.OPEN) -> Request:
    """Return a request to spend so much."""
    return Request("id", strategy, action, spend, 0, 0, 0)


def opened(limits: CapitalLimits = LIMITS) -> Capital:
    """Return books that were opened on a wallet of TRADING and GAS."""
    state, _ = capital.step(Capital(), limits, read(TRADING + GAS), START_NS)
    return state


def after(
    state: Capital, events: Iterable[RiskEvent], limits: CapitalLimits = LIMITS, at_ns: int = START_NS
) -> tuple[Capital, list[Noted]]:
    """Return the state after events at one time, and what was noted."""
    notes: list[Noted] = []
    for event in events:
        state, more = capital.step(state, limits, event, at_ns)
        notes += [each for each in more if isinstance(each, Noted)]
    return state, notes


def accounts(pool: Pool) -> tuple[int, int, int, int, int, int]:
    """Return available, reserved, positions, gas, debts and operating, in wei."""
    return (
        pool.available_wei,
        pool.reserved_wei,
        pool.positions_wei,
        pool.gas_wei,
        pool.debts_wei,
        pool.operating_wei,
    )
