"""UNPROTECTED: when it begins, that it is told once, and when it is over (SL1)."""

from __future__ import annotations

import pytest

from tests.unit.domain.risk.test_exits import AT, HELD, LIMITS, S, opened, position, valued
from warden.domain.money import Wei
from warden.domain.risk.events import (
    Closed,
    ExitFailed,
    ExitsBarred,
    Opened,
    RiskEvent,
    Ticked,
    TriggersSet,
    Valuation,
    Valued,
)
from warden.domain.risk.exits import step, unprotected
from warden.domain.risk.findings import Noted, Weight
from warden.domain.risk.protection import ExitState, Gap


def told(state: ExitState, *events: RiskEvent, at_ns: int = AT) -> tuple[ExitState, list[str]]:
    """Return the state after events of one moment, and what was told, as `kind` and weight."""
    kinds = list[str]()
    for event in events:
        state, findings, _ = step(state, LIMITS, event, at_ns)
        kinds += [f"{each.kind} {each.weight}" for each in findings if isinstance(each, Noted)]
    return state, kinds


BEGAN = ["position.unprotected CRITICAL"]
ENDED = ["position.protected INFO"]


def test_no_value_is_unprotected_at_once_and_told_once() -> None:
    """SL1: without reserves nothing protects it; it is told when it begins and when it ended, not between."""
    state, kinds = told(opened(), valued(10_000), valued(None))
    assert kinds == BEGAN
    assert unprotected(state) == {"p": Gap.NO_VALUE.value}
    state, kinds = told(state, valued(None), Ticked(), valued(None))
    assert kinds == []
    # Values that come and go do not flap: three good ones in a row end it.
    state, kinds = told(state, valued(10_000), valued(10_000), valued(None), valued(10_000), valued(10_000))
    assert (kinds, len(unprotected(state))) == ([], 1)
    state, kinds = told(state, valued(10_000))
    assert (kinds, unprotected(state)) == (ENDED, {})


def test_it_is_guarded_while_it_is_still_shown_as_unprotected() -> None:
    """SL1: the first value that is known decides, hysteresis is for what is told."""
    state, _ = told(opened(), valued(None))
    _, _, exits = step(state, LIMITS, valued(9_000), AT)
    assert len(exits) == 1


@pytest.mark.parametrize(("waited_ns", "begins"), [(60 * S, False), (60 * S + 1, True)])
@pytest.mark.parametrize("first", [[], [valued(10_000)]])
def test_an_old_value_or_none_yet_is_unprotected(
    *, first: list[RiskEvent], waited_ns: int, begins: bool
) -> None:
    """SL1: a value that is older than 60 s protects nothing; a new position gets the same time."""
    state, _ = told(opened(), *first)
    state, kinds = told(state, Ticked(), Ticked(), at_ns=AT + waited_ns)
    assert kinds == (BEGAN if begins else [])
    assert unprotected(state) == ({"p": Gap.STALE.value} if begins else {})


def test_a_value_at_the_age_limit_still_protects() -> None:
    """SL1: exactly 60 s old counts, whatever event it is looked at for."""
    assert told(opened(), valued(10_000), at_ns=AT + 60 * S)[1] == []


def test_each_position_has_its_own_time() -> None:
    """SL1: the one that was opened first is told first, though a later one is fresh."""
    state, _ = told(opened("a"), Opened(position("b")), at_ns=AT + 30 * S)
    state, kinds = told(state, Ticked(), at_ns=AT + 61 * S)
    assert (kinds, list(unprotected(state))) == (BEGAN, ["a"])
    state, kinds = told(state, Ticked(), at_ns=AT + 90 * S)
    assert kinds == []
    assert told(state, Ticked(), at_ns=AT + 91 * S)[1] == BEGAN


def test_a_value_that_arrives_too_old_does_not_protect() -> None:
    """SL1: what counts is when the reserves were read."""
    late_ns = AT + 200 * S
    state, kinds = told(opened(), valued(10_000, read_ns=AT + 100 * S), at_ns=late_ns)
    assert kinds == BEGAN
    assert told(state, *[valued(10_000, read_ns=late_ns)] * 3, at_ns=late_ns)[1] == ENDED


def test_exits_that_keep_failing_protect_nothing() -> None:
    """SL1: the third failure in a row begins it; only a sale ends it."""
    state, kinds = opened(), list[str]()
    for failure in range(1, 4):
        state, kinds = told(state, valued(8_000), ExitFailed("p", "reverts"))
        assert kinds == (BEGAN if failure == 3 else [])
    state, kinds = told(state, *[valued(9_900)] * 5)
    assert (kinds, unprotected(state)) == ([], {"p": Gap.FAILING.value})
    state, kinds = told(state, Closed("p", Wei(100), Wei(1)), *[valued(9_900, amount=HELD - 100)] * 3)
    assert (kinds, unprotected(state)) == (ENDED, {})


