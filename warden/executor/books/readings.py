"""What a read of the chain tells the risk rules: only what has changed, so that the journal stays small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.money import Wei
from warden.domain.risk.events import DAY_NS, NS_PER_S, Observed, Priced, Read, RiskEvent
from warden.executor.books.usd_doubt import UsdDoubt

if TYPE_CHECKING:
    from decimal import Decimal

    from warden.domain.risk.engine import Engine
    from warden.executor.protocol.events import HeadRead
    from warden.executor.protocol.terms import Now, Terms

# A price that moved less is the same; the rules hear of it again before it is too old for them.
_PRICE_STEP_BPS: Final = 10
_PRICES_A_LIFE: Final = 2
_BPS: Final = 10_000


class Readings:
    """Makes events of heads; what it remembers is only what it told last, in this run."""

    def __init__(self, terms: Terms) -> None:
        life_ns = terms.risk.levers.trade.price_life_ns
        self._price_every_ns = (life_ns or 0) // _PRICES_A_LIFE
        self._observe_every_ns = terms.observe_s * NS_PER_S
        self.usd = UsdDoubt(terms)
        self._read: Read | None = None
        self._day = -1
        self._price: Decimal | None = None
        self._priced_ns = 0
        self._observed_ns = 0

    def forget(self) -> None:
        """Tell the rules of the wallet at the next head, changed or not: their baselines begin with it."""
        self._read = None

    def observes(self, now: Now) -> bool:
        """Tell whether pools' prices are due."""
        return now.utc_ns - self._observed_ns >= self._observe_every_ns

    def price(self, head: HeadRead, now: Now) -> list[RiskEvent]:
        """Return the price where the rules have not heard it yet: before what it prices."""
        price = self.usd.believed(head, now)
        if price is None or not self._price_counts(price, now):
            return []
        self._price, self._priced_ns = price, now.utc_ns
        return [Priced(price)]

    def wallet(self, head: HeadRead, now: Now, engine: Engine, held_wei: int = 0) -> list[RiskEvent]:
        """Return what the rules have not heard yet of balances and markets: after what changed them.

        A wallet that never held anything has lost nothing: the first read is that of its funding. From then
        on zero is a total loss (ES2). The same balances are told again while they are news to the books.

        Args:
            head: what was read.
            now: the moment.
            engine: the rules as they stand.
            held_wei: what positions would bring, and what is on its way into them (positions.py).
        """
        found: list[RiskEvent] = []
        read = Read(
            trading_wei=Wei(head.trading_balance_wei),
            gas_wei=Wei(head.gas_balance_wei),
            equity_wei=Wei(head.trading_balance_wei + head.gas_balance_wei + held_wei),
        )
        # Anew each day: the first of a day is its opening.
        day = now.utc_ns // DAY_NS
        known = engine.state.means.equity_wei is not None or read.equity_wei > 0
        if known and (read != self._read or day != self._day or engine.is_news(read)):
            self._read, self._day = read, day
            found.append(read)
        if head.prices and self.observes(now):
            self._observed_ns = now.utc_ns
            found.append(Observed(head.prices, Wei(head.base_fee_wei + head.tip_wei)))
        return found

    def _price_counts(self, price: Decimal, now: Now) -> bool:
        if self._price is None or now.utc_ns - self._priced_ns >= self._price_every_ns:
            return True
        return abs(price - self._price) * _BPS >= _PRICE_STEP_BPS * self._price
