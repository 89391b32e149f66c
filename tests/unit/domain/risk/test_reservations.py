"""Reservations: asking holds a share; it ends once, by the chain, by word or by time."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.domain.risk.requests import ETHER, NOON_NS, S, request, reserved, settled, trade
from warden.domain.money import Wei
from warden.domain.risk import position_limits, position_size
from warden.domain.risk.events import Released, RiskEvent, Sent, Ticked, Undone
from warden.domain.risk.findings import Finding, Noted, Weight
from warden.domain.risk.position_limits import PositionLimits, Positions
from warden.domain.risk.reservations import (
    ReservationLimits,
    Reservations,
    check,
    check_send,
    step,
)
from warden.domain.risk.thresholds import Means, TradeLimits, effective
from warden.wire.codec import from_json, to_json

LIMITS = ReservationLimits()
ASKED = request(2 * ETHER, loss_wei=ETHER, gas_wei=ETHER // 100, market="market", whale="whale")
HELD = reserved(ASKED)


def after(*events: RiskEvent, state: Reservations | None = None, at_ns: int = NOON_NS) -> Reservations:
    """Return the state after events that come at one moment."""
    state = Reservations() if state is None else state
    for event in events:
        state, _ = step(state, LIMITS, event, at_ns)
    return state


def said(state: Reservations, event: RiskEvent, at_ns: int = NOON_NS) -> tuple[str, ...]:
    """Return the kinds of what an event makes it say."""
    return tuple(kind_of(finding) for finding in step(state, LIMITS, event, at_ns)[1])


def kind_of(finding: Finding) -> str:
    """Return weight and kind of what was said."""
    assert isinstance(finding, Noted)
    return f"{finding.weight} {finding.kind}"


def totals(state: Reservations) -> tuple[int, int, int, int]:
    """Return what is held: how many, and how much in spend, loss and gas."""
    return len(state.held), state.spend_wei, state.loss_wei, state.gas_wei


def test_what_is_reserved_counts_in_every_total() -> None:
    """PS2: spend, loss, gas, market, whale and strategy each have it."""
    state = after(HELD)
    assert totals(state) == (1, 2 * ETHER, ETHER, ETHER // 100)
    assert (state.markets, state.whales, state.strategies) == ({"market": 1}, {"whale": 1}, {"strategy": 1})
    assert state.whale_spend == {"whale": 2 * ETHER}


@pytest.mark.parametrize("event", [Released("intent"), settled(), settled(success=False)])
def test_an_end_gives_all_of_it_back(event: RiskEvent) -> None:
    """PS2: released, settled or failed on the chain: nothing is left of it, in no total."""
    state = msgspec.structs.replace(after(HELD, Sent("intent"), event), settled={}, next_expiry_ns=2**63 - 1)
    assert state == Reservations()


@pytest.mark.parametrize(("waited_ns", "held"), [(30 * S - 1, 1), (30 * S, 0)])
def test_what_is_not_used_expires(waited_ns: int, held: int) -> None:
    """PS2: thirty seconds, to the nanosecond; it is told once, and may not be signed any more."""
    state = after(HELD)
    at_ns = NOON_NS + waited_ns
    assert totals(after(Ticked(), state=state, at_ns=at_ns))[0] == held
    assert said(state, Ticked(), at_ns) == (() if held else ("INFO reservation.expired",))
    refusal = check_send(state, LIMITS, "intent", at_ns)
    assert (refusal is None) == bool(held)


def test_what_was_signed_does_not_expire() -> None:
    """PS2: it may land at any time, so it holds its share until the chain or the nonce ends it."""
    state = after(Ticked(), state=after(HELD, Sent("intent")), at_ns=NOON_NS + 10**6 * S)
    assert totals(state)[0] == 1
    assert check_send(state, LIMITS, "intent", NOON_NS + 10**6 * S) is None


def test_the_next_expiry_is_that_of_the_oldest_left() -> None:
    """PS2: each expires in its own time, whoever came before it and was used."""
    state = after(HELD, Sent("intent"))
    for number in range(3):
        event = reserved(request(intent_id=f"intent-{number}"))
        state = after(event, state=state, at_ns=NOON_NS + number * S)
    for number in range(3):
        at_ns = NOON_NS + (30 + number) * S
        assert totals(after(Ticked(), state=state, at_ns=at_ns - 1))[0] == 4 - number
        assert totals(after(Ticked(), state=state, at_ns=at_ns))[0] == 3 - number


def test_one_intent_holds_one_share() -> None:
    """PS2: reserving twice is refused, told, and changes nothing; so is coming back after it was used."""
    state = after(HELD)
    assert check(state, "intent") is not None
    assert check(state, "other") is None
    assert said(state, HELD) == ("ERROR reservation.double",)
    assert after(HELD, state=state) == state
    assert check(after(HELD, settled()), "intent") is not None


def test_signing_without_a_share_is_seen() -> None:
    """PS2: an intent that holds nothing may not be signed; if it was, that is an error that is told."""
    assert check_send(Reservations(), LIMITS, "intent", NOON_NS) is not None
    assert said(Reservations(), Sent("intent")) == ("ERROR reservation.unknown",)
    assert after(Sent("intent")) == Reservations()


def test_a_reorg_makes_it_hold_again_exactly_what_it_held() -> None:
    """PS2, EX8: undone, it may land once more; the share is the reserved one, not what the trade took."""
    state = after(HELD, Sent("intent"))
    undone = after(settled(input_wei=Wei(1)), Undone(trade(input_wei=Wei(1))), state=state)
    assert undone == state
    assert after(Undone(trade()), state=undone) == undone


def test_a_forgotten_trade_that_is_undone_holds_what_it_took() -> None:
    """PS2, EX8: past what is remembered, the trade itself says what it may take and lose."""
    state = after(Undone(trade(input_wei=Wei(5), gas_wei=Wei(2), market="market", whale="whale")))
    assert totals(state) == (1, 5, 7, 2)
    assert state.held["intent"].sent


@pytest.mark.parametrize("changes", [{"kind": "approve"}, {"kind": "cancel"}, {"input_wei": Wei(0)}])
def test_what_holds_nothing_is_no_matter(changes: dict[str, object]) -> None:
    """PS2: approvals, cancels and exits neither give a share back nor get one by a reorg."""
    other = trade("other", **changes)
    assert after(settled("other", **changes), Undone(other)) == Reservations()


def test_what_was_settled_is_remembered_up_to_a_bound() -> None:
    """PS2: the memory for reorgs holds 256 trades, the newest."""
    state = Reservations()
    for number in range(300):
        name = f"intent-{number}"
        state = after(reserved(request(intent_id=name)), Sent(name), settled(name), state=state)
    assert len(state.settled) == 256
    assert (next(iter(state.settled)), totals(state)) == ("intent-44", (0, 0, 0, 0))


def test_a_negative_share_widens_nothing() -> None:
    """PS2: whatever asks for less than nothing holds nothing."""
    state = after(msgspec.structs.replace(HELD, spend_wei=Wei(-1), loss_wei=Wei(-1), gas_wei=Wei(-1)))
    assert totals(state) == (1, 0, 0, 0)


def test_findings_and_journal() -> None:
    """PS2: an expiry is no alarm; the state is the same out of a snapshot; nothing changes for nothing."""
    state = after(HELD, Sent("intent"), reserved(request(intent_id="other")), settled())
    assert from_json(to_json(state), Reservations) == state
    assert step(state, LIMITS, Ticked(), NOON_NS)[0] is state
    _, findings = step(after(HELD), LIMITS, Ticked(), NOON_NS + 30 * S)
    assert [finding.weight for finding in findings if isinstance(finding, Noted)] == [Weight.INFO]


def test_two_thousand_requests_race_for_the_last_of_every_limit() -> None:
    """PS2: of 2,000 that ask at one moment, as many pass as there is room for: none shares another's."""
    limits = TradeLimits(max_trade_micro_usd=None, max_exposure_micro_usd=None)
    means = Means(trading_wei=Wei(100 * ETHER), gas_wei=Wei(ETHER), equity_wei=Wei(101 * ETHER))
    counts = PositionLimits(max_positions=10_000, max_per_market=7, whale_day_micro_usd=None)
    now, positions, state, passed = effective(means, limits, 100, 0), Positions(), Reservations(), 0
    for number in range(2_000):
        asked = request(ETHER // 10, intent_id=f"intent-{number}", market=f"market-{number % 100}")
        refusal = (
            check(state, asked.intent_id)
            or position_size.check(now, asked, state.spend_wei, state.spend_wei, NOON_NS)
            or position_limits.check(positions, counts, state, asked, NOON_NS)
        )
        if refusal is None:
            passed += 1
            state = after(reserved(asked), state=state)
    # 50 % of 100 ether, a tenth each: 500; and at most seven in each of the hundred markets.
    assert (passed, state.spend_wei) == (500, 50 * ETHER)
    assert max(state.markets.values()) <= 7
    # One is let go: its share, and no more, is free for one other.
    state = after(Released("intent-0"), state=state)
    takers = [request(ETHER // 10, intent_id=f"late-{number}") for number in range(3)]
    taken = 0
    for asked in takers:
        if position_size.check(now, asked, state.spend_wei, state.spend_wei, NOON_NS) is None:
            state, taken = after(reserved(asked), state=state), taken + 1
    assert (taken, state.spend_wei) == (1, 50 * ETHER)
