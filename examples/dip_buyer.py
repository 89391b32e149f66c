from collections import deque
from decimal import Decimal

from warden.domain.intents import Decision, Outcome, TradeState, TradeUpdate
from warden.domain.money import ether_to_wei
from warden.strategies import Market, Proposal, Strategy, swap

OVER = {TradeState.MINED, TradeState.REVERTED, TradeState.RELEASED, TradeState.SUPERSEDED}


class DipBuyer(Strategy):
    def __init__(
        self, symbol: str = "GEM", amount_eth: str = "0.1", dip_bps: int = 300, most: int = 1
    ) -> None:
        self._symbol, self._amount_wei = symbol, ether_to_wei(Decimal(amount_eth))
        self._dip_bps, self._left = dip_bps, most
        self._waiting = False
        self._bought: deque[int] = deque(maxlen=100)

    def on_block(self, market: Market) -> list[Proposal]:
        path = [market.weth, market.token(self._symbol)]
        buys = market.quote(path, self._amount_wei)
        self._bought.append(buys)
        # It is a dip when the same ether buys so much more than it did at the token's dearest.
        dip = buys * 10_000 >= min(self._bought) * (10_000 + self._dip_bps)
        if self._waiting or not self._left or not dip:
            return []
        self._waiting = True
        return [swap(path, self._amount_wei, buys * 99 // 100, valid_blocks=5)]

    def on_decision(self, decision: Decision, proposal: Proposal) -> None:
        self._waiting = self._waiting and decision.outcome is not Outcome.REFUSED

    def on_trade(self, update: TradeUpdate, proposal: Proposal) -> None:
        if update.state in OVER:
            self._waiting = False
            self._left -= update.state is TradeState.MINED

    def on_exit(self, update: TradeUpdate) -> None:
        if update.state is TradeState.MINED:
            self._bought.clear()  # what was dear before the sale is no measure any more
