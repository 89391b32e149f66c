"""A second endpoint's word on what a transaction would do, where one might lie about it (EX11).

Both are asked at one block. What one says alone is signed on by nobody: not where they differ, and not where
no second one answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import EndpointFailed, EndpointRefused
from warden.executor.protocol.events import Simulated, SimulationFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.executor.protocol.commands import Simulate
    from warden.runtime.rpc import JsonRpc

    Tried = Callable[[], Simulated | SimulationFailed]

_TEXT_MAX: Final = 300


def witnessed(rpc: JsonRpc, order: Simulate, tried: Tried) -> Simulated | SimulationFailed:
    """Return what two endpoints say that a call would do, tried once with each.

    Args:
        rpc: what `tried` asks through.
        order: what is tried.
        tried: asks once, at a block that is the same both times.

    Raises:
        EndpointFailed, EndpointRefused, ValueError: as `tried` does the first time.
    """
    before, rpc.answered_by = rpc.answered_by, set()
    try:
        first = tried()
        if isinstance(first, SimulationFailed):
            return first  # what one will not have is not signed, whatever another says
        if not rpc.answered_by:
            return _alone(order, "nobody says whose word it is")
        rpc.avoid = frozenset(rpc.answered_by)
        try:
            second = tried()
        except (EndpointFailed, EndpointRefused, ValueError, KeyError, TypeError, AttributeError) as error:
            return _alone(order, f"no other answers: {error}")
        return _compared(order, first, second)
    finally:
        rpc.answered_by, rpc.avoid = before, frozenset()


def _compared(
    order: Simulate, first: Simulated, second: Simulated | SimulationFailed
) -> Simulated | SimulationFailed:
    if isinstance(second, SimulationFailed):
        if not second.refused or second.rule:
            return _alone(order, f"no other can tell: {second.text}")
        return _refused(order, "simulation.disputed", f"another endpoint says: {second.text}")
    if (first.changes is None) is not (second.changes is None):
        return _alone(order, "of two only one can simulate")
    if (first.changes, _without_gas(first)) != (second.changes, _without_gas(second)):
        return _refused(order, "simulation.disputed", "two endpoints differ on what it would do")
    # Nodes find the limit by different searches: the larger one holds for both.
    return msgspec.structs.replace(first, gas=max(first.gas, second.gas))


def _without_gas(told: Simulated) -> object:
    return None if told.trip is None else msgspec.structs.replace(told.trip, exit_gas=0)


def _alone(order: Simulate, text: str) -> SimulationFailed:
    return _refused(order, "simulation.one-witness", f"one endpoint's word is not enough: {text}")


def _refused(order: Simulate, rule: str, text: str) -> SimulationFailed:
    return SimulationFailed(intent_id=order.intent_id, refused=True, text=text[:_TEXT_MAX], rule=rule)
