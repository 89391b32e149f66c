"""A wallet, its trades and its operator around the whole risk engine, and a bookkeeper who counts by himself.

The bookkeeper keeps lists and sums them anew each time; he knows nothing of windows, totals, derived
thresholds or snapshots. Two engines are told the same: to one the time is told as well.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

from tests.properties.risk_asks import LIFE_NS, LIMITS, PRICE, PRICE_LIFE_S
from tests.unit.domain.risk.requests import ETHER, GWEI, NOON_NS, TOKEN, USD, S
from warden.domain.money import BPS_ONE, Wei
from warden.domain.risk import capital
from warden.domain.risk.circuit_breaker import Breaker, BreakerState
from warden.domain.risk.engine import Engine, RiskState
from warden.domain.risk.events import (
    DAY_NS,
    Opened,
    Position,
    Priced,
    Read,
    Request,
    Reserved,
    RiskEvent,
    Settled,
    Ticked,
    Trade,
)
from warden.domain.risk.findings import StopDemanded
from warden.wire.codec import from_json, to_json


class Share(NamedTuple):
    """What an intent holds, as the bookkeeper remembers it."""

    event: Reserved
    since_ns: int
    sent: bool


class Result(NamedTuple):
    """A trade that stands, as the breaker should have counted it."""

    trade: Trade
    at_ns: int
    outcome: bool
    loss: bool
    priced: bool


class World:
    """Everything that is told goes to both engines by `take`; what must hold then is looked at in `audit`."""

    def __init__(self) -> None:
        self.now_ns = NOON_NS
        self.engine, self.quiet = Engine(LIMITS), Engine(LIMITS)
        self.before: list[tuple[RiskState, RiskState]] = []
        self.trading, self.gas = 60 * ETHER, 3 * ETHER
        self.levers: dict[str, int] = {}
        self.held: dict[str, Share] = {}
        self.positions: dict[str, Position] = {}
        self.opened_by: dict[str, str] = {}
        self.results: list[Result] = []
        self.whale_day: list[tuple[int, str, int]] = []
        self.priced_ns: int | None = None
        self.book_wei = 0
        self.opening: tuple[int, int] = (-1, 0)
        self.moved_wei = 0
        self.demanded: list[StopDemanded] = []
        self.numbers = 0

    # --- what is told

    def take(self, event: RiskEvent) -> None:
        """Tell both engines; keep a copy of what they were, to see that nothing changes it in place."""
        state = self.engine.state
        self.before = [(state, copy.deepcopy(state))]
        self._expire()
        self._note(event, outcome=state.breaker.state is BreakerState.CLOSED)
        found, _ = self.engine.handle(event, self.now_ns)
        self.demanded = [each for each in found if isinstance(each, StopDemanded)]
        if not isinstance(event, Ticked):
            self.quiet.handle(event, self.now_ns)
        self._look_at_breaker(state.breaker, event)

    def _note(self, event: RiskEvent, *, outcome: bool) -> None:
        if isinstance(event, Settled):
            self._count(event.trade, outcome=outcome)
        elif isinstance(event, Priced) and event.usd.is_finite():
            self.priced_ns = self.now_ns
            self.results = [each._replace(priced=True) for each in self.results]
        elif isinstance(event, Priced):
            self.priced_ns = None
        elif isinstance(event, Read) and self.opening[0] < self.now_ns // DAY_NS:
            self.opening, self.moved_wei = (self.now_ns // DAY_NS, self.book_wei), 0

    def _look_at_breaker(self, before: Breaker, event: RiskEvent) -> None:
        """It opens at its limits and not before; no probe takes another's place."""
        now, was = self.engine.state.breaker, before.state
        waiting = bool(before.counts.unpriced.times)
        if now.state is BreakerState.CLOSED and was is not BreakerState.CLOSED:
            self.answered(before.opened_ns)
        if was is BreakerState.CLOSED:
            due = ""
            if isinstance(event, Settled):
                due = self.excess()
            elif isinstance(event, Priced | Read) and waiting:
                due = self.loss_excess()
            if isinstance(event, Settled | Priced | Read | Ticked | Reserved):
                assert (now.state is BreakerState.OPEN) == bool(due), due
        assert not before.probe or now.probe in {"", before.probe}

    def answered(self, until_ns: int) -> None:
        """The breaker has closed: rows and rates begin anew, losses of up to then are answered for."""
        self.results = [
            each._replace(outcome=False, loss=each.loss and each.at_ns > until_ns) for each in self.results
        ]

    def _expire(self) -> None:
        self.held = {
            name: share
            for name, share in self.held.items()
            if share.sent or self.now_ns - share.since_ns < LIFE_NS
        }

    def _count(self, trade: Trade, *, outcome: bool) -> None:
        self.results.append(Result(trade, self.now_ns, outcome, loss=True, priced=self.price_known))
        self.book_wei += trade.net_wei
        self.held.pop(trade.trade_id, None)

    def name(self) -> str:
        """Return a name that nothing has yet."""
        self.numbers += 1
        return f"id-{self.numbers}"

    def swap(
        self,
        name: str,
        strategy: str,
        market: str,
        amounts: tuple[int, int, int, int],
        *,
        success: bool = True,
        whale: str = "",
    ) -> Trade:
        """Return a swap that is mined now; `amounts` are input, output, gross and gas."""
        sold, came, gross, gas = (Wei(each) for each in amounts)
        return Trade(
            trade_id=name,
            trace_id=name,
            at_ns=self.now_ns,
            kind="swap",
            success=success,
            strategy=strategy,
            input_wei=sold,
            output_wei=came,
            gross_wei=gross,
            gas_wei=gas,
            tx_hash=f"0x{self.numbers:064x}",
            block=1,
            market=market,
            whale=whale,
            slipped=not success,
        )

    def open(self, trade: Trade) -> None:
        """A trade opens a position: told before the trade itself (position_limits.py)."""
        position = Position(
            position_id=f"of-{trade.trade_id}",
            strategy=trade.strategy,
            token=TOKEN,
            market=trade.market,
            amount=Wei(1_000),
            cost_wei=trade.input_wei,
            opened_ns=self.now_ns,
            whale=trade.whale,
        )
        self.take(Opened(position))
        self.positions[position.position_id] = position
        self.opened_by[trade.trade_id] = position.position_id
        if trade.whale:
            self.whale_day.append((self.now_ns // DAY_NS, position.position_id, int(trade.input_wei)))

    def read(self, dust_wei: int = 0) -> Read:
        """Return the wallet as the chain has it: positions at cost."""
        cost = sum(each.cost_wei for each in self.positions.values())
        trading = self.trading + dust_wei
        return Read(Wei(trading), Wei(self.gas), Wei(trading + self.gas + cost))

    # --- the bookkeeper

    @property
    def price_known(self) -> bool:
        """The price was told, and not too long ago."""
        return self.priced_ns is not None and self.now_ns < self.priced_ns + PRICE_LIFE_S * S

    def limit(self, name: str, configured: int) -> int:
        """Return a limit as it counts with its lever: none of those pulled here is a least."""
        return min(configured, self.levers.get(name, configured))

    def exposure_wei(self) -> int:
        """Return what is at stake."""
        cost = sum(each.cost_wei for each in self.positions.values())
        return cost + sum(share.event.spend_wei for share in self.held.values())

    def gas_of_day(self) -> int:
        """Return the gas burnt today."""
        day = self.now_ns // DAY_NS
        return sum(each.trade.gas_wei for each in self.results if each.trade.at_ns // DAY_NS == day)

    def capital_wei(self) -> int:
        """Return what shares are shares of: the wallet's coins that the books explain, and cost of positions.

        As the rules heard of it last: what they have not been told they cannot know.
        """
        means = self.engine.state.means
        cost = sum(each.cost_wei for each in self.positions.values())
        return min((means.trading_wei or 0) + cost, (means.equity_wei or 0) - (means.gas_wei or 0))

    def must_not_pass(self, request: Request) -> str:
        """Return the limit that a request would break if it were let through, empty for none."""
        spend, whole, equity = request.spend_wei, self.capital_wei(), self.engine.state.means.equity_wei or 0
        together = spend + self.exposure_wei()
        counted = [each.market for each in self.positions.values()]
        counted += [share.event.market for share in self.held.values()]
        whales = [each.whale for each in self.positions.values()]
        whales += [share.event.whale for share in self.held.values()]
        follows = sum(share.event.spend_wei for share in self.held.values() if share.event.whale)
        today = sum(wei for day, _, wei in self.whale_day if day == self.now_ns // DAY_NS)
        reserved_gas = sum(share.event.gas_wei for share in self.held.values())
        broken = {
            "price": not self.price_known,
            "day": self.opening[0] != self.now_ns // DAY_NS,
            "least": spend < ETHER // 100,
            "trade": spend > self.limit("max_trade_eth", 10 * ETHER),
            "trade-usd": spend * PRICE > 16_000 * ETHER,
            "trade-share": spend * BPS_ONE > 2_000 * whole,
            "exposure": together * BPS_ONE > self.limit("max_exposure_percent", 5_000) * whole,
            "exposure-usd": together * PRICE > 45_000 * ETHER,
            "loss": request.loss_wei * BPS_ONE > 200 * equity,
            "held": spend + sum(s.event.spend_wei for s in self.held.values())
            > (self.engine.state.means.trading_wei or 0),
            "positions": len(self.held) + len(self.positions) >= self.limit("max_positions", 5),
            "market": counted.count(request.market) >= 2,
            "whale": bool(request.whale) and whales.count(request.whale) >= 3,
            "whale-day": bool(request.whale) and (spend + follows + today) * PRICE > 20_000 * ETHER,
            "gas": request.gas_wei > ETHER // 10,
            "gas-day": self.gas_of_day() + reserved_gas + request.gas_wei
            > self.limit("max_fees_per_day_eth", ETHER // 4),
            "gas-price": request.fee_per_gas_wei > 100 * GWEI,
        }
        return next((name for name, is_broken in broken.items() if is_broken), "")

    def loss_excess(self) -> str:
        """Return the breaker's loss limit that the standing trades exceed, empty for none."""
        lost = micro = 0
        for each in self.results:
            if each.loss and self.now_ns - each.at_ns <= 86_400 * S:
                lost = max(0, lost - each.trade.net_wei)
                if each.priced:
                    micro = max(0, micro - each.trade.net_wei * PRICE * USD // ETHER)
        known = self.opening[0] == self.now_ns // DAY_NS
        base = max(0, self.opening[1] + min(0, self.moved_wei))
        if micro > 1_500 * USD:
            return "usd"
        if known and lost * BPS_ONE > 300 * base:
            return "percent"
        return "eth" if lost > ETHER else ""

    def excess(self) -> str:
        """Return any limit of the breaker that the standing trades exceed or meet, empty for none."""
        swaps = [each for each in self.results if each.outcome and each.trade.kind == "swap"]
        came = [
            each.trade.net_wei
            for each in swaps
            if each.trade.success and each.trade.output_wei and each.trade.net_wei
        ]
        recent = [each for each in swaps if self.now_ns - each.at_ns <= 300 * S]
        failed = sum(not each.trade.success for each in recent)
        if self.loss_excess():
            return self.loss_excess()
        if len(swaps) >= 5 and not any(each.trade.success for each in swaps[-5:]):
            return "failures"
        if len(came) >= 3 and max(came[-3:]) < 0:
            return "losing"
        return "rate" if len(recent) >= 5 and 2 * failed > len(recent) else ""

    def set_aside_wei(self) -> int:
        """Return what must be set aside by now: 70 % of each day's net profit that is over, to the wei."""
        days: dict[int, int] = {}
        for each in self.results:
            day = each.trade.at_ns // DAY_NS
            days[day] = days.get(day, 0) + each.trade.net_wei
        over = [net for day, net in days.items() if (day + 1) * DAY_NS <= self.now_ns and net > 0]
        return sum(net * 7_000 // BPS_ONE for net in over)

    # --- what must hold after every step

    def audit(self) -> None:
        """Look at everything that must hold whatever happened."""
        for state, as_it_was in self.before:
            assert state == as_it_was, "a state was changed in place"
        self._expire()
        state = self._as_of_now(self.engine)
        assert state == self._as_of_now(self.quiet), "time told and time passed come to another"
        shares = state.reservations
        assert set(shares.held) == set(state.capital.held) == set(self.held)
        assert shares.spend_wei == sum(share.event.spend_wei for share in self.held.values())
        assert shares.gas_wei == sum(share.event.gas_wei for share in self.held.values())
        assert set(state.positions.open) == set(self.positions)
        assert shares.spend_wei + state.positions.cost_wei == self.exposure_wei()
        pools = state.capital.pools.values()
        accounts = ("available", "reserved", "positions", "gas", "debts", "operating")
        parts = [getattr(pool, f"{name}_wei") for pool in pools for name in accounts]
        whole = sum(pool.total_wei for pool in pools)
        assert sum(parts) == whole == state.capital.whole_wei - state.capital.unexplained_wei == self.book_wei
        assert capital.equity_wei(state.capital) == self.book_wei
        assert sum(pool.reserved_wei for pool in pools) == shares.spend_wei
        assert sum(pool.record.debts_wei for pool in pools) == self.set_aside_wei()
        results = state.profit_loss
        assert results.trades == sum(each.trade.kind == "swap" for each in self.results)
        assert results.net_wei == sum(each.trade.net_wei for each in self.results)
        day = self.now_ns // DAY_NS
        assert (state.fees.burnt_wei if state.fees.day == day else 0) == self.gas_of_day()
        breaker = state.breaker
        assert breaker.state is BreakerState.HALF_OPEN or not breaker.probe
        assert not breaker.probe or breaker.probe in self.held or breaker.probe_ns <= self.now_ns

    def _as_of_now(self, engine: Engine) -> RiskState:
        looked = Engine(LIMITS, engine.state)
        looked.handle(Ticked(), self.now_ns)
        return looked.state

    def restart(self) -> None:
        """End the process and begin again on what a snapshot holds."""
        for name in ("engine", "quiet"):
            state = getattr(self, name).state
            again: RiskState = from_json(to_json(state), RiskState)
            assert again == state
            setattr(self, name, Engine(LIMITS, again))
