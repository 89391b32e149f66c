"""All rules together, whatever happens: no limit is exceeded, nothing leaks, nothing depends on ticks.

CB1, CB2, CB3, CB4, PS1, PS2, PS3, PS4, PL2, PL3, PL5, EX6 as one engine holds them.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.properties.risk_asks import LIMITS, priced, request, reserved
from tests.properties.risk_world import Share, World
from tests.unit.domain.risk.requests import ETHER, S
from warden.domain.money import BPS_ONE, Wei
from warden.domain.risk import capital, levers
from warden.domain.risk.circuit_breaker import BreakerState
from warden.domain.risk.engine import Fitted
from warden.domain.risk.events import (
    DAY_NS,
    BaselinesReset,
    BreakerForced,
    BreakerOrder,
    CapitalMoved,
    Closed,
    Failed,
    LeverSet,
    Moved,
    Priced,
    Recovered,
    Released,
    Restored,
    Sent,
    Settled,
    Ticked,
    Trade,
    Undone,
    Worked,
)
from warden.domain.risk.lever_table import NUMBERS

SPENDS = (st.integers(1, 40) | st.integers(41, 130)).map(lambda tenths: tenths * ETHER // 10)
GASES = (st.integers(0, 3) | st.integers(0, 60)).map(lambda finneys: finneys * ETHER // 1_000)
NETS = st.integers(-9, 9).map(lambda finneys: finneys * ETHER // 1_000 + 1) | st.integers(-900, 900).map(
    lambda finneys: finneys * ETHER // 1_000 + 1
)
WAITS = st.one_of(st.integers(0, 90), st.integers(91, 7_200), st.integers(86_400, 200_000))
PULLED = ["max_trade_eth", "max_exposure_percent", "max_positions", "max_fees_per_day_eth"]
REORG_NS = 600 * S


class Trading(RuleBasedStateMachine):
    """An executor's day, and the next ones."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.undoable: list[tuple[Trade, Share]] = []

    @initialize()
    def fund(self) -> None:
        """The price and the wallet are known."""
        world = self.world
        world.book_wei = world.trading + world.gas
        world.take(priced())
        world.take(world.read())

    # --- trading

    @rule(
        spend=SPENDS,
        gas=GASES,
        market=st.sampled_from("mnopqrst"),
        whale=st.sampled_from(["", "", "w"]),
        strategy=st.sampled_from(["a", "a", "b"]),
        ticked=st.booleans(),
    )
    def ask(self, spend: int, gas: int, market: str, whale: str, strategy: str, *, ticked: bool) -> None:
        """A request comes: what is let through breaks no limit, and holds its share from that step on."""
        world = self.world
        if ticked:
            world.take(Ticked())
        asked = request(world.name(), spend, gas_wei=gas, market=market, whale=whale, strategy=strategy)
        breaker = world.engine.state.breaker
        fitted = world.engine.fit(asked, world.now_ns)
        if not isinstance(fitted, Fitted):
            assert fitted.rule
            assert fitted.message
            return
        world._expire()
        assert world.must_not_pass(fitted.request) == ""
        assert breaker.state is not BreakerState.OPEN
        assert breaker.state is BreakerState.CLOSED or not breaker.probe
        assert (fitted.because is None) == (fitted.request.spend_wei == spend)
        assert world.engine.state.emergency.shut is None
        event = reserved(fitted.request)
        world.take(event)
        world.held[asked.intent_id] = Share(event, world.now_ns, sent=False)
        half_open = world.engine.state.breaker.state is BreakerState.HALF_OPEN
        assert world.engine.state.breaker.probe == (asked.intent_id if half_open else "")
        assert world.engine.check(fitted.request, world.now_ns) is not None  # not a second time

    @precondition(lambda self: self.world.held)
    @rule(data=st.data(), sends=st.booleans())
    def sign_or_refuse(self, data: st.DataObject, *, sends: bool) -> None:
        """What holds a share is signed, or is refused later; nothing that has expired is signed."""
        world = self.world
        name = data.draw(st.sampled_from(sorted(world.held)))
        share = world.held[name]
        asked = request(name, share.event.spend_wei, gas_wei=share.event.gas_wei)
        refusal = world.engine.check_send(asked, world.now_ns)
        world._expire()
        if name not in world.held:
            assert refusal is not None
            return
        if sends and refusal is None:
            world.take(Sent(name))
            world.held[name] = share._replace(sent=True)
        elif not share.sent:
            world.take(Released(name))
            world.held.pop(name, None)

    @rule(
        spend=SPENDS,
        gas=GASES,
        market=st.sampled_from("mnopqrst"),
        nets=st.lists(NETS, min_size=1, max_size=6),
        how=st.sampled_from(["cycle", "cycle", "reverted", "opening"]),
        wait_s=st.integers(0, 20) | st.integers(60, 100),
    )
    def run_of_trades(  # noqa: PLR0917 - all drawn
        self, spend: int, gas: int, market: str, nets: list[int], how: str, wait_s: int
    ) -> None:
        """Several trades go all the way, one after another, with fresh prices."""
        world = self.world
        if world.engine.state.emergency.shut is not None:
            self.recover(baselines=True)
        if world.engine.state.breaker.held:
            self.force(BreakerOrder.CLOSE)
        for net in nets:
            world.now_ns += wait_s * S
            world.take(priced())
            world.take(Ticked())
            self.look()
            before = set(world.held)
            self.ask(spend, gas, market, "", "a", ticked=True)
            for name in set(world.held) - before:
                world.take(Sent(name))
                world.held[name] = world.held[name]._replace(sent=True)
                self.landed(name, net, how)
                world.audit()

    @precondition(lambda self: any(share.sent for share in self.world.held.values()))
    @rule(data=st.data(), net=NETS, how=st.sampled_from(["cycle", "cycle", "reverted", "opening"]))
    def land(self, data: st.DataObject, net: int, how: str) -> None:
        """What was sent is mined: it wins, loses, reverts, or opens a position; mostly the wallet is read."""
        world = self.world
        name = data.draw(st.sampled_from(sorted(key for key, share in world.held.items() if share.sent)))
        self.landed(name, net, how)
        if data.draw(st.booleans()):
            self.look()

    def landed(self, name: str, net: int, how: str) -> None:
        """Have a transaction mined, and look whether a probe decided what it had to."""
        world = self.world
        share = world.held[name]
        breaker = world.engine.state.breaker
        spend, gas = int(share.event.spend_wei), int(share.event.gas_wei)
        came, gross = (spend + max(net, 1 - spend), max(net, 1 - spend)) if how == "cycle" else (0, 0)
        trade = world.swap(
            name,
            share.event.strategy,
            share.event.market,
            (0 if how == "reverted" else spend, came, gross, gas),
            success=how != "reverted",
            whale=share.event.whale,
        )
        if how == "opening":
            world.open(trade)
        world.trading += came - int(trade.input_wei)
        world.gas -= gas
        world.take(Settled(trade))
        self.undoable.append((trade, share))
        timely = world.now_ns - breaker.probe_ns < LIMITS.breaker.probe_timeout_s * S
        if breaker.probe == name and timely:
            good = trade.success and (how == "opening" or trade.net_wei >= 0)
            needed = LIMITS.breaker.successes_to_close - breaker.successes
            wanted = BreakerState.CLOSED if needed <= 1 else BreakerState.HALF_OPEN
            assert world.engine.state.breaker.state is (wanted if good else BreakerState.OPEN)

    @precondition(lambda self: self.world.positions)
    @rule(data=st.data(), net=NETS)
    def sell(self, data: st.DataObject, net: int) -> None:
        """A position is sold: Closed, and the trade that sold it."""
        world = self.world
        position = world.positions.pop(data.draw(st.sampled_from(sorted(world.positions))))
        proceeds = max(1, position.cost_wei + net)
        world.take(Closed(position.position_id, position.amount, Wei(proceeds)))
        world.trading += proceeds
        name = world.name()
        amounts = (0, proceeds, proceeds - position.cost_wei, 0)
        trade = world.swap(name, position.strategy, position.market, amounts)
        world.take(Settled(trade))
        self.look()

    @precondition(lambda self: self.undoable)
    @rule(data=st.data(), lands=st.booleans())
    def reorg(self, data: st.DataObject, *, lands: bool) -> None:
        """A reorg takes a trade back: it holds what it held; often it is mined anew in another block."""
        world = self.world
        trade, share = self.undoable.pop(data.draw(st.integers(0, len(self.undoable) - 1)))
        position = world.opened_by.pop(trade.trade_id, "")
        sold = position and position not in world.positions
        if sold or world.now_ns - trade.at_ns > REORG_NS:
            return
        if position:
            gone = world.positions.pop(position)
            world.take(Restored(msgspec.structs.replace(gone, amount=Wei(0), cost_wei=Wei(0))))
            world.whale_day = [each for each in world.whale_day if each[1] != position]
        world.results = [each for each in world.results if each.trade != trade]
        world.book_wei -= trade.net_wei
        world.trading += int(trade.input_wei - trade.output_wei)
        world.gas += int(trade.gas_wei)
        world.take(Undone(trade))
        world.held[trade.trade_id] = share._replace(sent=True)
        world.audit()
        if lands:
            again = msgspec.structs.replace(trade, at_ns=world.now_ns, block=2)
            if position:
                world.open(again)
            world.trading -= int(trade.input_wei - trade.output_wei)
            world.gas -= int(trade.gas_wei)
            world.take(Settled(again))
        self.look()

    # --- the chain, and time

    @rule()
    def look(self) -> None:
        """The wallet is read: a loss of the day that is too large demands a stop, at once and not before."""
        world = self.world
        before = world.engine.state.emergency
        world.take(world.read())
        after = world.engine.state.emergency
        day, opening = world.opening
        equity = world.engine.state.means.equity_wei or 0
        base = max(0, opening + min(0, world.moved_wei))
        assert day == world.now_ns // DAY_NS
        assert equity == min(world.book_wei, world.read().equity_wei)
        lost = opening + world.moved_wei - equity
        reached = lost > 0 and lost * BPS_ONE >= 500 * max(1, base)
        if after.day.opening_wei == opening:
            assert ("daily-loss" in after.demanded) == (reached or "daily-loss" in before.demanded)

    @rule(wei=st.integers(1, 40 * ETHER))
    def dust(self, wei: int) -> None:
        """Somebody sends coins that nothing explains: they widen no limit, and make no loss later (EX9)."""
        world = self.world
        before = world.engine.effective
        world.take(world.read())
        told = world.engine.effective
        world.take(world.read(dust_wei=wei))
        after = world.engine.effective
        assert after.trade.wei == told.trade.wei
        assert after.exposure.wei == told.exposure.wei
        assert world.engine.state.drawdown.peak_wei >= world.book_wei or before is not told
        world.take(world.read())

    @rule(known=st.sampled_from([True, True, True, False]))
    def price(self, *, known: bool) -> None:
        """The price is told, or is none: then what is limited in USD does not pass."""
        self.world.take(priced() if known else Priced(Decimal("NaN")))

    @rule(wait_s=WAITS, ticked=st.booleans(), fresh=st.booleans())
    def wait(self, wait_s: int, *, ticked: bool, fresh: bool) -> None:
        """Time passes, told or not; a new day begins with a read, as the executor has it."""
        world = self.world
        before = world.now_ns
        world.now_ns += wait_s * S
        if ticked:
            world.take(Ticked())
        if fresh:
            world.take(priced())
        if world.now_ns // DAY_NS != before // DAY_NS:
            world.take(world.read())

    @rule(failed=st.booleans())
    def system(self, *, failed: bool) -> None:
        """The system fails at something, or works again."""
        self.world.take(Failed("send", "refused by all") if failed else Worked())

    @rule()
    def restart(self) -> None:
        """The process ends and begins again."""
        self.world.restart()

    # --- operators

    @rule(
        lever=st.sampled_from(PULLED),
        value=st.sampled_from(["", "1", "2", "4", "0.1", "30"]),
    )
    def pull(self, lever: str, value: str) -> None:
        """A lever is pulled or let go: it only ever tightens."""
        world = self.world
        event = LeverSet(lever, value, "ann", "a test")
        if levers.judge(world.engine.state.levers, LIMITS.levers, event) is not None:
            return
        world.take(event)
        world.levers.pop(lever, None)
        pulled = world.engine.state.levers.numbers.get(lever)
        if pulled is not None:
            world.levers[lever] = int(pulled.amount)
        number = NUMBERS[lever]
        now = getattr(getattr(world.engine.in_force, number.part), number.field)
        assert now == world.limit(lever, getattr(getattr(LIMITS.levers, number.part), number.field))

    @rule(order=st.sampled_from([BreakerOrder.OPEN, *[BreakerOrder.CLOSE] * 2, BreakerOrder.RESET]))
    def force(self, order: BreakerOrder) -> None:
        """The breaker is opened, closed or reset by hand."""
        world = self.world
        was_closed = world.engine.state.breaker.state is BreakerState.CLOSED
        world.take(BreakerForced(order, "ann", "a test"))
        if order is BreakerOrder.OPEN:
            assert world.engine.state.breaker.state is BreakerState.OPEN
        elif order is BreakerOrder.RESET or not was_closed:
            world.answered(world.now_ns)

    @rule(move=st.sampled_from([Moved.DEPOSIT, Moved.WITHDRAWAL]), wei=st.integers(1, 3 * ETHER))
    def move(self, move: Moved, wei: int) -> None:
        """Capital is put in or taken out: booked, then seen in the wallet; no loss, no gain, no demand."""
        world = self.world
        world.take(world.read())
        event = CapitalMoved(move, Wei(wei), "a", "ann", "a test")
        state = world.engine.state.capital
        if capital.check_move(state, LIMITS.capital, event, world.now_ns) is not None:
            return
        signed = wei if move is Moved.DEPOSIT else -wei
        world.book_wei += signed
        world.moved_wei += signed
        world.take(event)
        assert world.demanded == []
        world.trading += signed
        told = world.engine.state.emergency.told
        world.take(world.read())
        assert set(world.engine.state.emergency.told) <= {*told, *world.engine.state.emergency.demanded}

    @rule(baselines=st.booleans())
    def recover(self, *, baselines: bool) -> None:
        """An operator recovers; what still holds is demanded again at the next look."""
        world = self.world
        world.take(BaselinesReset("ann", "a test") if baselines else Recovered("ann", "a test"))
        assert world.engine.state.emergency.demanded == ()
        if baselines:
            was_open = world.engine.state.breaker.state is not BreakerState.CLOSED
            world.answered(world.now_ns)
            world.opening, world.moved_wei = (-1, 0), 0
            assert was_open or world.engine.state.breaker.failures == 0
        self.look_again(baselines=baselines)

    def look_again(self, *, baselines: bool) -> None:
        """Read the wallet as the executor does right after a recovery."""
        world = self.world
        world.take(world.read())
        emergency = world.engine.state.emergency
        if baselines:
            assert "daily-loss" not in emergency.demanded
            # The emergency stop's day begins at the equity known at the reset, the breaker's at this read.
            opening_wei = world.engine.state.breaker.counts.day.opening_wei
            world.opening = (world.now_ns // DAY_NS, int(opening_wei or 0))

    @invariant()
    def all_adds_up(self) -> None:
        """Whatever happened."""
        if self.world.priced_ns is not None or self.world.results:
            self.world.audit()


TestTrading = Trading.TestCase
TestTrading.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
