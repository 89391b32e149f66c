"""The rules' state for people: how much of each limit is used, and what holds everything back (OP1a)."""

from __future__ import annotations

import pytest

from tests.unit.executor.scene import ETHER, GWEI, Scene, intent
from warden.domain.risk.events import BreakerOrder
from warden.executor.books.risk_report import report
from warden.executor.protocol.events import Ordered
from warden.wire.codec import from_json, to_json
from warden.wire.orders import ForceBreaker, LimitLine, PullLever, RiskReport


def told(scene: Scene) -> RiskReport:
    """Return the report as the wire brings it."""
    made = report(scene.core.ledger.engine, ["main"], 2 * GWEI, scene.now_ns)
    again: RiskReport = from_json(to_json(made), RiskReport)
    assert again == made
    return made


def line(scene: Scene, name: str) -> LimitLine:
    """Return the line of one limit."""
    return next(each for each in told(scene).limits if each.name == f"limits.{name}")


def test_each_limit_tells_what_is_used_of_it() -> None:
    """OP1a: a share that is held by what is under way is used."""
    scene = Scene().begin()
    assert (line(scene, "max_exposure_percent").observed, line(scene, "max_exposure_percent").used_bps) == (
        "0",
        0,
    )
    scene.submit(intent(1, amount_wei=5 * ETHER))
    exposure = line(scene, "max_exposure_percent")
    assert (exposure.limit, exposure.observed, exposure.used_bps) == ("50", "10", 2_000)
    assert line(scene, "max_positions").observed == "1"
    assert line(scene, "gas_reserve_eth").observed == "1"


def test_a_pulled_lever_stands_beside_what_is_configured() -> None:
    """PS4a: with who and why."""
    scene = Scene().begin()
    scene.tell(Ordered(b"o", PullLever("ann", "calm", "max_trade_eth", "2")))
    trade = line(scene, "max_trade_eth")
    assert (trade.limit, trade.configured) == ("2", "10")
    (lever,) = told(scene).levers
    assert (lever.lever, lever.value, lever.operator, lever.reason) == ("max_trade_eth", "2", "ann", "calm")


@pytest.mark.parametrize("how", ["unread", "forced", "poor"])
def test_why_nothing_trades(how: str) -> None:
    """OP1a: the most basic reason first; nothing when the smallest trade would pass."""
    scene = Scene()
    if how != "unread":
        scene.begin()
        assert told(scene).blocked == ()
    if how == "forced":
        scene.tell(Ordered(b"o", ForceBreaker("ann", "calm", BreakerOrder.OPEN)))
        assert (told(scene).breaker.state, told(scene).breaker.operator) == ("OPEN", "ann")
    elif how == "poor":
        scene.read(gas_balance_wei=ETHER // 100)
    rules = [each.rule for each in told(scene).blocked]
    expected = {"unread": "emergency.capital-unknown", "forced": "breaker.open"}
    assert expected.get(how, "limits.gas_reserve_eth") in rules


def test_an_unread_wallet_is_told_as_unknown() -> None:
    """I10: no equity, no peak, no drawdown, no price: none of them is zero."""
    unknown = told(Scene())
    assert (unknown.equity_wei, unknown.peak_wei, unknown.drawdown_bps, unknown.price_usd) == (
        None,
        None,
        None,
        "",
    )
    known = told(Scene().begin())
    assert (known.equity_wei, known.peak_wei, known.drawdown_bps) == (51 * ETHER, 51 * ETHER, 0)
    assert (known.opening_wei, known.price_usd) == (51 * ETHER, "2000.00")
    (pool,) = known.pools
    assert sum(pool.accounts.values()) == pool.total_wei == 51 * ETHER
