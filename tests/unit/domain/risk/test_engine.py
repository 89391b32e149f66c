"""All rules as one: races for the last of a limit, what closes between two steps, what is news."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.properties.risk_asks import LIMITS, priced, request, reserved
from tests.unit.domain.risk.requests import ETHER, NOON_NS, S, position, settled
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.engine import Engine, Fitted, RiskLimits
from warden.domain.risk.events import (
    BreakerForced,
    BreakerOrder,
    CapitalMoved,
    LeverSet,
    Moved,
    Opened,
    Raised,
    Read,
    Released,
    Ticked,
)
from warden.domain.risk.findings import Noted
from warden.domain.risk.position_limits import PositionLimits
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.sizing import SizingLimits
from warden.domain.stops import StopReason

if TYPE_CHECKING:
    from warden.domain.risk.events import RiskEvent

RACERS = 2_000
LEAST = ("min_profit_eth", "0.001")
# Room for many positions, so that it is the limit that is meant which ends the race.
WIDE = msgspec.structs.replace(
    LIMITS,
    sizing=SizingLimits(),
    levers=msgspec.structs.replace(
        LIMITS.levers,
        positions=PositionLimits(max_positions=5_000, max_per_market=5_000, max_per_whale=5_000),
    ),
)

WITHOUT_USD = msgspec.structs.replace(
    WIDE.levers,
    trade=msgspec.structs.replace(
        WIDE.levers.trade, max_trade_micro_usd=None, max_exposure_micro_usd=None, max_trade_bps=None
    ),
)


def wallet(trading_wei: int = 60 * ETHER, gas_wei: int = 3 * ETHER) -> Read:
    """Return a read of a wallet without positions."""
    return Read(Wei(trading_wei), Wei(gas_wei), Wei(trading_wei + gas_wei))


def begun(limits: RiskLimits = WIDE) -> Engine:
    """Return an engine that knows price and wallet."""
    engine = Engine(limits)
    for event in (priced(), wallet()):
        engine.handle(event, NOON_NS)
    return engine


def told(engine: Engine, *events: RiskEvent, at_ns: int = NOON_NS) -> Engine:
    """Tell events at one time."""
    for event in events:
        engine.handle(event, at_ns)
    return engine


@pytest.mark.parametrize(
    ("lever", "value", "spend_wei", "gas_wei", "winners"),
    [
        ("max_exposure_percent", "10", ETHER // 10, 0, 60),
        ("max_exposure_usd", "3000", ETHER // 10, 0, 15),
        ("max_positions", "7", ETHER // 10, 0, 7),
        ("max_positions_per_market", "3", ETHER // 10, 0, 3),
        ("max_positions_per_whale", "2", ETHER // 10, 0, 2),
        ("max_fees_per_day_eth", "0.05", ETHER // 10, ETHER // 1_000, 50),
        ("max_whale_day_usd", "450", ETHER // 100, 0, 22),
    ],
)
def test_2000_requests_race_for_the_last_of_a_limit(
    lever: str, value: str, spend_wei: int, gas_wei: int, winners: int
) -> None:
    """PS2: each asks and holds its share in one step, so the last of it is never anybody's twice."""
    engine, whale = told(begun(), LeverSet(lever, value, "", "")), "w" if "whale" in lever else ""
    won = 0
    for number in range(RACERS):
        asked = request(f"id-{number}", spend_wei, gas_wei=gas_wei, whale=whale)
        fitted = engine.fit(msgspec.structs.replace(asked, shrinks=False), NOON_NS)
        if isinstance(fitted, Fitted):
            told(engine, reserved(fitted.request))
            won += 1
        else:
            assert fitted.rule == f"limits.{lever}"
    assert won == winners
    # One gives up: exactly one other gets its share.
    told(engine, Released("id-0"))
    more = [
        engine.fit(request(f"more-{n}", spend_wei, gas_wei=gas_wei, whale=whale), NOON_NS) for n in (1, 2)
    ]
    assert isinstance(more[0], Fitted)
    told(engine, reserved(more[0].request))
    after = engine.fit(request("more-2", spend_wei, gas_wei=gas_wei, whale=whale), NOON_NS)
    assert isinstance(after, Refusal)


