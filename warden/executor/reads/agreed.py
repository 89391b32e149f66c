"""Reads that several endpoints agree on: one that lies neither feeds the executor nor stops it (ES2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.errors import EndpointFailed, EndpointRefused
from warden.executor.reads import calldata

if TYPE_CHECKING:
    from collections.abc import Container

    from warden.runtime.rpc import JsonRpc

METHOD: Final = "warden_agreed"


class Block(msgspec.Struct, frozen=True):
    """The newest block that enough endpoints have: what was read is the state at its hash."""

    number: int
    hash: str
    timestamp_s: int
    base_fee_wei: int


def agreed(
    rpc: JsonRpc, calls: list[tuple[str, list[Any]]], *, optional: Container[int] = ()
) -> tuple[Block, list[Any]]:
    """Return the results of several calls in order, and the block at which all of them are.

    Whatever block the calls name, that one is put in by the gateway. A receipt of a later block is None, and
    so is what endpoints refuse together of the calls whose place is `optional`.

    Raises:
        EndpointRefused: endpoints differ, or too few of them answer, or agree on an error for one call.
        EndpointFailed: the gateway gave no usable answer.
    """
    answer = rpc.call(METHOD, [[method, parameters] for method, parameters in calls])
    try:
        block = Block(
            number=calldata.quantity(answer["block"]),
            hash=str(answer["blockHash"]),
            timestamp_s=calldata.quantity(answer["timestamp"]),
            base_fee_wei=calldata.quantity(answer["baseFeePerGas"]),
        )
        results: list[dict[str, Any]] = answer["results"]
        if len(results) != len(calls):
            raise EndpointFailed(f"{METHOD}: {len(results)} answers to {len(calls)} calls")
    except (KeyError, TypeError, ValueError) as error:
        raise EndpointFailed(f"{METHOD}: an answer of another form") from error
    found: list[Any] = []
    for place, ((method, _), result) in enumerate(zip(calls, results, strict=True)):
        if "result" not in result and place not in optional:
            said = result.get("error")
            text = said.get("message", "") if isinstance(said, dict) else said
            raise EndpointRefused(f"{method}: {text}")
        found.append(result.get("result"))
    return block, found
