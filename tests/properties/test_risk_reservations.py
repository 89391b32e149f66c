"""Reservations as a state machine: whatever happens, in whatever order, no share leaks and none is shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.domain.risk.requests import ETHER, NOON_NS, S, request, reserved, trade
from warden.domain.money import Wei
from warden.domain.risk import position_size
from warden.domain.risk.events import Released, RiskEvent, Sent, Settled, Ticked, Undone
from warden.domain.risk.reservations import (
    Reservation,
    ReservationLimits,
    Reservations,
    check,
    check_send,
    step,
)
from warden.domain.risk.thresholds import Means, TradeLimits, effective
from warden.wire.codec import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

LIMITS = ReservationLimits()
MEANS = Means(trading_wei=Wei(10 * ETHER), gas_wei=Wei(ETHER), equity_wei=Wei(11 * ETHER))
NOW = effective(MEANS, TradeLimits(max_trade_micro_usd=None, max_exposure_micro_usd=None), 100, 0)
NAMES = st.integers(0, 7)


class Shares(RuleBasedStateMachine):
    """The module beside a plain table of who holds what since when."""

    def __init__(self) -> None:
        super().__init__()
        self.state = Reservations()
        self.at_ns = NOON_NS
        self.holds: dict[str, tuple[int, int, bool]] = {}
        self.landed: dict[str, tuple[int, int, bool]] = {}

    def tell(self, event: RiskEvent) -> None:
        """Fold an event, after which what has expired is gone from the table too."""
        self.state, _ = step(self.state, LIMITS, event, self.at_ns)

    def expire(self) -> None:
        """Strike out what has waited for thirty seconds unsigned."""
        self.holds = {
            name: (spend, since, sent)
            for name, (spend, since, sent) in self.holds.items()
            if sent or self.at_ns - since < 30 * S
        }

    @rule(number=NAMES, spend_wei=st.integers(ETHER // 100, 3 * ETHER))
    def ask(self, number: int, spend_wei: int) -> None:
        """Ask the rules, and reserve if they let it through: then there was room beside all that is held."""
        name = f"intent-{number}"
        self.expire()
        self.tell(Ticked())
        asked = request(spend_wei, intent_id=name, market=f"market-{number % 3}", whale=f"whale-{number % 2}")
        held = self.state.spend_wei
        refusal = check(self.state, name) or position_size.check(NOW, asked, held, held, self.at_ns)
        total = sum(spend for spend, _, _ in self.holds.values())
        known = name in self.holds or name in self.landed
        fits = spend_wei <= 2 * ETHER and total + spend_wei <= 5 * ETHER
        assert (refusal is None) == (not known and fits)
        if refusal is None:
            self.tell(reserved(asked))
            self.holds[name] = (spend_wei, self.at_ns, False)

    @rule(number=NAMES)
    def sign(self, number: int) -> None:
        """Sign what may be signed: exactly what still holds its share."""
        name = f"intent-{number}"
        self.expire()
        assert (check_send(self.state, LIMITS, name, self.at_ns) is None) == (name in self.holds)
        if name in self.holds:
            self.tell(Sent(name))
            spend, since, _ = self.holds[name]
            self.holds[name] = (spend, since, True)

    @rule(number=NAMES)
    def release(self, number: int) -> None:
        """Let one go, held or not."""
        self.expire()
        self.tell(Released(f"intent-{number}"))
        self.holds.pop(f"intent-{number}", None)

    @rule(number=NAMES, success=st.booleans())
    def settle(self, number: int, *, success: bool) -> None:
        """Have the chain settle one, held or not."""
        name = f"intent-{number}"
        self.expire()
        self.tell(Settled(trade(name, success=success)))
        if name in self.holds:
            self.landed[name] = self.holds.pop(name)

    @precondition(lambda self: self.landed)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """Have a reorg take one back, more than once."""
        name = data.draw(st.sampled_from(sorted(self.landed)))
        self.expire()
        spend, since, _ = self.landed.pop(name)
        self.holds[name] = (spend, since, True)
        for _ in range(2):
            self.tell(Undone(trade(name)))

    @rule(wait_ns=st.sampled_from([0, 1, S, 15 * S, 30 * S - 1, 30 * S]))
    def wait(self, wait_ns: int) -> None:
        """Let time pass."""
        self.at_ns += wait_ns
        self.expire()
        self.tell(Ticked())

    @rule()
    def restart(self) -> None:
        """Come back out of a snapshot."""
        self.state = from_json(to_json(self.state), Reservations)

    @invariant()
    def every_total_is_a_sum(self) -> None:
        """PS2: the totals are those of what is held, no more, no less; who has none is not there."""
        held = self.state.held
        self.expire()
        live = {name: share for name, share in held.items() if name in self.holds}
        assert live.keys() == self.holds.keys()
        assert all(share.spend_wei == self.holds[name][0] for name, share in live.items())
        assert self.state.spend_wei == sum(share.spend_wei for share in held.values())
        assert self.state.markets == counted(share.market for share in held.values())
        assert self.state.whales == counted(share.whale for share in held.values())
        assert self.state.strategies == counted(share.strategy for share in held.values())
        assert self.state.whale_spend == spent(held.values())


def counted(names: Iterable[str]) -> dict[str, int]:
    """Return how often each name occurs."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def spent(shares: Iterable[Reservation]) -> dict[str, int]:
    """Return what the shares of each whale come to."""
    sums: dict[str, int] = {}
    for share in shares:
        sums[share.whale] = sums.get(share.whale, 0) + share.spend_wei
    return sums


TestShares = Shares.TestCase
TestShares.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
