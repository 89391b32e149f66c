"""Simulations on paper: the real method on the real chain, for a wallet whose money is in the journal alone.

The chain knows no paper wallet. So the simulated block begins with two calls of ours: the wallet wraps native
coin, which it has in the simulation only, and lets the router spend it. What follows is asked and answered as
for any wallet: honeypots, taxes and lies are found on paper as they are live. Gas is the fill model's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from warden.domain.errors import EndpointRefused
from warden.executor.reads import calldata
from warden.executor.reads.simulation import METHOD
from warden.runtime.rpc import JsonRpc

if TYPE_CHECKING:
    from warden.executor.protocol.commands import Simulate
    from warden.executor.protocol.terms import Terms

_ESTIMATE: Final = "eth_estimateGas"
_UNLIMITED: Final = 2**256 - 1
# More than gas can cost in any simulation.
_FOR_GAS_WEI: Final = 10**24
_GAS: Final = 200_000
_GIFTS: Final = 2


class FundedRpc(JsonRpc):
    """Asks through another connection, with money for what `order` spends of the wrapped native token.

    Args:
        rpc: the connection.
        terms: wallet, router and wrapped native token.
        order: what is simulated.
        amount_wei: what it spends.
        gas: what the model says that it burns, in units.
    """

    def __init__(self, rpc: JsonRpc, terms: Terms, order: Simulate, amount_wei: int, gas: int) -> None:
        self._rpc = rpc
        self._wallet = terms.wallet.lower()
        self._gas = gas
        self._amount_wei = amount_wei
        self._gifts = [
            self._call(terms.weth, calldata.DEPOSIT, value_wei=amount_wei),
            self._call(terms.weth, calldata.approve(order.to, _UNLIMITED)),
        ]

    def batch_of_either(self, calls: list[tuple[str, list[Any]]]) -> list[Any]:
        """Return the results as a JsonRpc does, gas by the model and simulations with money."""
        asked = [self._funded(method, parameters) for method, parameters in calls if method != _ESTIMATE]
        answers = iter(self._rpc.batch_of_either(asked) if asked else [])
        return [
            hex(self._gas) if method == _ESTIMATE else _without_gifts(method, next(answers))
            for method, _ in calls
        ]

    def _call(self, to: str, data: bytes, *, value_wei: int = 0) -> dict[str, str]:
        call = {"from": self._wallet, "to": to, "data": "0x" + data.hex(), "gas": hex(_GAS)}
        return call | ({"value": hex(value_wei)} if value_wei else {})

    def _funded(self, method: str, parameters: list[Any]) -> tuple[str, list[Any]]:
        if method != METHOD:
            return method, parameters
        what, at = parameters
        first, *rest = what["blockStateCalls"]
        rich = {self._wallet: {"balance": hex(self._amount_wei + _FOR_GAS_WEI)}}
        overrides = first.get("stateOverrides", {}) | rich
        first = first | {"stateOverrides": overrides, "calls": [*self._gifts, *first["calls"]]}
        return method, [what | {"blockStateCalls": [first, *rest]}, at]


def _without_gifts(method: str, answer: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a simulation's answer without our own two calls; what has another form is left to its reader."""
    if method != METHOD or isinstance(answer, EndpointRefused) or not isinstance(answer, list) or not answer:
        return answer
    first, *rest = answer
    if not isinstance(first, dict) or not isinstance(first.get("calls"), list):
        return answer
    return [first | {"calls": first["calls"][_GIFTS:]}, *rest]
