"""Exits under any order of events: at the threshold, never before, once, never more than is held (SL1)."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from warden.domain.money import Wei
from warden.domain.risk.events import (
    Closed,
    ExitFailed,
    ExitOrdered,
    ExitsBarred,
    Opened,
    Position,
    RiskEvent,
    Ticked,
    TriggersSet,
    Valuation,
    Valued,
)
from warden.domain.risk.exit_triggers import ExitReason, Triggers
from warden.domain.risk.exits import Exit, exits_left_ns, exits_until_ns, leaving, step, unprotected
from warden.domain.risk.findings import Noted
from warden.domain.risk.protection import ExitLimits, ExitState
from warden.wire.codec import from_json, to_json

S = 1_000_000_000
BEGIN_NS = 1_000_000 * S
LIMITS = ExitLimits(triggers=Triggers())
NAMES = ("a", "b", "c")

_wei = st.integers(1, 2**100)
_bps = st.integers(0, 10_000)


def _reached(triggers: Triggers, cost: Fraction, now: Fraction, peak: Fraction) -> ExitReason | None:
    """Return what should fire, in exact fractions of wei for a unit."""
    if triggers.stop_loss_bps and now <= cost * (1 - Fraction(triggers.stop_loss_bps, 10_000)):
        return ExitReason.STOP_LOSS
    armed = peak >= cost * (1 + Fraction(triggers.trailing_from_bps, 10_000)) and peak > 0
    if triggers.trailing_bps and armed and now <= peak * (1 - Fraction(triggers.trailing_bps, 10_000)):
        return ExitReason.TRAILING_STOP
    if triggers.take_profit_bps and now >= cost * (1 + Fraction(triggers.take_profit_bps, 10_000)):
        return ExitReason.TAKE_PROFIT
    return None


@settings(max_examples=200, deadline=None)
@given(
    st.builds(
        Triggers,
        st.integers(1, 10_000),
        st.integers(0, 30_000),
        _bps,
        st.integers(-10_000, 5_000),
    ),
    _wei,
    _wei,
    st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 30_000)), min_size=1, max_size=12),
)
def test_the_first_value_at_a_threshold_sells_and_none_before(
    triggers: Triggers, cost: int, amount: int, moves: list[tuple[int, int]]
) -> None:
    """SL1: values on, just above and just below every threshold, of prices of any size, to the wei."""
    limits = ExitLimits(triggers=triggers)
    position = Position("p", "s", "0xc", "m", Wei(amount), Wei(cost), BEGIN_NS)
    state, _, _ = step(ExitState(), limits, Opened(position), BEGIN_NS)
    peak = Fraction(0)
    for off, share in moves:
        value = max(0, cost * share // 10_000 + off)
        event = Valued(BEGIN_NS, (Valuation("p", Wei(amount), Wei(value)),))
        state, _, exits = step(state, limits, event, BEGIN_NS)
        peak = max(peak, Fraction(value, amount))
        expected = _reached(triggers, Fraction(cost, amount), Fraction(value, amount), peak)
        assert [each.reason for each in exits] == ([] if expected is None else [expected])
        if exits:
            assert (exits[0].amount, exits[0].value_wei) == (amount, value)
            return


@given(st.integers(0, 10**18), st.integers(0, 10**18), st.integers(0, 10**18), st.booleans())
def test_leave_without_a_watchdog_is_bounded(expires: int, wanted: int, now: int, stopped: bool) -> None:  # noqa: FBT001 - drawn
    """SL1: never later than ten minutes past the permit's expiry, never after a stop, never below zero."""
    left = exits_left_ns(expires, exits_until_ns(expires, wanted), now, stopped=stopped)
    assert left == exits_left_ns(expires, expires + wanted, now, stopped=stopped)
    assert left >= 0
    if left:
        assert not stopped
        assert now + left <= expires + 600 * S