def test_2000_requests_that_shrink_fill_a_limit_to_the_wei() -> None:
    """PS2: the last one gets what is left, and from then on there is less than the smallest trade."""
    engine, chance = begun(), random.Random(7)
    for number in range(RACERS):
        fitted = engine.fit(request(f"id-{number}", chance.randrange(ETHER // 100, 5 * ETHER)), NOON_NS)
        if isinstance(fitted, Fitted):
            told(engine, reserved(fitted.request))
        assert engine.exposure_wei <= engine.effective.exposure.wei
    assert engine.effective.exposure.wei - engine.exposure_wei < ETHER // 100
    pool = engine.state.capital.pools["a"]
    assert pool.reserved_wei == engine.exposure_wei
    assert pool.spendable_wei >= 0


def test_what_closes_after_a_share_was_given_closes_before_the_signature() -> None:
    """EX1: breaker, emergency stop, a lowered limit and a price grown old count for what is under way too."""
    asked = request("id", ETHER, gas_wei=ETHER // 1_000)
    engine = told(begun(), reserved(asked))
    assert engine.check_send(asked, NOON_NS) is None

    def rule_after(*events: RiskEvent, at_ns: int = NOON_NS) -> str:
        other = told(Engine(WIDE, engine.state), *events)
        refusal = other.check_send(asked, at_ns)
        return "" if refusal is None else refusal.rule

    assert rule_after(BreakerForced(BreakerOrder.OPEN, "ann", "why")) == "breaker.open"
    assert rule_after(Raised(StopReason.SECURITY_BREACH, "who")) == "emergency.security-breach"
    assert rule_after(LeverSet("max_trade_eth", "0.5", "", "")) == "limits.max_trade_eth"
    assert rule_after(LeverSet("max_trade_eth", "1", "", "")) == ""
    assert rule_after(LeverSet("max_exposure_percent", "1", "", "")) == "limits.max_exposure_percent"
    assert rule_after(at_ns=NOON_NS + 29 * S) == ""
    assert rule_after(Ticked(), at_ns=NOON_NS + 30 * S) == "reservation.expired"
    assert rule_after(settled("id", strategy="a")) == "reservation.expired"


def test_a_size_is_made_as_it_will_be_reserved() -> None:
    """PS1: whoever asks says what a smaller one would be; its own minimum profit is judged, not a guess."""
    engine = told(begun(), *(LeverSet(*each, "", "") for each in (("max_trade_eth", "1"), LEAST)))
    asked = request("id", 4 * ETHER, gas_wei=ETHER // 500)
    assert isinstance(engine.fit(asked, NOON_NS), Refusal)
    kept = engine.fit(asked, NOON_NS, lambda one, size: msgspec.structs.replace(one, spend_wei=size))
    assert isinstance(kept, Fitted)
    assert (kept.request.spend_wei, kept.request.profit_wei) == (ETHER, ETHER // 1_000)
    assert kept.because is not None
    assert kept.because.rule == "limits.max_trade_eth"


def test_what_nothing_explains_is_no_equity_from_its_first_look_on() -> None:
    """EX9: dust lifts no peak and no opening, so that nothing is lost when it is kept apart."""
    engine = begun()
    limits = engine.effective
    for _ in range(3):
        told(engine, wallet(100 * ETHER))
        assert engine.effective.trade.wei == limits.trade.wei
        assert engine.state.drawdown.peak_wei == 63 * ETHER
        assert engine.state.emergency.demanded == ()
    assert engine.state.capital.unexplained_wei == 40 * ETHER
    told(engine, CapitalMoved(Moved.DEPOSIT, Wei(40 * ETHER), "a", "ann", "mine"), wallet(100 * ETHER))
    state = engine.state
    assert (state.drawdown.equity_wei, state.drawdown.peak_wei) == (103 * ETHER, 103 * ETHER)
    assert state.capital.unexplained_wei == 0


def test_the_same_balances_are_news_until_the_books_have_made_up_their_mind() -> None:
    """EX9: a difference counts when it was read so often as is configured, so it must be told so often."""
    engine = begun()
    assert not engine.is_news(wallet())
    richer = wallet(61 * ETHER)
    tellings = 0
    while engine.is_news(richer):
        told(engine, richer)
        tellings += 1
    assert tellings == LIMITS.capital.confirm_reads
    assert engine.state.capital.unexplained_wei == ETHER
    poorer = wallet(50 * ETHER)
    while engine.is_news(poorer):
        told(engine, poorer)
    assert engine.state.capital.short_wei == 10 * ETHER
    refusal = engine.check(request("id", ETHER), NOON_NS)
    assert refusal is not None


def test_exits_and_cancels_pass_what_holds_back_openings() -> None:
    """PS1, CB1: an open breaker, used up limits and an unknown price never hold back what reduces."""
    engine = told(Engine(WIDE), BreakerForced(BreakerOrder.OPEN, "ann", "why"))
    for action in (Action.REDUCE, Action.CANCEL):
        asked = msgspec.structs.replace(request("id", ETHER), action=action)
        assert engine.check(asked, NOON_NS) is None
    told(engine, Raised(StopReason.SECURITY_BREACH, "who"))
    asked = msgspec.structs.replace(request("id", ETHER), action=Action.REDUCE)
    assert engine.check(asked, NOON_NS) is not None
    assert engine.check(msgspec.structs.replace(asked, action=Action.CANCEL), NOON_NS) is None


def test_positions_and_reservations_are_at_stake_together() -> None:
    """PS1: 50 % of the capital, half of it in a position and the rest asked for; a wei more is refused."""
    engine = begun(msgspec.structs.replace(WIDE, levers=WITHOUT_USD))
    held = position("p", cost_wei=Wei(20 * ETHER), market="other")
    told(engine, Opened(held), Read(Wei(40 * ETHER), Wei(3 * ETHER), Wei(63 * ETHER)))
    told(engine, reserved(request("one", 5 * ETHER)))
    assert engine.exposure_wei == 25 * ETHER
    assert engine.check(request("two", 5 * ETHER), NOON_NS) is None
    refusal = engine.check(request("two", 5 * ETHER + 1), NOON_NS)
    assert refusal is not None
    assert refusal.rule == "limits.max_exposure_percent"


def test_of_2000_probes_one_goes() -> None:
    """CB2: in HALF_OPEN the first that asks is the probe; given up, the next may be."""
    engine = begun()
    for number in range(5):
        told(engine, settled(f"t-{number}", success=False, strategy="a", tx_hash=f"0x{number}"))
    assert engine.check(request("id", ETHER), NOON_NS) is not None
    later = NOON_NS + WIDE.breaker.cooldown_s * S
    told(engine, priced(), at_ns=later)
    won = []
    for number in range(RACERS):
        fitted = engine.fit(request(f"id-{number}", ETHER), later)
        if isinstance(fitted, Fitted):
            told(engine, reserved(fitted.request), at_ns=later)
            won.append(number)
        else:
            assert fitted.rule == "breaker.probing"
    assert won == [0]
    told(engine, Released("id-0"), at_ns=later)
    assert isinstance(engine.fit(request("next", ETHER), later), Fitted)


def test_a_warning_comes_before_the_limit_on_exposure() -> None:
    """ES1a: at 45 % of a limit of 50 % and not before, once an hour however often it comes near."""
    engine = begun(msgspec.structs.replace(WIDE, levers=WITHOUT_USD))

    def warned(name: str, spend_wei: int, at_ns: int = NOON_NS) -> list[str]:
        findings, _ = engine.handle(reserved(request(name, spend_wei)), at_ns)
        notes = (each for each in findings if isinstance(each, Noted))
        return [each.observed for each in notes if each.kind == "exposure.near-limit"]

    assert warned("one", 27 * ETHER - 1) == []
    assert warned("two", 1) == ["27"]
    told(engine, Released("two"))
    assert warned("three", 1) == []
    told(engine, Released("three"), Released("one"))
    later_ns = NOON_NS + 3_600 * 10**9
    told(engine, priced(), at_ns=later_ns)
    assert warned("four", 27 * ETHER, later_ns) == ["27"]
