"""What the pools say of positions' worth, held against a second source or their own last blocks (ES2, SL1).

Remembers the last few blocks' reserves along each way on which something is sold, in this run; before there
are enough of them, what a position was worth when that was last written down stands for them. What follows
from a dispute is the same everywhere: exits go by what blocks in a row have shown, losses and limits by the
worse of the two, and nothing more of that token is bought. How long a dispute may last is bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.amm import Hop, SwapImpossible, route_out
from warden.domain.money import BPS_ONE, Wei
from warden.domain.risk.doubt import Belief, DoubtLimits, Ratio, believed, compared, marginal
from warden.domain.risk.events import NS_PER_S, Valuation
from warden.domain.risk.exits import valuation
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.thresholds import format_percent
from warden.executor.protocol.commands import Tell
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warden.domain.risk.exit_triggers import Worth
    from warden.executor.books.position_book import Holding
    from warden.executor.protocol.events import HeadRead
    from warden.executor.protocol.price_terms import Route
    from warden.executor.protocol.terms import Now

SETTING: Final = "price.max_deviation_percent"
_TELL_AGAIN_NS: Final = 600 * NS_PER_S
_SCALE: Final = 10**36
_SHOWN_BPS_MAX: Final = 100 * BPS_ONE
_RUNBOOK: Final = "position-limit#a-price-is-in-dispute"


class _Sight(msgspec.Struct, frozen=True):
    """A block's reserves along a route; `against` is what second sources pay for one that these pay."""

    block: int
    hops: tuple[Hop, ...]
    against: Ratio | None


class _Dispute(msgspec.Struct, frozen=True):
    """Since when a position's worth is in dispute, and on how many blocks, the last of them `block`."""

    since_ns: int
    block: int
    blocks: int = 1


class Doubts:
    """What is believed of each position's worth; with no limits everything is.

    Args:
        limits: None: whatever the pools say counts.
    """

    def __init__(self, limits: DoubtLimits | None) -> None:
        self._limits = limits
        self._sights: dict[Route, list[_Sight]] = {}
        self._disputes: dict[str, _Dispute] = {}
        self._told_ns: dict[str, int] = {}
        self._now_ns = 0

    @property
    def watching(self) -> bool:
        """Tell whether prices are looked at before anything is bought."""
        return self._limits is not None

    # --- each head

    def look(self, head: HeadRead, held: Sequence[tuple[Holding, Worth]], now: Now) -> list[Tell]:
        """Take a head in; return what there is to tell of disputes that have begun.

        Args:
            head: what was read.
            held: the positions, each with what it was last worth.
            now: the moment.
        """
        if self._limits is None:
            return []
        self._now_ns = now.utc_ns
        self._sights = {
            route: self._seen(self._limits, route, head)
            for route in head.routes
            if route in self._sights or _known(head.routes[route])
        }
        told, disputes = list[Tell](), dict[str, _Dispute]()
        for position, worth in held:
            belief = self._belief(position.route, int(position.amount), worth, too_long=False)
            if belief is None or not belief.disputed:
                continue
            before = self._disputes.get(position.position_id)
            since = _Dispute(now.utc_ns, head.block)
            if before is not None:
                more = head.block > before.block
                since = _Dispute(before.since_ns, max(head.block, before.block), before.blocks + more)
            disputes[position.position_id] = since
            if now.utc_ns - self._told_ns.get(position.token, -_TELL_AGAIN_NS) >= _TELL_AGAIN_NS:
                self._told_ns[position.token] = now.utc_ns
                told.append(_told(position, belief, self._limits))
        self._disputes = disputes
        return told

    def _seen(self, limits: DoubtLimits, route: Route, head: HeadRead) -> list[_Sight]:
        """Return the sights along a route with this head's: one for each block, none of after it."""
        before = [each for each in self._sights.get(route, ()) if each.block < head.block]
        hops = _known(head.routes[route])
        if not hops:
            return before
        against = compared(hops, head.second.ways.get(route, ()), limits)
        return [*before, _Sight(head.block, hops, against)][-limits.window_blocks - 1 :]

    # --- what is believed

    def valuation(self, held: Holding, hops: Sequence[Hop | None], worth: Worth) -> Valuation:
        """Return what a position would bring, as far as that is believed.

        Args:
            held: the position.
            hops: its pools at this head, None where there is none.
            worth: what it was last worth.
        """
        now = valuation(held.position_id, held.amount, _known(hops))
        since = self._disputes.get(held.position_id)
        belief = self._belief(held.route, int(held.amount), worth, too_long=self._is_long(since))
        if now.value_wei is None or belief is None or not belief.disputed:
            return now
        return Valuation(held.position_id, held.amount, Wei(belief.value), least_wei=Wei(belief.least))

    def is_young(self, position_id: str) -> bool:
        """Tell whether a position's worth came into dispute only now: who sells waits for some blocks."""
        since = self._disputes.get(position_id)
        if since is None or self._limits is None:
            return False
        return since.blocks < self._limits.confirm_blocks and not self._is_long(since)

    def _is_long(self, since: _Dispute | None) -> bool:
        limits = self._limits
        return (
            limits is not None
            and since is not None
            and self._now_ns - since.since_ns >= limits.confirm_within_ns
        )

    def _belief(self, route: Route, amount: int, worth: Worth, *, too_long: bool) -> Belief | None:
        """Return what is believed of selling `amount`; None where the pools cannot tell."""
        limits, sights = self._limits, self._sights.get(route, [])
        if limits is None or not sights or amount <= 0:
            return None
        told = [(_out(each.hops, amount), each.against) for each in sights]
        if told[-1][0] is None:
            return None
        spots = [(spot, against) for spot, against in told if spot is not None]
        if worth.amount > 0:
            last = worth.wei * amount // worth.amount
            spots = [(last, None)] * (limits.window_blocks + 1 - len(spots)) + spots
        others = [None if against is None else against.of(spot) for spot, against in spots]
        return believed([spot for spot, _ in spots], others, limits, too_long=too_long)

    # --- what is bought

    def opening(self, route: Route) -> Refusal | None:
        """Return why nothing is bought that is sold again on this route, or None."""
        limits = self._limits
        if limits is None:
            return None
        sights = self._sights.get(route, [])
        told = [(marginal(each.hops, _SCALE), each.against) for each in sights]
        spots = [(spot, against) for spot, against in told if spot is not None]
        few = len(spots) < limits.confirm_blocks
        if not spots or (few and spots[-1][1] is None):
            return Refusal(
                "price.unproven",
                "the price was seen on too few blocks to be believed: propose again",
                limit=str(limits.confirm_blocks),
                observed=str(len(spots)),
                unit="blocks",
                setting="price.confirm_blocks",
            )
        others = [None if against is None else against.of(spot) for spot, against in spots]
        belief = believed([spot for spot, _ in spots], others, limits)
        return disputed(route[0], belief, limits) if belief.disputed else None

    def refusals(self) -> tuple[Refusal, ...]:
        """Return why nothing more is bought of what is held, for people (OP1a)."""
        found = (self.opening(route) for route in self._sights)
        return tuple(each for each in found if each is not None and each.rule == "price.disputed")


