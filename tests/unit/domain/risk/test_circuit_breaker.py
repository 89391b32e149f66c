"""The circuit breaker: how it cools down, that one probe at a time goes through, and orders by hand."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.domain.risk.requests import ETHER, NOON_NS, PRICE, S, request, reserved, settled, trade
from tests.unit.domain.risk.test_day import read
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.breaker_metrics import metrics
from warden.domain.risk.circuit_breaker import Breaker, BreakerLimits, BreakerState, check, step, switched_off
from warden.domain.risk.events import (
    BaselinesReset,
    BreakerForced,
    BreakerOrder,
    Released,
    RiskEvent,
    Ticked,
    Undone,
)
from warden.domain.risk.findings import Finding, Noted, Weight
from warden.wire.codec import from_json, to_json

LIMITS = BreakerLimits()
CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
GAS = ETHER // 1_000


class Bench:
    """A breaker that is told events one after another."""

    def __init__(self, limits: BreakerLimits = LIMITS, breaker: Breaker | None = None) -> None:
        """Begin at noon with a price and 100 ETH of equity."""
        self.limits, self.now_ns = limits, NOON_NS
        self.breaker = Breaker() if breaker is None else breaker
        self.found: list[Finding] = []
        self.trades = 0
        self.tell(PRICE, read(100 * ETHER))

    def tell(self, *events: RiskEvent) -> Bench:
        """Tell events of this moment."""
        for event in events:
            self.breaker, found = step(self.breaker, self.limits, event, self.now_ns)
            self.found += found
        return self

    def wait(self, wait_ns: int) -> Bench:
        """Let time pass, with a price that stays fresh."""
        self.now_ns += wait_ns
        return self.tell(Ticked(), PRICE)

    def trade(self, net_wei: int = 1, *, success: bool = True, trade_id: str = "") -> Bench:
        """Let a trade settle that came to `net_wei`."""
        self.trades += 1
        gas = -net_wei if not success else 0
        gross = net_wei if success else 0
        name = trade_id or f"trade-{self.trades}"
        return self.tell(settled(name, success=success, gross_wei=Wei(gross), gas_wei=Wei(gas)))

    def fail(self, times: int = 1, gas_wei: int = GAS) -> Bench:
        """Let trades revert."""
        for _ in range(times):
            self.trade(-gas_wei, success=False)
        return self

    def probe(self, name: str = "probe") -> Bench:
        """Let a request through."""
        assert self.rule() == ""
        return self.tell(reserved(request(intent_id=name)))

    def half_open(self) -> Bench:
        """Open it and wait until it has cooled down."""
        return self.fail(5).wait(60 * S)

    def rule(self, action: Action = Action.OPEN) -> str:
        """Return the rule that refuses a request now, empty for none."""
        refusal = check(self.breaker, self.limits, request(action=action), self.now_ns)
        return "" if refusal is None else refusal.rule

    @property
    def state(self) -> BreakerState:
        """The breaker's state."""
        return self.breaker.state

    def kinds(self) -> list[str]:
        """Return the kinds of all that was found."""
        return [found.kind for found in self.found if isinstance(found, Noted)]


def forced(order: BreakerOrder) -> BreakerForced:
    """Return an operator's order."""
    return BreakerForced(order, operator="ann", reason="a test")


@pytest.mark.parametrize(("waited_ns", "state"), [(60 * S - 1, OPEN), (60 * S, HALF_OPEN)])
def test_the_cooldown_counts_to_the_nanosecond(waited_ns: int, state: BreakerState) -> None:
    """CB2: OPEN until the cooldown is over, HALF_OPEN from that moment on."""
    assert Bench().fail(5).wait(waited_ns).state is state


