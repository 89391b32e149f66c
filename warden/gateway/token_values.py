"""What the wallet's tokens are worth by their pools, as far as the pools' last blocks bear it out (ES2).

Whoever swaps enough makes a pool say anything for a block. So a value that is far from the median of the last
few blocks' counts only as far as some blocks in a row have shown it (doubt.py): one block alone neither makes
a loss nor hides one. There is no second source here: the executor has those, and this is its check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.amm import RESERVE_MAX, Hop, SwapImpossible
from warden.domain.risk.doubt import DoubtLimits, believed

if TYPE_CHECKING:
    from collections.abc import Iterable


class TokenValues:
    """The last blocks' reserves of each token's pool with the wrapped native token.

    Args:
        limits: how far a pool is believed.
    """

    def __init__(self, limits: DoubtLimits) -> None:
        self._limits = limits
        self._seen: dict[str, list[tuple[int, Hop]]] = {}
        self._since_ns: dict[str, int] = {}

    def value_wei(self, token: str, held: int, hop: Hop, block: int, now_ns: int) -> int:
        """Return what the pool would pay for all that is held; 0 where it would pay nothing.

        Args:
            token: whose pool it is.
            held: in its smallest unit.
            hop: the pool at this block, as seen by who sells the token.
            block: its number; what was seen of it, or of a later one, before is replaced.
            now_ns: CLOCK_BOOTTIME: how long a dispute has lasted is counted by it.
        """
        seen = [each for each in self._seen.get(token, ()) if each[0] < block]
        self._seen[token] = seen = [*seen, (block, hop)][-self._limits.window_blocks - 1 :]
        spots = [_out(each, held) for _, each in seen]
        since_ns = self._since_ns.get(token)
        too_long = since_ns is not None and now_ns - since_ns >= self._limits.confirm_within_ns
        belief = believed(spots, [None] * len(spots), self._limits, too_long=too_long)
        if belief.disputed:
            self._since_ns.setdefault(token, now_ns)
        else:
            self._since_ns.pop(token, None)
        return belief.least

    def forget(self, kept: Iterable[str]) -> None:
        """Forget all but these tokens."""
        wanted = set(kept)
        for told in (self._seen, self._since_ns):
            for token in [each for each in told if each not in wanted]:
                del told[token]


def _out(hop: Hop, held: int) -> int:
    if not 0 < held <= RESERVE_MAX:
        return 0
    try:
        return hop.amount_out(held)
    except SwapImpossible:
        return 0
