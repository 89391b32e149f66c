"""Positions as a state machine: openings, closes whole and in part, wrong ones, reorgs, days and restarts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.domain.risk.requests import ETHER, NOON_NS, USD, position, request
from warden.domain.money import Wei
from warden.domain.risk.events import DAY_NS, Closed, Opened, Position, Priced, Restored, RiskEvent
from warden.domain.risk.position_limits import (
    PositionLimits,
    Positions,
    check,
    check_close,
    room,
    step,
)
from warden.domain.risk.reservations import Reservations
from warden.domain.risk.usd import micro_usd_of, quote_of
from warden.wire.codec import from_json, to_json

if TYPE_CHECKING:
    from warden.domain.risk.findings import Finding

LIMITS = PositionLimits(max_positions=5)
NONE_HELD = Reservations()
PRICES = st.sampled_from([Decimal(1_000), Decimal(3_000), Decimal("1234.5678")])


class Book(RuleBasedStateMachine):
    """The module beside a plain list of positions, and of what each whale took of its day."""

    def __init__(self) -> None:
        super().__init__()
        self.state = Positions()
        self.at_ns = NOON_NS
        self.open: dict[str, Position] = {}
        self.gone: dict[str, Position] = {}
        self.taken: dict[str, tuple[str, int]] = {}
        self.price = Decimal(2_000)
        self.number = 0
        self.tell(Priced(self.price))

    def tell(self, event: RiskEvent) -> tuple[Finding, ...]:
        """Fold an event and return what was said."""
        self.state, findings = step(self.state, LIMITS, event, self.at_ns)
        return findings

    @rule(
        market=st.sampled_from(["", "a", "b", "c"]),
        whale=st.sampled_from(["", "x", "y"]),
        cost_wei=st.integers(1, ETHER // 4),
        amount=st.integers(1, 1_000),
    )
    def ask_and_open(self, market: str, whale: str, cost_wei: int, amount: int) -> None:
        """Open what the rule lets through: nothing that breaks a count or an allocation."""
        asked = request(cost_wei, market=market, whale=whale)
        refusal = check(self.state, LIMITS, NONE_HELD, asked, self.at_ns)
        places = self.open.values()
        quote = quote_of(self.price)
        assert quote is not None
        worth = micro_usd_of(cost_wei, quote)
        today = sum(worth for name, worth in self.taken.values() if name == whale)
        fits = (
            len(places) < 5
            and (not market or sum(each.market == market for each in places) < 2)
            and (not whale or sum(each.whale == whale for each in places) < 3)
            and (not whale or today + worth <= 500 * USD)
        )
        assert (refusal is None) == fits
        left = room(self.state, LIMITS, NONE_HELD, asked, self.at_ns)
        assert (left is None) == (not whale)
        assert left is None or (cost_wei <= left) == (today + worth <= 500 * USD)
        if refusal is not None:
            return
        self.number += 1
        made = position(
            f"p-{self.number}", market=market, whale=whale, cost_wei=Wei(cost_wei), amount=Wei(amount)
        )
        assert self.tell(Opened(made)) == ()
        assert self.tell(Opened(made)) != ()
        self.open[made.position_id] = made
        if whale:
            self.taken[made.position_id] = (whale, worth)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        """Close one, whole or in part, or too much of it, which changes nothing and is told."""
        name = data.draw(st.sampled_from(sorted(self.open)))
        here = self.open[name]
        amount = data.draw(st.integers(0, here.amount + 1) | st.just(here.amount))
        before, refusal = self.state, check_close(self.state, name, amount)
        findings = self.tell(Closed(name, Wei(amount), Wei(0)))
        assert (refusal is None) == (0 < amount <= here.amount) == (findings == ())
        if refusal is not None:
            assert self.state is before
        elif amount == here.amount:
            self.gone[name] = self.open.pop(name)
        else:
            rest = here.amount - amount
            cost = -(-here.cost_wei * rest // here.amount)
            self.open[name] = msgspec.structs.replace(here, amount=Wei(rest), cost_wei=Wei(cost))

    @rule(number=st.integers(1, 30))
    def close_what_is_not_there(self, number: int) -> None:
        """PS5: a second close and one of nobody's position are told and change nothing."""
        name = f"p-{number}"
        if name in self.open:
            return
        before = self.state
        refusal = check_close(before, name, 1)
        assert refusal is not None
        assert refusal.rule == ("position.closed" if name in self.gone else "position.unknown")
        assert len(self.tell(Closed(name, Wei(1), Wei(0)))) == 1
        assert self.state is before

    @precondition(lambda self: self.gone)
    @rule(data=st.data())
    def undo_a_close(self, data: st.DataObject) -> None:
        """Have a reorg bring one back."""
        name = data.draw(st.sampled_from(sorted(self.gone)))
        self.open[name] = self.gone.pop(name)
        self.tell(Restored(self.open[name]))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def undo_an_opening(self, data: st.DataObject) -> None:
        """Have a reorg say that one never was, twice."""
        name = data.draw(st.sampled_from(sorted(self.open)))
        never = msgspec.structs.replace(self.open.pop(name), amount=Wei(0))
        self.taken.pop(name, None)
        for _ in range(2):
            self.tell(Restored(never))

    @rule(price=PRICES)
    def reprice(self, price: Decimal) -> None:
        """Let the price move: what was put in stays what it was."""
        self.price = price
        self.tell(Priced(price))

    @rule(wait_ns=st.sampled_from([1, DAY_NS // 2, DAY_NS]))
    def wait(self, wait_ns: int) -> None:
        """Let time pass: at a UTC midnight all allocations begin anew."""
        if (self.at_ns + wait_ns) // DAY_NS > self.at_ns // DAY_NS:
            self.taken = {}
        self.at_ns += wait_ns

    @rule()
    def restart(self) -> None:
        """Come back out of a snapshot."""
        self.state = from_json(to_json(self.state), Positions)

    @invariant()
    def every_count_is_a_sum(self) -> None:
        """PS4: the counters are those of the open positions."""
        places = self.open.values()
        assert self.state.open == self.open
        assert self.state.cost_wei == sum(each.cost_wei for each in places)
        assert sum(self.state.markets.values()) == sum(bool(each.market) for each in places)
        assert sum(self.state.whales.values()) == sum(bool(each.whale) for each in places)
        assert all(count > 0 for count in (*self.state.markets.values(), *self.state.whales.values()))


TestBook = Book.TestCase
TestBook.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
