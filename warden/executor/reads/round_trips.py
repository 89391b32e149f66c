"""Buys, approves and sells again all that came, in a simulation: an opening needs a way out (EX7).

The sale stands in a block of its own after the purchase, as it would on the chain: a token that lets nobody
sell in the same block is no honeypot for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.risk import asset_changes
from warden.domain.risk.round_trip import RoundTrip
from warden.executor.reads import calldata
from warden.executor.reads.simulation import METHOD, Look, Result, Unreadable, block, payload, results

if TYPE_CHECKING:
    from warden.domain.risk.asset_changes import Changes
    from warden.executor.protocol.commands import Simulate
    from warden.executor.reads.simulation import Call
    from warden.runtime.rpc import JsonRpc

_NO_DEADLINE: Final = 2**256 - 1
_NOTHING: Final = {"0x", "", None}


def sold_again(rpc: JsonRpc, look: Look, answer: object, changes: Changes) -> RoundTrip:
    """Return what came of selling what a purchase brought, on the block that the purchase was simulated on.

    Args:
        rpc: where to ask.
        look: the purchase.
        answer: what the node answered to it.
        changes: what it changed.

    Raises:
        EndpointFailed, EndpointRefused: no usable answer.
        Unreadable: an answer of another form.
    """
    order, wallet = look.order, look.wallet
    router = order.sell_at or order.to
    token = order.path[-1].lower()
    amount = asset_changes.came(changes, token)
    if amount <= 0:
        return RoundTrip(token, paid=0, came=amount, quoted_wei=0, sold_wei=0)
    standing = look.before(answer, token, router.lower()) or 0
    approvals = [look.call(token, calldata.approve(router, each)) for each in steps(standing, amount)]
    back = tuple(reversed(order.path))
    proceeds = {"to": back[-1], "data": calldata.balance_of(wallet)}
    left = {"to": token, "data": calldata.balance_of(wallet)}
    calls: list[Call] = [
        *approvals,
        {"to": token, "data": calldata.allowance(wallet, router)},
        {"to": router, "data": calldata.amounts_out(amount, back)},
        left,
        proceeds,
        look.call(router, calldata.counted_swap(amount, 0, back, wallet, _NO_DEADLINE)),
        left,
        proceeds,
        {"to": token, "data": calldata.DECIMALS},
    ]
    first = [*_quotes(order), look.call()]
    asked = [block(order, first), block(order, calls, later_s=1)]
    made = results(rpc.call(METHOD, *payload(asked, look.parent)), [len(first), len(calls)])
    if not made[0][-1].success:
        raise Unreadable("a purchase that succeeded failed when it was asked once more")
    # What another contract pays with says nothing of a pool.
    paid = amount if order.sell_at else _last(made[0][0])
    return _trip(token, paid, amount, made[1][: len(approvals)], made[1][len(approvals) :])


def _quotes(order: Simulate) -> list[Call]:
    """Return the question what the pools pay out for a purchase, right before it; of another contract none.

    Raises:
        Unreadable: it is no swap of the router's.
    """
    if order.sell_at:
        return []
    swap = calldata.swap_of(order.data)
    if swap is None:
        raise Unreadable("a purchase that is no swap of the router's")
    return [{"to": order.to, "data": calldata.amounts_out(swap[0], order.path)}]


def steps(standing: int, wanted: int) -> tuple[int, ...]:
    """Return the amounts to approve one after the other: some tokens must be set to zero in between (EX7)."""
    if standing == wanted:
        return ()
    return (wanted,) if standing == 0 or wanted == 0 else (0, wanted)


def approved(result: Result) -> bool:
    """Tell whether an approval says that it worked; a token that says nothing leaves it to its revert."""
    return result.success and (result.answer in _NOTHING or result.uint() not in {0, None})


def _trip(token: str, paid: int, amount: int, approvals: list[Result], rest: list[Result]) -> RoundTrip:
    allowance, quote, had, before, sale, has, after, decimals = rest
    failed, at = "", ""
    refused = next((each for each in approvals if not approved(each)), None)
    if refused is not None:
        failed, at = (refused.error if not refused.success else "its approve answers false"), "approve"
    elif (allowance.uint() or 0) < amount:
        failed, at = "its approve sets no allowance", "approve"
    elif not sale.success:
        failed, at = sale.error, "sold"
    quoted = _last(quote)
    one, other = before.uint(), after.uint()
    sold = 0 if one is None or other is None or failed else other - one
    # What it has left of what came: rebasing, or a balance that no sale lowers.
    kept = 0 if failed else _kept(had.uint(), has.uint(), amount)
    gas = sum(each.gas for each in approvals) + sale.gas
    return RoundTrip(
        token, paid, amount, quoted, sold, failed, at, kept=kept, exit_gas=gas, decimals=decimals.uint()
    )


def _kept(had: int | None, has: int | None, amount: int) -> int:
    return amount if had is None or has is None else abs(amount - (had - has))


def _last(result: Result) -> int:
    """Return what the router says that the last pool pays out, 0 where it does not say."""
    try:
        return calldata.last_uint(result.answer) if result.success else 0
    except ValueError:
        return 0
