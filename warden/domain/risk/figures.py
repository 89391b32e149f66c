"""What trades came to: exact sums that add up piece by piece, and the figures made of them (PL2).

A `Tally` holds what any stretch of trades came to; `joined` puts two stretches that follow one another
together exactly, streaks across the seam included. So an hour, a day and all time are kept in the same few
numbers, and no figure needs the trades themselves.

Words: a *record* is any mined transaction. A *trade* is a swap. A trade that only opens a position realises
nothing yet: it is neither won nor lost, and its gas is overhead, like that of approvals and cancels. Every
other trade is won when its net is above zero, lost when it is below; a reverted one is lost by its gas (CB3).
So net = won - lost - overhead, to the wei.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import InvariantBroken
from warden.domain.money import Wei
from warden.domain.risk.events import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.domain.risk.events import Trade

HOUR_NS: Final = 3_600 * NS_PER_S
_SWAP: Final = "swap"
# Ratios do not end as decimals; this many digits are kept, rounded half to even.
_RATIO_DIGITS: Final = 28


class Tally(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a stretch of records came to; the empty tally is all zeros.

    Attributes:
        records: mined transactions, approvals and cancels included.
        trades: swaps among them; `successes` of them did not revert; `wins` and `losses` realised something.
        turnover_wei: what successful trades put in.
        won_wei, lost_wei: net of the won trades, and of the lost ones without their sign.
        first_ns, last_ns: the earliest and the latest time of a record, 0 without any.
        head: the run of wins (positive) or losses (negative) that it begins with.
        streak: the run that it ends with.
    """

    records: int = 0
    trades: int = 0
    successes: int = 0
    wins: int = 0
    losses: int = 0
    turnover_wei: Wei = Wei(0)
    gross_wei: Wei = Wei(0)
    gas_wei: Wei = Wei(0)
    won_wei: Wei = Wei(0)
    lost_wei: Wei = Wei(0)
    largest_win_wei: Wei = Wei(0)
    largest_loss_wei: Wei = Wei(0)
    first_ns: int = 0
    last_ns: int = 0
    head: int = 0
    streak: int = 0
    longest_wins: int = 0
    longest_losses: int = 0

    @property
    def net_wei(self) -> int:
        """Gross less gas."""
        return self.gross_wei - self.gas_wei

    @property
    def overhead_wei(self) -> int:
        """Gas that belongs to no won or lost trade: of openings, approvals and cancels."""
        return self.won_wei - self.lost_wei - self.net_wei


EMPTY: Final = Tally()


def opens(trade: Trade) -> bool:
    """Tell whether a trade only opened a position: native token left, none came, nothing was realised."""
    return (
        trade.kind == _SWAP
        and trade.success
        and trade.input_wei > 0
        and trade.output_wei == 0
        and trade.gross_wei == 0
    )


def result(trade: Trade) -> int:
    """Return 1 for a won trade, -1 for a lost one, 0 for what is neither."""
    if trade.kind != _SWAP or opens(trade):
        return 0
    return (trade.net_wei > 0) - (trade.net_wei < 0)


def tally_of(trade: Trade) -> Tally:
    """Return what one record came to."""
    net, came = trade.net_wei, result(trade)
    swap = trade.kind == _SWAP
    won = Wei(net if came > 0 else 0)
    lost = Wei(-net if came < 0 else 0)
    return Tally(
        records=1,
        trades=int(swap),
        successes=int(swap and trade.success),
        wins=int(came > 0),
        losses=int(came < 0),
        turnover_wei=Wei(trade.input_wei if swap and trade.success else 0),
        gross_wei=Wei(trade.gross_wei),
        gas_wei=Wei(trade.gas_wei),
        won_wei=won,
        lost_wei=lost,
        largest_win_wei=won,
        largest_loss_wei=lost,
        first_ns=trade.at_ns,
        last_ns=trade.at_ns,
        head=came,
        streak=came,
        longest_wins=int(came > 0),
        longest_losses=int(came < 0),
    )


def joined(before: Tally, after: Tally) -> Tally:
    """Return both as one stretch, `after` following `before`."""
    if not before.records:
        return after
    if not after.records:
        return before
    seam = before.streak + after.head if before.streak * after.head > 0 else 0
    return Tally(
        records=before.records + after.records,
        trades=before.trades + after.trades,
        successes=before.successes + after.successes,
        wins=before.wins + after.wins,
        losses=before.losses + after.losses,
        turnover_wei=Wei(before.turnover_wei + after.turnover_wei),
        gross_wei=Wei(before.gross_wei + after.gross_wei),
        gas_wei=Wei(before.gas_wei + after.gas_wei),
        won_wei=Wei(before.won_wei + after.won_wei),
        lost_wei=Wei(before.lost_wei + after.lost_wei),
        largest_win_wei=max(before.largest_win_wei, after.largest_win_wei),
        largest_loss_wei=max(before.largest_loss_wei, after.largest_loss_wei),
        first_ns=min(before.first_ns, after.first_ns),
        last_ns=max(before.last_ns, after.last_ns),
        head=_run(before.head, before, seam, after.head),
        streak=_run(after.streak, after, seam, before.streak),
        longest_wins=max(before.longest_wins, after.longest_wins, seam),
        longest_losses=max(before.longest_losses, after.longest_losses, -seam),
    )


def _run(run: int, of: Tally, seam: int, other: int) -> int:
    """Return a run at an outer end of `of`, which goes on over the seam when all of `of` is that run."""
    if run == 0:
        return other
    return seam if seam and abs(run) >= of.wins + of.losses else run


