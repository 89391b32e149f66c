"""Gas: a cap on each transaction and on a UTC day, exits excepted."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.domain.risk.requests import ETHER, NOON_NS, request, settled, trade
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.events import DAY_NS, RiskEvent, Ticked, Undone
from warden.domain.risk.fees import FeeLimits, Fees, burnt_on, check, step
from warden.wire.codec import from_json, to_json

LIMITS = FeeLimits()
DAY_CAP = ETHER // 2
TODAY = NOON_NS // DAY_NS


def after(*events: RiskEvent, at_ns: int = NOON_NS) -> Fees:
    """Return the state after events that come at one moment."""
    state = Fees()
    for event in events:
        state = step(state, LIMITS, event, at_ns)
    return state


def rule(
    state: Fees, gas_wei: int, reserved_wei: int = 0, at_ns: int = NOON_NS, action: Action = Action.OPEN
) -> str:
    """Return the rule that refuses that much gas, empty when none does."""
    refusal = check(state, LIMITS, request(gas_wei=gas_wei, action=action), reserved_wei, at_ns)
    return "" if refusal is None else refusal.rule


@pytest.mark.parametrize(
    ("gas_wei", "expected"),
    [(ETHER // 10, ""), (ETHER // 10 + 1, "limits.max_fee_eth"), (0, ""), (-1, "request.gas")],
)
def test_the_cap_on_a_transaction(gas_wei: int, expected: str) -> None:
    """EX6: 0.1 ether of gas passes, one wei more does not; less than none is no figure."""
    assert rule(Fees(), gas_wei) == expected


@pytest.mark.parametrize("kind", ["swap", "approve", "cancel"])
@pytest.mark.parametrize("success", [True, False])
@pytest.mark.parametrize(("more_wei", "expected"), [(0, ""), (1, "limits.max_fees_per_day_eth")])
def test_the_cap_on_a_day(kind: str, success: bool, more_wei: int, expected: str) -> None:  # noqa: FBT001 - a table's column
    """EX6, CB3: gas of every transaction counts, failed ones too, and so does what is reserved."""
    state = after(settled(kind=kind, success=success, gas_wei=Wei(DAY_CAP - 30)))
    assert rule(state, 10, 20 + more_wei) == expected
    refusal = check(state, LIMITS, request(gas_wei=10), 21, NOON_NS)
    assert refusal is not None
    assert (refusal.limit, refusal.observed) == ("0.5", "0.500000000000000001")


@pytest.mark.parametrize("action", [Action.REDUCE, Action.CANCEL])
def test_exits_and_cancels_pass_every_cap(action: Action) -> None:
    """EX6: what protects is never held back for its gas."""
    assert rule(after(settled(gas_wei=Wei(DAY_CAP))), ETHER, action=action) == ""


def test_a_day_is_a_utc_day() -> None:
    """EX6: at midnight the cap begins anew, before any event tells of it; the day before is still known."""
    midnight_ns = NOON_NS + DAY_NS // 2
    state = after(settled(gas_wei=Wei(DAY_CAP)))
    assert rule(state, 1, at_ns=midnight_ns - 1) == "limits.max_fees_per_day_eth"
    assert rule(state, 1, at_ns=midnight_ns) == ""
    state = step(state, LIMITS, settled(at_ns=midnight_ns, gas_wei=Wei(7)), midnight_ns)
    assert (state.burnt_wei, burnt_on(state, TODAY), burnt_on(state, TODAY + 1)) == (7, DAY_CAP, 7)
    assert rule(state, DAY_CAP // 10, at_ns=NOON_NS) == ""


@pytest.mark.parametrize("late_ns", [0, DAY_NS, 2 * DAY_NS])
def test_a_reorg_takes_back_what_was_counted(late_ns: int) -> None:
    """EX6, EX8: undone on the same day or later, its own day is relieved of it, and no other."""
    state = after(settled("kept", gas_wei=Wei(5)), settled(gas_wei=Wei(7)))
    at_ns = NOON_NS + late_ns
    if late_ns:
        state = step(state, LIMITS, settled("later", at_ns=at_ns, gas_wei=Wei(11)), at_ns)
    state = step(state, LIMITS, Undone(trade(gas_wei=Wei(7))), at_ns)
    assert burnt_on(state, TODAY) == 5
    assert state.burnt_wei == (11 if late_ns else 5)


@pytest.mark.parametrize("days_off", [-900, -3, 1, 2, 900])
def test_a_clock_that_differs_opens_no_second_allowance(days_off: int) -> None:
    """EX6: whatever day a block claims, what is burnt now counts now."""
    state = after(settled(at_ns=NOON_NS + days_off * DAY_NS, gas_wei=Wei(DAY_CAP)))
    assert rule(state, 1) == "limits.max_fees_per_day_eth"
    assert after(settled(at_ns=NOON_NS - DAY_NS, gas_wei=Wei(DAY_CAP))).burnt_wei == 0


def test_caps_that_are_not_configured_and_the_snapshot() -> None:
    """EX6: None is no cap; days long past are forgotten; the state outlives a restart."""
    free = FeeLimits(max_transaction_wei=None, max_day_wei=None)
    assert check(after(settled(gas_wei=Wei(ETHER))), free, request(gas_wei=ETHER), ETHER, NOON_NS) is None
    state = Fees()
    for day in range(10):
        at_ns = NOON_NS + day * DAY_NS
        state = step(state, LIMITS, settled(str(day), at_ns=at_ns, gas_wei=Wei(1)), at_ns)
    assert len(state.days) == 3
    assert from_json(to_json(state), Fees) == state
    assert step(state, LIMITS, Ticked(), NOON_NS) is state
    assert msgspec.structs.replace(after(settled(), Undone(trade())), day=0) == Fees()
