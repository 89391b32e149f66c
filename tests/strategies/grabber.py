"""A strategy for tests of several transactions at once: the same cycle again and again, for a set profit."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import TYPE_CHECKING

from warden.strategies import Strategy, swap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.strategies import Market, Proposal

WEI = 10**18


class Grabber(Strategy):
    """Proposes the best cycle several times a block; the profit that the chain enforces is a parameter.

    Args:
        bite_eth: what goes in each time.
        profit_eth: what must come out beyond it.
        at_once: proposals a block.
    """

    def __init__(self, bite_eth: str, profit_eth: str, at_once: int) -> None:
        self._bite_wei = int(Decimal(bite_eth) * WEI)
        self._profit_wei = int(Decimal(profit_eth) * WEI)
        self._at_once = at_once

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Return equal proposals, or none where the profit is not there."""
        weth = market.weth
        others = [token for token in market.tokens if token != weth]
        out, path = max(
            (
                (market.quote(path, self._bite_wei), path)
                for path in ((weth, one, other, weth) for one, other in permutations(others, 2))
            ),
            key=lambda each: each[0],
        )
        least = self._bite_wei + self._profit_wei
        if out < least:
            return
        for _ in range(self._at_once):
            yield swap(path, self._bite_wei, min_amount_out=least, valid_blocks=12)