def summed(trades: Iterable[Trade]) -> Tally:
    """Return what trades in their order came to."""
    tally = EMPTY
    for trade in trades:
        tally = joined(tally, tally_of(trade))
    return tally


def less(tally: Tally, trade: Trade) -> Tally:
    """Return the tally with one record's sums and counts taken back.

    Extremes, times and streaks can't be taken back from sums and stay; whoever needs them exact keeps the
    record itself until it can no longer be undone.

    Raises:
        InvariantBroken: the record was never in it.
    """
    part = tally_of(trade)
    rest = msgspec.structs.replace(
        tally,
        records=tally.records - 1,
        trades=tally.trades - part.trades,
        successes=tally.successes - part.successes,
        wins=tally.wins - part.wins,
        losses=tally.losses - part.losses,
        turnover_wei=Wei(tally.turnover_wei - part.turnover_wei),
        gross_wei=Wei(tally.gross_wei - part.gross_wei),
        gas_wei=Wei(tally.gas_wei - part.gas_wei),
        won_wei=Wei(tally.won_wei - part.won_wei),
        lost_wei=Wei(tally.lost_wei - part.lost_wei),
    )
    counts = (rest.records, rest.trades, rest.successes, rest.wins, rest.losses, rest.won_wei, rest.lost_wei)
    if min(counts) < 0:
        raise InvariantBroken(f"trade {trade.trade_id} ({trade.tx_hash}) is undone, but was never counted")
    return rest if rest.records else EMPTY


class Figures(msgspec.Struct, frozen=True):
    """What a person or a report asks of a stretch of trades; what does not exist is None, never 0.

    Attributes:
        from_ns, to_ns: the stretch that is covered, its end excluded.
        exact: it is the stretch that was asked for.
        success_rate: trades that did not revert, of all; win_rate: won, of won and lost; both 0 to 1.
        average_*_wei: rounded against us: profits down, losses and gas up.
        profit_factor: won / (lost + overhead).
        roi: net / what was put in; turnover_return: net / turnover.
        *_per_hour: over the stretch, trades or not.
        streak: the current run, losses negative.
    """

    from_ns: int
    to_ns: int
    exact: bool
    records: int
    trades: int
    successes: int
    failures: int
    wins: int
    losses: int
    turnover_wei: Wei
    gross_wei: Wei
    gas_wei: Wei
    net_wei: Wei
    won_wei: Wei
    lost_wei: Wei
    overhead_wei: Wei
    success_rate: Decimal | None
    win_rate: Decimal | None
    average_net_wei: Wei | None
    average_win_wei: Wei | None
    average_loss_wei: Wei | None
    average_gas_wei: Wei | None
    profit_factor: Decimal | None
    roi: Decimal | None
    turnover_return: Decimal | None
    trades_per_hour: Decimal | None
    net_per_hour_wei: Wei | None
    largest_win_wei: Wei | None
    largest_loss_wei: Wei | None
    streak: int
    longest_wins: int
    longest_losses: int


def figures(
    tally: Tally, from_ns: int, to_ns: int, *, exact: bool = True, invested_wei: int | None = None
) -> Figures:
    """Return the figures of a tally that covers `from_ns` to `to_ns`; ROI needs what was invested, in wei."""
    net, spent = tally.net_wei, tally.lost_wei + tally.overhead_wei
    span_ns = max(0, to_ns - from_ns)
    return Figures(
        from_ns=from_ns,
        to_ns=to_ns,
        exact=exact,
        records=tally.records,
        trades=tally.trades,
        successes=tally.successes,
        failures=tally.trades - tally.successes,
        wins=tally.wins,
        losses=tally.losses,
        turnover_wei=tally.turnover_wei,
        gross_wei=tally.gross_wei,
        gas_wei=tally.gas_wei,
        net_wei=Wei(net),
        won_wei=tally.won_wei,
        lost_wei=tally.lost_wei,
        overhead_wei=Wei(tally.overhead_wei),
        success_rate=ratio(tally.successes, tally.trades),
        win_rate=ratio(tally.wins, tally.wins + tally.losses),
        average_net_wei=_floor(net, tally.trades),
        average_win_wei=_floor(tally.won_wei, tally.wins),
        average_loss_wei=_ceiling(tally.lost_wei, tally.losses),
        average_gas_wei=_ceiling(tally.gas_wei, tally.records),
        profit_factor=ratio(tally.won_wei, spent),
        roi=ratio(net, invested_wei or 0),
        turnover_return=ratio(net, tally.turnover_wei),
        trades_per_hour=ratio(tally.trades * HOUR_NS, span_ns),
        net_per_hour_wei=_floor(net * HOUR_NS, span_ns),
        largest_win_wei=tally.largest_win_wei if tally.wins else None,
        largest_loss_wei=tally.largest_loss_wei if tally.losses else None,
        streak=tally.streak,
        longest_wins=tally.longest_wins,
        longest_losses=tally.longest_losses,
    )


def ratio(part: int, whole: int) -> Decimal | None:
    """Return `part` / `whole` to 28 digits, None where the whole is not above zero."""
    if whole <= 0:
        return None
    with localcontext() as context:
        context.prec = _RATIO_DIGITS
        return Decimal(part) / Decimal(whole)


def _floor(part: int, whole: int) -> Wei | None:
    return Wei(part // whole) if whole > 0 else None


def _ceiling(part: int, whole: int) -> Wei | None:
    return Wei(-(-part // whole)) if whole > 0 else None
