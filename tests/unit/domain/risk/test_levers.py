"""Levers: they tighten, by name and reason; what they let go of again is told and never beyond the file."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.unit.domain.risk.requests import (
    ETHER,
    GWEI,
    NOON_NS,
    OTHER,
    TOKEN,
    USD,
    WETH,
    S,
    request,
    settled,
)
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.events import Closed, ExitOrdered, LeverSet, Released, RiskEvent, Ticked
from warden.domain.risk.findings import Noted
from warden.domain.risk.levers import (
    CancelOrdered,
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
from warden.domain.risk.thresholds import TradeLimits
from warden.wire.codec import from_json, to_json

CONFIGURED = LeverLimits(
    gas=GasLimits(min_profit_wei=ETHER // 1_000), trade=TradeLimits(max_trade_micro_usd=500 * USD)
)
HASH = f"0x{'1' * 64}"
POOL = f"0x{'d' * 40}"
ROUTER = f"0x{'e' * 40}"
CYCLE = request(
    profit_wei=ETHER, tokens=(WETH, TOKEN, OTHER, WETH), pools=(POOL,), router=ROUTER, fee_per_gas_wei=GWEI
)


def pull(lever: str, value: str = "", operator: str = "ada", reason: str = "because") -> LeverSet:
    """Return the event of a lever pulled, by name and with a reason unless told otherwise."""
    return LeverSet(lever=lever, value=value, operator=operator, reason=reason)


def after(*events: RiskEvent, state: Levers | None = None, at_ns: int = NOON_NS) -> Levers:
    """Return the state after events that come at one moment."""
    state = Levers() if state is None else state
    for event in events:
        state, _ = step(state, CONFIGURED, event, at_ns)
    return state


def said(state: Levers, event: RiskEvent, at_ns: int = NOON_NS) -> list[str]:
    """Return weight and kind of what an event makes it say."""
    findings = step(state, CONFIGURED, event, at_ns)[1]
    return [f"{finding.weight} {finding.kind}" for finding in findings if isinstance(finding, Noted)]


def judged(event: LeverSet, state: Levers | None = None) -> str:
    """Return the rule that refuses a lever, empty when none does."""
    refusal = judge(Levers() if state is None else state, CONFIGURED, event)
    return "" if refusal is None else refusal.rule


def rule(state: Levers, limits: LeverLimits = CONFIGURED, **changes: Any) -> str:  # noqa: ANN401 - fields of a request
    """Return the rule that holds a cycle back, empty when none does."""
    refusal = check(state, limits, msgspec.structs.replace(CYCLE, **changes), NOON_NS)
    return "" if refusal is None else refusal.rule


# --- limits


@pytest.mark.parametrize(
    ("lever", "value", "expected"),
    [
        ("max_trade_eth", "10", ""),
        ("max_trade_eth", "10.000000000000000001", "lever.beyond"),
        ("max_trade_usd", "500.01", "lever.beyond"),
        ("max_exposure_percent", "50.01", "lever.beyond"),
        ("max_positions", "11", "lever.beyond"),
        ("max_gas_price_gwei", "200.1", "lever.beyond"),
        ("min_trade_eth", "0.01", ""),
        ("min_trade_eth", "0.009", "lever.beyond"),
        ("min_profit_eth", "0.001", ""),
        ("min_profit_eth", "0.0009", "lever.beyond"),
        ("gas_reserve_eth", "0", "lever.beyond"),
        ("max_trade_loss_eth", "999", ""),
    ],
)
def test_no_lever_goes_beyond_the_configured_value(lever: str, value: str, expected: str) -> None:
    """PS1: tightening is free down to nothing; loosening past warden.toml is refused, whoever asks."""
    assert judged(pull(lever, value)) == expected
    assert judged(pull(lever, value, operator="", reason="")) == expected


def test_the_refusal_says_limit_observed_and_setting() -> None:
    """EX1, PS1: what is configured, what was asked for, and where to change it."""
    refusal = judge(Levers(), CONFIGURED, pull("max_trade_percent", "20.5"))
    assert refusal is not None
    assert (refusal.limit, refusal.observed, refusal.unit) == ("20", "20.5", "%")
    assert refusal.setting == "limits.max_trade_percent"


@pytest.mark.parametrize(("operator", "reason"), [("", "because"), ("ada", ""), ("ada", "  "), ("", "")])
@pytest.mark.parametrize(
    ("value", "free"), [("2", True), ("3", True), ("3.1", False), ("10", False), ("", False)]
)
def test_raising_again_needs_an_operators_reason(operator: str, reason: str, value: str, free: bool) -> None:  # noqa: FBT001 - a table's column
    """PS1: from three ether, down is free, up to the configured ten or letting go needs name and reason."""
    state = after(pull("max_trade_eth", "3"))
    unexplained = pull("max_trade_eth", value, operator, reason)
    assert judged(unexplained, state) == ("" if free else "lever.unexplained")
    assert judged(pull("max_trade_eth", value), state) == ""
    assert (after(unexplained, state=state) == state) == (not free)
    assert said(state, unexplained) == (["INFO lever.set"] if free else ["ERROR lever.refused"])
    assert said(state, pull("max_trade_eth", value)) == [f"{'INFO' if free else 'WARNING'} lever.set"]


def test_what_is_in_force_is_the_tighter_of_both() -> None:
    """PS1: several levers at once, each in its own unit; what none touches stays as configured."""
    state = after(
        pull("max_trade_eth", "2"),
        pull("max_trade_usd", "99.99"),
        pull("max_positions", "1"),
        pull("max_fees_per_day_eth", "0.1"),
        pull("gas_reserve_eth", "0.5"),
        pull("max_gas_price_gwei", "30"),
    )
    limits = in_force(state, CONFIGURED)
    assert limits.trade == msgspec.structs.replace(
        CONFIGURED.trade,
        max_trade_wei=2 * ETHER,
        max_trade_micro_usd=9_999 * USD // 100,
        gas_reserve_wei=ETHER // 2,
    )
    assert limits.positions == msgspec.structs.replace(CONFIGURED.positions, max_positions=1)
    assert limits.fees == msgspec.structs.replace(CONFIGURED.fees, max_day_wei=ETHER // 10)
    assert limits.gas == msgspec.structs.replace(CONFIGURED.gas, max_fee_per_gas_wei=30 * GWEI)
    assert in_force(Levers(), CONFIGURED) is CONFIGURED


def test_an_edited_file_never_loosens_a_lever_nor_a_lever_the_file() -> None:
    """PS1: after a restart with other values the tighter still counts; the lever alone sets an unset one."""
    state = after(pull("max_trade_eth", "5"))
    for configured, expected in ((3 * ETHER, 3 * ETHER), (50 * ETHER, 5 * ETHER), (None, 5 * ETHER)):
        edited = msgspec.structs.replace(CONFIGURED, trade=TradeLimits(max_trade_wei=configured))
        assert in_force(state, edited).trade.max_trade_wei == expected


def test_letting_go_brings_the_configured_value_back() -> None:
    """PS1, PS4a: an empty value lets a lever go; one that is not set is said not to be."""
    state = after(pull("max_trade_eth", "2"), pull("max_trade_eth"))
    assert state == Levers()
    assert in_force(state, CONFIGURED) == CONFIGURED
    assert judged(pull("max_trade_eth"), state) == "lever.not-set"


# --- what holds a request back


@pytest.mark.parametrize(
    ("value", "fee_gwei", "expected"), [("40", 40, ""), ("40", 41, "limits.max_gas_price_gwei")]
)
def test_the_gas_price(value: str, fee_gwei: int, expected: str) -> None:
    """PS4a: at the lever it passes, above it does not; with none pulled the configured 200 gwei count."""
    state = after(pull("max_gas_price_gwei", value))
    assert rule(state, fee_per_gas_wei=fee_gwei * GWEI) == expected
    assert rule(Levers(), fee_per_gas_wei=200 * GWEI) == ""
    assert rule(Levers(), fee_per_gas_wei=200 * GWEI + 1) == "limits.max_gas_price_gwei"


@pytest.mark.parametrize(
    ("profit_wei", "expected"), [(ETHER // 100, ""), (ETHER // 100 - 1, "limits.min_profit_eth")]
)
def test_the_least_profit(profit_wei: int, expected: str) -> None:
    """PS4a: at the lever it passes, one wei below it does not; it is asked of cycles only."""
    state = after(pull("min_profit_eth", "0.01"))
    assert rule(state, profit_wei=profit_wei) == expected
    assert rule(Levers(), profit_wei=ETHER // 1_000 - 1) == "limits.min_profit_eth"
    assert rule(state, profit_wei=profit_wei, cycle=False) == ""
    refusal = check(state, CONFIGURED, msgspec.structs.replace(CYCLE, profit_wei=-ETHER), NOON_NS)
    assert refusal is not None
    assert (refusal.limit, refusal.observed, refusal.unit) == ("0.01", "-1", "ETH")


def test_no_such_limit_holds_nothing_back() -> None:
    """PS4a: what is neither configured nor pulled is no limit."""
    free = LeverLimits(gas=GasLimits(max_fee_per_gas_wei=None))
    assert rule(Levers(), free, fee_per_gas_wei=10**30, profit_wei=-(10**30)) == ""


@pytest.mark.parametrize(
    ("kind", "value", "others"),
    [
        ("token", TOKEN, {"tokens": (WETH, OTHER, WETH)}),
        ("pair", f"{OTHER}/{TOKEN}", {"tokens": (WETH, OTHER, WETH)}),
        ("pair", f"{WETH}/{TOKEN}", {"tokens": (WETH, OTHER, WETH)}),
        ("pool", POOL, {"pools": (ROUTER,)}),
        ("router", ROUTER, {"router": POOL}),
    ],
)
def test_blocks(kind: str, value: str, others: dict[str, Any]) -> None:
    """PS4a: what touches a blocked token, pair, pool or router is refused by name; the rest goes on."""
    state = after(pull(f"block_{kind}", value, reason="drained"))
    assert rule(state) == f"lever.block_{kind}"
    assert rule(state, **others) == ""
    refusal = check(state, CONFIGURED, CYCLE, NOON_NS)
    assert refusal is not None
    assert refusal.message == f"{kind} blocked by ada: drained"
    assert rule(after(pull(f"unblock_{kind}", value), state=state)) == ""
    assert after(pull(f"unblock_{kind}", value), state=state) == Levers()


def test_addresses_of_any_case_are_the_same() -> None:
    """PS4a: a checksummed address blocks, and is blocked as, the lower-case one."""
    state = after(
        *[pull(f"block_{kind}", POOL.upper().replace("X", "x")) for kind in ("token", "pool", "router")]
    )
    for field, value in (("tokens", (POOL.upper(),)), ("pools", (POOL.upper(),)), ("router", POOL.upper())):
        changes: dict[str, Any] = {"tokens": (), "pools": (), "router": ""} | {field: value}
        assert rule(state, **changes) != ""


def test_pairs_that_share_a_token_are_let_go_one_by_one() -> None:
    """PS4a: unblocking one pair leaves the other blocked."""
    state = after(pull("block_pair", f"{TOKEN}/{OTHER}"), pull("block_pair", f"{TOKEN}/{WETH}"))
    state = after(pull("unblock_pair", f"{TOKEN}/{OTHER}"), state=state)
    assert rule(state, tokens=(TOKEN, OTHER)) == ""
    assert rule(state, tokens=(OTHER, WETH)) == ""
    assert rule(state, tokens=(TOKEN, WETH)) == "lever.block_pair"


@pytest.mark.parametrize("kind", ["token", "pair", "pool", "router"])
def test_the_way_out_stays_free(kind: str) -> None:
    """PS4a, SL1: exits pass every lever but a blocked router; cancels pass them all."""
    value = f"{TOKEN}/{OTHER}" if kind == "pair" else {"token": TOKEN, "pool": POOL, "router": ROUTER}[kind]
    state = after(pull(f"block_{kind}", value), pull("max_gas_price_gwei", "0"))
    assert rule(state, action=Action.REDUCE) == ("lever.block_router" if kind == "router" else "")
    assert rule(state, action=Action.CANCEL) == ""


# --- who, why, when; orders


@pytest.mark.parametrize(
    "event",
    [
        pull("block_token", TOKEN),
        pull("unblock_token", TOKEN),
        pull("close_position", "position"),
        pull("cancel_transaction", HASH),
    ],
)
@pytest.mark.parametrize("missing", ["operator", "reason"])
def test_blocks_and_orders_need_name_and_reason(event: LeverSet, missing: str) -> None:
    """PS4a: by name and reason; without either it is refused, told, and changes nothing."""
    nameless = msgspec.structs.replace(event, **{missing: " "})
    state = after(pull("block_token", TOKEN))
    assert judged(nameless, state) == "lever.unexplained"
    assert said(state, nameless) == ["ERROR lever.refused"]
    assert after(nameless, state=state) == state


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (pull("no_such", "1"), "lever.unknown"),
        (pull("max_trade_eth", "many"), "lever.value"),
        (pull("unblock_token", TOKEN), "lever.not-set"),
        (pull("max_trade_eth", "1", operator="a" * 101), "lever.too-long"),
        (pull("max_trade_eth", "1", reason="b" * 501), "lever.too-long"),
    ],
)
def test_what_cannot_be_pulled(event: LeverSet, expected: str) -> None:
    """PS4a: each mistake has its name, is told, and changes nothing."""
    assert judged(event) == expected
    assert said(Levers(), event) == ["ERROR lever.refused"]
    assert after(event) == Levers()


def test_the_list_says_who_why_and_when() -> None:
    """PS4a: every lever that is pulled and every order that waits, oldest first."""
    state = after(pull("block_token", TOKEN, "bob", "honeypot"), at_ns=NOON_NS + 1)
    state = after(pull("max_trade_eth", "2.50", "", ""), state=state, at_ns=NOON_NS + 2)
    state = after(pull("close_position", "position"), state=state, at_ns=NOON_NS + 3)
    assert [
        (each.lever, each.value, each.operator, each.reason, each.at_ns - NOON_NS) for each in listing(state)
    ] == [
        ("block_token", TOKEN, "bob", "honeypot", 1),
        ("max_trade_eth", "2.5", "", "", 2),
        ("close_position", "position", "ada", "because", 3),
    ]


def test_orders_are_carried_out_by_others() -> None:
    """PS4a: closing becomes the exits' own order, a cancel the executor's; a setting orders nothing."""
    assert order(pull("close_position", "position")) == ExitOrdered(("position",), "ada", "because")
    assert order(pull("cancel_transaction", HASH)) == CancelOrdered(HASH, "ada", "because")
    for other in (pull("max_trade_eth", "1"), pull("block_token", TOKEN), pull("no_such", "1")):
        assert order(other) is None


@pytest.mark.parametrize(
    ("event", "done"),
    [
        (pull("close_position", "position"), Closed("position", Wei(1), Wei(1))),
        (pull("cancel_transaction", HASH), Released("intent", HASH)),
        (pull("cancel_transaction", HASH), settled(tx_hash=HASH)),
    ],
)
def test_an_order_waits_until_it_is_done_or_lapses(event: LeverSet, done: RiskEvent) -> None:
    """PS4a: done, it is gone; else it is given up after ten minutes, which is told, and never comes back."""
    state = after(event)
    assert len(state.orders) == 1
    assert after(done, state=state).orders == {}
    late_ns = NOON_NS + 600 * S
    assert len(after(Ticked(), state=state, at_ns=late_ns - 1).orders) == 1
    assert said(state, Ticked(), late_ns) == ["WARNING lever.lapsed"]
    assert after(Ticked(), state=state, at_ns=late_ns) == Levers()
    assert after(Closed("other", Wei(1), Wei(1)), Released("x"), settled(tx_hash=""), state=state) == state


def test_the_state_is_bounded_and_outlives_a_restart() -> None:
    """PS4a: so many blocks and orders and no more; the same out of a snapshot; nothing for nothing."""
    orders = after(*[pull("close_position", f"p-{number}") for number in range(64)])
    assert judged(pull("close_position", "one-more"), orders) == "lever.full"
    assert judged(pull("close_position", "p-1"), orders) == ""
    tokens = [f"0x{number:040x}" for number in range(1_000)]
    blocks = after(*[pull("block_token", token) for token in tokens])
    assert judged(pull("block_token", TOKEN), blocks) == "lever.full"
    assert judged(pull("block_token", tokens[5]), blocks) == ""
    state = after(pull("block_pair", f"{TOKEN}/{OTHER}"), pull("max_trade_eth", "1"), state=orders)
    assert from_json(to_json(state), Levers) == state
    assert step(state, CONFIGURED, Ticked(), NOON_NS)[0] is state
