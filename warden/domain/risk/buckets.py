"""Hours and days of trades, each as one tally; the oldest go when there are too many (PL2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from warden.domain.risk.figures import Tally, joined, less, tally_of

if TYPE_CHECKING:
    from warden.domain.risk.events import Trade


class Bucket(msgspec.Struct, frozen=True):
    """What was folded of one hour or one day, which begins at `start_ns`."""

    start_ns: int
    tally: Tally


class Buckets(msgspec.Struct, frozen=True):
    """Buckets in the order of their times; before `floor_ns` they are no longer complete."""

    kept: tuple[Bucket, ...] = ()
    floor_ns: int = 0


def put(buckets: Buckets, trade: Trade, width_ns: int, most: int) -> Buckets:
    """Return the buckets with one record more; the oldest go when there are too many."""
    start_ns = trade.at_ns - trade.at_ns % width_ns
    if start_ns < buckets.floor_ns:
        return buckets
    kept, index = buckets.kept, len(buckets.kept)
    while index and kept[index - 1].start_ns > start_ns:
        index -= 1
    if index and kept[index - 1].start_ns == start_ns:
        index -= 1
        tally, after = joined(kept[index].tally, tally_of(trade)), kept[index + 1 :]
    else:
        tally, after = tally_of(trade), kept[index:]
    kept = (*kept[:index], Bucket(start_ns, tally), *after)
    if len(kept) <= most:
        return Buckets(kept, buckets.floor_ns)
    return Buckets(kept[-most:], kept[-most - 1].start_ns + width_ns)


def taken(buckets: Buckets, trade: Trade, width_ns: int) -> Buckets:
    """Return the buckets less one record, whose bucket may be gone by now."""
    start_ns = trade.at_ns - trade.at_ns % width_ns
    if start_ns < buckets.floor_ns:
        return buckets
    kept = tuple(
        Bucket(start_ns, less(each.tally, trade)) if each.start_ns == start_ns else each
        for each in buckets.kept
    )
    return Buckets(kept, buckets.floor_ns)
