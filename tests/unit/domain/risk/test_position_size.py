"""The size of a trade, at every limit and one wei beside it; and the largest that fits."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.domain.risk.requests import NOON_NS, USD, S, request
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.position_size import check, largest, resized
from warden.domain.risk.thresholds import Effective, Means, TradeLimits, effective
from warden.domain.risk.usd import Quote

ETHER = 10**18
GWEI = 10**9
OFF = TradeLimits(
    max_trade_wei=None,
    max_trade_micro_usd=None,
    max_trade_bps=None,
    max_exposure_bps=None,
    max_exposure_micro_usd=None,
    max_risk_bps=None,
)
TWO_THOUSAND = Quote(Wei(2_000), Wei(1))


def now(limits: TradeLimits = OFF, trading_wei: int = 10 * ETHER, percent: int = 100) -> Effective:
    """Return limits in wei, of which all that are not named are off, at 2,000 USD and no gas to speak of."""
    gas = limits.gas_reserve_wei
    means = Means(
        trading_wei=Wei(trading_wei),
        gas_wei=Wei(gas),
        equity_wei=Wei(trading_wei + gas),
        quote=TWO_THOUSAND,
        priced_ns=NOON_NS,
    )
    return effective(means, limits, percent, 0)


def with_limit(**limit: int) -> TradeLimits:
    """Return limits of which one is on."""
    return msgspec.structs.replace(OFF, **limit)


EACH_LIMIT = [
    (with_limit(max_trade_wei=10 * ETHER), 100 * ETHER, 10 * ETHER, "max_trade_eth", "ETH"),
    (with_limit(max_trade_micro_usd=500 * USD), 100 * ETHER, ETHER // 4, "max_trade_usd", "USD"),
    (with_limit(max_trade_bps=2_000), 10 * ETHER, 2 * ETHER, "max_trade_percent", "%"),
    (with_limit(max_exposure_bps=5_000), 10 * ETHER, 5 * ETHER, "max_exposure_percent", "%"),
    (with_limit(max_exposure_micro_usd=5_000 * USD), 9 * ETHER, 5 * ETHER // 2, "max_exposure_usd", "USD"),
]


@pytest.mark.parametrize(("limits", "trading_wei", "most_wei", "name", "unit"), EACH_LIMIT)
def test_each_limit_alone_on_both_sides(
    limits: TradeLimits, trading_wei: int, most_wei: int, name: str, unit: str
) -> None:
    """PS1: 10 ETH, 500 USD, 20 %, 50 % and 5000 USD each let their own wei through and not one more."""
    limited = now(limits, trading_wei)
    assert check(limited, request(most_wei), 0, 0, NOON_NS) is None
    refusal = check(limited, request(most_wei + 1), 0, 0, NOON_NS)
    assert refusal is not None
    assert (refusal.rule, refusal.setting, refusal.unit) == (f"limits.{name}", f"limits.{name}", unit)
    assert refusal.observed != refusal.limit


@pytest.mark.parametrize(
    ("limits", "trading_wei", "limit", "observed"),
    [
        (EACH_LIMIT[0][0], 100 * ETHER, "10", "11.5"),
        (EACH_LIMIT[1][0], 100 * ETHER, "500.00", "23000.00"),
        (EACH_LIMIT[2][0], 100 * ETHER, "20.00", ""),
        (EACH_LIMIT[2][0], 20 * ETHER, "20.00", "57.50"),
        (EACH_LIMIT[3][0], 20 * ETHER, "50.00", "57.50"),
    ],
)
def test_a_refusal_speaks_in_the_unit_of_its_limit(
    limits: TradeLimits, trading_wei: int, limit: str, observed: str
) -> None:
    """EX1: ether, USD and percent each as they were set; 11.5 ether is 23,000 USD and 57.5 % of twenty."""
    refusal = check(now(limits, trading_wei), request(23 * ETHER // 2), 0, 0, NOON_NS)
    assert (observed == "") == (refusal is None)
    if refusal is not None:
        assert (refusal.limit, refusal.observed) == (limit, observed)


@pytest.mark.parametrize(
    ("spend_wei", "rule"), [(ETHER // 100, ""), (ETHER // 100 - 1, "limits.min_trade_eth")]
)
def test_the_smallest_trade(spend_wei: int, rule: str) -> None:
    """PS1: 0.01 ether passes, one wei less does not; nor does nothing, or less."""
    for spend in (spend_wei, 0, -ETHER):
        refusal = check(now(), request(spend), 0, 0, NOON_NS)
        expected = rule if spend == spend_wei else "limits.min_trade_eth"
        assert ("" if refusal is None else refusal.rule) == expected


@pytest.mark.parametrize(
    ("limits", "most_wei", "rule"),
    [
        (with_limit(max_risk_bps=200), ETHER // 5 + ETHER // 2_500, "limits.risk_per_trade_percent"),
        (with_limit(max_loss_wei=ETHER // 10), ETHER // 10, "limits.max_trade_loss_eth"),
    ],
)
def test_what_may_be_lost(limits: TradeLimits, most_wei: int, rule: str) -> None:
    """PS1: 2 % of equity (gas too), or the cap on an estimated loss, to the wei; a negative loss is none."""
    for loss_wei, expected in ((most_wei, ""), (most_wei + 1, rule), (-1, "request.loss")):
        refusal = check(now(limits), request(loss_wei=loss_wei), 0, 0, NOON_NS)
        assert ("" if refusal is None else refusal.rule) == expected


def test_exposure_counts_what_is_open_and_reserved() -> None:
    """PS1, PS2: half of ten ether may be at stake, whoever took the rest of it."""
    limited = now(with_limit(max_exposure_bps=5_000))
    assert check(limited, request(ETHER), 4 * ETHER, 0, NOON_NS) is None
    refusal = check(limited, request(ETHER), 4 * ETHER + 1, 0, NOON_NS)
    assert refusal is not None
    assert (refusal.rule, refusal.observed) == ("limits.max_exposure_percent", "50.01")


def test_the_wallet_is_not_promised_twice() -> None:
    """PS2: what is reserved is no longer there for another, to the wei."""
    assert check(now(), request(ETHER), 9 * ETHER, 9 * ETHER, NOON_NS) is None
    refusal = check(now(), request(ETHER), 9 * ETHER, 9 * ETHER + 1, NOON_NS)
    assert refusal is not None
    assert (refusal.rule, refusal.limit, refusal.setting) == ("capital.short", "10", "")
    assert refusal.observed == "10.000000000000000001"


def test_the_tightest_of_all_limits_is_named() -> None:
    """PS1: where several are broken, the refusal names the one that leaves least room."""
    limits = msgspec.structs.replace(TradeLimits(), max_trade_micro_usd=None, max_exposure_micro_usd=None)
    tight = now(limits)
    assert rule_of(tight, 8 * ETHER, exposure_wei=0) == "limits.max_trade_percent"
    assert rule_of(tight, 8 * ETHER, exposure_wei=9 * ETHER // 2) == "limits.max_exposure_percent"
    assert rule_of(tight, 8 * ETHER, loss_wei=8 * ETHER) == "limits.risk_per_trade_percent"


def rule_of(limits: Effective, spend_wei: int, exposure_wei: int = 0, loss_wei: int = 0) -> str:
    """Return the rule that refuses, empty when none does."""
    refusal = check(limits, request(spend_wei, loss_wei=loss_wei), exposure_wei, 0, NOON_NS)
    return "" if refusal is None else refusal.rule


@pytest.mark.parametrize(
    ("at_ns", "rule"),
    [(NOON_NS + 60 * S - 1, ""), (NOON_NS + 60 * S, "price.unknown"), (-1, "clock.negative")],
)
def test_an_old_price_is_no_price(at_ns: int, rule: str) -> None:
    """PS1, HM3: with a USD limit set, a price of a minute ago is not known; nor is a time before time."""
    refusal = check(now(with_limit(max_trade_micro_usd=5_000 * USD)), request(ETHER), 0, 0, at_ns)
    assert ("" if refusal is None else refusal.rule) == rule
    assert (
        largest(now(with_limit(max_trade_micro_usd=USD * 5_000)), request(ETHER), 0, 0, at_ns) == 0
    ) == bool(rule)


def test_without_usd_limits_no_price_ages() -> None:
    """PS1: a price that nothing needs may be as old as it likes."""
    assert check(now(with_limit(max_trade_bps=2_000)), request(ETHER), 0, 0, NOON_NS + 10**6 * S) is None


@pytest.mark.parametrize("action", [Action.REDUCE, Action.CANCEL])
def test_an_exit_has_no_size_limit(action: Action) -> None:
    """SL1, EX6: what reduces or cancels passes, capital or none: limits must not trap a position."""
    exit_ = request(0, action=action)
    assert check(Effective(), exit_, 10**30, 10**30, NOON_NS) is None
    assert largest(Effective(), exit_, 10**30, 10**30, NOON_NS) == 0


@pytest.mark.parametrize(
    ("shrinks", "spend_wei", "size_wei"),
    [
        (True, 3 * ETHER, 2 * ETHER),
        (True, 2 * ETHER, 2 * ETHER),
        (True, ETHER, ETHER),
        (False, 3 * ETHER, 0),
        (False, 2 * ETHER, 2 * ETHER),
        (True, ETHER // 100 - 1, 0),
    ],
)
def test_the_largest_size_that_fits(*, shrinks: bool, spend_wei: int, size_wei: int) -> None:
    """PS1: a request that shrinks gets 20 % and no more; one that does not gets all or nothing."""
    asked = request(spend_wei, shrinks=shrinks)
    assert largest(now(with_limit(max_trade_bps=2_000)), asked, 0, 0, NOON_NS) == size_wei


def test_the_largest_size_heeds_every_limit() -> None:
    """PS1, PS4: exposure, wallet, loss and what other rules leave; never below the smallest trade."""
    asked = request(5 * ETHER, shrinks=True, loss_wei=ETHER // 2, gas_wei=ETHER // 10)
    exposure = now(with_limit(max_exposure_bps=5_000))
    assert largest(exposure, asked, 4 * ETHER, 0, NOON_NS) == ETHER
    assert largest(exposure, asked, 5 * ETHER - ETHER // 100 + 1, 0, NOON_NS) == 0
    assert largest(now(), asked, 0, 8 * ETHER, NOON_NS) == 2 * ETHER
    assert largest(now(), asked, 0, 0, NOON_NS, room_wei=3 * ETHER) == 3 * ETHER
    assert largest(now(), asked, 0, 0, NOON_NS, room_wei=0) == 0
    # Of the loss, 0.1 is gas at any size and 0.4 goes with it: a cap of 0.3 leaves half of the size.
    assert largest(now(with_limit(max_loss_wei=3 * ETHER // 10)), asked, 0, 0, NOON_NS) == 5 * ETHER // 2
    assert largest(now(with_limit(max_loss_wei=ETHER // 10 - 1)), asked, 0, 0, NOON_NS) == 0
    assert largest(Effective(), asked, 0, 0, NOON_NS) == 0


def test_another_size_takes_its_share_of_loss_and_profit() -> None:
    """PS1: gas stays, the rest goes along, the loss rounded up and the profit down."""
    asked = request(3, shrinks=True, loss_wei=110, profit_wei=100, gas_wei=10)
    small = resized(asked, 1)
    assert (small.spend_wei, small.loss_wei, small.profit_wei) == (1, 44, 26)
    assert resized(asked, 3) is asked
