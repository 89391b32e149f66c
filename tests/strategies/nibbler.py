"""A strategy for tests under load: it takes a small bite of whatever cycle pays, as often as it may."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from warden.strategies import Strategy, swap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.strategies import Market, Proposal

BITE_WEI = 10**17


class Nibbler(Strategy):
    """Proposes 0.1 ETH through the first cycle that gives back more than went in."""

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Return one proposal, or none where nothing pays."""
        weth = market.weth
        others = [token for token in market.tokens if token != weth]
        best = max(
            (
                (market.quote(path, BITE_WEI), path)
                for path in ((weth, one, other, weth) for one, other in permutations(others, 2))
            ),
            key=lambda each: each[0],
        )
        if best[0] > BITE_WEI:
            yield swap(best[1], BITE_WEI, min_amount_out=BITE_WEI + 1, valid_blocks=5)
