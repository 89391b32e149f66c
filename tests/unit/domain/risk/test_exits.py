"""Exits: each threshold on both sides, once and again, sizes, orders, and leave without a watchdog (SL1)."""

from __future__ import annotations

import pytest

from warden.domain.amm import Hop
from warden.domain.errors import ConfigurationInvalid
from warden.domain.money import Wei
from warden.domain.risk.events import (
    Closed,
    ExitFailed,
    ExitOrdered,
    ExitsBarred,
    Opened,
    Position,
    Restored,
    RiskEvent,
    Ticked,
    TriggersSet,
    Valuation,
    Valued,
    Worked,
)
from warden.domain.risk.exit_triggers import ExitReason, Triggers
from warden.domain.risk.exits import (
    Exit,
    exits_left_ns,
    exits_until_ns,
    leaving,
    step,
    valuation,
)
from warden.domain.risk.protection import ExitLimits, ExitState
from warden.wire.codec import from_json, to_json

S = 1_000_000_000
AT = 1_000_000 * S
COST = 10_000
HELD = 700
LIMITS = ExitLimits()


def position(position_id: str = "p", *, cost: int = COST, amount: int = HELD) -> Position:
    """Return a position as its purchase left it."""
    return Position(position_id, "s", "0xcoin", "0xpool", Wei(amount), Wei(cost), AT)


def opened(*ids: str, cost: int = COST, amount: int = HELD) -> ExitState:
    """Return the state with these positions open since `AT`."""
    state = ExitState()
    for position_id in ids or ("p",):
        state, _, exits = step(state, LIMITS, Opened(position(position_id, cost=cost, amount=amount)), AT)
        assert exits == ()
    return state


def valued(value: int | None, *, amount: int = HELD, position_id: str = "p", read_ns: int = AT) -> Valued:
    """Return the exit value of one position."""
    wei = None if value is None else Wei(value)
    return Valued(read_ns, (Valuation(position_id, Wei(amount), wei),))


def after(state: ExitState, *events: RiskEvent, at_ns: int = AT) -> tuple[ExitState, list[Exit]]:
    """Return the state after events of one moment, and every exit that they led to."""
    exits = list[Exit]()
    for event in events:
        state, _, decided = step(state, LIMITS, event, at_ns)
        exits += decided
    return state, exits


def reasons(*values: int) -> list[tuple[ExitReason, str, str]]:
    """Return the exits of a position that takes these values one after another."""
    _, exits = after(opened(), *(valued(value) for value in values))
    return [(each.reason, each.limit, each.observed) for each in exits]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (9_001, []),
        (9_000, [(ExitReason.STOP_LOSS, "10.00", "10.00")]),
        (8_765, [(ExitReason.STOP_LOSS, "10.00", "12.35")]),
        (0, [(ExitReason.STOP_LOSS, "10.00", "100.00")]),
        (12_499, []),
        (12_500, [(ExitReason.TAKE_PROFIT, "25.00", "25.00")]),
        (13_333, [(ExitReason.TAKE_PROFIT, "25.00", "33.33")]),
    ],
)
def test_stop_loss_and_take_profit_fire_at_the_threshold(
    value: int, expected: list[tuple[ExitReason, str, str]]
) -> None:
    """SL1: a loss of 10 % and a gain of 25 % sell, one wei less does not; worth nothing is a loss, no gap."""
    assert reasons(value) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((12_000, 11_401), []),
        ((12_000, 11_400), [(ExitReason.TRAILING_STOP, "5.00", "5.00")]),
        ((11_000, 12_000, 11_500, 11_400), [(ExitReason.TRAILING_STOP, "5.00", "5.00")]),
        # The peak has just reached the cost: armed; a wei below: not, the stop-loss alone guards.
        ((10_000, 9_500), [(ExitReason.TRAILING_STOP, "5.00", "5.00")]),
        ((9_999, 9_499), []),
        ((9_999, 9_001, 9_000), [(ExitReason.STOP_LOSS, "10.00", "10.00")]),
        ((9_940, 9_400, 9_100), []),
    ],
)
def test_the_trailing_stop_follows_the_peak_once_it_could_be_sold_without_loss(
    values: tuple[int, ...], expected: list[tuple[ExitReason, str, str]]
) -> None:
    """SL1: 5 % below the highest value since opening; fees of the purchase are no fall from a peak."""
    assert reasons(*values) == expected


