"""The faults that change what is asked or answered: pure functions over JSON-RPC calls.

Each takes a call (or an answer) and gives a call to pass on, or an answer in the node's place.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import msgspec

# A JSON-RPC answer as it stands on the wire: `id` with `result` or `error`.
Answer: TypeAlias = dict[str, Any]

GENESIS_OF_WRONG_CHAIN: Final = "0x" + "0badc0de" * 8

# At which position a method names its block; absent means the latest one.
BLOCK_POSITION: Final = {
    "eth_getBalance": 1,
    "eth_getTransactionCount": 1,
    "eth_getCode": 1,
    "eth_getStorageAt": 2,
    "eth_getProof": 2,
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_createAccessList": 1,
    "eth_simulateV1": 1,
    "eth_feeHistory": 1,
    "eth_getBlockByNumber": 0,
    "eth_getBlockReceipts": 0,
    "eth_getBlockTransactionCountByNumber": 0,
}
HEAD_TAGS: Final = frozenset({"latest", "pending", "safe", "finalized"})
BY_HASH: Final = frozenset({"eth_getTransactionReceipt", "eth_getTransactionByHash", "eth_getBlockByHash"})
LIED_ABOUT: Final = frozenset({"eth_getBalance", "eth_getTransactionCount", "eth_call"})
WORD_BYTES: Final = 32


class Call(msgspec.Struct):
    """One JSON-RPC request; a missing `id` makes it a notification, which is answered all the same."""

    method: str
    params: Any = []
    id: Any = None
    jsonrpc: str = "2.0"


def result(call: Call, value: Any) -> Answer:  # noqa: ANN401 # any JSON
    """Answer a call."""
    return {"jsonrpc": "2.0", "id": call.id, "result": value}


def refusal(call: Call, code: int, message: str) -> Answer:
    """Answer a call with an error."""
    return {"jsonrpc": "2.0", "id": call.id, "error": {"code": code, "message": message}}


def stale_call(call: Call, head: int) -> Call | Answer:
    """Ask as if `head` were the newest block; answer at once what the node cannot."""
    if call.method == "eth_blockNumber":
        return result(call, hex(head))
    if call.method == "eth_getLogs":
        return _stale_logs(call, head)
    position = BLOCK_POSITION.get(call.method)
    if position is None or not isinstance(call.params, list):
        return call
    params = list(call.params)
    if len(params) < position:
        return call  # too few parameters: the node says so
    params += ["latest"] * (position + 1 - len(params))
    named = params[position]
    if isinstance(named, str) and named in HEAD_TAGS:
        params[position] = hex(head)
    elif (number := _quantity(named)) is not None and number > head:
        known_as_missing = call.method.startswith("eth_getBlock")
        return result(call, None) if known_as_missing else refusal(call, -32000, "header not found")
    return Call(method=call.method, params=params, id=call.id)


def stale_answer(call: Call, answer: Answer, head: int) -> Answer:
    """Hide what lies past `head` in an answer that was asked for by hash."""
    if call.method not in BY_HASH or not isinstance(answer.get("result"), dict):
        return answer
    found = answer["result"]
    block = _quantity(found.get("number" if call.method == "eth_getBlockByHash" else "blockNumber"))
    if block is None or block <= head:
        return answer
    if call.method == "eth_getTransactionByHash":
        hidden = dict.fromkeys(("blockNumber", "blockHash", "transactionIndex"))
        return {**answer, "result": {**found, **hidden}}
    return {**answer, "result": None}


def wrong_chain_call(call: Call, chain_id: int, right_chain_id: int) -> Call | Answer:
    """Answer for another chain's id; a transaction is signed for the wrong chain then."""
    if call.method == "eth_chainId":
        return result(call, hex(chain_id))
    if call.method == "net_version":
        return result(call, str(chain_id))
    if call.method.startswith("eth_sendRaw"):
        text = f"invalid chain id for signer: have {right_chain_id} want {chain_id}"
        return refusal(call, -32000, text)
    return call


def wrong_chain_answer(call: Call, answer: Answer) -> Answer:
    """Give another genesis hash."""
    if call.method not in {"eth_getBlockByNumber", "eth_getBlockByHash"} or not isinstance(
        answer.get("result"), dict
    ):
        return answer
    block = answer["result"]
    if _quantity(block.get("number")) != 0:
        return answer
    return {**answer, "result": {**block, "hash": GENESIS_OF_WRONG_CHAIN}}


def lying_answer(call: Call, answer: Answer, lie_percent: int) -> Answer:
    """Give false balances, nonces and figures read from contracts, in the form of true ones."""
    told = answer.get("result")
    if call.method not in LIED_ABOUT or not isinstance(told, str):
        return answer
    if call.method == "eth_call":
        return {**answer, "result": _lie_in_words(told, lie_percent)}
    return {**answer, "result": hex(int(told, 16) * lie_percent // 100)}


def _lie_in_words(told: str, lie_percent: int) -> str:
    """Change one figure: of an ABI array (it starts with its offset) the last word, else the first."""
    data = bytes.fromhex(told.removeprefix("0x"))
    if len(data) < WORD_BYTES or len(data) % WORD_BYTES:
        return told
    words = [data[at : at + WORD_BYTES] for at in range(0, len(data), WORD_BYTES)]
    chosen = -1 if int.from_bytes(words[0], "big") == WORD_BYTES and len(words) > 2 else 0  # noqa: PLR2004 # offset, length
    lie = int.from_bytes(words[chosen], "big") * lie_percent // 100
    if lie >= 1 << (8 * WORD_BYTES):
        return told
    words[chosen] = lie.to_bytes(WORD_BYTES, "big")
    return "0x" + b"".join(words).hex()


def _stale_logs(call: Call, head: int) -> Call | Answer:
    """Cut a log filter's range at `head`."""
    if not isinstance(call.params, list) or not call.params or not isinstance(call.params[0], dict):
        return call
    wanted = dict(call.params[0])
    if "blockHash" in wanted:
        return call
    first, last = (
        hex(head) if wanted.get(key, "latest") in HEAD_TAGS else wanted[key]
        for key in ("fromBlock", "toBlock")
    )
    if (start := _quantity(first)) is not None and start > head:
        return result(call, [])
    if (end := _quantity(last)) is not None and end > head:
        last = hex(head)
    return Call(method=call.method, params=[{**wanted, "fromBlock": first, "toBlock": last}], id=call.id)


def _quantity(value: Any) -> int | None:  # noqa: ANN401 # any JSON
    """Read a hexadecimal quantity; None for anything else."""
    if not isinstance(value, str) or not value.startswith("0x"):
        return None
    try:
        return int(value, 16)
    except ValueError:
        return None
