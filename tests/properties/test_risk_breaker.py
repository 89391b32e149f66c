"""Whatever happens to the circuit breaker: it opens at its limits, not before, and one probe goes at a time.

The model keeps every trade by itself and knows nothing of windows, rows or snapshots.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.domain.risk.requests import ETHER, NOON_NS, S, request, reserved, trade
from tests.unit.domain.risk.test_day import read
from warden.domain.money import BPS_ONE, Wei
from warden.domain.risk import window
from warden.domain.risk.breaker_metrics import metrics
from warden.domain.risk.circuit_breaker import Breaker, BreakerLimits, BreakerState, check, step
from warden.domain.risk.events import (
    BreakerForced,
    BreakerOrder,
    Priced,
    Released,
    RiskEvent,
    Settled,
    Ticked,
    Trade,
    Undone,
)
from warden.wire.codec import from_json, to_json

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
LIMITS = BreakerLimits(price_life_s=10**6, loss_window_s=3_600)
NETS = st.one_of(st.integers(-20, 20), st.integers(-10, 10).map(lambda n: n * ETHER // 20))


class Told(NamedTuple):
    """A trade as the model remembers it."""

    trade: Trade
    at_ns: int
    outcome: bool
    loss: bool = True


class Circuit(RuleBasedStateMachine):
    """A breaker beside a list of all trades."""

    def __init__(self) -> None:
        """Begin at noon."""
        super().__init__()
        self.breaker, self.now_ns = Breaker(), NOON_NS
        self.told: list[Told] = []
        self.number = 0

    @initialize()
    def begin(self) -> None:
        """Price and equity are known."""
        self.tell(Priced(Decimal(2_000)))
        self.tell(read(100 * ETHER))

    def tell(self, event: RiskEvent) -> None:
        """Tell an event, and look whether the turn that it took was a legal one."""
        before = self.breaker
        self.breaker, _ = step(before, LIMITS, event, self.now_ns)
        after = self.breaker
        if before.state is OPEN and after.state is HALF_OPEN:
            assert not before.held
            assert self.now_ns - before.opened_ns >= LIMITS.cooldown_s * S
        if after.state is CLOSED and before.state is not CLOSED:
            by_hand = isinstance(event, BreakerForced)
            until_ns = self.now_ns if by_hand else before.opened_ns
            self.told = [
                each._replace(outcome=False, loss=each.loss and each.at_ns > until_ns) for each in self.told
            ]
            if not by_hand:
                assert len(after.proven) == LIMITS.successes_to_close
        if before.state is CLOSED and not isinstance(event, Settled | BreakerForced | Undone):
            assert after.state is CLOSED

    @rule(net=NETS, success=st.booleans(), opens=st.booleans())
    def settle(self, net: int, success: bool, opens: bool) -> None:  # noqa: FBT001 - drawn
        """Let a trade settle that was not the probe."""
        self.number += 1
        self.settled(f"trade-{self.number}", net, success=success, opens=opens)

    @precondition(lambda self: bool(self.breaker.probe))
    @rule(net=NETS, success=st.booleans())
    def settle_probe(self, net: int, success: bool) -> None:  # noqa: FBT001 - drawn
        """Let the probe settle."""
        timely = self.now_ns - self.breaker.probe_ns < LIMITS.probe_timeout_s * S
        proven = self.breaker.successes
        self.settled(self.breaker.probe, net, success=success, opens=False)
        good = success and net >= 0 and timely
        if not good:
            assert self.breaker.state is OPEN
        elif proven + 1 >= LIMITS.successes_to_close:
            assert self.breaker.state is CLOSED

    def settled(self, name: str, net: int, *, success: bool, opens: bool) -> None:
        """Tell a trade, remember it, and look whether the breaker did what the list says."""
        came = {"gross_wei": Wei(net)} if success else {"gas_wei": Wei(abs(net))}
        if opens and success:
            came = {"gas_wei": Wei(abs(net)), "output_wei": Wei(0)}
        happened = trade(name, success=success, **came)
        closed = self.breaker.state is CLOSED
        self.told.append(Told(happened, self.now_ns, closed))
        due = self.exceeded()
        self.tell(Settled(happened))
        if closed:
            assert (self.breaker.state is OPEN) == bool(due), due

    def exceeded(self) -> str:
        """Return the limit that the remembered trades exceed, empty for none."""
        lost = micro = 0
        for each in self.told:
            if each.loss and self.now_ns - each.at_ns <= LIMITS.loss_window_s * S:
                lost = max(0, lost - each.trade.net_wei)
                micro = max(0, micro - (each.trade.net_wei * 2_000 * 10**6 // ETHER))
        outcomes = [each for each in self.told if each.outcome]
        if micro > 500 * 10**6:
            return "usd"
        if lost * BPS_ONE > 300 * 100 * ETHER:
            return "percent"
        if lost > ETHER:
            return "eth"
        if len(outcomes) >= 5 and not any(each.trade.success for each in outcomes[-5:]):
            return "failures"
        real = [
            each.trade.net_wei
            for each in outcomes
            if each.trade.success and each.trade.output_wei and each.trade.net_wei
        ]
        if len(real) >= 3 and max(real[-3:]) < 0:
            return "losing"
        recent = [each for each in outcomes if self.now_ns - each.at_ns <= 300 * S]
        failed = sum(not each.trade.success for each in recent)
        return "rate" if len(recent) >= 5 and failed * 2 > len(recent) else ""

    @rule()
    def ask(self) -> None:
        """Let a request through if it may pass: never while OPEN, never beside a probe."""
        self.tell(Ticked())
        refusal = check(self.breaker, LIMITS, request(), self.now_ns)
        state, probe = self.breaker.state, self.breaker.probe
        assert (refusal is None) == (state is CLOSED or (state is HALF_OPEN and not probe))
        if refusal is None:
            self.number += 1
            self.tell(reserved(request(intent_id=f"asked-{self.number}")))
            assert self.breaker.probe == (f"asked-{self.number}" if state is HALF_OPEN else "")

    @rule()
    def release(self) -> None:
        """Let what was let through never be sent."""
        self.tell(Released(self.breaker.probe or "none"))
        assert not self.breaker.probe

    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """Let a reorg take one of the last trades back: rows, rates and losses are as if it had not been."""
        if self.told and self.breaker.state is CLOSED:
            index = data.draw(st.integers(max(0, len(self.told) - 5), len(self.told) - 1))
            self.tell(Undone(self.told.pop(index).trade))

    @rule(wait_s=st.one_of(st.integers(0, 90), st.integers(200, 4_000)), ticked=st.booleans())
    def wait(self, wait_s: int, ticked: bool) -> None:  # noqa: FBT001 - drawn
        """Let time pass, told or not, within the same UTC day."""
        self.now_ns = min(NOON_NS + 43_199 * S, self.now_ns + wait_s * S)
        if ticked:
            self.tell(Ticked())

    @rule(order=st.sampled_from([BreakerOrder.OPEN, BreakerOrder.CLOSE]))
    def force(self, order: BreakerOrder) -> None:
        """Let an operator open or close it."""
        self.tell(BreakerForced(order, "ann", "a test"))
        assert self.breaker.state is (OPEN if order is BreakerOrder.OPEN else CLOSED)

    @rule()
    def restart(self) -> None:
        """Let the process begin again from a snapshot."""
        again: Breaker = from_json(to_json(self.breaker), Breaker)
        assert again == self.breaker
        self.breaker = again

    @invariant()
    def figures_fit(self) -> None:
        """A probe stands in HALF_OPEN only, sums are those of the entries, time open is no more than time."""
        breaker, counts = self.breaker, self.breaker.counts
        assert breaker.state is HALF_OPEN or not breaker.probe
        assert breaker.state is OPEN or not breaker.held
        for each in (counts.failed, counts.passed, counts.lost, counts.lost_micro_usd):
            assert each.total == sum(each.values)
            assert list(each.times) == sorted(each.times)
            assert len(each.times) <= window.ENTRIES_MAX
        assert 0 <= metrics(breaker, LIMITS, self.now_ns).spent_open_ns <= self.now_ns - NOON_NS


TestCircuit = Circuit.TestCase
TestCircuit.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