def test_the_trailing_stop_may_be_armed_from_the_start() -> None:
    """SL1: with `trailing_from` of -100 % it trails from the first value on, below the cost, too."""
    limits = ExitLimits(triggers=Triggers(trailing_from_bps=-10_000))
    state, _, _ = step(opened(), limits, valued(9_900), AT)
    assert step(state, limits, valued(9_406), AT)[2] == ()
    assert step(state, limits, valued(9_405), AT)[2][0].reason is ExitReason.TRAILING_STOP


def test_what_was_never_worth_anything_has_no_peak_to_fall_from() -> None:
    """SL1: nothing is divided by zero, and the trailing stop does not fire on nothing."""
    limits = ExitLimits(triggers=Triggers(trailing_from_bps=-10_000))
    state, _, _ = step(opened(), limits, TriggersSet("p", 0, None, None, "ann", ""), AT)
    assert step(state, limits, valued(0), AT)[2] == ()


def test_the_peak_is_that_of_a_unit() -> None:
    """SL1: after a partial sale less money for less may be a higher price: 16 wei a unit after 14.3."""
    state, _ = after(opened(), valued(10_000), Closed("p", Wei(400), Wei(6_000)))
    state, exits = after(state, valued(4_800, amount=300), valued(4_561, amount=300))
    assert exits == []
    assert len(after(state, valued(4_560, amount=300))[1]) == 1


def test_of_several_reasons_the_stop_loss_is_told() -> None:
    """SL1: a crash from a peak to below the stop-loss is one exit, by the stop-loss."""
    assert [reason for reason, *_ in reasons(12_000, 5_000)] == [ExitReason.STOP_LOSS]


def test_an_exit_is_decided_once_until_it_failed() -> None:
    """SL1: values that go on falling decide nothing more; after a failure the next value decides anew."""
    state, exits = after(opened(), valued(9_000), valued(8_000), Ticked(), valued(7_000))
    assert [each.value_wei for each in exits] == [9_000]
    assert leaving(state) == ("p",)
    state, exits = after(state, ExitFailed("p", "reverted"))
    assert (exits, leaving(state)) == ([], ())
    state, exits = after(state, valued(6_000), valued(5_000))
    assert [each.value_wei for each in exits] == [6_000]


def test_two_values_in_one_event_are_one_exit() -> None:
    """SL1: a position that is named twice is sold once."""
    both = Valued(AT, (valued(9_000).valuations[0], valued(8_000).valuations[0]))
    assert len(after(opened(), both)[1]) == 1


def test_a_recovered_price_needs_no_exit_after_a_failure() -> None:
    """SL1: what is decided again is decided on the value of then."""
    state, _ = after(opened(), valued(9_000), ExitFailed("p", "reverted"))
    assert after(state, valued(9_400))[1] == []


def test_an_exit_of_unknown_fate_is_not_decided_again() -> None:
    """SL1, EX3: however long it takes, without a failure that is known nothing is sold twice."""
    state, _ = after(opened(), valued(9_000))
    for hours in range(1, 30):
        at_ns = AT + hours * 3_600 * S
        state, exits = after(state, Ticked(), valued(8_000, read_ns=at_ns), at_ns=at_ns)
        assert exits == []


def test_a_sold_position_is_gone_and_a_part_leaves_the_rest_under_guard() -> None:
    """SL1: after a partial sale cost and peak count for what is left, exactly, and so does the amount."""
    state, _ = after(opened(amount=700), valued(12_000), Closed("p", Wei(400), Wei(7_000)))
    # 300 of 700 are left: cost 30000/7, peak 36000/7; 5 % below the peak is 4885.7..., as wei 4885 or 4886.
    assert after(state, valued(4_886, amount=300))[1] == []
    (sale,) = after(state, valued(4_885, amount=300))[1]
    assert (sale.reason, sale.amount) == (ExitReason.TRAILING_STOP, 300)
    assert after(state, valued(0, amount=700))[1] == []  # worked out for another size
    state, _ = after(state, Closed("p", Wei(300), Wei(4_885)))
    assert state.guards == {}
    assert after(state, valued(1), Closed("p", Wei(1), Wei(1)), ExitFailed("p", ""))[0] is state


def test_more_sold_than_held_leaves_nothing_to_sell() -> None:
    """SL1: an exit never turns a position into its opposite."""
    state, _ = after(opened(), Closed("p", Wei(HELD + 1), Wei(1)))
    assert after(state, valued(1))[1] == []
    state, _ = after(opened(), Closed("p", Wei(0), Wei(1)), Closed("p", Wei(-5), Wei(1)))
    assert state == opened()


