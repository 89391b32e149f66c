"""Pools and the 70/30 against a wallet and a list of the trades that stand (PL3, PL5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.domain.risk.trades import START_NS, closing, cycle, opening, overhead, reverted
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk import allocation, capital, reservations
from warden.domain.risk.allocation import Period
from warden.domain.risk.capital import Capital, CapitalLimits, PoolWeight
from warden.domain.risk.events import (
    DAY_NS,
    NS_PER_S,
    CapitalMoved,
    Moved,
    Read,
    Released,
    Request,
    Reserved,
    RiskEvent,
    Sent,
    Settled,
    Ticked,
    Undone,
)
from warden.domain.risk.pools import Account, payable_wei
from warden.domain.risk.reservations import ReservationLimits, Reservations
from warden.wire.codec import from_json, to_json

if TYPE_CHECKING:
    from warden.domain.risk.events import Trade

LIMITS = CapitalLimits(pools=(PoolWeight("a", 2), PoolWeight("b", 1)), confirm_reads=2, short_tolerance_wei=0)
RESERVATIONS = ReservationLimits(unused_life_ns=LIMITS.unused_life_ns)
POOLS = st.sampled_from(["a", "b"])
# Odd amounts, so that 70 % is hardly ever a whole number of wei; and some beyond 64 bits.
AMOUNTS = st.integers(1, 2_000) | st.integers(10**20, 10**20 + 999)
HOUR_NS = 3_600 * NS_PER_S
NOT_TOO_OLD_NS = 2 * DAY_NS


class Money(RuleBasedStateMachine):
    """Two strategies on one wallet: reserve, trade, hold positions, be undone, pay debts, sleep, restart."""

    def __init__(self) -> None:
        super().__init__()
        self.state = Capital()
        self.reservations = Reservations()
        self.now_ns = START_NS
        self.numbers = 0
        self.wallet = 0
        self.held: dict[str, Reserved] = {}
        self.costs: list[tuple[str, int]] = []
        self.standing: list[Trade] = []
        self.invested = {"a": 0, "b": 0}
        self.out = dict.fromkeys(Moved, 0)

    def take(self, event: RiskEvent) -> None:
        """Fold one event, into the reservations too."""
        self.state, _ = capital.step(self.state, LIMITS, event, self.now_ns)
        self.reservations, _ = reservations.step(self.reservations, RESERVATIONS, event, self.now_ns)

    @initialize(trading=AMOUNTS, gas=st.integers(0, 1_000))
    def open(self, trading: int, gas: int) -> None:
        """The wallet is read for the first time: it is parted two to one, to the wei."""
        self.wallet = trading + gas
        self.take(Read(Wei(trading), Wei(gas), Wei(trading + gas)))
        self.invested = {name: pool.total_wei for name, pool in self.state.pools.items()}
        assert sum(self.invested.values()) == trading + gas
        assert abs(self.invested["a"] - 2 * self.invested["b"]) <= 4

    # --- trading

    @rule(pool=POOLS, share=st.integers(1, 120))
    def reserve(self, pool: str, share: int) -> None:
        """A strategy asks for a share of its pool: it gets what is available, and never a wei more."""
        available = self.state.pools[pool].available_wei
        spend = max(1, available * share // 100)
        request = Request(f"id-{self.numbers}", pool, Action.OPEN, spend, 0, 0, 0)
        refusal = capital.check(self.state, LIMITS, request, self.now_ns)
        if refusal is None:
            assert spend <= available
            event = Reserved(request.intent_id, pool, "m", "", Wei(spend), Wei(0))
            self.take(event)
            self.held[request.intent_id] = event
            self.numbers += 1
            assert self.state.pools[pool].available_wei >= 0

    @precondition(lambda self: self.held)
    @rule(data=st.data(), sends=st.booleans())
    def send_or_release(self, data: st.DataObject, sends: bool) -> None:  # noqa: FBT001 - a drawn value
        """A reserved intent is signed, or given up."""
        intent_id = data.draw(st.sampled_from(sorted(self.held)))
        self.take(Sent(intent_id) if sends else Released(intent_id))
        if not sends:
            del self.held[intent_id]

    @precondition(lambda self: self.held)
    @rule(data=st.data(), gain=st.integers(-300, 900), gas=st.integers(0, 90), kind=st.integers(0, 2))
    def settle(self, data: st.DataObject, gain: int, gas: int, kind: int) -> None:
        """A reserved intent is mined, perhaps in a block of yesterday: a cycle, an opening or a revert."""
        intent_id = data.draw(st.sampled_from(sorted(self.held)))
        event, at_ns = self.held.pop(intent_id), self.now_ns - data.draw(st.integers(0, 30)) * HOUR_NS
        spend = int(event.spend_wei)
        if kind == 0:
            trade = cycle(max(gain, -spend), gas, at_ns=at_ns, strategy=event.strategy)
            trade = msgspec.structs.replace(
                trade, input_wei=Wei(spend), output_wei=Wei(spend + trade.gross_wei)
            )
        elif kind == 1:
            trade = opening(spend, gas, at_ns=at_ns, strategy=event.strategy)
            self.costs.append((event.strategy, spend))
        else:
            trade = reverted(gas, at_ns=at_ns, strategy=event.strategy)
        self.mined(msgspec.structs.replace(trade, trade_id=intent_id))

    @precondition(lambda self: self.costs)
    @rule(proceeds=AMOUNTS, gas=st.integers(0, 90))
    def close(self, proceeds: int, gas: int) -> None:
        """A position is sold; an exit reserves nothing."""
        pool, cost = self.costs.pop()
        self.mined(closing(cost, proceeds, gas, at_ns=self.now_ns, strategy=pool))

    @rule(pool=POOLS, gain=st.integers(-99, 999), gas=st.integers(0, 9), hours=st.integers(0, 30))
    def gain(self, pool: str, gain: int, gas: int, hours: int) -> None:
        """A cycle whose reservation is long forgotten is mined, perhaps in a block of yesterday."""
        self.mined(cycle(gain, gas, at_ns=self.now_ns - hours * HOUR_NS, strategy=pool))

    @rule(pool=POOLS, gas=st.integers(0, 90), kind=st.sampled_from(["approve", "cancel"]))
    def spend_gas(self, pool: str, gas: int, kind: str) -> None:
        """An approval or a cancel is mined."""
        self.mined(overhead(gas, kind=kind, at_ns=self.now_ns, strategy=pool))

    def mined(self, trade: Trade) -> None:
        """Let a transaction change the wallet and the books."""
        self.wallet += self.into_wallet(trade)
        self.standing.append(trade)
        self.take(Settled(trade))

    @staticmethod
    def into_wallet(trade: Trade) -> int:
        """Return what a transaction brings into the wallet."""
        return trade.output_wei - trade.input_wei - trade.gas_wei

    @precondition(lambda self: self.standing)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """A reorg takes a transaction back; what opened may be mined again, so it holds its share again."""
        recent = [each for each in self.standing if each.at_ns > self.now_ns - NOT_TOO_OLD_NS]
        opened = [each for each in recent if each.output_wei == 0 < each.input_wei]
        candidates = [each for each in recent if each not in opened or self.is_open(each)]
        if not candidates:
            return
        trade = data.draw(st.sampled_from(candidates))
        self.standing.remove(trade)
        self.wallet -= self.into_wallet(trade)
        if trade in opened:
            self.costs.remove((trade.strategy, int(trade.input_wei)))
        elif trade.input_wei == 0 < trade.output_wei:
            self.costs.append((trade.strategy, trade.output_wei - trade.gross_wei))
        self.take(Undone(trade))
        self.held = {
            key: self.held.get(key) or Reserved(key, each.pool, "m", "", each.spend_wei, Wei(0))
            for key, each in self.state.held.items()
        }

    def is_open(self, trade: Trade) -> bool:
        """Tell whether the position that a trade opened is still held."""
        return (trade.strategy, int(trade.input_wei)) in self.costs

    # --- the operator

    @rule(pool=POOLS, move=st.sampled_from(Moved), amount=st.integers(1, 900), account=st.integers(0, 2))
    def move(self, pool: str, move: Moved, amount: int, account: int) -> None:
        """An operator moves money, if that is not refused; no account goes below zero by it."""
        name = "" if move in {Moved.DEBT_PAID, Moved.COST} else ("", "gas", "operating")[account]
        event = CapitalMoved(move, Wei(amount), pool, "ada", "because", name)
        if capital.check_move(self.state, LIMITS, event, self.now_ns) is not None:
            return
        before = {key: getattr(self.state.pools[pool], f"{key}_wei") for key in ("debts", "operating")}
        self.take(event)
        sign = 1 if move is Moved.DEPOSIT else -1
        self.wallet += sign * amount
        if move in {Moved.DEPOSIT, Moved.WITHDRAWAL} and name != "operating":
            self.invested[pool] += sign * amount
        else:
            self.out[move] += amount
        after = self.state.pools[pool]
        assert after.debts_wei >= min(0, before["debts"])
        assert after.operating_wei >= min(0, before["operating"])

    @precondition(lambda self: any(pool.debts_wei > 0 for pool in self.state.pools.values()))
    @rule(pool=POOLS, move=st.sampled_from([Moved.DEBT_PAID, Moved.COST]))
    def pay(self, pool: str, move: Moved) -> None:
        """All that is set aside is paid out, and not a wei more can be."""
        account = "debts" if move is Moved.DEBT_PAID else "operating"
        amount = payable_wei(self.state.pools[pool], Account(account))
        event = CapitalMoved(move, Wei(max(0, amount)), pool, "ada", "because", account)
        more = msgspec.structs.replace(event, amount_wei=Wei(event.amount_wei + 1))
        assert capital.check_move(self.state, LIMITS, more, self.now_ns) is not None
        if amount > 0:
            self.wallet -= amount
            self.out[move] += amount
            self.take(event)

    @precondition(lambda self: self.state.short_wei)
    @rule()
    def find_what_was_missing(self) -> None:
        """What was missing comes back: then nothing is missing any more, and nothing unexplained."""
        self.wallet += self.state.short_wei
        self.take(Read(Wei(self.wallet), Wei(0), Wei(0)))
        assert self.held or self.state.gap_reads or self.state.short_wei == 0

    @rule(amount=st.sampled_from([0, 3, 50, -1, -40]), reads=st.integers(1, 4))
    def differ(self, amount: int, reads: int) -> None:
        """Dust comes, or something goes, and the wallet is read."""
        equity = capital.equity_wei(self.state)
        self.wallet += amount
        for _ in range(reads):
            self.take(Read(Wei(self.wallet), Wei(0), Wei(0)))
        assert capital.equity_wei(self.state) == equity
        if not self.held and reads >= LIMITS.confirm_reads:
            books = sum(pool.wallet_wei for pool in self.state.pools.values()) + self.state.unexplained_wei
            assert books - self.state.short_wei == self.wallet
            assert not (self.state.short_wei and self.state.unexplained_wei)

    # --- time

    @rule(seconds=st.integers(0, 20) | st.integers(0, 60 * 3_600))
    def wait(self, seconds: int) -> None:
        """Time passes; what was not signed in time is let go."""
        self.now_ns += seconds * NS_PER_S
        self.take(Ticked())
        self.held = {key: each for key, each in self.held.items() if key in self.state.held}

    @rule(off_ns=st.integers(-1, 1))
    def midnight(self, off_ns: int) -> None:
        """A day ends, has just ended, or is about to."""
        self.now_ns += max(0, DAY_NS - self.now_ns % DAY_NS + off_ns)
        self.take(Ticked())
        self.held = {key: each for key, each in self.held.items() if key in self.state.held}

    @rule()
    def restart(self) -> None:
        """The state survives as JSON."""
        again: Capital = from_json(to_json(self.state), Capital)
        assert again == self.state
        self.state = again

    # --- what always holds

    @invariant()
    def accounts_are_pools_and_pools_the_whole(self) -> None:
        """PL5: to the wei, and each pool is what was put in and what its standing trades netted."""
        state = self.state
        for name, pool in state.pools.items():
            accounts = (pool.available_wei, pool.reserved_wei, pool.positions_wei, pool.gas_wei)
            assert sum(accounts) + pool.debts_wei + pool.operating_wei == pool.total_wei
            net = sum(each.net_wei for each in self.standing if each.strategy == name)
            record = pool.record
            paid = record.debts_paid_wei + record.costs_wei + record.profit_withdrawn_wei
            assert pool.total_wei == self.invested[name] + net - paid
            assert pool.invested_wei == self.invested[name]
            assert pool.positions_wei == sum(cost for strategy, cost in self.costs if strategy == name)
        totals = sum(pool.total_wei for pool in state.pools.values())
        assert totals + state.unexplained_wei == state.whole_wei
        assert totals == capital.equity_wei(state)

    @invariant()
    def reservations_agree(self) -> None:
        """PS2, PL5: what the pools have reserved is what reservations.py holds, intent by intent."""
        assert self.state.held.keys() == self.reservations.held.keys() == self.held.keys()
        reserved = sum(pool.reserved_wei for pool in self.state.pools.values())
        assert reserved == self.reservations.spend_wei

    @invariant()
    def each_days_profit_is_parted_70_30(self) -> None:
        """PL3: of the net profit of each day that is over, and of no loss, exact to the wei."""
        days: dict[int, int] = {}
        for trade in self.standing:
            days[trade.at_ns // DAY_NS] = days.get(trade.at_ns // DAY_NS, 0) + trade.net_wei
        profits = [net for day, net in days.items() if (day + 1) * DAY_NS <= self.now_ns and net > 0]
        debts = sum(net * 70 // 100 for net in profits)
        records = [pool.record for pool in self.state.pools.values()]
        assert sum(record.debts_wei for record in records) == debts
        assert sum(record.operating_wei for record in records) == sum(profits) - debts
        held = sum(pool.debts_wei for pool in self.state.pools.values())
        assert held == debts - self.out[Moved.DEBT_PAID]
        stays = sum(pool.operating_wei for pool in self.state.pools.values())
        assert stays == sum(profits) - debts - self.out[Moved.COST] - self.out[Moved.WITHDRAWAL]

    @invariant()
    def it_stays_bounded(self) -> None:
        """However long it runs."""
        assert len(self.state.periods) <= LIMITS.allocation.periods_max
        assert len(self.state.settled) <= 256


TestMoney = Money.TestCase
TestMoney.settings = settings(max_examples=60, stateful_step_count=70, deadline=None)


@given(
    nets=st.dictionaries(
        st.text("abcdefgh", max_size=3), st.integers(-(10**24), 10**24) | st.integers(-9, 9)
    ),
    bps=st.integers(0, 10_000),
)
@settings(max_examples=300, deadline=None)
def test_shares_add_up_to_the_wei(nets: dict[str, int], bps: int) -> None:
    """PL3: the parts make up the profit, debts its share rounded down; no pool gives what it did not win."""
    period = Period(0, DAY_NS, {name: Wei(net) for name, net in nets.items()}, bps)
    shares, profit = allocation.allocate(period), sum(nets.values())
    debts = sum(share.debts_wei for share in shares.values())
    both = debts + sum(share.operating_wei for share in shares.values())
    assert (debts, both) == ((profit * bps // 10_000, profit) if profit > 0 else (0, 0))
    for name, share in shares.items():
        assert share.debts_wei >= 0
        assert share.operating_wei >= 0
        assert share.debts_wei + share.operating_wei <= nets[name]
