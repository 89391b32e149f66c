"""An engine with so many positions and trades behind it, by the events that a run would have told it.

The limits are those of the profile `standard`, with every limit switched on that it leaves out, and so high
that ten thousand positions fit. Each strategy, market and followed wallet has its share of the history.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.books import CapitalLimits, PoolWeight
from warden.domain.risk.emergency_gauges import EmergencyLimits
from warden.domain.risk.engine import Engine, RiskLimits
from warden.domain.risk.events import (
    DAY_NS,
    NS_PER_S,
    LeverSet,
    Opened,
    Position,
    Priced,
    Read,
    Request,
    Reserved,
    Sent,
    Settled,
    Ticked,
    Trade,
)
from warden.domain.risk.fees import FeeLimits
from warden.domain.risk.levers import GasLimits, LeverLimits
from warden.domain.risk.position_limits import PositionLimits
from warden.domain.risk.thresholds import TradeLimits
from warden.domain.risk.usd import MICRO_PER_USD

ETHER: Final = 10**18
GWEI: Final = 10**9
GAS_WEI: Final = 10**14
COST_WEI: Final = ETHER // 100
START_NS: Final = 20_000 * DAY_NS
EACH_NS: Final = 60 * NS_PER_S
"""Time from one position and trade to the next: ten thousand take a week."""
NAMES: Final = 50
REQUESTS: Final = 64
POOL: Final = "main"
PRICE: Final = Priced(Decimal(2_000))
PLENTY: Final = 10**6
WEALTH: Final = Read(Wei(10_000 * ETHER), Wei(100 * ETHER), Wei(10_100 * ETHER))

LIMITS: Final = RiskLimits(
    levers=LeverLimits(
        gas=GasLimits(min_profit_wei=1),
        trade=TradeLimits(
            max_trade_micro_usd=100_000 * MICRO_PER_USD,
            max_exposure_micro_usd=10_000_000 * MICRO_PER_USD,
            max_loss_wei=ETHER,
        ),
        positions=PositionLimits(
            max_positions=PLENTY,
            max_per_whale=PLENTY,
            max_per_market=PLENTY,
            whale_day_micro_usd=PLENTY * MICRO_PER_USD,
        ),
        fees=FeeLimits(max_day_wei=100 * ETHER),
    ),
    capital=CapitalLimits(pools=(PoolWeight(POOL),)),
    emergency=EmergencyLimits(),
)
LEVERS: Final = {
    "block_token": "0x" + "d1" * 20,
    "block_pair": f"0x{'d2' * 20}/0x{'d3' * 20}",
    "block_pool": "0x" + "d4" * 20,
    "block_router": "0x" + "d5" * 20,
    "max_gas_price_gwei": "150",
}


class Scene:
    """One engine, its time, and requests of which each passes, or is refused by the last rule.

    Args:
        history: how many cycles were traded.
        positions: how many positions are open, each by a trade of its own; as many as cycles when None.

    Attributes:
        passing: requests that pass at `now_ns`.
        refused: requests of intents that hold a share already.
        shrinking: requests for more than is allowed, which pass at a smaller size.
    """

    def __init__(self, history: int, positions: int | None = None) -> None:
        self.now_ns = START_NS
        self.engine = Engine(LIMITS)
        self._handle(WEALTH)
        for number in range(history):
            self._live(number, opens=positions is None or number < positions)
        self._handle(Ticked())
        for lever, value in LEVERS.items():
            self._handle(LeverSet(lever, value, "operator", "benchmark"))
        self._handle(PRICE)
        self.passing = tuple(request(f"new-{number}", number) for number in range(REQUESTS))
        self.refused = tuple(request(f"held-{number}", number) for number in range(REQUESTS))
        self.shrinking = tuple(
            msgspec.structs.replace(each, spend_wei=1_000 * ETHER, profit_wei=ETHER, shrinks=True)
            for each in self.passing
        )
        for each in self.refused:
            self._handle(reserved(each))

    def _handle(self, event: LeverSet | Opened | Priced | Read | Reserved | Sent | Settled | Ticked) -> None:
        self.engine.handle(event, self.now_ns)

    def _live(self, number: int, *, opens: bool) -> None:
        """Let a cycle be won or, now and then, lost, and a position be opened if told so."""
        self.now_ns += EACH_NS
        self._handle(PRICE)
        self._handle(self.wallet())
        asked = request(f"open-{number}", number)
        if opens:
            self._handle(reserved(asked))
            self._handle(Sent(asked.intent_id))
            self._handle(Opened(self.position(asked)))
            self._handle(Settled(self.trade(asked, output_wei=0, gross_wei=0)))
        lost = number % 5 == 4
        came = COST_WEI - GAS_WEI if lost else COST_WEI + 10 * GAS_WEI
        cycle = msgspec.structs.replace(asked, intent_id=f"cycle-{number}")
        self._handle(Settled(self.trade(cycle, output_wei=came, gross_wei=came - COST_WEI)))

    def wallet(self) -> Read:
        """Return the wallet as the books have it, with every position at its cost."""
        state = self.engine.state
        if not state.capital.opened:
            return WEALTH
        pool = state.capital.pools[POOL]
        trading = pool.wallet_wei - pool.gas_wei
        return Read(Wei(trading), pool.gas_wei, Wei(pool.wallet_wei + state.positions.cost_wei))

    def position(self, asked: Request) -> Position:
        """Return what a request bought now."""
        return Position(
            position_id=asked.intent_id,
            strategy=POOL,
            token=asked.tokens[1],
            market=asked.market,
            amount=Wei(1_000),
            cost_wei=Wei(COST_WEI),
            opened_ns=self.now_ns,
            whale=asked.whale,
        )

    def trade(self, asked: Request, *, output_wei: int, gross_wei: int) -> Trade:
        """Return the record of a request that was mined now."""
        return Trade(
            trade_id=asked.intent_id,
            trace_id=asked.intent_id,
            at_ns=self.now_ns,
            kind="swap",
            success=True,
            strategy=POOL,
            input_wei=Wei(COST_WEI),
            output_wei=Wei(output_wei),
            gross_wei=Wei(gross_wei),
            gas_wei=Wei(GAS_WEI),
            tx_hash=f"0x{asked.intent_id}",
            block=1,
            whale=asked.whale,
            market=asked.market,
        )


def request(intent_id: str, number: int) -> Request:
    """Return a request that opens and touches every rule: a market, a followed wallet, tokens and pools."""
    tokens = tuple(f"0x{digit}{number % NAMES:038x}" for digit in ("c0", "a0", "b0"))
    return Request(
        intent_id=intent_id,
        strategy=POOL,
        action=Action.OPEN,
        spend_wei=COST_WEI,
        loss_wei=GAS_WEI,
        profit_wei=GAS_WEI,
        fee_per_gas_wei=GWEI,
        tokens=tokens,
        pools=tuple(f"0x{digit}{number % NAMES:038x}" for digit in ("e0", "e1", "e2")),
        router="0x" + "bb" * 20,
        market=f"market-{number % NAMES}",
        whale=f"0x{number % NAMES:040x}",
        gas_wei=GAS_WEI,
    )


def reserved(asked: Request) -> Reserved:
    """Return what the engine is told of a request that was let through."""
    return Reserved(
        intent_id=asked.intent_id,
        strategy=asked.strategy,
        market=asked.market,
        whale=asked.whale,
        spend_wei=Wei(asked.spend_wei),
        loss_wei=Wei(asked.loss_wei),
        gas_wei=Wei(asked.gas_wei),
    )
