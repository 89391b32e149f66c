"""The limits on sizes in wei: from capital, price and probation; of several the tightest."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tests.unit.domain.risk.requests import ETHER, NOON_NS, PRICE, USD
from warden.domain.money import Wei
from warden.domain.risk.events import Priced, Read, Ticked
from warden.domain.risk.thresholds import Effective, Means, TradeLimits, effective, step
from warden.wire.codec import from_json, to_json

STANDARD = TradeLimits()
ALL = TradeLimits(max_trade_micro_usd=500 * USD, max_exposure_micro_usd=5_000 * USD)


def means(
    trading_wei: int, gas_wei: int = ETHER, equity_wei: int | None = None, price: str = "2000"
) -> Means:
    """Return the state after one read and one price."""
    equity = trading_wei + gas_wei if equity_wei is None else equity_wei
    read = Read(Wei(trading_wei), Wei(gas_wei), Wei(equity))
    state = step(Means(), STANDARD, read, NOON_NS)
    return step(state, STANDARD, Priced(Decimal(price)), NOON_NS)


def closed(now: Effective) -> str:
    """Return the rule that lets nothing open, empty when something may."""
    return "" if now.closed is None else now.closed.rule


def test_the_standard_profile_is_what_the_documents_fix() -> None:
    """PS1: 10 ETH, 0.01 ETH, 20 %, 50 % and 2 % are the defaults; USD limits are of the profile `strict`."""
    assert msgspec.structs.asdict(STANDARD) == {
        "min_trade_wei": ETHER // 100,
        "max_trade_wei": 10 * ETHER,
        "max_trade_micro_usd": None,
        "max_trade_bps": 2_000,
        "max_exposure_bps": 5_000,
        "max_exposure_micro_usd": None,
        "max_loss_wei": None,
        "max_risk_bps": 200,
        "gas_reserve_wei": ETHER // 50,
        "price_life_ns": 60 * 10**9,
    }


@pytest.mark.parametrize(
    ("trading", "price", "rule", "wei"),
    [
        (1_000, "2000", "limits.max_trade_usd", ETHER // 4),
        (1_000, "10", "limits.max_trade_eth", 10 * ETHER),
        (1, "2000", "limits.max_trade_percent", ETHER // 5),
        (50, "50", "limits.max_trade_eth", 10 * ETHER),
    ],
)
def test_of_three_limits_on_a_trade_the_tightest_wins(trading: int, price: str, rule: str, wei: int) -> None:
    """PS1: ether, USD and share of the capital each bind where they are least; of equals the first named."""
    trade = effective(means(trading * ETHER, price=price), ALL, 100, 0).trade
    assert (trade.rule, trade.wei) == (rule, wei)


@pytest.mark.parametrize(
    ("trading", "rule", "wei"),
    [(4, "limits.max_exposure_percent", 2 * ETHER), (1_000, "limits.max_exposure_usd", 5 * ETHER // 2)],
)
def test_the_tighter_limit_on_exposure_wins(trading: int, rule: str, wei: int) -> None:
    """PS1: 50 % of a small capital, 5000 USD of a large one."""
    exposure = effective(means(trading * ETHER), ALL, 100, 0).exposure
    assert (exposure.rule, exposure.wei) == (rule, wei)


@pytest.mark.parametrize(
    ("cap_wei", "rule", "wei"),
    [
        (None, "limits.risk_per_trade_percent", 101 * ETHER // 50),
        (ETHER, "limits.max_trade_loss_eth", ETHER),
        (3 * ETHER, "limits.risk_per_trade_percent", 101 * ETHER // 50),
    ],
)
def test_the_tighter_limit_on_loss_wins(cap_wei: int | None, rule: str, wei: int) -> None:
    """PS1: 2 % of equity, gas included, unless the cap on an estimated loss is set and less."""
    limits = msgspec.structs.replace(ALL, max_loss_wei=cap_wei)
    loss = effective(means(100 * ETHER), limits, 100, 0).loss
    assert (loss.rule, loss.wei) == (rule, wei)


def test_a_limit_that_is_not_configured_does_not_bind() -> None:
    """PS1: what is None is no limit; the others go on."""
    limits = msgspec.structs.replace(ALL, max_trade_wei=None, max_trade_micro_usd=None)
    assert effective(means(100 * ETHER), limits, 100, 0).trade.wei == 20 * ETHER
    none = msgspec.structs.replace(limits, max_trade_bps=None, max_risk_bps=None)
    now = effective(means(100 * ETHER), none, 100, 0)
    assert (now.trade.wei, now.loss.wei) == (2**256, 2**256)


@pytest.mark.parametrize(
    ("percent", "wei"), [(100, ETHER // 4), (25, ETHER // 16), (0, 0), (-5, 0), (200, ETHER // 4)]
)
def test_probation_cuts_every_size_and_never_widens(percent: int, wei: int) -> None:
    """ES5: a quarter of the size while on probation, and the refusal's limit says so."""
    now = effective(means(1_000 * ETHER), ALL, percent, 0)
    assert now.trade.wei == wei
    if percent == 25:
        assert (now.trade.limit, now.trade.unit) == ("125.00", "USD")
        assert now.trade.message == "above the largest trade (25 % sizes for now)"
        assert (now.exposure.wei, now.loss.wei) == (5 * ETHER // 8, 1_001 * ETHER // 200)


@pytest.mark.parametrize(
    ("state", "rule"),
    [
        (Means(), "capital.unknown"),
        (means(0), "capital.zero"),
        (means(-1), "capital.zero"),
        (means(10 * ETHER, equity_wei=0), "capital.zero"),
        (means(10 * ETHER, gas_wei=ETHER // 50 - 1), "limits.gas_reserve_eth"),
        (means(10 * ETHER, gas_wei=ETHER // 50), ""),
        (means(10 * ETHER, price="0"), "price.unknown"),
        (step(Means(), ALL, PRICE, 0), "capital.unknown"),
    ],
)
def test_what_is_not_known_lets_nothing_open(state: Means, rule: str) -> None:
    """PS1, EX6, ES2's trap: no capital, zero capital, no price and no gas each have their own name."""
    assert closed(effective(state, ALL, 100, 0)) == rule


@pytest.mark.parametrize("which", ["max_trade_micro_usd", "max_exposure_micro_usd"])
def test_one_usd_limit_is_enough_to_need_a_price(which: str) -> None:
    """PS1: without a price, any USD limit refuses; without USD limits, no price is needed."""
    none = msgspec.structs.replace(ALL, max_trade_micro_usd=None, max_exposure_micro_usd=None)
    one = msgspec.structs.replace(none, **{which: USD})
    state = msgspec.structs.replace(means(10 * ETHER), quote=None)
    assert closed(effective(state, none, 100, 0)) == ""
    assert closed(effective(state, one, 100, 0)) == "price.unknown"


def test_what_positions_cost_stays_part_of_the_capital() -> None:
    """PS1: with half of ten ether in positions, 20 % is still of ten, not of the five that are free."""
    half = means(5 * ETHER, ETHER, 11 * ETHER)
    assert effective(half, ALL, 100, 5 * ETHER).capital_wei == 10 * ETHER


@pytest.mark.parametrize(("equity", "capital"), [(8, 7), (11, 10), (99, 10)])
def test_a_pumped_price_widens_no_limit(equity: int, capital: int) -> None:
    """PS1: positions count at their cost or at what they would bring, whichever is less."""
    now = effective(means(5 * ETHER, ETHER, equity * ETHER), ALL, 100, 5 * ETHER)
    assert now.capital_wei == capital * ETHER


def test_other_events_leave_the_very_same_state() -> None:
    """PS1: the engine tells by identity whether the limits are to be made anew; states survive a journal."""
    state = means(10 * ETHER)
    assert step(state, ALL, Ticked(), NOON_NS) is state
    assert from_json(to_json(state), Means) == state
    assert closed(Effective()) == "capital.unknown"