def test_a_position_has_exits_of_its_own() -> None:
    """SL1: an override counts for its position and for what it names; the rest stays as for all."""
    own = TriggersSet("a", 500, None, 0, "ann", "thin pool")
    state, _ = after(opened("a", "b"), own)
    _, exits = after(state, valued(9_500, position_id="a"), valued(9_500, position_id="b"))
    assert [(each.position_id, each.limit) for each in exits] == [("a", "5.00")]
    _, exits = after(state, valued(12_400, position_id="a"), valued(9_501, position_id="a"))
    assert exits == []  # no trailing stop
    _, exits = after(state, valued(12_500, position_id="a"))
    assert [each.reason for each in exits] == [ExitReason.TAKE_PROFIT]


@pytest.mark.parametrize(
    "own", [(-1, None, None), (10_001, None, None), (None, 10**7 + 1, None), (None, None, -3)]
)
def test_an_override_out_of_range_changes_nothing_and_is_told(
    own: tuple[int | None, int | None, int | None],
) -> None:
    """SL1: a threshold that could never fire is refused, in words."""
    state = opened()
    same, findings, _ = step(state, LIMITS, TriggersSet("p", *own, "ann", ""), AT)
    assert same is state
    assert [finding.kind for finding in findings if hasattr(finding, "kind")] == ["position.exits-invalid"]


def test_an_operator_sells_what_is_named_or_all_of_it() -> None:
    """PS4a, ES6: an order sells whole positions at once, known value or not, barred or not, and once."""
    state, _ = after(opened("a", "b", "c"), ExitsBarred("a stop stands"))
    state, exits = after(state, ExitOrdered(("b", "b"), "ann", "no more"))
    assert [(each.position_id, each.reason, each.amount) for each in exits] == [
        ("b", ExitReason.ORDERED, HELD)
    ]
    state, exits = after(state, ExitOrdered((), "ann", "flatten"))
    assert [each.position_id for each in exits] == ["a", "c"]
    assert after(state, ExitOrdered((), "ann", "flatten"))[1] == []
    state, exits = after(state, ExitFailed("a", ""), ExitsBarred(""), valued(10_000, position_id="a"))
    assert [(each.position_id, each.reason) for each in exits] == [("a", ExitReason.ORDERED)]


def test_an_order_for_what_is_not_open_is_told() -> None:
    """PS5: closing the unknown is an error that is seen."""
    _, findings, exits = step(opened(), LIMITS, ExitOrdered(("q",), "ann", ""), AT)
    assert ([getattr(each, "kind", "") for each in findings], exits) == (["position.unknown"], ())
    _, findings, _ = step(opened(), LIMITS, TriggersSet("q", 1, 1, 1, "ann", ""), AT)
    assert [getattr(each, "kind", "") for each in findings] == ["position.unknown"]


def test_nothing_is_decided_while_exits_may_not_leave() -> None:
    """SL1: the peak is followed even so; the first value after it decides."""
    state, exits = after(opened(), ExitsBarred("no permit"), valued(12_400), valued(9_000))
    assert exits == []
    state, exits = after(state, ExitsBarred(""), valued(11_780))
    assert [each.reason for each in exits] == [ExitReason.TRAILING_STOP]


def test_values_too_old_or_overtaken_decide_nothing() -> None:
    """SL1: at the age limit a value counts, above it not; an earlier read does not replace a later one."""
    late_ns = AT + 100 * S
    assert after(opened(), valued(9_000, read_ns=AT + 40 * S), at_ns=late_ns)[1] != []
    assert after(opened(), valued(9_000, read_ns=AT + 40 * S - 1), at_ns=late_ns)[1] == []
    state, _ = after(opened(), valued(9_500, read_ns=AT + 90 * S), at_ns=late_ns)
    assert after(state, valued(9_000, read_ns=AT + 80 * S), at_ns=late_ns)[1] == []
    # A read from the future counts as one of now, so that it grows old in time.
    state, _ = after(opened(), valued(9_500, read_ns=AT + 10**6 * S), at_ns=late_ns)
    assert state.guards["p"].valued_ns == late_ns


def test_a_purchase_that_is_told_again_keeps_its_peak_and_its_exit() -> None:
    """SL1: after a reorg the same purchase is the same position; at another price its peak begins anew."""
    state, _ = after(opened(), valued(12_000))
    assert after(state, Opened(position()))[0] == state
    other, _ = after(state, Opened(position(cost=11_000)))
    assert after(other, valued(11_400))[1] == []
    state, _ = after(state, valued(9_000), Opened(position()))
    assert leaving(state) == ("p",)


