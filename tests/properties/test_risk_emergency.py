"""Whatever happens: every condition that holds has demanded a stop, none that does not, and each once."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.unit.domain.risk.requests import ETHER, NOON_NS, S, opened, request, settled
from tests.unit.domain.risk.test_day import moved, read
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.emergency_stop import Emergency, EmergencyLimits, check, step
from warden.domain.risk.events import (
    DAY_NS,
    BaselinesReset,
    Closed,
    Failed,
    Moved,
    Priced,
    Recovered,
    RiskEvent,
    Ticked,
    Valuation,
    Valued,
    Worked,
)
from warden.domain.risk.findings import StopDemanded
from warden.wire.codec import from_json, to_json

LIMITS = EmergencyLimits(price_life_s=10**7)
EQUITIES = st.one_of(st.integers(-1, 130), st.integers(75, 101).map(lambda n: n * ETHER))
CAPITAL, DAILY, USD, DRAWDOWN = (
    f"emergency.{name}" for name in ("capital-loss", "daily-loss", "daily-loss-usd", "drawdown")
)
ERRORS, PORTFOLIO = (f"emergency.{name}" for name in ("errors", "portfolio"))


class Alarm(RuleBasedStateMachine):
    """The rule beside its definition in exact fractions; moves of money are in test_risk_drawdown."""

    def __init__(self) -> None:
        """Begin at noon, knowing nothing."""
        super().__init__()
        self.state, self.now_ns = Emergency(), NOON_NS
        self.equity: int | None = None
        self.baseline = self.peak = self.opening = 0
        self.day = -1
        self.price = 0
        self.errors = 0
        self.positions: dict[str, tuple[int, int]] = {}
        self.demanded: set[str] = set()
        self.number = 0

    def tell(self, event: RiskEvent, due: set[str]) -> None:
        """Tell an event after which exactly these conditions of those it concerns hold."""
        self.state, found = step(self.state, LIMITS, event, self.now_ns)
        fresh = [each.rule for each in found if isinstance(each, StopDemanded)]
        assert sorted(fresh) == sorted(due - self.demanded)
        self.demanded |= due

    def money(self) -> set[str]:
        """Return the conditions of money that hold."""
        equity = self.equity
        if equity is None:
            return set()
        due = self.positions_due() | self.usd_due()
        opening = max(0, self.opening)
        if equity <= 0 or Fraction(self.baseline - equity, self.baseline) >= Fraction(1, 5):
            due.add(CAPITAL)
        lost = self.opening - equity
        if lost > 0 and (opening == 0 or Fraction(lost, opening) >= Fraction(1, 20)):
            due.add(DAILY)
        fallen = self.peak - equity
        if fallen > 0 and (self.peak == 0 or Fraction(fallen, self.peak) >= Fraction(1, 5)):
            due.add(DRAWDOWN)
        return due

    def usd_due(self) -> set[str]:
        """Return whether the day's loss in USD is at its limit."""
        if self.equity is None or not self.price:
            return set()
        lost = Fraction((self.opening - self.equity) * self.price, ETHER)
        # Rounded up to a millionth: met early.
        return {USD} if lost > 1_000 - Fraction(1, 10**6) else set()

    def positions_due(self) -> set[str]:
        """Return whether open positions lost too much together."""
        if self.equity is None:
            return set()
        base = self.equity if self.day != self.now_ns // DAY_NS else min(self.equity, max(0, self.opening))
        lost = sum(cost - value for cost, value in self.positions.values())
        return {PORTFOLIO} if lost > 0 and (base <= 0 or Fraction(lost, base) >= Fraction(1, 20)) else set()

    @rule(equity=EQUITIES)
    def look(self, equity: int) -> None:
        """Let the equity be read."""
        self.equity = equity
        if self.day != self.now_ns // DAY_NS:
            self.day, self.opening = self.now_ns // DAY_NS, equity
        self.baseline = self.baseline or max(0, equity)
        self.peak = max(self.peak, equity)
        self.tell(read(equity), self.money())

    @rule(usd=st.integers(1, 10_000))
    def price_comes(self, usd: int) -> None:
        """Let a price come, on a day whose opening is known."""
        if self.day == self.now_ns // DAY_NS:
            self.price = usd
            self.tell(Priced(Decimal(usd)), self.usd_due())

    @rule(works=st.booleans(), times=st.integers(1, 6))
    def fail(self, works: bool, times: int) -> None:  # noqa: FBT001 - drawn
        """Let the system fail or work, several times."""
        for _ in range(times):
            self.errors = 0 if works else self.errors + 1
            self.tell(Worked() if works else Failed("x", "y"), {ERRORS} if self.errors >= 10 else set())

    @rule(cost=st.integers(1, 10))
    def open(self, cost: int) -> None:
        """Let a position be opened."""
        self.number += 1
        name = f"position-{self.number}"
        self.positions[name] = (cost * ETHER, cost * ETHER)
        event = opened(name, cost_wei=Wei(cost * ETHER))
        self.tell(event, self.positions_due())

    @rule(data=st.data(), percent=st.integers(0, 120))
    def value(self, data: st.DataObject, percent: int) -> None:
        """Let a position be valued."""
        if self.positions:
            name = data.draw(st.sampled_from(sorted(self.positions)))
            cost, _ = self.positions[name]
            self.positions[name] = (cost, cost * percent // 100)
            valuation = Valuation(name, Wei(1_000), Wei(cost * percent // 100))
            self.tell(Valued(self.now_ns, (valuation,)), self.positions_due())

    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        """Let a position be closed."""
        if self.positions:
            name = data.draw(st.sampled_from(sorted(self.positions)))
            del self.positions[name]
            self.tell(Closed(name, Wei(1_000), Wei(0)), self.positions_due())

    @rule()
    def trade_reverts(self) -> None:
        """Let a trade revert, which is no error of the system."""
        self.tell(settled("reverted", success=False, slipped=True, gas_wei=Wei(1)), set())

    @rule(wait_s=st.sampled_from([1, 3_600, 50_000]))
    def wait(self, wait_s: int) -> None:
        """Let time pass, into another day at times."""
        self.now_ns += wait_s * S
        if self.day != self.now_ns // DAY_NS:
            self.opening = 0
        self.tell(Ticked(), set())

    @rule(reset=st.booleans())
    def recover(self, reset: bool) -> None:  # noqa: FBT001 - drawn
        """Let an operator recover, with or without beginning anew."""
        self.tell(Recovered("ann", "why"), set())
        self.demanded = set()
        if reset and self.equity is not None:
            self.baseline = self.peak = max(0, self.equity)
            self.errors = 0
            self.day, self.opening = self.now_ns // DAY_NS, self.equity
            self.tell(BaselinesReset("ann", "why"), set())

    @rule()
    def restart(self) -> None:
        """Let the process begin again from a snapshot."""
        again: Emergency = from_json(to_json(self.state), Emergency)
        assert again == self.state
        self.state = again

    @rule()
    def move_nothing(self) -> None:
        """Let an operator move an amount of nothing."""
        self.tell(moved(0, Moved.COST), set())

    @invariant()
    def shut_while_demanded(self) -> None:
        """From the first demand to the recovery nothing passes but cancels."""
        passes = [
            action
            for action in Action
            if check(self.state, LIMITS, request(action=action), self.now_ns) is None
        ]
        if self.demanded:
            assert passes == [Action.CANCEL]
        else:
            known = self.equity is not None and self.day == self.now_ns // DAY_NS and bool(self.price)
            assert passes == ([Action.OPEN] if known else []) + [Action.REDUCE, Action.CANCEL]

    @invariant()
    def sums_fit(self) -> None:
        """What is kept as a sum is the sum."""
        held = self.state.holdings
        assert held.loss_wei == sum(cost - value for cost, value in self.positions.values())
        assert len(held.open) == len(self.positions)


TestAlarm = Alarm.TestCase
TestAlarm.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
