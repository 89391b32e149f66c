"""What a read of the chain tells the rules: what is new, and what must be told again."""

from __future__ import annotations

from decimal import Decimal

from tests.unit.executor.scene import ETHER, GWEI, TERMS, Scene
from warden.domain.money import Wei
from warden.domain.risk.events import DAY_NS, BreakerOrder, MarketPrice, Observed, Priced, Read, RiskEvent
from warden.executor.protocol.events import Ordered
from warden.wire.orders import ForceBreaker, ResetBaselines
from warden.wire.rows import ExecutorRow, RiskRow


def events(rows: list[ExecutorRow]) -> list[RiskEvent]:
    """Return the events of rows."""
    return [row.event for row in rows if isinstance(row, RiskRow)]


def told(scene: Scene, **head: object) -> list[RiskEvent]:
    """Return what one more head tells."""
    before = len(scene.rows)
    scene.read(None, **head)  # type: ignore[arg-type] # fields of a head
    return events(scene.rows[before:])


def test_what_has_not_changed_is_not_told() -> None:
    """DESIGN Journals: a journal grows by what happens, not by looking."""
    scene = Scene().begin()
    assert [type(each) for each in events(scene.rows)] == [Priced, Read]
    assert [told(scene) for _ in range(20)] == [[]] * 20
    (read,) = told(scene, gas_balance_wei=ETHER - 1)
    assert read == Read(Wei(50 * ETHER), Wei(ETHER - 1), Wei(51 * ETHER - 1))


def test_the_price_is_told_at_half_its_life_and_when_it_moves() -> None:
    """PS1: at 0.1 % it has moved; halfway through its life it is told again: it never grows too old."""
    scene = Scene().begin()
    assert told(scene, price_usd=Decimal("2001.99")) == []
    assert told(scene, price_usd=Decimal(2002)) == [Priced(Decimal(2002))]
    life_ns = TERMS.risk.levers.trade.price_life_ns or 0
    scene.now_ns += life_ns // 2 - 2 * 10**9
    assert told(scene, price_usd=Decimal(2002)) == []
    assert told(scene, price_usd=Decimal(2002)) == [Priced(Decimal(2002))]
    assert told(scene, price_usd=None) == []


def test_a_wallet_that_was_never_funded_has_lost_nothing() -> None:
    """ES2: the first read is that of its funding; from then on zero is a total loss."""
    scene = Scene().begin(trading_balance_wei=0, gas_balance_wei=0)
    assert [type(each) for each in events(scene.rows)] == [Priced]
    (read,) = told(scene)
    assert isinstance(read, Read)
    (zero,) = [
        each for each in told(scene, trading_balance_wei=0, gas_balance_wei=0) if isinstance(each, Read)
    ]
    assert zero.equity_wei == 0
    assert "capital-loss" in scene.core.ledger.engine.state.emergency.demanded
    # A restart does not make it an unfunded one again.
    again = Scene(rows=tuple(scene.rows))
    assert told(again, trading_balance_wei=0, gas_balance_wei=0)[-1] == zero


def test_a_new_day_is_told_its_opening() -> None:
    """ES1: the first read of a day is its opening equity, changed or not."""
    scene = Scene().begin()
    scene.now_ns += DAY_NS
    assert [type(each) for each in told(scene)] == [Priced, Read]
    assert scene.core.ledger.engine.state.emergency.day.number == scene.now_ns // DAY_NS


def test_money_that_nothing_explains_is_told_until_the_books_believe_it() -> None:
    """EX9: three looks at the same difference, and then no more; it never counts as equity."""
    scene = Scene().begin()
    richer = 60 * ETHER
    assert [len(told(scene, trading_balance_wei=richer)) for _ in range(6)] == [1, 1, 1, 0, 0, 0]
    state = scene.core.ledger.engine.state
    assert state.capital.unexplained_wei == 10 * ETHER
    assert state.means.equity_wei == state.drawdown.peak_wei == 51 * ETHER


def test_baselines_begin_anew_with_the_next_look() -> None:
    """ES5: the wallet is told again, or the day would have no opening and nothing could be opened."""
    scene = Scene().begin()
    scene.tell(Ordered(b"o", ResetBaselines("ann", "why")))
    assert scene.core.ledger.engine.state.breaker.counts.day.opening_wei is None
    assert [type(each) for each in told(scene)] == [Read]
    assert scene.core.ledger.engine.state.breaker.counts.day.opening_wei == 51 * ETHER
    scene.tell(Ordered(b"o", ForceBreaker("ann", "why", BreakerOrder.RESET)))
    assert told(scene) == []


def test_markets_are_observed_as_often_as_is_set() -> None:
    """RK1: by reads that were asked for them."""
    scene = Scene().begin()
    price = MarketPrice("0xpool", Wei(1), Wei(2))
    assert scene.core.observes(scene.now())
    assert told(scene, prices=(price,)) == [Observed((price,), Wei(2 * GWEI))]
    assert not scene.core.observes(scene.now())
    assert told(scene, prices=(price,)) == []
    scene.now_ns += TERMS.observe_s * 10**9
    assert scene.core.observes(scene.now())
