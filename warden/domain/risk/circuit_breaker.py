"""The circuit breaker: opens on failures and losses, cools down, lets one probe through (CB1 to CB4).

How the engine uses it:
- `step` takes every `RiskEvent`, `Ticked` included, and returns the new state with what there is to tell.
- `check` tells why a request may not pass now. It blocks what opens; what reduces or cancels passes always.
- A request that passed is told as `Reserved` before any other is checked: in HALF_OPEN it is the probe.
  `Released` abandons it, `Settled` of the same id decides it, and so does the time-out.

| from | by | to |
|---|---|---|
| CLOSED | a limit of `BreakerLimits` (breaker_counts.py) | OPEN |
| OPEN | the cooldown is over, unless an operator opened it | HALF_OPEN |
| HALF_OPEN | so many probes in a row went through and lost nothing | CLOSED |
| HALF_OPEN | a probe failed, lost, or had no outcome in time; or a loss limit is exceeded | OPEN |
| any | an operator | OPEN, and stays so; CLOSED |

When it closes, rows and rates begin anew, and so do losses of before it opened: what has been answered for
does not open it again. Losses of after that count on, unless it is an operator who closes it. Transactions
that were under way when it opened neither close it nor prolong its cooldown, except that a loss in USD or
percent makes the cooldown the long one. Opened by a failed probe it cools down as long as before. A probe
whose success a reorg takes back has proved nothing: a breaker that it closed is HALF_OPEN again.

`enabled=False` keeps it from leaving CLOSED by itself; one that is open already ends as above.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.risk import breaker_counts
from warden.domain.risk.breaker_counts import SWAP, BreakerLimits, Counts, Excess
from warden.domain.risk.events import (
    NS_PER_S,
    OPENS,
    BreakerForced,
    BreakerOrder,
    Priced,
    Read,
    Released,
    Reserved,
    RiskEvent,
    Settled,
    Trade,
    Undone,
)
from warden.domain.risk.figures import result
from warden.domain.risk.findings import Finding, Noted, Weight
from warden.domain.risk.refusal import Refusal

if TYPE_CHECKING:
    from warden.domain.risk.events import Request

__all__ = [
    "Breaker",
    "BreakerLimits",
    "BreakerState",
    "check",
    "step",
    "switched_off",
]

_OPEN: Final = "breaker.open"
_RUNBOOK: Final = "breaker-opened"
_PROBING: Final = Refusal("breaker.probing", "one probe trade at a time", observed="HALF_OPEN")
_NO_CLOCK: Final = Refusal("clock.negative", "the time is not known")


class BreakerState(StrEnum):
    """CLOSED lets trades through, OPEN none, HALF_OPEN one probe at a time."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


_CLOSED: Final = Refusal(_OPEN, "the circuit breaker is open", observed="OPEN")
_LETS_THROUGH: Final = BreakerState.CLOSED  # read once, as OPENS is


class Breaker(msgspec.Struct, frozen=True):
    """The state; a new one after every step.

    Attributes:
        why: what a request is told while it is OPEN; the last one's afterwards.
        slow: the long cooldown holds.
        held: an operator opened it; it stays open until an operator closes it.
        opened_ns: when it last opened; until_ns: when its cooldown is over.
        probe: intent that is the probe now, let through at `probe_ns`.
        proven: probes that succeeded since it last opened.
        trips: how often it opened by itself, and `forced` by hand.
        spent_open_ns: time spent OPEN, without the present time if it is open now.
        operator, reason: of the last order by hand.
    """

    state: BreakerState = BreakerState.CLOSED
    why: Refusal = _CLOSED
    slow: bool = False
    held: bool = False
    opened_ns: int = 0
    until_ns: int = 0
    probe: str = ""
    probe_ns: int = 0
    proven: tuple[str, ...] = ()
    trips: int = 0
    forced: int = 0
    spent_open_ns: int = 0
    operator: str = ""
    reason: str = ""
    counts: Counts = Counts()

    @property
    def failures(self) -> int:
        """Trades that failed in a row."""
        return self.counts.failing.length

    @property
    def successes(self) -> int:
        """Probes that succeeded in a row."""
        return len(self.proven)


def step(
    breaker: Breaker, limits: BreakerLimits, event: RiskEvent, at_ns: int
) -> tuple[Breaker, tuple[Finding, ...]]:
    """Return the breaker after an event at `at_ns`, and what changed for people to know."""
    after = breaker
    while (later := _elapsed(after, limits, at_ns)) is not after:
        after = later
    waiting = after.counts.unpriced.times
    counts = breaker_counts.told(after.counts, limits, event, at_ns)
    if counts is not after.counts:
        after = msgspec.structs.replace(after, counts=counts)
    if isinstance(event, Settled):
        after = _settled(after, limits, event.trade, at_ns)
    elif isinstance(event, Reserved):
        if event.action is OPENS:
            after = _begin(after, event.intent_id, at_ns)
    elif isinstance(event, Released):
        after = _abandon(after, event.intent_id)
    elif isinstance(event, Undone):
        after = _undone(after, event.trade.trade_id)
    elif isinstance(event, BreakerForced):
        after = _forced(after, event, at_ns)
    elif isinstance(event, Priced | Read) and (waiting or counts.unjudged):
        after = _judged_late(after, limits, at_ns)
    return after, () if after is breaker else _findings(breaker, after, event)


