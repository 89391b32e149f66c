"""The class that every strategy derives from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.domain.intents import Decision, Proposal, TradeUpdate
    from warden.strategies.market import Market


class Strategy(ABC):
    """Looks at each block's market and proposes trades; Warden decides.

    The constructor takes the parameters of `[strategy.parameters]` by keyword. A strategy decides from what
    it is handed and from what it remembers, never from a clock, a file or a socket: so it does the same in a
    backtest, on paper and live. What it raises is caught and counted; what it says is checked. While one of
    its methods runs, its process gives no sign of life: who thinks for seconds is taken for hung.
    """

    @property
    def name(self) -> str:
        """What screens and journals call it."""
        return type(self).__name__

    @abstractmethod
    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Return what to do on this block, best first, 16 proposals at most; nothing is an answer too."""

    def on_decision(self, decision: Decision, proposal: Proposal) -> None:  # noqa: B027 - most need not know
        """Hear Warden's answer to a proposal; a refusal is a value that says rule, limit and observed."""

    def on_trade(self, update: TradeUpdate, proposal: Proposal) -> None:  # noqa: B027 - as above
        """Hear how an approved proposal fares on the chain; UNKNOWN is not failed."""

    def on_exit(self, update: TradeUpdate) -> None:  # noqa: B027 - as above
        """Hear how a sale of Warden's own from one of its positions fares; `update.exit` says why."""
