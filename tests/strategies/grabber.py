"""A strategy for tests of several transactions at once: a cycle in each market, for a set profit."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations, permutations
from typing import TYPE_CHECKING

from warden.strategies import Strategy, SwapImpossible, swap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.strategies import Market, Proposal, Token

WEI = 10**18


class Grabber(Strategy):
    """Proposes the best cycle of each market; the profit that the chain enforces is a parameter.

    Args:
        bite_eth: what goes in each time.
        profit_eth: what must come out beyond it.
    """

    def __init__(self, bite_eth: str, profit_eth: str) -> None:
        self._bite_wei = int(Decimal(bite_eth) * WEI)
        self._profit_wei = int(Decimal(profit_eth) * WEI)

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Return one proposal for each set of tokens whose best cycle has the profit: a market each."""
        weth = market.weth
        others = [token for token in market.tokens if token != weth]
        least = self._bite_wei + self._profit_wei
        for count in (2, 3):
            for tokens in combinations(others, count):
                out, path = max(
                    ((self._out(market, (weth, *each, weth)), each) for each in permutations(tokens)),
                    key=lambda each: each[0],
                )
                if out >= least:
                    yield swap((weth, *path, weth), self._bite_wei, min_amount_out=least, valid_blocks=12)

    def _out(self, market: Market, path: tuple[Token, ...]) -> int:
        """Return what a cycle gives back; nothing where there is no way."""
        try:
            return market.quote(path, self._bite_wei)
        except SwapImpossible:
            return 0