def check(
    breaker: Breaker,
    limits: BreakerLimits | None = None,
    request: Request | None = None,
    at_ns: int = 0,
) -> Refusal | None:
    """Return why a request may not pass now, or None; time must have been told by `step` first.

    Without limits only the state is looked at.
    """
    if request is not None and request.action is not OPENS:
        return None
    if breaker.state is not _LETS_THROUGH:
        if breaker.state is BreakerState.OPEN:
            return breaker.why
        if breaker.probe:
            return _PROBING
    if at_ns < 0:
        return _NO_CLOCK
    if limits is None or not limits.enabled:
        return None
    return breaker_counts.blind(breaker.counts, limits, at_ns)


def switched_off(limits: BreakerLimits) -> Noted | None:
    """Return what must be said loudly at every start while it does not open by itself (ES1a), or None."""
    if limits.enabled:
        return None
    message = "the circuit breaker is switched off: it opens only by hand"
    return Noted(Weight.ERROR, "breaker.switched-off", message, setting="breaker.enabled", runbook=_RUNBOOK)


# --- what events do ------------------------------------------------------------------------------------


def _elapsed(breaker: Breaker, limits: BreakerLimits, at_ns: int) -> Breaker:
    """Return the breaker after the next thing that time alone did, itself when that is still to come.

    It happened when its time had come, not when it was looked at: a journal, without ticks, tells the same.
    """
    if breaker.state is BreakerState.CLOSED:
        return breaker
    if breaker.state is BreakerState.OPEN:
        if breaker.held or at_ns < breaker.until_ns:
            return breaker
        return _left(breaker, BreakerState.HALF_OPEN, breaker.until_ns)
    late_ns = breaker.probe_ns + limits.probe_timeout_s * NS_PER_S
    if breaker.probe and at_ns >= late_ns:
        return _reopened(breaker, limits, f"no outcome of probe {breaker.probe} in time", late_ns)
    return breaker


def _settled(breaker: Breaker, limits: BreakerLimits, trade: Trade, at_ns: int) -> Breaker:
    closed = breaker.state is BreakerState.CLOSED
    counts = breaker_counts.settled(breaker.counts, limits, trade, at_ns, outcomes=closed)
    breaker = msgspec.structs.replace(breaker, counts=counts) if counts is not breaker.counts else breaker
    if breaker.state is BreakerState.HALF_OPEN and breaker.probe == trade.trade_id and trade.kind == SWAP:
        return _probed(breaker, limits, trade, at_ns)
    breaker = _judged(breaker, limits, at_ns)
    if closed and limits.enabled and breaker.state is BreakerState.CLOSED:
        excess = breaker_counts.outcome_excess(counts, limits, at_ns)
        return breaker if excess is None else _opened(breaker, limits, excess, at_ns)
    return breaker


def _judged(breaker: Breaker, limits: BreakerLimits, at_ns: int) -> Breaker:
    """Return the breaker with its loss limits applied, whatever its state."""
    if not limits.enabled or breaker.held:
        return breaker
    excess = breaker_counts.loss_excess(breaker.counts, limits, at_ns)
    if excess is None or (breaker.state is not BreakerState.CLOSED and (breaker.slow or not excess.slow)):
        return breaker
    return _opened(breaker, limits, excess, at_ns)


def _judged_late(breaker: Breaker, limits: BreakerLimits, at_ns: int) -> Breaker:
    """Return the breaker after a price or the day's opening came to be known."""
    if breaker.counts.unjudged and breaker.counts.day.opening_wei is not None:
        counts = msgspec.structs.replace(breaker.counts, unjudged=False)
        breaker = msgspec.structs.replace(breaker, counts=counts)
    return _judged(breaker, limits, at_ns)


def _probed(breaker: Breaker, limits: BreakerLimits, trade: Trade, at_ns: int) -> Breaker:
    if not trade.success or result(trade) < 0:
        word = "lost" if trade.success else "failed"
        return _reopened(breaker, limits, f"probe {trade.trade_id} {word}", at_ns)
    proven = (*breaker.proven, trade.trade_id)
    breaker = msgspec.structs.replace(breaker, proven=proven, probe="")
    return _closed(breaker, breaker.opened_ns) if len(proven) >= limits.successes_to_close else breaker


