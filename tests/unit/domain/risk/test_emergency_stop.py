"""What demands that everything stops: each limit on both sides, once, and what happens afterwards."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.domain.risk.requests import ETHER, NOON_NS, PRICE, opened, request, settled
from tests.unit.domain.risk.test_day import read
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.emergency_stop import Emergency, EmergencyLimits, check, step, switched_off
from warden.domain.risk.events import (
    BaselinesReset,
    Failed,
    Raised,
    Recovered,
    RiskEvent,
    Ticked,
    Valuation,
    Valued,
    Worked,
)
from warden.domain.risk.findings import Finding, Noted, StopDemanded, Weight
from warden.domain.stops import CleanUp, StopReason
from warden.wire.codec import from_json, to_json

LIMITS = EmergencyLimits()
NONE = EmergencyLimits(
    capital_loss_bps=None,
    consecutive_errors=None,
    health_bps=0,
    daily_loss_bps=None,
    daily_loss_micro_usd=None,
    drawdown_bps=None,
    portfolio_bps=None,
)
FAILED = Failed("endpoints", "every endpoint refused")
RECOVERED = Recovered("ann", "looked into")


def only(**limits: int) -> EmergencyLimits:
    """Return limits of which only these are set."""
    return msgspec.structs.replace(NONE, **limits)


class Bench:
    """The rule, told events one after another."""

    def __init__(self, limits: EmergencyLimits = LIMITS) -> None:
        """Begin at noon with a price and 100 ETH."""
        self.limits, self.now_ns, self.state = limits, NOON_NS, Emergency()
        self.found: list[Finding] = []
        self.tell(PRICE, read(100 * ETHER))

    def tell(self, *events: RiskEvent) -> Bench:
        """Tell events of this moment."""
        for event in events:
            self.state, found = step(self.state, self.limits, event, self.now_ns)
            self.found += found
        return self

    def rule(self, action: Action = Action.OPEN) -> str:
        """Return the rule that refuses a request now, empty for none."""
        refusal = check(self.state, self.limits, request(action=action), self.now_ns)
        return "" if refusal is None else refusal.rule

    def demands(self) -> list[str]:
        """Return the rules that demanded a stop, in order."""
        return [found.rule for found in self.found if isinstance(found, StopDemanded)]

    def notes(self) -> list[tuple[Weight, str]]:
        """Return weight and kind of what was told."""
        return [(found.weight, found.kind) for found in self.found if isinstance(found, Noted)]


def demanded(bench: Bench) -> StopDemanded:
    """Return the only demand."""
    (found,) = [found for found in bench.found if isinstance(found, StopDemanded)]
    return found


def valued(value_wei: int | None) -> Valued:
    """Return the exit value of the position."""
    value = None if value_wei is None else Wei(value_wei)
    return Valued(NOON_NS, (Valuation("position", Wei(1_000), value),))


# --- errors, and what others raise ---------------------------------------------------------------


@pytest.mark.parametrize(("failures", "stops"), [(9, False), (10, True)])
def test_ten_errors_in_a_row_stop(failures: int, stops: bool) -> None:  # noqa: FBT001 - a parameter
    """ES1: the ninth does not, the tenth does."""
    bench = Bench().tell(*[FAILED] * failures)
    assert bench.demands() == (["emergency.errors"] if stops else [])
    if stops:
        assert (demanded(bench).reason, demanded(bench).observed) == (StopReason.SYSTEM_ERROR, "10")


def test_what_works_ends_a_row_of_errors() -> None:
    """ES1: only errors in a row count."""
    assert Bench().tell(*[FAILED] * 9, Worked(), *[FAILED] * 9).demands() == []


def test_reverted_trades_are_no_errors_of_the_system() -> None:
    """ES2: reverts for slippage are gas losses for the breaker."""
    bench = Bench()
    for number in range(50):
        bench.tell(settled(str(number), success=False, slipped=True, gas_wei=Wei(1)))
    assert (bench.state.errors, bench.found) == (0, [])


@pytest.mark.parametrize(
    "reason", [StopReason.NETWORK_FAILURE, StopReason.SECURITY_BREACH, StopReason.DATA_INTEGRITY]
)
def test_what_another_part_raises_stops_at_once_and_once(reason: StopReason) -> None:
    """ES1: network failure, security breach and data integrity come as what they are."""
    bench = Bench().tell(Raised(reason, "found"), Raised(reason, "found again"))
    stop = demanded(bench)
    assert (stop.reason, stop.message, stop.policy) == (reason, "found", CleanUp.CANCEL)
    assert bench.rule() == stop.rule


# --- once, and afterwards --------------------------------------------------------------------------------


def test_a_demand_comes_once_and_shuts_the_gate() -> None:
    """ES1: until an operator has recovered; only cancels pass, though equity came back."""
    bench = Bench(only(capital_loss_bps=2_000)).tell(read(80 * ETHER), read(70 * ETHER), read(100 * ETHER))
    assert len(bench.demands()) == 1
    assert [bench.rule(action) for action in (Action.OPEN, Action.REDUCE, Action.CANCEL)] == [
        "emergency.capital-loss",
        "emergency.capital-loss",
        "",
    ]


def test_each_condition_demands_for_itself() -> None:
    """ES1: a second condition is told though the first has stopped everything."""
    bench = Bench().tell(read(80 * ETHER))
    assert bench.demands() == [
        "emergency.capital-loss",
        "emergency.daily-loss",
        "emergency.daily-loss-usd",
        "emergency.drawdown",
    ]
    assert bench.rule() == "emergency.capital-loss"


def test_after_a_recovery_what_still_holds_stops_again() -> None:
    """ES5: streaks and baselines are reset only when asked, so the next look finds the same loss."""
    bench = Bench(only(capital_loss_bps=2_000)).tell(read(80 * ETHER), RECOVERED)
    assert bench.rule() == ""
    assert bench.tell(read(80 * ETHER)).demands() == ["emergency.capital-loss"] * 2
    bench = Bench().tell(*[FAILED] * 10, RECOVERED, FAILED)
    assert bench.demands() == ["emergency.errors"] * 2


def test_a_reset_begins_all_baselines_at_the_present_equity() -> None:
    """ES5: capital, peak, day and rows; the same loss again is needed to stop again."""
    bench = Bench().tell(*[FAILED] * 9, read(70 * ETHER), BaselinesReset("ann", "why"))
    first = len(bench.demands())
    state = bench.state
    assert (state.baseline_wei, state.peak_wei, state.day.opening_wei) == (70 * ETHER,) * 3
    bench.tell(FAILED, PRICE, read(70 * ETHER))
    assert (len(bench.demands()), bench.rule()) == (first, "")
    assert bench.tell(read(56 * ETHER)).demands()[first] == "emergency.capital-loss"


def test_a_reset_of_nothing_left_is_no_baseline() -> None:
    """ES2: a wallet that holds nothing stops again at the next look."""
    bench = Bench().tell(read(0), BaselinesReset("ann", "why"))
    assert bench.state.baseline_wei is None
    bench.found.clear()
    assert "emergency.capital-loss" in bench.tell(read(0)).demands()


def test_the_clean_up_is_policy_by_reason() -> None:
    """ES6: hold, cancel or flatten; cancel where nothing is said."""
    policies = {StopReason.DRAWDOWN: CleanUp.FLATTEN, StopReason.SECURITY_BREACH: CleanUp.HOLD}
    bench = Bench(msgspec.structs.replace(LIMITS, policies=policies))
    bench.tell(read(80 * ETHER), Raised(StopReason.SECURITY_BREACH, "found"))
    assert {found.rule: found.policy for found in bench.found if isinstance(found, StopDemanded)} == {
        "emergency.capital-loss": CleanUp.CANCEL,
        "emergency.daily-loss": CleanUp.CANCEL,
        "emergency.daily-loss-usd": CleanUp.CANCEL,
        "emergency.drawdown": CleanUp.FLATTEN,
        "emergency.security-breach": CleanUp.HOLD,
    }


# --- warnings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "event", "calm", "kind"),
    [
        (only(daily_loss_bps=500), read(95_500 * 10**15), read(95_500 * 10**15 + 1), "daily-loss"),
        (only(drawdown_bps=2_000), read(82 * ETHER), read(82 * ETHER + 1), "drawdown"),
        (only(daily_loss_micro_usd=10**9), read(99_550 * 10**15), read(99_551 * 10**15), "daily-loss-usd"),
        (only(consecutive_errors=1), FAILED, Worked(), ""),
    ],
)
def test_warnings_come_at_ninety_percent_of_a_limit(
    limits: EmergencyLimits, event: RiskEvent, calm: RiskEvent, kind: str
) -> None:
    """ES1a: on both sides of 90 %; of a limit of one there is nothing before it."""
    assert Bench(limits).tell(calm).notes() == []
    expected = [(Weight.WARNING, f"{kind}.near-limit")] if kind else []
    assert Bench(limits).tell(event).notes() == expected


def test_the_ninth_of_ten_errors_warns() -> None:
    """ES1a: 90 % of a count."""
    assert Bench().tell(*[FAILED] * 8).notes() == []
    assert Bench().tell(*[FAILED] * 9).notes() == [(Weight.WARNING, "errors.near-limit")]


def test_a_warning_does_not_flap() -> None:
    """ES1a: told once when it begins, and again only after the loss has gone well below it."""
    bench = Bench(only(drawdown_bps=2_000))
    for equity in (82, 83, 82, 81, 83, 82):
        bench.tell(read(equity * ETHER))
    assert len(bench.notes()) == 1
    assert len(bench.tell(read(84 * ETHER), read(82 * ETHER)).notes()) == 1  # at 80 % of the limit
    assert len(bench.tell(read(84 * ETHER + 1), read(82 * ETHER)).notes()) == 2


def test_what_stops_does_not_warn_first_or_afterwards() -> None:
    """ES1a: a fall through both lines at once is the stop alone."""
    bench = Bench(only(drawdown_bps=2_000)).tell(read(80 * ETHER), read(82 * ETHER))
    assert (bench.demands(), bench.notes()) == (["emergency.drawdown"], [])


# --- switched off ----------------------------------------------------------------------------------------


def test_switched_off_it_says_what_would_have_stopped_and_stops_nothing() -> None:
    """ES1a: EMERGENCY_STOP_ENABLED=false: no demand, an error instead, once; warnings come still."""
    off = msgspec.structs.replace(only(capital_loss_bps=2_000), enabled=False)
    bench = Bench(off).tell(read(85 * ETHER), read(80 * ETHER), read(79 * ETHER))
    bench.tell(Raised(StopReason.NETWORK_FAILURE, "gone"), Raised(StopReason.NETWORK_FAILURE, "gone"))
    assert bench.demands() == []
    assert bench.notes() == [
        (Weight.ERROR, "capital-loss.near-limit"),
        (Weight.ERROR, "emergency.not-stopped"),
        (Weight.ERROR, "emergency.not-stopped"),
    ]
    assert bench.rule() == ""


def test_that_it_is_switched_off_is_said_loudly() -> None:
    """ES1a: live mode has something to say at every start."""
    noted = switched_off(msgspec.structs.replace(LIMITS, enabled=False))
    assert noted is not None
    assert (noted.weight, noted.setting) == (Weight.ERROR, "emergency.enabled")
    assert switched_off(LIMITS) is None


# --- what is not known -----------------------------------------------------------------------------------


def test_unknown_capital_and_time_open_nothing() -> None:
    """ES2: fails closed, and lets what reduces pass."""
    for at_ns, rule in ((NOON_NS, "emergency.capital-unknown"), (-1, "clock.negative")):
        refusal = check(Emergency(), LIMITS, request(), at_ns)
        assert refusal is not None
        assert refusal.rule == rule
        assert check(Emergency(), LIMITS, request(action=Action.REDUCE), at_ns) is None


def test_a_restart_changes_nothing() -> None:
    """ES4: what a snapshot holds is the state, field by field, demands included."""
    bench = Bench().tell(opened(), valued(ETHER // 2), FAILED, read(80 * ETHER))
    again: Emergency = from_json(to_json(bench.state), Emergency)
    assert again == bench.state
    assert step(again, LIMITS, read(80 * ETHER), NOON_NS) == (again, ())


def test_what_does_not_concern_it_changes_nothing() -> None:
    """The same object comes back."""
    state = Bench().state
    assert step(state, LIMITS, Ticked(), NOON_NS)[0] is state
    assert step(state, LIMITS, settled(), NOON_NS)[0] is state
    assert step(state, LIMITS, Worked(), NOON_NS)[0] is state
