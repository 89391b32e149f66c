"""Levers that an operator pulls at run time, each kept with who, why and when (PS1, PS4a).

A lever only ever tightens: `in_force` takes the tighter of lever and configuration, whatever was pulled or
edited when. Lowering is free; what loosens again, up to the configured value and no further, needs an
operator and a reason, as do blocks and orders. The executor asks `judge` before it journals a `LeverSet`,
folds it by `step`, makes its limits anew by `in_force`, and carries out what `order` says.

Blocks of tokens, pairs and pools hold back what opens; the way out of a position stays free. A blocked router
gets nothing at all: what is sent to it may be what is to be feared. Gas price and minimum profit hold back
what opens; the minimum profit is of cycles, whose profit the chain enforces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from warden.domain.modes import Action
from warden.domain.money import WEI_PER_GWEI, Wei
from warden.domain.risk.events import (
    NS_PER_S,
    OPENS,
    Closed,
    ExitOrdered,
    LeverSet,
    Released,
    Request,
    RiskEvent,
    Settled,
)
from warden.domain.risk.fees import FeeLimits
from warden.domain.risk.findings import Finding, Noted, Weight
from warden.domain.risk.lever_table import (
    CANCEL_TRANSACTION,
    CLOSE_POSITION,
    NUMBERS,
    Pulled,
    parse,
)
from warden.domain.risk.position_limits import PositionLimits
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.thresholds import TradeLimits

if TYPE_CHECKING:
    from collections.abc import Mapping

_BLOCKED_MAX: Final = 1_000
_ORDERS: Final = (CLOSE_POSITION, CANCEL_TRANSACTION)
_ORDERS_MAX: Final = 64
_ORDER_LIFE_NS: Final = 600 * NS_PER_S
_NEVER_NS: Final = 2**63 - 1
_OPERATOR_MAX: Final = 100
_REASON_MAX: Final = 500
_GAS_PRICE: Final = "max_gas_price_gwei"
_PROFIT: Final = "min_profit_eth"
_RUNBOOK: Final = "manual-intervention"

Value = TypeVar("Value")


class GasLimits(msgspec.Struct, frozen=True):
    """The limits that no rule but this one checks; None: not configured."""

    max_fee_per_gas_wei: int | None = 200 * WEI_PER_GWEI
    min_profit_wei: int | None = None


class LeverLimits(msgspec.Struct, frozen=True):
    """Every limit that a lever may tighten: as configured, or, out of `in_force`, as it counts now."""

    gas: GasLimits = GasLimits()
    trade: TradeLimits = TradeLimits()
    positions: PositionLimits = PositionLimits()
    fees: FeeLimits = FeeLimits()


class Pull(msgspec.Struct, frozen=True):
    """A lever that is pulled: its value as text (a number's base units in `amount`), by whom, why, when."""

    lever: str
    value: str
    operator: str
    reason: str
    at_ns: int
    amount: Wei = Wei(0)


class Levers(msgspec.Struct, frozen=True):
    """The state.

    Attributes:
        numbers: by lever.
        tokens, pools, routers, pairs: blocks by lower-case address; a pair is `0xaa/0xbb`, sorted.
        partners: the tokens that each token of a blocked pair may not be traded with.
        orders: what is to be done once, by lever and value, until it is or lapses.
        next_lapse_ns: no order lapses before.
    """

    numbers: dict[str, Pull] = {}
    tokens: dict[str, Pull] = {}
    pairs: dict[str, Pull] = {}
    pools: dict[str, Pull] = {}
    routers: dict[str, Pull] = {}
    partners: dict[str, tuple[str, ...]] = {}
    orders: dict[str, Pull] = {}
    next_lapse_ns: int = _NEVER_NS


class CancelOrdered(msgspec.Struct, frozen=True):
    """An operator wants one transaction replaced by nothing."""

    tx_hash: str
    operator: str
    reason: str


# --- on the hot path


def check(state: Levers, limits: LeverLimits, request: Request, _at_ns: int) -> Refusal | None:
    """Return why a lever holds the request back, or None."""
    if state.routers:
        pull = state.routers.get(request.router.lower())
        if pull is not None and request.action is not Action.CANCEL:
            return _blocked("router", pull)
    if request.action is not OPENS:
        return None
    cap, least = limits.gas.max_fee_per_gas_wei, limits.gas.min_profit_wei
    numbers = state.numbers
    if _GAS_PRICE in numbers:
        cap = _number_in_force(numbers, _GAS_PRICE, cap)
    if _PROFIT in numbers:
        least = _number_in_force(numbers, _PROFIT, least)
    if cap is not None and request.fee_per_gas_wei > cap:
        return _beyond(_GAS_PRICE, "gas is dearer than allowed", cap, request.fee_per_gas_wei)
    if least is not None and request.cycle and request.profit_wei < least:
        return _beyond(_PROFIT, "less profit than asked for is certain", least, request.profit_wei)
    return _block(state, request) if state.tokens or state.pools or state.partners else None


def _block(state: Levers, request: Request) -> Refusal | None:
    tokens, pools = list(map(str.lower, request.tokens)), list(map(str.lower, request.pools))
    # What is in none of the tables needs no walk to find out which one it is in.
    if (
        state.tokens.keys().isdisjoint(tokens)
        and state.partners.keys().isdisjoint(tokens)
        and state.pools.keys().isdisjoint(pools)
    ):
        return None
    for token in tokens:
        if token in state.tokens:
            return _blocked("token", state.tokens[token])
        for partner in state.partners.get(token, ()):
            if partner in tokens:
                return _blocked("pair", state.pairs["/".join(sorted((token, partner)))])
    for pool in pools:
        if pool in state.pools:
            return _blocked("pool", state.pools[pool])
    return None


def _blocked(kind: str, pull: Pull) -> Refusal:
    message = f"{kind} blocked by {pull.operator}: {pull.reason}"
    return Refusal(f"lever.block_{kind}", message, "blocked", pull.value, "", f"lever unblock_{kind}")


def _beyond(lever: str, message: str, limit: int, observed: int) -> Refusal:
    number, rule = NUMBERS[lever], f"limits.{lever}"
    seen = f"-{number.text(-observed)}" if observed < 0 else number.text(observed)
    return Refusal(rule, message, number.text(limit), seen, number.unit.value, rule)


def _number_in_force(pulls: Mapping[str, Pull], lever: str, configured: int | None) -> int | None:
    pull = pulls.get(lever)
    if pull is None:
        return configured
    return pull.amount if configured is None else NUMBERS[lever].tighter(pull.amount, configured)


# --- at events


def in_force(state: Levers, configured: LeverLimits) -> LeverLimits:
    """Return the limits as they count now: of lever and configuration the tighter."""
    for lever in state.numbers:
        number = NUMBERS[lever]
        part = getattr(configured, number.part)
        amount = _number_in_force(state.numbers, lever, getattr(part, number.field))
        part = msgspec.structs.replace(part, **{number.field: amount})
        configured = msgspec.structs.replace(configured, **{number.part: part})
    return configured


def judge(state: Levers, configured: LeverLimits, event: LeverSet) -> Refusal | None:
    """Return why the lever may not be pulled so, in one line with the mend, or None."""
    pulled = parse(event.lever, event.value)
    if isinstance(pulled, Refusal):
        return pulled
    number = NUMBERS.get(pulled.lever)
    if number is not None and pulled.text:
        base = getattr(getattr(configured, number.part), number.field)
        if base is not None and number.looser(pulled.amount, base):
            message = "a lever cannot go beyond the configured value: edit warden.toml and restart"
            key = f"limits.{pulled.lever}"
            return Refusal("lever.beyond", message, number.text(base), pulled.text, number.unit.value, key)
    return _refusal(state, pulled, event)


def order(event: LeverSet) -> ExitOrdered | CancelOrdered | None:
    """Return what the executor is to do once for a lever that `judge` let through; None for a setting."""
    pulled = parse(event.lever, event.value)
    if isinstance(pulled, Refusal):
        return None
    if pulled.lever == CLOSE_POSITION:
        return ExitOrdered((pulled.text,), event.operator, event.reason)
    if pulled.lever == CANCEL_TRANSACTION:
        return CancelOrdered(pulled.text, event.operator, event.reason)
    return None


def listing(state: Levers) -> tuple[Pull, ...]:
    """Return every lever that is pulled and every order that waits, oldest first."""
    kinds = (state.numbers, state.tokens, state.pairs, state.pools, state.routers, state.orders)
    return tuple(sorted((pull for kind in kinds for pull in kind.values()), key=lambda pull: pull.at_ns))


def step(
    state: Levers, _configured: LeverLimits, event: RiskEvent, at_ns: int
) -> tuple[Levers, tuple[Finding, ...]]:
    """Return the state after an event, and what there is to say.

    What cannot be meant changes nothing and is told. The configuration has no say here, so that a journal
    tells the same after warden.toml was edited: beyond it nothing counts anyway (`in_force`).
    """
    state, findings = _lapse(state, at_ns)
    if isinstance(event, LeverSet):
        state, more = _pull(state, event, at_ns)
        return state, findings + more
    if isinstance(event, Closed):
        return _done(state, f"{CLOSE_POSITION} {event.position_id}"), findings
    if isinstance(event, Settled):
        return _done(state, f"{CANCEL_TRANSACTION} {event.trade.tx_hash.lower()}"), findings
    if isinstance(event, Released):
        return _done(state, f"{CANCEL_TRANSACTION} {event.tx_hash.lower()}"), findings
    return state, findings


def _pull(state: Levers, event: LeverSet, at_ns: int) -> tuple[Levers, tuple[Finding, ...]]:
    pulled = parse(event.lever, event.value)
    refusal = pulled if isinstance(pulled, Refusal) else _refusal(state, pulled, event)
    if isinstance(pulled, Refusal) or refusal is not None:
        said = "" if refusal is None else refusal.message
        return state, (Noted(Weight.ERROR, "lever.refused", said, runbook=_RUNBOOK),)
    loosens = _loosens(state, pulled)
    pull = Pull(pulled.lever, pulled.text, event.operator, event.reason, at_ns, pulled.amount)
    text = f"{pulled.lever} {pulled.text or 'let go'} by {event.operator or 'nobody named'}: {event.reason}"
    noted = Noted(Weight.WARNING if loosens else Weight.INFO, "lever.set", text, runbook=_RUNBOOK)
    return _set(state, pull), (noted,)


def _set(state: Levers, pull: Pull) -> Levers:
    lever, value = pull.lever, pull.value
    if lever in NUMBERS:
        numbers = {**state.numbers, lever: pull} if value else _without(state.numbers, lever)
        return msgspec.structs.replace(state, numbers=numbers)
    if lever in _ORDERS:
        lapse_ns = min(state.next_lapse_ns, pull.at_ns + _ORDER_LIFE_NS)
        orders = {**state.orders, f"{lever} {value}": pull}
        return msgspec.structs.replace(state, orders=orders, next_lapse_ns=lapse_ns)
    before = _blocks(state, lever)
    blocks = {**before, value: pull} if lever.startswith("block") else _without(before, value)
    state = msgspec.structs.replace(state, **{_field(lever): blocks})
    return msgspec.structs.replace(state, partners=_partners(blocks)) if lever.endswith("_pair") else state


def _partners(pairs: Mapping[str, Pull]) -> dict[str, tuple[str, ...]]:
    partners: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        first, _, second = pair.partition("/")
        partners[first] = (*partners.get(first, ()), second)
        partners[second] = (*partners.get(second, ()), first)
    return partners


def _refusal(state: Levers, pulled: Pulled, event: LeverSet) -> Refusal | None:
    if len(event.operator) > _OPERATOR_MAX or len(event.reason) > _REASON_MAX:
        message = f"a name has at most {_OPERATOR_MAX} characters, a reason {_REASON_MAX}: say it shorter"
        return Refusal("lever.too-long", message)
    if not _is_tightened(state, pulled) and not (event.operator.strip() and event.reason.strip()):
        return Refusal("lever.unexplained", f"{pulled.lever} needs an operator's name and a reason")
    return _absent(state, pulled) or _full(state, pulled)


def _absent(state: Levers, pulled: Pulled) -> Refusal | None:
    lever, value = pulled.lever, pulled.text
    if lever in NUMBERS:
        absent = not value and lever not in state.numbers
    else:
        absent = lever.startswith("unblock") and value not in _blocks(state, lever)
    what = " ".join(filter(None, (lever, value)))
    return Refusal("lever.not-set", f"{what}: nothing to let go of; list the levers") if absent else None


def _full(state: Levers, pulled: Pulled) -> Refusal | None:
    lever, value = pulled.lever, pulled.text
    if lever in _ORDERS and f"{lever} {value}" not in state.orders and len(state.orders) >= _ORDERS_MAX:
        return Refusal("lever.full", f"{_ORDERS_MAX} orders wait already: let them be done first")
    if lever.startswith("block"):
        blocked = _blocks(state, lever)
        if value not in blocked and len(blocked) >= _BLOCKED_MAX:
            return Refusal("lever.full", f"{_BLOCKED_MAX} are blocked already: unblock some, or stop trading")
    return None


def _blocks(state: Levers, lever: str) -> dict[str, Pull]:
    """Return the blocks that a lever called `block_<kind>` or `unblock_<kind>` is about."""
    blocks: dict[str, Pull] = getattr(state, _field(lever))
    return blocks


def _field(lever: str) -> str:
    return f"{lever.partition('_')[2]}s"


def _is_tightened(state: Levers, pulled: Pulled) -> bool:
    """Tell whether it lowers a limit, which is free; blocks and orders are never so."""
    return pulled.lever in NUMBERS and bool(pulled.text) and not _loosens(state, pulled)


def _loosens(state: Levers, pulled: Pulled) -> bool:
    before = state.numbers.get(pulled.lever)
    if pulled.lever not in NUMBERS:
        return pulled.lever.startswith("unblock")
    if not pulled.text:
        return True
    return before is not None and NUMBERS[pulled.lever].looser(pulled.amount, before.amount)


def _lapse(state: Levers, at_ns: int) -> tuple[Levers, tuple[Finding, ...]]:
    if at_ns < state.next_lapse_ns:
        return state, ()
    waiting = {key: pull for key, pull in state.orders.items() if at_ns - pull.at_ns < _ORDER_LIFE_NS}
    lapse_ns = min((pull.at_ns + _ORDER_LIFE_NS for pull in waiting.values()), default=_NEVER_NS)
    findings = tuple(
        Noted(Weight.WARNING, "lever.lapsed", f"{key}: not done in 10 min, given up", runbook=_RUNBOOK)
        for key in state.orders
        if key not in waiting
    )
    return msgspec.structs.replace(state, orders=waiting, next_lapse_ns=lapse_ns), findings


def _done(state: Levers, key: str) -> Levers:
    if key not in state.orders:
        return state
    return msgspec.structs.replace(state, orders=_without(state.orders, key))


def _without(values: Mapping[str, Value], key: str) -> dict[str, Value]:
    return {each: value for each, value in values.items() if each != key}