def _undone(breaker: Breaker, key: str) -> Breaker:
    breaker = msgspec.structs.replace(breaker, counts=breaker_counts.undone(breaker.counts, key))
    if key not in breaker.proven:
        return breaker
    proven = tuple(each for each in breaker.proven if each != key)
    closed = breaker.state is BreakerState.CLOSED
    state = BreakerState.HALF_OPEN if closed else breaker.state
    return msgspec.structs.replace(breaker, state=state, proven=proven)


def _forced(breaker: Breaker, order: BreakerForced, at_ns: int) -> Breaker:
    breaker = msgspec.structs.replace(breaker, operator=order.operator, reason=order.reason)
    if order.order is BreakerOrder.OPEN:
        message = f"the circuit breaker was opened by {order.operator}: {order.reason}"
        return msgspec.structs.replace(
            _left(breaker, BreakerState.OPEN, at_ns),
            why=Refusal(_OPEN, message, observed="OPEN"),
            held=True,
            opened_ns=at_ns,
            until_ns=0,
            forced=breaker.forced + 1,
        )
    if order.order is BreakerOrder.RESET:
        counts = breaker_counts.fresh(breaker.counts, at_ns)
        return Breaker(operator=order.operator, reason=order.reason, counts=counts)
    if breaker.state is BreakerState.CLOSED:
        return breaker
    return _closed(_left(breaker, breaker.state, at_ns), at_ns)


def _opened(breaker: Breaker, limits: BreakerLimits, excess: Excess, at_ns: int) -> Breaker:
    cooldown_s = limits.loss_cooldown_s if excess.slow else limits.cooldown_s
    breaker = _left(breaker, BreakerState.OPEN, at_ns)
    return msgspec.structs.replace(
        breaker,
        why=excess.why,
        slow=excess.slow,
        held=False,
        opened_ns=at_ns,
        until_ns=at_ns + cooldown_s * NS_PER_S,
        trips=breaker.trips + 1,
    )


def _reopened(breaker: Breaker, limits: BreakerLimits, text: str, at_ns: int) -> Breaker:
    """Return the breaker after a probe that did not succeed; it cools down as long as before, or longer."""
    excess = breaker_counts.loss_excess(breaker.counts, limits, at_ns)
    if excess is None or not excess.slow or breaker.slow:
        why = msgspec.structs.replace(breaker.why, message=f"the circuit breaker is open again: {text}")
        excess = Excess(why, slow=breaker.slow)
    return _opened(breaker, limits, excess, at_ns)


def _closed(breaker: Breaker, answered_ns: int) -> Breaker:
    counts = breaker_counts.fresh(breaker.counts, answered_ns)
    return msgspec.structs.replace(breaker, state=BreakerState.CLOSED, probe="", held=False, counts=counts)


def _left(breaker: Breaker, state: BreakerState, at_ns: int) -> Breaker:
    """Return the breaker in another state, with the time that it was OPEN accounted for."""
    was_open = breaker.state is BreakerState.OPEN
    spent_ns = breaker.spent_open_ns + (max(0, at_ns - breaker.opened_ns) if was_open else 0)
    return msgspec.structs.replace(breaker, state=state, spent_open_ns=spent_ns, probe="", proven=())


def _findings(before: Breaker, after: Breaker, event: RiskEvent) -> tuple[Finding, ...]:
    by_hand = (
        f": {event.order} by {event.operator}, {event.reason}" if isinstance(event, BreakerForced) else ""
    )
    if after.trips > before.trips or after.forced > before.forced:
        why = after.why
        told = (why.message, why.limit, why.observed, why.unit, why.setting, _RUNBOOK)
        return (Noted(Weight.ERROR, "breaker.opened", *told),)
    if after.state is not before.state:
        kind = "closed" if after.state is BreakerState.CLOSED else "half-open"
        text = f"circuit breaker {before.state} -> {after.state}{by_hand}"
        return (Noted(Weight.INFO, f"breaker.{kind}", text, runbook=_RUNBOOK),)
    if by_hand:
        return (Noted(Weight.INFO, "breaker.ordered", f"circuit breaker{by_hand}", runbook=_RUNBOOK),)
    return ()


def _begin(breaker: Breaker, intent_id: str, at_ns: int) -> Breaker:
    """Return the breaker after a trade was let through: in HALF_OPEN it is the probe."""
    if breaker.state is not BreakerState.HALF_OPEN or breaker.probe:
        return breaker
    return msgspec.structs.replace(breaker, probe=intent_id, probe_ns=at_ns)


def _abandon(breaker: Breaker, intent_id: str) -> Breaker:
    """Return the breaker after a trade that was let through was never sent: it says nothing either way."""
    return msgspec.structs.replace(breaker, probe="") if intent_id and breaker.probe == intent_id else breaker
