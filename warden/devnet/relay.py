"""The calls by which an endpoint plays a private relay: what it is given goes to the chain, or is dropped.

It hides nothing: the devnet has nobody to hide from. What it keeps of a relay is the last block of a
transaction, and that it takes one back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from warden.devnet.distortions import Answer, Call, refusal, result
from warden.devnet.transactions import PRIVATE_CANCEL, PRIVATE_SEND
from warden.domain.errors import EndpointRefused

if TYPE_CHECKING:
    from warden.devnet.node import NodeClient

RELAY_METHODS: Final = frozenset({PRIVATE_SEND, PRIVATE_CANCEL})


async def relayed(call: Call, node: NodeClient) -> Call | Answer:
    """Return what the node is asked in a relay's call's place, or the answer; other calls as they are."""
    if call.method not in RELAY_METHODS:
        return call
    given: Any = call.params[0] if isinstance(call.params, list) and call.params else None
    if not isinstance(given, dict):
        return refusal(call, -32602, "one object is expected")
    if call.method == PRIVATE_CANCEL:
        return await _dropped(call, str(given.get("txHash", "")), node)
    last = given.get("maxBlockNumber")
    if last is not None and int(str(last), 16) <= await node.call_int("eth_blockNumber"):
        return refusal(call, -32000, "its last block has passed")
    return Call(method="eth_sendRawTransaction", params=[given.get("tx")], id=call.id)


async def _dropped(call: Call, tx_hash: str, node: NodeClient) -> Answer:
    try:
        dropped = await node.call("anvil_dropTransaction", tx_hash)
    except EndpointRefused:
        return result(call, value=False)
    return result(call, value=dropped is not None)
