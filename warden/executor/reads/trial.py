"""Tries a transaction of the wallet's before it is signed, on the chain reader's thread (EX11).

Its gas comes from `eth_estimateGas`, as always: what a simulation used is no limit that it would have run
with. What it would change comes from `eth_simulateV1`; where no endpoint has that, a known router's enforced
minimum and the pools' reserves are the next best, and any other contract is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import EndpointFailed, EndpointRefused
from warden.executor.protocol.events import Simulated, SimulationFailed
from warden.executor.reads import calldata
from warden.executor.reads.round_trips import sold_again
from warden.executor.reads.simulation import METHOD, Look, Unreadable
from warden.executor.reads.witnesses import witnessed

if TYPE_CHECKING:
    from warden.executor.protocol.commands import Simulate
    from warden.executor.reads.pools import Pools
    from warden.runtime.rpc import JsonRpc

# JSON-RPC's own code, and the one of EIP-1474.
_NOT_FOUND_CODES: Final = frozenset({-32601, -32004})
_NOT_FOUND_WORDS: Final = (
    "method not found",
    "method not supported",
    "unsupported method",
    "not whitelisted",
    "does not exist/is not available",
    # What Arbitrum's node says for a method that it knows and cannot do (nitro, issue 3372).
    "method handler crashed",
)
_TEXT_MAX: Final = 300
# Router02's reason where less would arrive than the least amount (UniswapV2Router02.sol).
_ROUTERS_LEAST: Final = "INSUFFICIENT_OUTPUT_AMOUNT"
_TOO_LITTLE: Final = "simulation.brings-too-little"


def simulate(rpc: JsonRpc, order: Simulate, wallet: str, pools: Pools) -> Simulated | SimulationFailed:
    """Return what a call of the wallet's would do; whatever goes wrong is an answer too."""
    try:
        if not order.witnessed:
            return _tried(rpc, order, wallet.lower(), pools)
        at = hex(calldata.quantity(rpc.call("eth_blockNumber")))
        return witnessed(rpc, order, lambda: _tried(rpc, order, wallet.lower(), pools, at))
    except Unreadable as error:
        return _refused(order, str(error), rule="simulation.unreadable")
    except EndpointRefused as error:
        return _refused(order, str(error), rule=_rule_of(order, str(error)))
    except (EndpointFailed, ValueError, KeyError, TypeError, AttributeError) as error:
        text = f"{type(error).__name__}: {error}"[:_TEXT_MAX]
        return SimulationFailed(intent_id=order.intent_id, refused=False, text=text)


def _tried(
    rpc: JsonRpc, order: Simulate, wallet: str, pools: Pools, at: str = ""
) -> Simulated | SimulationFailed:
    # A purchase and its sale must meet the same pools: both stand on the block that is the newest now.
    newest = order.round_trip and not at
    parent = hex(calldata.quantity(rpc.call("eth_blockNumber"))) if newest else at or "latest"
    look = Look(order, wallet, parent)
    found = pools.find(rpc, order.path) if order.path else ()
    judging = [(METHOD, look.parameters())] if order.judged else []
    gas, *rest = rpc.batch_of_either(
        [("eth_estimateGas", [look.estimated(), "latest"]), *judging, *pools.reserves_calls(found)]
    )
    reserves = rest[len(judging) :]
    for each in (gas, *reserves):
        if isinstance(each, EndpointRefused):
            raise each
    told = Simulated(
        intent_id=order.intent_id,
        gas=calldata.quantity(gas),
        pools=found,
        hops=pools.hops(order.path, found, reserves) if order.path else (),
    )
    if not judging:
        return told
    if isinstance(rest[0], EndpointRefused):
        return _next_best(order, rest[0], told)
    return _judged(rpc, look, rest[0], told)


def _judged(rpc: JsonRpc, look: Look, answer: object, told: Simulated) -> Simulated | SimulationFailed:
    """Return what would change, once nothing that the logs name is unwatched."""
    seen = look.read(answer)
    if seen is None:
        answer = rpc.call(METHOD, *look.parameters())
        seen = look.read(answer)
    if seen is None:
        raise Unreadable("the tokens that it touches differ from one try to the next")
    made, changes = seen
    if not made.success:
        return _refused(look.order, f"{METHOD}: {made.error}")
    trip = sold_again(rpc, look, answer, changes) if look.order.round_trip else None
    return msgspec.structs.replace(told, changes=changes, trip=trip)


def _next_best(order: Simulate, error: EndpointRefused, told: Simulated) -> Simulated | SimulationFailed:
    """Return what there is where no endpoint can simulate: the gas, where that is enough."""
    text = str(error).lower()
    missing = error.code in _NOT_FOUND_CODES or any(words in text for words in _NOT_FOUND_WORDS)
    if not missing:
        return SimulationFailed(intent_id=order.intent_id, refused=False, text=str(error)[:_TEXT_MAX])
    if order.required or order.round_trip:
        text = f"no endpoint has {METHOD}: what it would do cannot be told"
        return _refused(order, text, rule="simulation.impossible")
    return told


def _rule_of(order: Simulate, text: str) -> str:
    """Return the rule that the router's own refusal of a purchase stands for; empty: it reverts."""
    return _TOO_LITTLE if order.round_trip and _ROUTERS_LEAST in text else ""


def _refused(order: Simulate, text: str, *, rule: str = "") -> SimulationFailed:
    return SimulationFailed(intent_id=order.intent_id, refused=True, text=text[:_TEXT_MAX], rule=rule)
