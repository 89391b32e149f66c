"""Positions: how many there may be, what a whale is followed with, and closing what is not there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.unit.domain.risk.requests import (
    ETHER,
    NOON_NS,
    PRICE,
    USD,
    opened,
    position,
    request,
    reserved,
    settled,
)
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk import reservations
from warden.domain.risk.events import DAY_NS, Closed, Priced, Restored, RiskEvent, Ticked
from warden.domain.risk.findings import Noted, Weight
from warden.domain.risk.position_limits import (
    PositionLimits,
    Positions,
    check,
    check_close,
    room,
    step,
)
from warden.domain.risk.reservations import ReservationLimits, Reservations
from warden.wire.codec import from_json, to_json

LIMITS = PositionLimits()
CENT = ETHER // 200_000  # one cent at 2,000 USD


def after(*events: RiskEvent, state: Positions | None = None, at_ns: int = NOON_NS) -> Positions:
    """Return the state after events that come at one moment, a price known."""
    state = step(Positions(), LIMITS, PRICE, at_ns)[0] if state is None else state
    for event in events:
        state, _ = step(state, LIMITS, event, at_ns)
    return state


def held(*requests: int, whale: str = "", market: str = "") -> Reservations:
    """Return reservations of so many wei each."""
    state = Reservations()
    for number, spend_wei in enumerate(requests):
        asked = request(spend_wei, intent_id=f"held-{number}", whale=whale, market=market)
        state, _ = reservations.step(state, ReservationLimits(), reserved(asked), NOON_NS)
    return state


def rule(
    state: Positions,
    taken: Reservations | None = None,
    at_ns: int = NOON_NS,
    **fields: Any,  # noqa: ANN401 - any field of a request
) -> str:
    """Return the rule that refuses a request, empty when none does."""
    refusal = check(state, LIMITS, Reservations() if taken is None else taken, request(**fields), at_ns)
    return "" if refusal is None else refusal.rule


@pytest.mark.parametrize(
    ("count", "fields", "expected"),
    [
        (9, {}, ""),
        (10, {}, "limits.max_positions"),
        (2, {"whale": "whale"}, ""),
        (3, {"whale": "whale"}, "limits.max_positions_per_whale"),
        (1, {"market": "market"}, ""),
        (2, {"market": "market"}, "limits.max_positions_per_market"),
    ],
)
@pytest.mark.parametrize("reserved_of_them", [0, 1])
def test_every_count_on_both_sides(
    count: int, fields: dict[str, Any], expected: str, reserved_of_them: int
) -> None:
    """PS4: ten in all, three per whale, two per market; what is reserved counts as what is open."""
    events = [opened(f"p-{n}", cost_wei=Wei(1), **fields) for n in range(count - reserved_of_them)]
    taken = held(*[1] * reserved_of_them, **fields)
    assert rule(after(*events), taken, spend_wei=1, **fields) == expected


def test_a_refusal_names_limit_and_count() -> None:
    """EX1: how many there may be, how many there are, and the setting."""
    events = [opened(f"p-{number}") for number in range(10)]
    refusal = check(after(*events), LIMITS, Reservations(), request(), NOON_NS)
    assert refusal is not None
    assert (refusal.limit, refusal.observed, refusal.unit) == ("10", "10", "positions")
    assert refusal.setting == "limits.max_positions"


def test_other_markets_and_whales_are_not_held_back() -> None:
    """PS4: a full market and a full whale are theirs alone; no name counts for none."""
    events = [opened(f"p-{n}", market="market", whale="whale", cost_wei=Wei(1)) for n in range(3)]
    state = after(*events)
    assert rule(state, market="other", whale="other", spend_wei=1) == ""
    assert rule(state) == ""


@pytest.mark.parametrize("action", [Action.REDUCE, Action.CANCEL])
def test_an_exit_is_never_one_too_many(action: Action) -> None:
    """SL1: at every limit, what reduces or cancels still passes."""
    state = after(*[opened(f"p-{number}", whale="whale", market="market") for number in range(10)])
    assert rule(state, action=action, whale="whale", market="market") == ""


@pytest.mark.parametrize(
    ("open_wei", "reserved_wei", "spend_wei", "expected"),
    [
        (0, 0, 50_000 * CENT, ""),
        (0, 0, 50_000 * CENT + 1, "limits.max_whale_day_usd"),
        (20_000 * CENT, 20_000 * CENT, 10_000 * CENT, ""),
        (20_000 * CENT, 20_000 * CENT, 10_000 * CENT + 1, "limits.max_whale_day_usd"),
    ],
)
def test_the_daily_allocation_of_a_whale(
    open_wei: int, reserved_wei: int, spend_wei: int, expected: str
) -> None:
    """PS4: 500 USD a day, of which open positions and reservations have their part, to the wei."""
    state = after(opened(whale="whale", cost_wei=Wei(open_wei))) if open_wei else after()
    taken = held(reserved_wei, whale="whale") if reserved_wei else Reservations()
    assert rule(state, taken, spend_wei=spend_wei, whale="whale") == expected
    left = room(state, LIMITS, taken, request(whale="whale"), NOON_NS)
    assert left == 50_000 * CENT - open_wei - reserved_wei


def test_the_allocation_speaks_in_usd() -> None:
    """EX1: what was allocated and what is asked for, together, beside the limit."""
    state = after(opened(whale="whale", cost_wei=Wei(20_000 * CENT)))
    refusal = check(state, LIMITS, Reservations(), request(30_001 * CENT, whale="whale"), NOON_NS)
    assert refusal is not None
    assert (refusal.limit, refusal.observed, refusal.unit) == ("500.00", "500.01", "USD")


def test_a_day_is_a_utc_day() -> None:
    """PS4: at midnight the allocation begins anew, before any event tells of it; closing gives none back."""
    midnight_ns = NOON_NS + DAY_NS // 2
    state = after(opened(whale="whale", cost_wei=Wei(50_000 * CENT)), Closed("position", Wei(1_000), Wei(0)))
    assert state.open == {}
    assert rule(state, at_ns=midnight_ns - 1, whale="whale", spend_wei=1) == "limits.max_whale_day_usd"
    assert rule(state, at_ns=midnight_ns, whale="whale", spend_wei=50_000 * CENT) == ""
    state = after(opened("next", whale="whale", cost_wei=Wei(CENT)), state=state, at_ns=midnight_ns)
    assert state.whale_day == {"whale": 10**4}
    assert rule(state, at_ns=NOON_NS, whale="whale", spend_wei=50_000 * CENT) == "limits.max_whale_day_usd"


def test_the_price_of_the_moment_counts() -> None:
    """PS4: 500 USD put in stay 500 USD, however the price moves afterwards."""
    state = after(opened(whale="whale", cost_wei=Wei(50_000 * CENT)), Priced(Decimal(1_000)))
    assert rule(state, whale="whale", spend_wei=1) == "limits.max_whale_day_usd"


def test_without_a_price_nothing_is_followed() -> None:
    """PS4: unknown price, no allocation; what opened meanwhile counts at the next one; no limit, no need."""
    state = step(Positions(), LIMITS, opened(whale="whale", cost_wei=Wei(50_000 * CENT)), NOON_NS)[0]
    assert rule(state, whale="whale", spend_wei=1) == "price.unknown"
    assert room(state, LIMITS, Reservations(), request(whale="whale"), NOON_NS) == 0
    state = after(PRICE, state=state)
    assert (state.whale_day, state.unpriced) == ({"whale": 500 * USD}, {})
    assert rule(after(Priced(Decimal("NaN")), state=state), whale="whale", spend_wei=1) == "price.unknown"
    free = msgspec.structs.replace(LIMITS, whale_day_micro_usd=None)
    assert check(Positions(), free, Reservations(), request(whale="whale"), NOON_NS) is None
    assert room(Positions(), free, Reservations(), request(whale="whale"), NOON_NS) is None
    assert room(state, LIMITS, Reservations(), request(), NOON_NS) is None


@pytest.mark.parametrize(
    ("position_id", "amount", "expected"),
    [
        ("position", 1_000, ""),
        ("position", 1, ""),
        ("position", 1_001, "position.amount"),
        ("position", 0, "position.amount"),
        ("position", -1, "position.amount"),
        ("never", 1, "position.unknown"),
        ("gone", 1, "position.closed"),
    ],
)
def test_a_wrong_close_is_an_error_that_is_seen(position_id: str, amount: int, expected: str) -> None:
    """PS5: unknown, closed already, too much, nothing: refused by name, told as an error, nothing changed."""
    state = after(opened(), opened("gone"), Closed("gone", Wei(1_000), Wei(0)))
    refusal = check_close(state, position_id, amount)
    assert ("" if refusal is None else refusal.rule) == expected
    then, findings = step(state, LIMITS, Closed(position_id, Wei(amount), Wei(0)), NOON_NS)
    assert (then is state) == bool(expected)
    assert [(f.weight, f.kind) for f in findings if isinstance(f, Noted)] == (
        [(Weight.ERROR, expected)] if expected else []
    )


@pytest.mark.parametrize("event", [opened(), opened("gone"), opened("new", amount=Wei(0))])
def test_a_wrong_opening_is_seen_too(event: RiskEvent) -> None:
    """PS5: a second opening of one id, open or closed, and one of nothing are errors that change nothing."""
    state = after(opened(), opened("gone"), Closed("gone", Wei(1_000), Wei(0)))
    then, findings = step(state, LIMITS, event, NOON_NS)
    assert then == state
    assert [f.weight for f in findings if isinstance(f, Noted)] == [Weight.ERROR]


def test_a_part_keeps_its_part_of_the_cost() -> None:
    """PS4: what is left of a position costs its share, rounded up; it still counts as one."""
    state = after(opened(amount=Wei(3), cost_wei=Wei(100), market="market", whale="whale"))
    state = after(Closed("position", Wei(1), Wei(0)), state=state)
    assert (state.cost_wei, state.open["position"].cost_wei, state.markets) == (67, 67, {"market": 1})
    state = after(Closed("position", Wei(2), Wei(0)), state=state)
    assert (state.cost_wei, state.open, state.markets, state.whales) == (0, {}, {}, {})


def test_a_reorg_takes_back_an_opening_whole() -> None:
    """EX8, PS4: it never was: no position, no allocation, and it may open again."""
    before, event = after(), opened(whale="whale", market="market")
    state = after(event, Restored(position(whale="whale", market="market", amount=Wei(0))), state=before)
    assert msgspec.structs.replace(state, closed=()) == msgspec.structs.replace(before, day=state.day)
    assert after(event, state=state) == after(event, state=before)


def test_a_reorg_takes_back_a_close() -> None:
    """EX8, PS5: a position closed, whole or in part, stands again as it was; no allocation counts twice."""
    state = after(opened(whale="whale", market="market"))
    for amount in (400, 1_000):
        closed = after(Closed("position", Wei(amount), Wei(0)), state=state)
        assert after(Restored(position(whale="whale", market="market")), state=closed) == state


def test_the_state_outlives_a_restart() -> None:
    """PS4: the same out of a snapshot; what does not concern it leaves the very same object."""
    state = after(opened(whale="whale", market="market"), opened("gone"), Closed("gone", Wei(1_000), Wei(0)))
    assert from_json(to_json(state), Positions) == state
    for event in (Ticked(), settled(), PRICE):
        assert step(state, LIMITS, event, NOON_NS) == (state, ())
    assert step(state, LIMITS, Ticked(), NOON_NS)[0] is state