@pytest.mark.parametrize(("waited_ns", "begins"), [(120 * S, False), (120 * S + 1, True)])
def test_an_exit_without_an_outcome_protects_nothing(*, waited_ns: int, begins: bool) -> None:
    """SL1: it is not sent a second time (EX3), but an operator is told after 120 s."""
    state, _ = told(opened(), valued(9_000))
    state, _ = told(state, valued(9_000, read_ns=AT + 60 * S), at_ns=AT + 60 * S)
    at_ns = AT + waited_ns
    state, kinds = told(state, valued(9_000, read_ns=at_ns), Ticked(), at_ns=at_ns)
    assert kinds == (BEGAN if begins else [])


def test_time_alone_tells_of_an_exit_without_an_outcome() -> None:
    """SL1: values that are fresh do not put it off."""
    state, _ = told(opened(), valued(9_000))
    state, _ = told(state, valued(9_000, read_ns=AT + 60 * S), at_ns=AT + 60 * S)
    state, kinds = told(state, valued(9_000, read_ns=AT + 100 * S), at_ns=AT + 100 * S)
    assert kinds == []
    assert told(state, Ticked(), at_ns=AT + 120 * S + 1)[1] == BEGAN


def test_without_leave_every_position_is_unprotected() -> None:
    """SL1: beyond `exits_until`, or under a stop, each is shown and told; many at once are told in few."""
    ids = [f"p{number}" for number in range(20)]
    state, kinds = told(
        opened(*ids), ExitsBarred("the watchdog is dead"), ExitsBarred("the watchdog is dead")
    )
    assert kinds == BEGAN * 9
    assert len(unprotected(state)) == 20
    state, kinds = told(state, Opened(position("late")))
    assert kinds == BEGAN
    values = Valued(AT, tuple(Valuation(each, Wei(HELD), Wei(10_000)) for each in [*ids, "late"]))
    state, kinds = told(state, values, values, values, ExitsBarred(""))
    assert kinds == []  # good values count from when it ended
    state, kinds = told(state, values, values, values)
    assert (kinds, unprotected(state)) == (ENDED, {})


def test_what_is_told_names_position_and_cause() -> None:
    """SL1: the alert says which, why, the limit and the setting that it comes from."""
    _, findings, _ = step(opened("abc"), LIMITS, Ticked(), AT + 61 * S)
    (noted,) = findings
    assert isinstance(noted, Noted)
    assert noted.weight is Weight.CRITICAL
    assert noted.message == "position abc is UNPROTECTED: its exit value is too old"
    assert (noted.limit, noted.unit, noted.setting) == ("60", "s", "exits.stale_after_s")


@pytest.mark.parametrize(("cost", "amount"), [(0, 5), (-3, 5), (5, 0), (5, -1)])
def test_without_cost_or_amount_there_is_no_loss_to_tell(cost: int, amount: int) -> None:
    """SL1: nothing is divided by zero and nothing is sold; it is shown as UNPROTECTED."""
    state, kinds = told(ExitState(), Opened(position(cost=cost, amount=amount)))
    assert kinds == BEGAN
    for value in (0, 1, 10**30):
        assert step(state, LIMITS, valued(value, amount=amount), AT)[2] == ()


def test_a_position_whose_stop_loss_is_switched_off_is_shown() -> None:
    """SL1: an operator may switch it off for one position, and sees it as UNPROTECTED."""
    state, kinds = told(opened(), TriggersSet("p", 0, None, None, "ann", "hold"))
    assert (kinds, unprotected(state)) == (BEGAN, {"p": Gap.NO_STOP_LOSS.value})
    assert step(state, LIMITS, valued(1), AT)[2] == ()


def test_ten_thousand_positions_are_looked_at_once_each() -> None:
    """SL1: one valuation of 10,000 positions decides all of them; a tick between does nothing at all."""
    many = 10_000
    ids = [f"p{number}" for number in range(many)]
    state = ExitState(guards={each: opened(each).guards[each] for each in ids}, due_ns=AT)
    good = Valued(AT, tuple(Valuation(each, Wei(HELD), Wei(10_000)) for each in ids))
    state, _, exits = step(state, LIMITS, good, AT + S)
    assert exits == ()
    assert step(state, LIMITS, Ticked(), AT + 60 * S)[0] is state
    bad = Valued(AT + S, tuple(Valuation(each, Wei(HELD), Wei(9_000)) for each in ids))
    state, findings, exits = step(state, LIMITS, bad, AT + S)
    assert (len(exits), findings) == (many, ())
    _, findings, _ = step(state, LIMITS, Ticked(), AT + 62 * S)
    assert len(findings) == 9
