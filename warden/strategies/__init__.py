"""What a strategy sees and says: one class in one file, the same in backtest, paper and live."""

from warden.domain.amm import Hop, Pool, SwapImpossible, Token
from warden.domain.intents import Decision, Outcome, Proposal, TradeState, TradeUpdate
from warden.domain.modes import Action
from warden.strategies.market import Market
from warden.strategies.propose import swap
from warden.strategies.strategy import Strategy

__all__ = [
    "Action",
    "Decision",
    "Hop",
    "Market",
    "Outcome",
    "Pool",
    "Proposal",
    "Strategy",
    "SwapImpossible",
    "Token",
    "TradeState",
    "TradeUpdate",
    "swap",
]
