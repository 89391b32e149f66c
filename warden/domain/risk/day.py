"""The UTC day and the equity that it began with: what daily losses and shares of a day are measured by.

A day's opening equity is the first that is known in it. Until there is one it is None, and every rule that
needs it refuses new trades: yesterday's figure, or none, would let through what should not pass. The state is
durable, so a restart within the day does not begin it anew.

The operator's own deposits and withdrawals are neither gain nor loss. The engine tells `CapitalMoved` before
the first `Read` in which the money has come or gone; here that amount is kept beside the opening, so that the
day's loss stays the same to the wei.
"""

from __future__ import annotations

import msgspec

from warden.domain.money import Wei
from warden.domain.risk.events import DAY_NS, BaselinesReset, CapitalMoved, Moved, Read, RiskEvent


class Day(msgspec.Struct, frozen=True):
    """One UTC day.

    Attributes:
        number: days since 1970; -1 before the first event.
        opening_wei: the first equity known in the day.
        moved_wei: what the operator put in since then, less what was taken out.
    """

    number: int = -1
    opening_wei: Wei | None = None
    moved_wei: Wei = Wei(0)

    @property
    def base_wei(self) -> int:
        """What a share of the day's opening equity is a share of, 0 while it is unknown.

        A withdrawal lessens it, a deposit does not add to it: the day's limit is never loosened by either.
        """
        return 0 if self.opening_wei is None else max(0, self.opening_wei + min(0, self.moved_wei))


def step(day: Day, event: RiskEvent, at_ns: int) -> Day:
    """Return the day after an event; itself when nothing changed. A clock that goes back changes nothing."""
    if at_ns // DAY_NS > day.number:
        day = Day(number=at_ns // DAY_NS)
    if isinstance(event, Read):
        if day.opening_wei is None:
            return msgspec.structs.replace(day, opening_wei=Wei(event.equity_wei))
    elif isinstance(event, CapitalMoved):
        if day.opening_wei is not None:
            return msgspec.structs.replace(day, moved_wei=Wei(day.moved_wei + moved_wei(event)))
    elif isinstance(event, BaselinesReset):
        return Day(number=day.number)
    return day


def is_known(day: Day, at_ns: int) -> bool:
    """Tell whether the opening equity of the day of `at_ns` is known."""
    return day.opening_wei is not None and at_ns // DAY_NS == day.number


def loss_wei(day: Day, equity_wei: int) -> int:
    """Return what the day has cost so far, in wei; negative for a gain, 0 while the opening is unknown."""
    return 0 if day.opening_wei is None else day.opening_wei + day.moved_wei - equity_wei


def moved_wei(event: CapitalMoved) -> int:
    """Return what a move of capital adds to the equity, in wei: negative for all that leaves."""
    return int(event.amount_wei if event.move is Moved.DEPOSIT else -event.amount_wei)


def rebased(baseline_wei: int, equity_wei: int | None, change_wei: int) -> Wei:
    """Return a peak or baseline after the operator moved capital, in wei, rounded up.

    In proportion to the equity, so that every loss in percent stays what it was: a deposit hides no loss,
    and a withdrawal makes none. Where there is no equity to be in proportion to, by the amount itself.
    """
    if equity_wei is None or equity_wei <= 0 or equity_wei + change_wei <= 0:
        return Wei(max(0, baseline_wei + change_wei))
    return Wei(-(-baseline_wei * (equity_wei + change_wei) // equity_wei))
