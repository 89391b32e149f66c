"""Whatever happens to equity: nothing is opened at the drawdown's limit, and money moved is no loss."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.unit.domain.risk.requests import ETHER, NOON_NS, S, request, settled, trade
from tests.unit.domain.risk.test_day import moved, read
from warden.domain.money import Wei
from warden.domain.risk.drawdown import Drawdown, DrawdownLimits, check, step
from warden.domain.risk.events import BaselinesReset, Moved, RiskEvent, Undone
from warden.wire.codec import from_json, to_json

LIMITS = DrawdownLimits()
HALT = Fraction(15, 100)
AMOUNTS = st.one_of(st.integers(0, 200), st.integers(0, 200).map(lambda n: n * ETHER))


class Fall(RuleBasedStateMachine):
    """The rule beside an exact fraction: the peak, whatever was put in or taken out."""

    def __init__(self) -> None:
        """Begin at noon, knowing nothing."""
        super().__init__()
        self.state, self.now_ns = Drawdown(), NOON_NS
        self.equity, self.peak = 0, Fraction(0)
        self.slack = Fraction(0)  # what rounding up the peak has added at most
        self.halted_ns = self.rested_ns = -(10**18)
        self.losses: list[tuple[str, bool]] = []
        self.number = 0
        self.known = False

    def tell(self, event: RiskEvent) -> None:
        """Tell an event."""
        self.state, _ = step(self.state, LIMITS, event, self.now_ns)

    @rule(equity=AMOUNTS)
    def look(self, equity: int) -> None:
        """Let the equity be read: halted exactly at the limit, but for what rounding the peak up adds."""
        self.equity, self.known = equity, True
        if equity >= self.peak + self.slack:
            self.slack = Fraction(0)
        self.peak = max(self.peak, Fraction(equity))
        self.tell(read(equity))
        halted = self.state.halt is not None
        assert halted or (equity > 0 and self.peak - equity < HALT * self.peak)
        rounded = self.peak + self.slack
        assert not halted or equity <= 0 or rounded - equity >= HALT * rounded
        if halted:
            self.halted_ns = self.now_ns

    @rule(amount=AMOUNTS, move=st.sampled_from(list(Moved)))
    def move(self, amount: int, move: Moved) -> None:
        """Let the operator move money: equity stays the same share of the peak."""
        change = amount if move is Moved.DEPOSIT else -amount
        if not self.known:
            return
        if self.equity > 0 and self.equity + change > 0:
            factor = Fraction(self.equity + change, self.equity)
            self.peak, self.slack = self.peak * factor, self.slack * factor + 1
        else:
            self.peak = max(Fraction(0), self.peak + change)
        self.equity += change
        self.tell(moved(amount, move))
        assert self.peak <= self.state.peak_wei <= self.peak + self.slack

    @rule(net=st.integers(-1, 1))
    def trade(self, net: int) -> None:
        """Let a trade settle."""
        self.number += 1
        name = f"trade-{self.number}"
        self.tell(settled(name, gross_wei=Wei(net)))
        if net:
            self.losses.append((name, net < 0))
        if len(self.losses) >= 5 and all(lost for _, lost in self.losses[-5:]):
            self.losses.clear()
            self.rested_ns = self.now_ns

    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """Let a reorg take one of the counted trades back."""
        if not self.losses:
            return
        index = data.draw(st.integers(max(0, len(self.losses) - 20), len(self.losses) - 1))
        rest = self.losses[:index] + self.losses[index + 1 :]
        row = [lost for _, lost in rest]
        if any(all(row[at : at + 5]) for at in range(len(row) - 4)):
            return  # two rows that joined are no new loss, and begin nothing
        self.tell(Undone(trade(self.losses[index][0])))
        self.losses = rest

    @rule(wait_s=st.integers(0, 400))
    def wait(self, wait_s: int) -> None:
        """Let time pass."""
        self.now_ns += wait_s * S

    @rule()
    def reset(self) -> None:
        """Let a recovery begin everything anew."""
        self.tell(BaselinesReset("ann", "why"))
        self.losses.clear()
        self.halted_ns = self.rested_ns = -(10**18)
        self.peak, self.slack = Fraction(max(0, self.equity)), Fraction(0)

    @rule()
    def restart(self) -> None:
        """Let the process begin again from a snapshot."""
        again: Drawdown = from_json(to_json(self.state), Drawdown)
        assert again == self.state
        self.state = again

    @invariant()
    def opens_only_when_it_may(self) -> None:
        """Refused while unknown, halted or cooling down, and let through otherwise."""
        refusal = check(self.state, LIMITS, request(), self.now_ns)
        cooling = self.now_ns - max(self.halted_ns, self.rested_ns) < LIMITS.cooldown_s * S
        expected = not self.known or self.state.halt is not None or cooling
        assert (refusal is not None) == expected


TestFall = Fall.TestCase
TestFall.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
