"""Levers over any row of pulls and edits of the configuration: they tighten, and loosen nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.risk.requests import ETHER, GWEI, NOON_NS, S, request, settled
from warden.domain.money import Wei
from warden.domain.risk.events import Closed, LeverSet, Released, RiskEvent, Ticked
from warden.domain.risk.fees import FeeLimits
from warden.domain.risk.lever_table import BLOCKS, LEVERS, NUMBERS, Pulled, parse
from warden.domain.risk.levers import (
    GasLimits,
    LeverLimits,
    Levers,
    check,
    in_force,
    judge,
    listing,
    order,
    step,
)
from warden.domain.risk.position_limits import PositionLimits
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.thresholds import TradeLimits
from warden.wire.codec import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = settings(max_examples=100, deadline=None)
ADDRESSES = tuple(f"0x{digit * 40}" for digit in "abcd")
HASHES = tuple(f"0x{digit * 64}" for digit in "12")
ADDRESS = st.sampled_from(ADDRESSES)
NUMBER = st.sampled_from(["0", "0.5", "1", "2", "3", "9.99", "20", "100", "1000000", ""])
WHO = st.sampled_from(["ada", "ada", "ada", "", " "])
PULLS = st.one_of(
    st.builds(LeverSet, st.sampled_from(sorted(NUMBERS)), NUMBER, WHO, WHO),
    st.builds(
        LeverSet,
        st.sampled_from([f"{verb}_{kind}" for kind in BLOCKS for verb in ("block", "unblock")]),
        ADDRESS | st.builds("{}/{}".format, ADDRESS, ADDRESS),
        WHO,
        WHO,
    ),
    st.builds(LeverSet, st.just("close_position"), st.sampled_from(["p-1", "p-2"]), WHO, WHO),
    st.builds(LeverSet, st.just("cancel_transaction"), st.sampled_from(HASHES), WHO, WHO),
    st.builds(LeverSet, st.text(max_size=20), st.text(max_size=20), st.text(max_size=5), st.text(max_size=5)),
)
EVENTS = st.lists(
    PULLS
    | st.just(Ticked())
    | st.sampled_from([Closed("p-1", Wei(1), Wei(1)), Released("i", HASHES[0]), settled(tx_hash=HASHES[1])]),
    max_size=40,
)
CONFIGURED = st.builds(
    LeverLimits,
    gas=st.builds(GasLimits, st.none() | st.integers(0, 300 * GWEI), st.none() | st.integers(0, ETHER)),
    trade=st.builds(
        TradeLimits,
        min_trade_wei=st.integers(0, ETHER),
        max_trade_wei=st.none() | st.integers(0, 20 * ETHER),
        max_trade_bps=st.none() | st.integers(0, 10_000),
    ),
    positions=st.builds(PositionLimits, max_positions=st.integers(0, 20)),
    fees=st.builds(FeeLimits, max_day_wei=st.none() | st.integers(0, ETHER)),
)


def folded(events: Sequence[RiskEvent], limits: LeverLimits) -> Levers:
    """Return the state after events, a minute apart, and see that each is fit for a journal."""
    state = Levers()
    for number, event in enumerate(events):
        at_ns = NOON_NS + number * 60 * S
        before: Levers = from_json(to_json(state), Levers)
        state, findings = step(state, limits, event, at_ns)
        assert step(before, limits, event, at_ns) == (state, findings)
    return state


def looser(one: LeverLimits, other: LeverLimits) -> list[str]:
    """Return the levers whose limit lets more through in `one` than in `other`."""
    found = []
    for lever, number in NUMBERS.items():
        ours = getattr(getattr(one, number.part), number.field)
        theirs = getattr(getattr(other, number.part), number.field)
        if theirs is not None and (ours is None or number.looser(ours, theirs)):
            found.append(lever)
    return found


@EXAMPLES
@given(EVENTS, CONFIGURED, CONFIGURED)
def test_no_lever_ever_loosens_the_configuration(
    events: list[RiskEvent], configured: LeverLimits, edited: LeverLimits
) -> None:
    """PS1: whatever is pulled, by whom, under whichever warden.toml, nothing lets more through."""
    state = folded(events, configured)
    assert state == folded(events, edited)
    for limits in (configured, edited):
        assert looser(in_force(state, limits), limits) == []
        assert in_force(state, in_force(state, limits)) == in_force(state, limits)


@EXAMPLES
@given(EVENTS, CONFIGURED, PULLS)
def test_nothing_loosens_without_a_name_and_a_reason(
    events: list[RiskEvent], configured: LeverLimits, event: LeverSet
) -> None:
    """PS1, PS4a: limits loosen, and blocks and orders come and go, only by name and reason."""
    before = folded(events, configured)
    at_ns = NOON_NS + len(events) * 60 * S
    ticked, _ = step(before, configured, Ticked(), at_ns)
    after, findings = step(ticked, configured, event, at_ns)
    named = bool(event.operator.strip() and event.reason.strip())
    if looser(in_force(after, configured), in_force(ticked, configured)):
        assert named
    for kind in ("tokens", "pairs", "pools", "routers", "orders"):
        assert named or getattr(after, kind) == getattr(ticked, kind)
    if judge(ticked, configured, event) is None:
        assert [finding.weight for finding in findings] != ["ERROR"]  # type: ignore[union-attr] # levers only note
    assert (after == ticked) or listing(after) != listing(ticked)


@EXAMPLES
@given(EVENTS, st.lists(ADDRESS, max_size=4), st.lists(ADDRESS, max_size=2), ADDRESS)
def test_what_is_blocked_never_passes_and_what_is_not_does(
    events: list[RiskEvent], tokens: list[str], pools: list[str], router: str
) -> None:
    """PS4a: a request is held back exactly when it touches what the list says is blocked."""
    state = folded(events, LeverLimits())
    blocked = {(pull.lever, pull.value) for pull in listing(state)}
    asked = request(
        tokens=tuple(tokens), pools=tuple(pools), router=router, fee_per_gas_wei=0, profit_wei=10**30
    )
    touches = (
        ("block_router", router) in blocked
        or any(("block_token", token) in blocked for token in tokens)
        or any(("block_pool", pool) in blocked for pool in pools)
        or any(("block_pair", f"{one}/{other}") in blocked for one in tokens for other in tokens)
    )
    refusal = check(state, in_force(state, LeverLimits()), asked, NOON_NS)
    assert (refusal is not None) == touches


@EXAMPLES
@given(st.sampled_from(LEVERS) | st.text(max_size=30), st.text(max_size=100) | NUMBER)
def test_anything_may_be_typed(lever: str, value: str) -> None:
    """PS4a: every name and value is understood or refused in one line; understood, it reads back the same."""
    pulled = parse(lever, value)
    if isinstance(pulled, Refusal):
        assert pulled.rule in {"lever.unknown", "lever.value"}
        assert pulled.message.isprintable()
        assert order(LeverSet(lever, value, "ada", "because")) is None
    else:
        assert parse(pulled.lever, pulled.text) == pulled


@EXAMPLES
@given(st.sampled_from(sorted(NUMBERS)), st.integers(0, 10**30 - 1))
def test_numbers_are_exact(lever: str, amount: int) -> None:
    """PS1: any amount that can be written in a lever's unit reads back to the last digit."""
    number = NUMBERS[lever]
    capped = amount % 10_001 if number.unit.value == "%" else amount
    assert parse(lever, number.text(capped)) == Pulled(lever, number.text(capped), Wei(capped))
    assert msgspec.json.decode(to_json(Wei(capped))) == str(capped)
