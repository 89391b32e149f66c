"""NautilusTrader's RiskEngine, asked in the same way; runs in an environment of its own (see risk.py).

`python -m tests.bench._risk_peer`: a line of JSON in (`case`, `history`, `passes`), a line of JSON out, until
its input ends.

The engine is the real one, live clock and all, with its checks on: price, quantity, the highest notional of
an order, the account's free balance, trading state, rate. Account, portfolio, cache and bus are its own too.
What would go out to its execution engine ends in a function that counts. Its rate limit is set so that it
is always looked at and never met. Its logger is switched off.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

from tests.bench._turns import nothing, take

COMMANDS = 64
VENUE_RATE = "100/00:00:00.000001"
FREE = 1e9
"""USDT on the account; an order of nine tenths of a million ETH is more."""
SMALL, LARGE, PRICE = 1, 900_000, 2_000


def part(name: str) -> Any:  # noqa: ANN401 - the peer's modules have no types that we could see from here
    """Import a part of the peer: only its own environment has it."""
    return importlib.import_module(f"nautilus_trader.{name}")


ids, enums, objects = part("model.identifiers"), part("model.enums"), part("model.objects")
common, currencies = part("common.component"), part("model.currencies")
UUID4 = part("core.uuid").UUID4
TRADER, STRATEGY = ids.TraderId("BENCH-001"), ids.StrategyId("BENCH-001")


class Peer:
    """One RiskEngine with so many filled orders and open positions in its cache."""

    def __init__(self, history: int) -> None:
        self.counts = {"passed": 0, "denied": 0}
        self._clock = common.LiveClock()
        bus = common.MessageBus(trader_id=TRADER, clock=self._clock)
        self._cache = part("cache.cache").Cache()
        portfolio = part("portfolio.portfolio").Portfolio(msgbus=bus, cache=self._cache, clock=self._clock)
        self._instrument = part("test_kit.providers").TestInstrumentProvider.ethusdt_binance()
        self._cache.add_instrument(self._instrument)
        opened = account()
        self._cache.add_account(part("accounting.factory").AccountFactory.create(opened))
        portfolio.update_account(opened)
        self._orders = part("common.factories").OrderFactory(
            trader_id=TRADER, strategy_id=STRATEGY, clock=self._clock
        )
        for number in range(history):
            self._live(number)
        config = part("risk.config").RiskEngineConfig(
            max_order_submit_rate=VENUE_RATE,
            max_notional_per_order={str(self._instrument.id): LARGE * PRICE},
        )
        bus.register(endpoint="ExecEngine.execute", handler=self._pass)
        bus.register(endpoint="ExecEngine.process", handler=self._deny)
        self.engine = part("risk.engine").RiskEngine(
            portfolio=portfolio, msgbus=bus, cache=self._cache, clock=self._clock, config=config
        )
        self.engine.start()
        self.commands = {"pass": self._submit(SMALL), "refused": self._submit(LARGE)}
        if self._cache.positions_open_count() != history:
            raise SystemExit("the peer's positions are not open")

    def turn(self, case: str, passes: int) -> dict[str, float]:
        """Measure one case; every command must end as its case says."""
        before = dict(self.counts)
        taken = take(self.engine.execute, self.commands[case], passes)
        grown = {name for name, count in self.counts.items() if count > before[name]}
        if grown != {"passed" if case == "pass" else "denied"}:
            raise SystemExit(f"of {case} the peer {sorted(grown)}")
        return taken

    def _live(self, number: int) -> None:
        """Let an order be filled and open a position."""
        order, stubs = self._limit(SMALL), part("test_kit.stubs.events").TestEventStubs
        position = ids.PositionId(f"P-{number}")
        self._cache.add_order(order, position_id=position)
        filled = {"instrument": self._instrument, "position_id": position, "strategy_id": STRATEGY}
        price = self._instrument.make_price(PRICE)
        for event in (
            stubs.order_submitted(order),
            stubs.order_accepted(order),
        ):
            order.apply(event)
            self._cache.update_order(order)
        fill = stubs.order_filled(order, trade_id=ids.TradeId(f"T-{number}"), last_px=price, **filled)
        order.apply(fill)
        self._cache.update_order(order)
        held = part("model.position").Position(self._instrument, fill)
        self._cache.add_position(held, enums.OmsType.HEDGING)

    def _limit(self, quantity: int) -> Any:  # noqa: ANN401 - an order of the peer's
        instrument = self._instrument
        return self._orders.limit(
            instrument.id, enums.OrderSide.BUY, instrument.make_qty(quantity), instrument.make_price(PRICE)
        )

    def _submit(self, quantity: int) -> tuple[tuple[Any], ...]:
        command = part("execution.messages").SubmitOrder
        return tuple(
            (
                command(
                    trader_id=TRADER,
                    strategy_id=STRATEGY,
                    order=self._limit(quantity),
                    command_id=UUID4(),
                    ts_init=self._clock.timestamp_ns(),
                ),
            )
            for _ in range(COMMANDS)
        )

    def _pass(self, _command: object) -> None:
        self.counts["passed"] += 1

    def _deny(self, _event: object) -> None:
        self.counts["denied"] += 1


def account() -> Any:  # noqa: ANN401 - an event of the peer's
    """Return the opening of a cash account: of a margin account the peer checks nothing."""
    usdt, zero = objects.Money(FREE, currencies.USDT), objects.Money(0, currencies.USDT)
    return part("model.events").AccountState(
        account_id=ids.AccountId("BINANCE-001"),
        account_type=enums.AccountType.CASH,
        base_currency=None,
        reported=True,
        balances=[objects.AccountBalance(usdt, zero, usdt)],
        margins=[],
        info={},
        event_id=UUID4(),
        ts_event=0,
        ts_init=0,
    )


def main() -> int:
    """Answer until the input ends."""
    logging = common.init_logging(bypass=True)
    peers: dict[int, Peer] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        history = asked["history"]
        if history not in peers:
            peers[history] = Peer(history)
        if asked["case"] == "nothing":
            taken = take(nothing, peers[history].commands["pass"], asked["passes"])
        else:
            taken = peers[history].turn(asked["case"], asked["passes"])
        sys.stdout.write(json.dumps(taken) + "\n")
        sys.stdout.flush()
    del logging  # held until here: its logger ends with it
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