def test_a_reorg_leaves_what_is_held_now() -> None:
    """SL1: a purchase that was taken back is gone, a sale that was taken back is guarded again."""
    state, _ = after(opened(), valued(12_000), Closed("p", Wei(400), Wei(6_000)))
    whole, _ = after(state, Restored(position()))
    assert after(whole, valued(11_401))[1] == []
    assert [each.amount for each in after(whole, valued(11_400))[1]] == [HELD]
    assert after(state, Restored(position(cost=0, amount=0)))[0].guards == {}
    gone, _ = after(state, Closed("p", Wei(300), Wei(4_000)))
    assert after(gone, Restored(position(amount=0)))[0] is gone
    again, _ = after(gone, Restored(position()))
    assert len(after(again, valued(9_000))[1]) == 1


def test_an_exit_value_is_what_the_pools_pay() -> None:
    """SL1: fees and impact of selling everything are in it; no pool, or an empty one, is no value."""
    pools = (Hop(1_000, 2_000), Hop(5_000, 700, 5))
    assert valuation("p", 100, pools).value_wei == pools[1].amount_out(pools[0].amount_out(100))
    assert valuation("p", 100, ()).value_wei is None
    assert valuation("p", 100, (Hop(0, 5),)).value_wei is None
    assert valuation("p", 100, (Hop(1_000, 1), Hop(5, 5))).value_wei is None


def test_other_events_leave_the_state_itself() -> None:
    """SL1: what does not concern exits costs nothing."""
    state = opened()
    assert step(state, LIMITS, Worked(), AT)[0] is state
    assert step(state, LIMITS, ExitsBarred(""), AT)[0] is state
    assert step(ExitState(), LIMITS, Ticked(), AT) == (ExitState(), (), ())


def test_the_state_survives_the_journal() -> None:
    """SL1: a snapshot gives back the same state, field by field."""
    state, _ = after(opened("a", "b"), valued(12_000, position_id="a"), TriggersSet("b", 0, None, 5, "", ""))
    state, _ = after(state, valued(9_000, position_id="a"), ExitsBarred("why"))
    assert from_json(to_json(state), ExitState) == state


@pytest.mark.parametrize(
    ("expires_s", "until_s", "now_s", "stopped", "left_s"),
    [
        (10, 10, 9, False, 1),
        (10, 10, 10, False, 0),
        (10, 310, 10, False, 300),
        (10, 310, 309, False, 1),
        (10, 310, 310, False, 0),
        (10, 610, 609, False, 1),
        (10, 611, 610, False, 0),  # ten minutes past the expiry at most
        (10, 10**6, 609, False, 1),
        (10, 0, 9, False, 1),  # the permit itself
        (10, 310, 9, True, 0),
        (10, 310, 100, True, 0),
    ],
)
def test_exits_go_on_for_a_bounded_time(
    *, expires_s: int, until_s: int, now_s: int, stopped: bool, left_s: int
) -> None:
    """SL1: without a watchdog until `exits_until`, ten minutes at most, and not at all after a stop."""
    assert exits_left_ns(expires_s * S, until_s * S, now_s * S, stopped=stopped) == left_s * S


def test_a_permit_never_grants_more_than_ten_minutes() -> None:
    """SL1: whatever is configured, and never less than the permit's own life."""
    assert exits_until_ns(5 * S, 600 * S) == 605 * S
    assert exits_until_ns(5 * S, 601 * S) == 605 * S
    assert exits_until_ns(5 * S, -1) == 5 * S


@pytest.mark.parametrize(
    "broken",
    [
        {"stop_loss_bps": -1},
        {"stop_loss_bps": 10_001},
        {"trailing_bps": 10_001},
        {"take_profit_bps": -1},
        {"trailing_from_bps": -10_001},
    ],
)
def test_thresholds_out_of_range_are_refused(broken: dict[str, int]) -> None:
    """SL1: a configuration that could never fire is no configuration."""
    with pytest.raises(ConfigurationInvalid, match=r"exits\."):
        Triggers(**broken)


def test_there_is_always_a_stop_loss() -> None:
    """SL1: it can be set, not switched off for all; times and counts are above zero."""
    with pytest.raises(ConfigurationInvalid, match="stop_loss"):
        ExitLimits(triggers=Triggers(stop_loss_bps=0))
    for broken in ({"stale_after_ns": 0}, {"settle_within_ns": 0}, {"failures": 0}, {"heal_after": 0}):
        with pytest.raises(ConfigurationInvalid):
            ExitLimits(**broken)  # type: ignore[arg-type] # all of these are ints