@pytest.mark.parametrize(("waited_ns", "state"), [(3600 * S - 1, OPEN), (3600 * S, HALF_OPEN)])
def test_after_a_loss_in_usd_it_cools_down_an_hour(waited_ns: int, state: BreakerState) -> None:
    """CB2: 60 minutes for a loss in USD or percent."""
    assert Bench().trade(-ETHER // 3).wait(waited_ns).state is state


def test_open_refuses_what_opens_and_nothing_else() -> None:
    """CB2: an open breaker keeps nobody from getting out; it says which limit opened it."""
    bench = Bench().fail(5)
    assert [bench.rule(action) for action in Action] == ["breaker.open", "", ""]
    refusal = check(bench.breaker)
    assert refusal is not None
    assert (refusal.limit, refusal.observed, refusal.setting) == ("5", "5", "breaker.consecutive_failures")


def test_half_open_lets_one_probe_through_at_a_time() -> None:
    """CB2's trap: while a probe is out nothing else starts; after its success the next one may."""
    bench = Bench().half_open().probe()
    assert bench.rule() == "breaker.probing"
    bench.tell(reserved(request(intent_id="another")))
    assert bench.breaker.probe == "probe"
    assert (bench.trade(trade_id="probe").state, bench.rule()) == (HALF_OPEN, "")


def test_what_only_reduces_is_no_probe() -> None:
    """CB2: an exit that passes a half-open breaker leaves the probe's place free."""
    exit_ = msgspec.structs.replace(reserved(request(intent_id="exit")), action=Action.REDUCE)
    assert Bench().half_open().tell(exit_).rule() == ""


def test_two_successful_probes_close_it() -> None:
    """CB2: not the first but the second success closes it; it keeps the count of its trips."""
    bench = Bench().half_open().probe("a").trade(trade_id="a")
    assert bench.state is HALF_OPEN
    bench.probe("b").trade(trade_id="b")
    assert (bench.state, bench.breaker.failures, bench.breaker.trips) == (CLOSED, 0, 1)
    assert bench.kinds() == ["breaker.opened", "breaker.half-open", "breaker.closed"]


@pytest.mark.parametrize(("net_wei", "success"), [(-GAS, False), (-1, True)])
@pytest.mark.parametrize("successes", [0, 1])
def test_a_probe_that_fails_or_loses_opens_it_again(successes: int, net_wei: int, success: bool) -> None:  # noqa: FBT001 - a parameter
    """CB2: one is enough, whatever succeeded before; the cooldown begins anew and successes from 0."""
    bench = Bench().half_open()
    for number in range(successes):
        bench.probe(f"good-{number}").trade(trade_id=f"good-{number}")
    bench.wait(100 * S).probe("bad").trade(net_wei, success=success, trade_id="bad")
    assert (bench.state, bench.breaker.opened_ns, bench.breaker.trips) == (OPEN, bench.now_ns, 2)
    assert bench.wait(60 * S - 1).state is OPEN
    assert (bench.wait(1).state, bench.breaker.successes) == (HALF_OPEN, 0)


def test_a_probe_that_opens_a_position_proves_that_trades_go_through() -> None:
    """CB2: a position that was opened has lost nothing yet, whatever its gas."""
    bench = Bench().half_open().probe()
    opening = trade("probe", output_wei=Wei(0), gas_wei=Wei(GAS))
    assert bench.tell(settled("probe", output_wei=Wei(0), gas_wei=Wei(GAS))).breaker.proven == ("probe",)
    assert opening.net_wei < 0


@pytest.mark.parametrize(("waited_ns", "state"), [(30 * S - 1, HALF_OPEN), (30 * S, OPEN)])
def test_a_probe_without_an_end_opens_it_again(waited_ns: int, state: BreakerState) -> None:
    """CB2: a probe that times out counts as failed, and its late success closes nothing."""
    bench = Bench().half_open().probe().wait(waited_ns)
    assert bench.state is state
    bench.trade(trade_id="probe")
    assert bench.breaker.successes == (state is HALF_OPEN)


def test_a_failed_probe_after_a_loss_in_usd_cools_down_long_again() -> None:
    """CB2: what opened it is not healed by a probe that failed."""
    bench = Bench().trade(-ETHER // 3).wait(3600 * S).probe().wait(30 * S)
    assert bench.wait(3600 * S - 1).state is OPEN
    assert bench.wait(1).state is HALF_OPEN


def test_a_probe_that_was_never_sent_says_nothing() -> None:
    """CB2: an abandoned probe makes room for another; another trade's end is not taken for the probe's."""
    bench = Bench().half_open().probe()
    bench.tell(Released("another")).trade(trade_id="another")
    assert (bench.breaker.probe, bench.breaker.successes) == ("probe", 0)
    assert bench.tell(Released("probe")).rule() == ""


def test_a_cancel_of_the_probe_is_no_success() -> None:
    """CB2: the cancelling transaction of a probe is not its outcome."""
    bench = Bench().half_open().probe().tell(settled("probe", kind="cancel", gas_wei=Wei(1)))
    assert (bench.breaker.probe, bench.state) == ("probe", HALF_OPEN)


@pytest.mark.parametrize("success", [True, False])
def test_trades_of_before_change_nothing_while_it_is_open(success: bool) -> None:  # noqa: FBT001 - a parameter
    """CB2: what was in flight when it opened neither closes it nor prolongs the cooldown."""
    bench = Bench().fail(5).wait(S)
    until_ns = bench.breaker.until_ns
    bench.trade(-GAS, success=success)
    assert (bench.state, bench.breaker.until_ns, bench.breaker.trips) == (OPEN, until_ns, 1)


def test_a_late_loss_in_usd_makes_the_cooldown_the_long_one() -> None:
    """CB2: it opened for failures; what was in flight then lost more than 500 USD."""
    bench = Bench().fail(5).wait(10 * S).trade(-ETHER // 4)
    assert bench.breaker.until_ns == bench.now_ns + 3600 * S
    assert (bench.breaker.trips, bench.breaker.why.setting) == (2, "breaker.loss_usd")


def test_a_closed_breaker_has_no_probe() -> None:
    """CB2: while it is CLOSED trades are trades, and the state is the same object."""
    bench = Bench()
    before = bench.breaker
    assert bench.tell(reserved(request()), Released("intent"), Ticked()).breaker is before


# Losses in ether at one setting, in USD at the other: both windows are kept alike.
IN_ETH = msgspec.structs.replace(LIMITS, loss_wei=ETHER // 4, loss_micro_usd=None, loss_bps=None)


@pytest.mark.parametrize(("limits", "setting"), [(IN_ETH, "loss_eth"), (LIMITS, "loss_usd")])
def test_it_is_not_opened_again_by_what_opened_it(limits: BreakerLimits, setting: str) -> None:
    """CB3: once it has closed, losses of before it opened are answered for, though still in the window."""
    bench = Bench(limits).trade(-ETHER // 3).wait(3600 * S)
    bench.probe("a").trade(trade_id="a").probe("b").trade(trade_id="b")
    assert bench.state is CLOSED
    assert bench.trade(-ETHER // 5).state is CLOSED
    assert bench.wait(S).trade(-ETHER // 5).state is OPEN
    assert bench.breaker.why.setting == f"breaker.{setting}"


@pytest.mark.parametrize(("limits", "setting"), [(IN_ETH, "loss_eth"), (LIMITS, "loss_usd")])
def test_losses_since_it_opened_count_on(limits: BreakerLimits, setting: str) -> None:
    """CB3: a loss that settles while it is OPEN is not forgotten by closing."""
    bench = Bench(limits).fail(5).wait(S).trade(-ETHER // 5).wait(60 * S)
    bench.probe("a").trade(trade_id="a").probe("b").trade(trade_id="b")
    assert bench.wait(S).trade(-ETHER // 5).state is OPEN
    assert bench.breaker.why.setting == f"breaker.{setting}"


# --- by hand ---------------------------------------------------------------------------------------------


def test_opened_by_hand_it_stays_open() -> None:
    """CB4, I7: no cooldown ends what an operator ordered; name and reason are recorded and refused by."""
    bench = Bench().tell(forced(BreakerOrder.OPEN)).wait(30 * 86_400 * S)
    assert (bench.state, bench.rule()) == (OPEN, "breaker.open")
    assert (bench.breaker.operator, bench.breaker.reason) == ("ann", "a test")
    refusal = check(bench.breaker)
    assert refusal is not None
    assert refusal.message == "the circuit breaker was opened by ann: a test"
    assert (bench.breaker.forced, bench.breaker.trips) == (1, 0)
    (noted,) = bench.found
    assert isinstance(noted, Noted)
    assert (noted.weight, noted.kind, noted.message) == (Weight.ERROR, "breaker.opened", refusal.message)


def test_a_loss_changes_nothing_about_what_an_operator_opened() -> None:
    """CB4: name and reason stand, and no cooldown begins."""
    bench = Bench().tell(forced(BreakerOrder.OPEN)).trade(-10 * ETHER).wait(3600 * S)
    assert (bench.state, bench.breaker.held, bench.breaker.trips) == (OPEN, True, 0)


def test_an_operator_who_closes_it_answers_for_all_losses_so_far() -> None:
    """CB4: those too that settled while it was open."""
    bench = Bench().tell(forced(BreakerOrder.OPEN)).wait(S).trade(-ETHER // 5)
    assert bench.tell(forced(BreakerOrder.CLOSE)).trade(-ETHER // 5).state is CLOSED


@pytest.mark.parametrize("prepared", ["open", "half-open", "probing", "held"])
def test_closed_by_hand_it_is_closed_and_begins_anew(prepared: str) -> None:
    """CB4: whatever it was; the rows that opened it are gone, name and reason recorded."""
    bench = Bench().fail(5)
    if prepared == "held":
        bench.tell(forced(BreakerOrder.OPEN))
    elif prepared != "open":
        bench.wait(60 * S)
    if prepared == "probing":
        bench.probe()
    bench.tell(forced(BreakerOrder.CLOSE))
    assert (bench.state, bench.rule(), bench.breaker.held, bench.breaker.probe) == (CLOSED, "", False, "")
    assert bench.kinds()[-1] == "breaker.closed"
    assert bench.fail(4).state is CLOSED
    assert bench.fail(1).state is OPEN


def test_an_order_that_changes_nothing_is_recorded_all_the_same() -> None:
    """CB4: both orders are recorded, each with operator and reason."""
    bench = Bench().tell(forced(BreakerOrder.CLOSE))
    assert (bench.breaker.operator, bench.kinds()) == ("ann", ["breaker.ordered"])


def test_a_reset_forgets_its_figures() -> None:
    """CB4: state, rows, trips and times begin anew; who reset it is recorded."""
    bench = Bench().fail(5).wait(S).tell(forced(BreakerOrder.RESET))
    assert (bench.state, bench.breaker.trips, bench.breaker.spent_open_ns) == (CLOSED, 0, 0)
    assert (bench.breaker.failures, bench.breaker.operator) == (0, "ann")
    assert bench.rule() == ""  # price and opening are known still


def test_a_recovery_that_asks_for_it_begins_the_rows_anew() -> None:
    """ES5: BaselinesReset clears rows and losses and leaves the state alone."""
    bench = Bench().fail(4).tell(BaselinesReset("ann", "why"), read(100 * ETHER)).fail(4)
    assert bench.state is CLOSED
    assert bench.fail(1).tell(BaselinesReset("ann", "why")).state is OPEN


def test_its_figures_tell_trips_and_time_spent_open() -> None:
    """CB4: trips by itself and by hand, time OPEN up to now, what is counted."""
    bench = Bench().fail(5).wait(20 * S)
    told = metrics(bench.breaker, LIMITS, bench.now_ns)
    assert (told.trips, told.forced, told.failures) == (1, 0, 5)
    assert (told.spent_open_ns, told.cools_for_ns) == (20 * S, 40 * S)
    assert (told.sample, told.failed, told.lost_wei, told.lost_micro_usd) == (5, 5, 5 * GAS, 10 * 10**6)
    bench.wait(40 * S).wait(500 * S).tell(forced(BreakerOrder.OPEN)).wait(5 * S).tell(
        forced(BreakerOrder.CLOSE)
    )
    told = metrics(bench.breaker, LIMITS, bench.now_ns)
    assert (told.spent_open_ns, told.forced, told.why) == (65 * S, 1, None)


def test_switched_off_it_opens_only_by_hand() -> None:
    """ES1a: CIRCUIT_BREAKER_ENABLED=false switches off the automatic triggers only, and that is said."""
    off = msgspec.structs.replace(LIMITS, enabled=False)
    bench = Bench(off).fail(50).trade(-10 * ETHER)
    assert bench.state is CLOSED
    assert bench.tell(forced(BreakerOrder.OPEN)).state is OPEN
    assert bench.fail(3).wait(3600 * S).state is OPEN
    noted = switched_off(off)
    assert noted is not None
    assert (noted.weight, noted.setting) == (Weight.ERROR, "breaker.enabled")
    assert switched_off(LIMITS) is None


def test_switched_off_it_refuses_nothing_for_being_unknown() -> None:
    """ES1a: without price and opening there is nothing that it would have to judge."""
    off = msgspec.structs.replace(LIMITS, enabled=False)
    assert check(Breaker(), off, request(), NOON_NS) is None
    assert check(Breaker(), LIMITS, request(), NOON_NS) is not None


# --- reorgs and restarts ---------------------------------------------------------------------------------


def test_a_probe_whose_success_was_undone_has_proved_nothing() -> None:
    """CB2: with a reorg the breaker that it closed is HALF_OPEN again, and needs another."""
    bench = Bench().half_open().probe("a").trade(trade_id="a").probe("b").trade(trade_id="b")
    bench.tell(Undone(trade("b")))
    assert (bench.state, bench.breaker.proven) == (HALF_OPEN, ("a",))
    assert bench.probe("c").trade(trade_id="c").state is CLOSED


def test_a_restart_changes_nothing() -> None:
    """CB4: what a snapshot holds is the breaker, field by field."""
    bench = Bench().trade(-ETHER // 3).wait(3600 * S).probe()
    assert from_json(to_json(bench.breaker), Breaker) == bench.breaker


def test_time_of_before_1970_opens_nothing() -> None:
    """A clock that is broken refuses, rather than that every window is empty."""
    refusal = check(Breaker(), LIMITS, request(), -1)
    assert refusal is not None
    assert refusal.rule == "clock.negative"