class Market(RuleBasedStateMachine):
    """Positions that are opened, valued, sold in parts, restored; exits that sell, fail and hang."""

    def __init__(self) -> None:
        super().__init__()
        self.state = ExitState()
        self.at_ns = BEGIN_NS
        self.held: dict[str, int] = {}
        self.cost: dict[str, Fraction] = {}
        self.peak: dict[str, Fraction] = {}
        self.own: dict[str, Triggers] = {}
        self.out: set[str] = set()
        self.ordered: set[str] = set()
        self.barred = False
        self.told: set[str] = set()

    def take(self, event: RiskEvent) -> list[Exit]:
        """Fold one event, and see that nothing is told twice and nothing sells more than is held."""
        self.state, findings, exits = step(self.state, LIMITS, event, self.at_ns)
        for noted in findings:
            assert isinstance(noted, Noted)
            if noted.kind == "position.unprotected":
                name = noted.message.split()[1]
                assert name not in self.told
                self.told.add(name)
            elif noted.kind == "position.protected":
                names = set(noted.message.removeprefix("protected again: ").split(", "))
                assert names <= self.told
                self.told -= names
        for each in exits:
            assert each.position_id not in self.out
            assert 0 < each.amount == self.held[each.position_id]
            self.out.add(each.position_id)
        return list(exits)

    @initialize()
    def begin(self) -> None:
        """Nothing is open."""

    @rule(name=st.sampled_from(NAMES), amount=st.integers(1, 10**24), cost=st.integers(1, 10**21))
    def opens(self, name: str, amount: int, cost: int) -> None:
        """A position that is not open yet comes into being."""
        if name in self.held:
            return
        position = Position(name, "s", "0xc", "m", Wei(amount), Wei(cost), self.at_ns)
        self.held[name], self.cost[name] = amount, Fraction(cost, amount)
        self.peak[name], self.own[name] = Fraction(-1), LIMITS.triggers
        assert self.take(Opened(position)) == []

    @rule(
        values=st.dictionaries(st.sampled_from(NAMES), st.none() | st.integers(0, 14_000), min_size=1),
        age_s=st.sampled_from((0, 0, 0, 30, 61)),
    )
    def valued(self, values: dict[str, int | None], age_s: int) -> None:
        """Values arrive, in parts of the cost: who reaches a threshold is sold, nobody else."""
        read_ns = self.at_ns - age_s * S
        each, expected = list[Valuation](), dict[str, ExitReason]()
        for name, share in values.items():
            if name not in self.held:
                continue
            held = self.held[name]
            value = None if share is None else int(self.cost[name] * held * share / 10_000)
            each.append(Valuation(name, Wei(held), None if value is None else Wei(value)))
            if read_ns < self.state.guards[name].valued_ns:
                continue
            counts = value is not None and age_s * S <= LIMITS.stale_after_ns
            if value is not None and counts:
                self.peak[name] = max(self.peak[name], Fraction(value, held))
            if self.barred or name in self.out:
                continue
            if name in self.ordered:
                expected[name] = ExitReason.ORDERED
            elif value is not None and counts:
                now = Fraction(value, held)
                reason = _reached(self.own[name], self.cost[name], now, self.peak[name])
                if reason is not None:
                    expected[name] = reason
        exits = self.take(Valued(read_ns, tuple(each)))
        assert {sale.position_id: sale.reason for sale in exits} == expected

    @rule(seconds=st.sampled_from((1, 20, 59, 60, 61, 130)))
    def waits(self, seconds: int) -> None:
        """Time passes; that alone sells nothing."""
        self.at_ns += seconds * S
        assert self.take(Ticked()) == []

    @rule(name=st.sampled_from(NAMES), tenths=st.integers(1, 11))
    def sells(self, name: str, tenths: int) -> None:
        """A part, all, or more than all is sold."""
        if name not in self.held:
            return
        amount = max(1, self.held[name] * tenths // 10)
        assert self.take(Closed(name, Wei(amount), Wei(1))) == []
        self.held[name] -= amount
        if self.held[name] <= 0:
            for known in (self.held, self.cost, self.peak, self.own):
                known.pop(name)
            for names in (self.out, self.ordered, self.told):
                names.discard(name)

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def fails(self, data: st.DataObject) -> None:
        """An exit that was out is known to have failed."""
        name = data.draw(st.sampled_from(sorted(self.out)))
        self.out.discard(name)
        assert self.take(ExitFailed(name, "reverted")) == []

    @rule(names=st.lists(st.sampled_from(NAMES), max_size=2, unique=True))
    def orders(self, names: list[str]) -> None:
        """An operator sells: what is not out yet goes out at once, barred or not."""
        open_names = {name for name in (names or self.held) if name in self.held}
        wanted = open_names - self.out
        exits = self.take(ExitOrdered(tuple(names), "ann", "why"))
        assert {sale.position_id for sale in exits} == wanted
        self.ordered |= open_names

    @rule(name=st.sampled_from(NAMES), stop=st.integers(0, 10_000), trail=st.none() | st.integers(0, 10_000))
    def overrides(self, name: str, stop: int, trail: int | None) -> None:
        """A position gets exits of its own."""
        if name in self.held:
            assert self.take(TriggersSet(name, stop, None, trail, "ann", "")) == []
            trailing = LIMITS.triggers.trailing_bps if trail is None else trail
            self.own[name] = Triggers(stop_loss_bps=stop, trailing_bps=trailing)

    @rule(why=st.sampled_from(("", "the watchdog is dead")))
    def bars(self, why: str) -> None:
        """Exits may not leave, or may again."""
        self.barred = bool(why)
        assert self.take(ExitsBarred(why)) == []

    @rule()
    def restarts(self) -> None:
        """The state comes back from its snapshot, field by field."""
        again: ExitState = from_json(to_json(self.state), ExitState)
        assert again == self.state
        self.state = again

    @invariant()
    def what_is_told_is_what_stands(self) -> None:
        """The state knows just what is open, what is out, and what was told of as UNPROTECTED."""
        assert {name: guard.held for name, guard in self.state.guards.items()} == self.held
        assert set(leaving(self.state)) == self.out
        assert set(unprotected(self.state)) == self.told

    @invariant()
    def nothing_is_shown_as_protected_that_is_not(self) -> None:
        """I10: after a tick whatever has no fresh value, no leave or no stop-loss is UNPROTECTED."""
        self.take(Ticked())
        for name, guard in self.state.guards.items():
            stale = self.at_ns - guard.valued_ns > LIMITS.stale_after_ns
            if self.barred or stale or guard.lost or self.own[name].stop_loss_bps == 0:
                assert name in self.told


TestMarket = pytest.mark.timeout(60)(Market.TestCase)
TestMarket.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
