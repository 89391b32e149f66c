"""When a position has lost, won or fallen back enough to be sold (SL1): exact, from exit values.

An exit value is what selling the whole holding would bring in wei, worked out from pool reserves: fees and
price impact are in it, as they are in the money that comes back. It is compared with the cost of what is
still held, by cross-multiplication, so that nothing is rounded: at the threshold it fires, one wei before
it does not.

The trailing stop follows the highest exit value since the position was opened. It is armed once that peak
has reached the cost plus `trailing_from_bps` [0: once the position could be sold without loss]; before that
the stop-loss alone guards it. Were it armed from the first moment on, then fees and price impact would
count as a fall, and a trailing stop of 5 % would always fire before a stop-loss of 10 %.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import ConfigurationInvalid
from warden.domain.money import BPS_ONE, Wei

if TYPE_CHECKING:
    from collections.abc import Iterator

TAKE_PROFIT_BPS_MAX: Final = 1_000 * BPS_ONE


class ExitReason(StrEnum):
    """Why a position is sold; of several the first in this order is told."""

    STOP_LOSS = "stop-loss"
    TRAILING_STOP = "trailing-stop"
    TAKE_PROFIT = "take-profit"
    ORDERED = "ordered"


class Triggers(msgspec.Struct, frozen=True):
    """Thresholds in basis points of the cost, the trailing stop's of the peak; 0: none of that kind.

    Raises:
        ConfigurationInvalid: one is out of range; the stop-loss and the trailing stop are 0 to 10000.
    """

    stop_loss_bps: int = 1_000
    take_profit_bps: int = 2_500
    trailing_bps: int = 500
    trailing_from_bps: int = 0

    def __post_init__(self) -> None:
        """Refuse what could never fire, or would always."""
        for name, value, least, most in (
            ("stop_loss", self.stop_loss_bps, 0, BPS_ONE),
            ("take_profit", self.take_profit_bps, 0, TAKE_PROFIT_BPS_MAX),
            ("trailing", self.trailing_bps, 0, BPS_ONE),
            ("trailing_from", self.trailing_from_bps, -BPS_ONE, TAKE_PROFIT_BPS_MAX),
        ):
            if not least <= value <= most:
                raise ConfigurationInvalid(
                    f"exits.{name}_percent is {percent(value)} %, but must be "
                    f"{percent(least)} % to {percent(most)} %"
                )


class Worth(msgspec.Struct, frozen=True):
    """`wei` for `amount` of a token's smallest units; two are compared per unit, exactly."""

    wei: Wei = Wei(0)
    amount: Wei = Wei(0)

    def above(self, other: Worth) -> bool:
        """Tell whether a unit is worth more here; what has no amount is worth less than anything."""
        return self.amount > 0 and (other.amount <= 0 or self.wei * other.amount > other.wei * self.amount)


class Fired(msgspec.Struct, frozen=True):
    """A threshold that was reached, both as percent in text."""

    reason: ExitReason
    limit: str
    observed: str


def fired(triggers: Triggers, cost: Worth, now: Worth, peak: Worth) -> Fired | None:
    """Return the threshold that the exit value `now` has reached, or None.

    Args:
        triggers: those of this position.
        cost: what was paid for what was bought; wei and amount above zero.
        now: the exit value of what is held; amount above zero, zero wei is a total loss.
        peak: the highest exit value since opening, `now` included.
    """
    return next(_fired(triggers, cost, now, peak), None)


def _fired(triggers: Triggers, cost: Worth, now: Worth, peak: Worth) -> Iterator[Fired]:
    if triggers.stop_loss_bps and _at_most(now, cost, BPS_ONE - triggers.stop_loss_bps):
        yield Fired(ExitReason.STOP_LOSS, percent(triggers.stop_loss_bps), percent(-change_bps(now, cost)))
    armed = _at_least(peak, cost, BPS_ONE + triggers.trailing_from_bps) and peak.wei > 0
    if triggers.trailing_bps and armed and _at_most(now, peak, BPS_ONE - triggers.trailing_bps):
        yield Fired(ExitReason.TRAILING_STOP, percent(triggers.trailing_bps), percent(-change_bps(now, peak)))
    if triggers.take_profit_bps and _at_least(now, cost, BPS_ONE + triggers.take_profit_bps):
        yield Fired(ExitReason.TAKE_PROFIT, percent(triggers.take_profit_bps), percent(change_bps(now, cost)))


def _at_most(now: Worth, base: Worth, share: int) -> bool:
    return now.wei * base.amount * BPS_ONE <= base.wei * now.amount * share


def _at_least(now: Worth, base: Worth, share: int) -> bool:
    return now.wei * base.amount * BPS_ONE >= base.wei * now.amount * share


def change_bps(now: Worth, base: Worth) -> int:
    """Return by how much a unit is worth more than in `base`, in basis points rounded towards zero."""
    was = base.wei * now.amount
    gain = now.wei * base.amount - was
    change = abs(gain) * BPS_ONE // was
    return change if gain >= 0 else -change


def percent(share_bps: int) -> str:
    """Return basis points as percent with two decimals."""
    whole, part = divmod(abs(share_bps), 100)
    return f"{'-' if share_bps < 0 else ''}{whole}.{part:02d}"
