"""What is set aside for debts of each period's net profit, and what stays for operation (PL3).

A period's net profit is that of all pools together, gas and losing pools included: 70 % of it (a setting) is
set aside, rounded down to the wei, and the rest stays for operation, so that both make up the profit exactly.
A period without a profit allocates nothing, and its loss is not carried over to the next: the promise is made
of each period's net profit. Among the pools a profit is parted by what those that won have won.

A trade counts in the period of its own time. One that is settled, or undone by a reorg, after its period was
closed, has that period allocated anew, with the share that held when it was closed; `capital.py` moves the
difference. So whatever comes late, what was allocated is that of the trades that stand. Only the newest
`periods_max` periods can be changed; what is older than those counts in the oldest of them.
"""

from __future__ import annotations

from typing import Final

import msgspec

from warden.domain.money import BPS_ONE, Wei
from warden.domain.risk.events import DAY_NS

# 1970 began on a Thursday: from the Monday after it on weeks are what people call weeks.
_MONDAY_NS: Final = 4 * DAY_NS


class AllocationLimits(msgspec.Struct, frozen=True):
    """How long a period is (a UTC day), the share of its profit for debts, and how many periods are kept."""

    period_ns: int = DAY_NS
    debt_bps: int = 7_000
    periods_max: int = 8


class Share(msgspec.Struct, frozen=True):
    """What one pool gets of a period's profit: for debts, and for operation."""

    debts_wei: Wei = Wei(0)
    operating_wei: Wei = Wei(0)


NOTHING: Final = Share()


class Period(msgspec.Struct, frozen=True):
    """What the pools netted from `start_ns` up to, not including, `end_ns`; open until it is closed.

    Attributes:
        nets: net profit or loss by pool.
        debt_bps: the share for debts that it was closed with; None while it is open.
    """

    start_ns: int
    end_ns: int
    nets: dict[str, Wei] = {}
    debt_bps: int | None = None

    @property
    def net_wei(self) -> int:
        """The net profit, or loss, of all pools together."""
        return sum(self.nets.values())


Periods = tuple[Period, ...]


def allocate(period: Period) -> dict[str, Share]:
    """Return what each pool gets of a period's profit; nothing of a loss, or while the period is open.

    The shares add up to the profit, and those for debts to `debt_bps` of it rounded down, to the wei. No pool
    gives more than it won.
    """
    profit = period.net_wei
    if period.debt_bps is None or profit <= 0:
        return {}
    debts = profit * period.debt_bps // BPS_ONE
    won = sum(net for net in period.nets.values() if net > 0)
    shares: dict[str, Share] = {}
    seen = part = part_debts = 0
    for name in sorted(period.nets):
        if period.nets[name] <= 0:
            continue
        # What was given so far is always the exact share rounded down once, so that nothing is lost in parts.
        seen += period.nets[name]
        part_now = profit * seen // won
        debts_now = debts * part_now // profit
        mine, mine_debts = part_now - part, debts_now - part_debts
        shares[name] = Share(Wei(mine_debts), Wei(mine - mine_debts))
        part, part_debts = part_now, debts_now
    return shares


def booked(
    periods: Periods, pool: str, net_wei: int, trade_ns: int, limits: AllocationLimits
) -> tuple[Periods, Period, Period]:
    """Return the periods with one more result of a pool, and the period it counts in before and after."""
    index = _index(periods, trade_ns)
    if index is None and len(periods) >= limits.periods_max and trade_ns < periods[0].start_ns:
        index = 0
    if index is None:
        periods, index = _with_new(periods, trade_ns, limits.period_ns)
    before = periods[index]
    nets = {**before.nets, pool: Wei(before.nets.get(pool, 0) + net_wei)}
    after = msgspec.structs.replace(before, nets=nets)
    periods = (*periods[:index], after, *periods[index + 1 :])
    while len(periods) > limits.periods_max and periods[0].debt_bps is not None:
        periods = periods[1:]
    return periods, before, after


def closed(periods: Periods, debt_bps: int, at_ns: int) -> tuple[Periods, tuple[Period, ...]]:
    """Return the periods with those closed that are over, and these."""
    over = [each.debt_bps is None and each.end_ns <= at_ns for each in periods]
    done = tuple(
        msgspec.structs.replace(each, debt_bps=debt_bps) if now else each
        for each, now in zip(periods, over, strict=True)
    )
    return done, tuple(each for each, now in zip(done, over, strict=True) if now)


def next_close_ns(periods: Periods) -> int:
    """Return when the next open period is over, 0 when none is open."""
    return min((each.end_ns for each in periods if each.debt_bps is None), default=0)


def _index(periods: Periods, trade_ns: int) -> int | None:
    for index in range(len(periods) - 1, -1, -1):
        if periods[index].start_ns <= trade_ns < periods[index].end_ns:
            return index
    return None


def _with_new(periods: Periods, trade_ns: int, period_ns: int) -> tuple[Periods, int]:
    """Return the periods with an open one that holds `trade_ns`, clear of its neighbours, and its place.

    A neighbour overlaps only where the setting was changed while it ran.
    """
    start_ns = trade_ns - (trade_ns - _MONDAY_NS) % period_ns
    end_ns = start_ns + period_ns
    index = sum(each.start_ns <= trade_ns for each in periods)
    if index:
        start_ns = max(start_ns, periods[index - 1].end_ns)
    if index < len(periods):
        end_ns = min(end_ns, periods[index].start_ns)
    return (*periods[:index], Period(start_ns, end_ns), *periods[index:]), index
