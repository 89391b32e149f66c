"""Whether what a trade buys could be sold again at once: honeypots, transfer taxes, tokens that lie (EX7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.money import BPS_ONE
from warden.domain.risk.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTING: Final = "execution.max_token_tax_percent"
_UNIT: Final = "basis points"


class RoundTrip(msgspec.Struct, frozen=True):
    """A purchase and the sale of all that it brought, simulated one after the other.

    Attributes:
        token: what is bought, lower case.
        paid: what the pool said that it pays out, in the token's smallest unit.
        came: what the wallet's balance grew by.
        quoted_wei: what the pool says that selling `came` brings.
        sold_wei: what selling it did bring.
        failed: why it could not be approved or sold; empty when it was.
        failed_at: `approve` or `sell` where it failed.
        kept: what was left of it after all was sold.
        exit_gas: units that approval and sale used.
        decimals: as the token says, None where it does not say.
    """

    token: str
    paid: int
    came: int
    quoted_wei: int
    sold_wei: int
    failed: str = ""
    failed_at: str = ""
    kept: int = 0
    exit_gas: int = 0
    decimals: int | None = None


def judge(trip: RoundTrip, max_tax_bps: int, decimals: int | None) -> Refusal | None:
    """Return why nothing may be opened in this token, or None.

    Args:
        trip: what was simulated.
        max_tax_bps: of what moves, how much a token may keep for itself, in basis points.
        decimals: what the settings say that the token has; None: they do not name it.
    """
    return next(_refusals(trip, max_tax_bps, decimals), None)


def _refusals(trip: RoundTrip, max_tax_bps: int, decimals: int | None) -> Iterator[Refusal]:
    if decimals is not None and trip.decimals != decimals:
        yield Refusal(
            "simulation.metadata",
            f"{trip.token} does not have the decimals that the settings name",
            limit=str(decimals),
            observed="none" if trip.decimals is None else str(trip.decimals),
            unit="decimals",
            setting="venue.tokens",
        )
    if trip.came <= 0:
        yield Refusal("simulation.brings-nothing", f"buying {trip.token} would bring nothing")
    if trip.failed:
        what = "approved for sale" if trip.failed_at == "approve" else "sold again"
        yield Refusal("simulation.honeypot", f"{trip.token} could be bought but not {what}: {trip.failed}")
    buy_bps, sell_bps = _lost_bps(trip.paid, trip.came), _lost_bps(trip.quoted_wei, trip.sold_wei)
    for bps, what in ((buy_bps, "bought"), (sell_bps, "sold")):
        if bps > max_tax_bps:
            yield Refusal(
                "simulation.token-tax",
                f"{trip.token} keeps a part of what is {what} for itself",
                limit=str(max_tax_bps),
                observed=str(bps),
                unit=_UNIT,
                setting=_SETTING,
            )
    if trip.kept:
        yield Refusal(
            "simulation.token-lies",
            f"{trip.token}: some of it was left after all was sold",
            limit="0",
            observed=str(trip.kept),
            unit="smallest unit",
        )


def _lost_bps(due: int, had: int) -> int:
    """Return how much of what was due did not come, in basis points, rounded up; of nothing due, all."""
    if due <= 0:
        return BPS_ONE
    return max(0, -((had - due) * BPS_ONE // due))