def disputed(what: str, belief: Belief, limits: DoubtLimits) -> Refusal:
    """Return the refusal for a price in dispute; `what` is the token that it is the price of."""
    return Refusal(
        "price.disputed",
        f"what its pool says of {what} is too far from what it is compared with",
        limit=format_percent(limits.max_deviation_bps),
        observed=format_percent(_apart_bps(belief)),
        unit="%",
        setting=SETTING,
    )


def _apart_bps(belief: Belief) -> int:
    """Return how far apart the two are, of the one that it is compared with, rounded up; bounded."""
    if belief.against <= 0:
        return _SHOWN_BPS_MAX
    now = belief.now
    return min(_SHOWN_BPS_MAX, -(-abs(now - belief.against) * BPS_ONE // belief.against))


def _told(held: Holding, belief: Belief, limits: DoubtLimits) -> Tell:
    """Return the alert of a position whose worth has come into dispute."""
    refusal = disputed(held.token, belief, limits)
    side = "less" if belief.now < belief.against else "more"
    text = (
        f"position {held.position_id}: the pools say {refusal.observed} % {side} than what they are compared "
        f"with: exits wait until {limits.confirm_blocks} blocks in a row have shown it, and no more is bought"
    )
    data = {"position_id": held.position_id, "token": held.token, "setting": SETTING}
    return Tell(
        Severity.WARNING, "price.disputed", text, trace_id=held.position_id, runbook=_RUNBOOK, data=data
    )


def _known(hops: Sequence[Hop | None]) -> tuple[Hop, ...]:
    """Return the pools of a way, nothing where one of them is missing."""
    known = tuple(hop for hop in hops if hop is not None)
    return known if len(known) == len(hops) else ()


def _out(hops: tuple[Hop, ...], amount: int) -> int | None:
    try:
        return route_out(hops, amount)
    except SwapImpossible:
        return None
