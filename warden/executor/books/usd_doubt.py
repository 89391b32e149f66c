"""The price of a native coin in USD, held against a second dollar's pair or its own last blocks (PS1).

In dispute the rules go by the higher of the two: every limit in USD is then met early, and a loss counts in
full; and nothing is opened, for what it would be worth is not known.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from warden.domain.risk.doubt import Belief, DoubtLimits, believed
from warden.executor.books.doubts import disputed
from warden.executor.reads.pools import usd_of

if TYPE_CHECKING:
    from warden.domain.risk.refusal import Refusal
    from warden.executor.protocol.events import HeadRead
    from warden.executor.protocol.terms import Now, Terms

# Prices are compared in whole billionths of a USD.
_PER_USD: Final = 10**9


class UsdDoubt:
    """What is believed of the price; `refusal` is why nothing is opened, None where it is not in dispute."""

    def __init__(self, terms: Terms) -> None:
        # A price that is set is nobody's claim.
        self._limits: DoubtLimits | None = None if terms.priced_by is None else terms.prices.doubts
        self._second = terms.prices.second_usd
        self._seen: list[tuple[int, int, int | None]] = []
        self._since_ns: int | None = None
        self.refusal: Refusal | None = None

    def believed(self, head: HeadRead, now: Now) -> Decimal | None:
        """Return the price that counts at this head; None where nobody tells one."""
        price, limits = head.price_usd, self._limits
        if price is None or limits is None:
            return price
        belief = self._belief(limits, price, head, now)
        if not belief.disputed:
            self.refusal, self._since_ns = None, None
            return price
        if self._since_ns is None:
            self._since_ns = now.utc_ns
        self.refusal = disputed("the native coin", belief, limits)
        return Decimal(belief.most) / _PER_USD

    def _belief(self, limits: DoubtLimits, price: Decimal, head: HeadRead, now: Now) -> Belief:
        before = [each for each in self._seen if each[0] < head.block]
        self._seen = [*before, (head.block, int(price * _PER_USD), self._other(head))]
        self._seen = self._seen[-limits.window_blocks - 1 :]
        _, spots, others = zip(*self._seen, strict=True)
        since_ns = self._since_ns
        too_long = since_ns is not None and now.utc_ns - since_ns >= limits.confirm_within_ns
        return believed(spots, others, limits, too_long=too_long)

    def _other(self, head: HeadRead) -> int | None:
        """Return what the second dollar's pair says; how deep it is the operator knows, who named it."""
        if self._second is None or head.second.usd_reserves is None:
            return None
        price = usd_of(*head.second.usd_reserves, self._second)
        return None if price is None else int(price * _PER_USD)
