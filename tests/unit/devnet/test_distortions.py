"""What the faults make of calls and answers."""

from __future__ import annotations

import pytest

from warden.devnet.distortions import (
    GENESIS_OF_WRONG_CHAIN,
    Call,
    lying_answer,
    stale_answer,
    stale_call,
    wrong_chain_answer,
    wrong_chain_call,
)

HEAD = 100


def _word(number: int) -> str:
    return number.to_bytes(32, "big").hex()


@pytest.mark.parametrize(
    ("method", "params", "asked"),
    [
        ("eth_getBalance", ["0xaa", "latest"], ["0xaa", "0x64"]),
        ("eth_getBalance", ["0xaa"], ["0xaa", "0x64"]),
        ("eth_getBalance", ["0xaa", "0x10"], ["0xaa", "0x10"]),
        ("eth_getTransactionCount", ["0xaa", "pending"], ["0xaa", "0x64"]),
        ("eth_call", [{"to": "0xbb"}, "finalized"], [{"to": "0xbb"}, "0x64"]),
        ("eth_getBlockByNumber", ["latest", False], ["0x64", False]),
        ("eth_getBlockByNumber", ["earliest", False], ["earliest", False]),
        ("eth_getStorageAt", ["0xaa", "0x0", "latest"], ["0xaa", "0x0", "0x64"]),
        ("eth_getStorageAt", ["0xaa"], ["0xaa"]),
        ("eth_chainId", [], []),
        ("eth_getBalance", {"named": 1}, {"named": 1}),
    ],
)
def test_a_stale_endpoint_asks_for_its_own_head(method: str, params: object, asked: object) -> None:
    """Tags that mean the newest block become the head's number, absent ones too; all else stays."""
    passed_on = stale_call(Call(method=method, params=params, id=3), HEAD)
    assert isinstance(passed_on, Call)
    assert (passed_on.method, passed_on.params, passed_on.id) == (method, asked, 3)


def test_a_stale_endpoint_does_not_know_later_blocks() -> None:
    """Height is its head; a later block is null, state at one an error."""
    assert stale_call(Call(method="eth_blockNumber", id=1), HEAD) == {
        "jsonrpc": "2.0",
        "id": 1,
        "result": "0x64",
    }
    later = stale_call(Call(method="eth_getBlockByNumber", params=["0x65", True], id=2), HEAD)
    assert later == {"jsonrpc": "2.0", "id": 2, "result": None}
    state = stale_call(Call(method="eth_getBalance", params=["0xaa", "0x65"], id=3), HEAD)
    assert isinstance(state, dict)
    assert state["error"]["message"] == "header not found"


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ({}, {"fromBlock": "0x64", "toBlock": "0x64"}),
        ({"fromBlock": "0x10"}, {"fromBlock": "0x10", "toBlock": "0x64"}),
        ({"fromBlock": "0x10", "toBlock": "0xff"}, {"fromBlock": "0x10", "toBlock": "0x64"}),
        ({"blockHash": "0xcc"}, {"blockHash": "0xcc"}),
    ],
)
def test_a_stale_endpoint_cuts_log_ranges(wanted: dict[str, str], asked: dict[str, str]) -> None:
    """Logs end at the head."""
    passed_on = stale_call(Call(method="eth_getLogs", params=[wanted]), HEAD)
    assert isinstance(passed_on, Call)
    assert passed_on.params == [asked]


def test_a_stale_endpoint_has_no_logs_past_its_head() -> None:
    """A range that starts past the head is empty."""
    answer = stale_call(Call(method="eth_getLogs", params=[{"fromBlock": "0x65"}], id=1), HEAD)
    assert answer == {"jsonrpc": "2.0", "id": 1, "result": []}


def test_a_stale_endpoint_hides_what_was_mined_later() -> None:
    """A later receipt is null, a later transaction pending, a later block by hash null; earlier ones stay."""
    late, early = {"blockNumber": "0x65", "blockHash": "0xcc"}, {"blockNumber": "0x64"}
    receipt = Call(method="eth_getTransactionReceipt")
    assert stale_answer(receipt, {"result": late}, HEAD) == {"result": None}
    assert stale_answer(receipt, {"result": early}, HEAD) == {"result": early}
    assert stale_answer(receipt, {"error": {"code": 1}}, HEAD) == {"error": {"code": 1}}
    pending = stale_answer(Call(method="eth_getTransactionByHash"), {"result": late}, HEAD)["result"]
    assert pending == {"blockNumber": None, "blockHash": None, "transactionIndex": None}
    assert stale_answer(Call(method="eth_getBlockByHash"), {"result": {"number": "0x65"}}, HEAD) == {
        "result": None
    }


def test_a_wrong_chain_shows_in_id_and_genesis() -> None:
    """Chain id, network version and block 0 are others; other blocks stay."""
    for method, told in (("eth_chainId", "0x63"), ("net_version", "99")):
        assert wrong_chain_call(Call(method=method, id=1), 99, 31337) == {
            "jsonrpc": "2.0",
            "id": 1,
            "result": told,
        }
    block = Call(method="eth_getBlockByNumber")
    genesis = wrong_chain_answer(block, {"result": {"number": "0x0", "hash": "0xaa"}})
    assert genesis["result"]["hash"] == GENESIS_OF_WRONG_CHAIN
    other = {"result": {"number": "0x1", "hash": "0xaa"}}
    assert wrong_chain_answer(block, other) == other


def test_lies_keep_the_form_of_the_truth() -> None:
    """Quantities, single words and the last figure of an ABI array change; what has no figure stays."""
    assert lying_answer(Call(method="eth_getBalance"), {"result": "0xa"}, 200) == {"result": "0x14"}
    reserves = "0x" + _word(10) + _word(20) + _word(3)
    told = lying_answer(Call(method="eth_call"), {"result": reserves}, 200)["result"]
    assert told == "0x" + _word(20) + _word(20) + _word(3)
    amounts = "0x" + _word(32) + _word(2) + _word(5) + _word(7)
    told = lying_answer(Call(method="eth_call"), {"result": amounts}, 300)["result"]
    assert told == "0x" + _word(32) + _word(2) + _word(5) + _word(21)
    for unchanged in ("0x", "0x1234", "0x" + _word(2**256 - 1)):
        assert lying_answer(Call(method="eth_call"), {"result": unchanged}, 200)["result"] == unchanged
    assert lying_answer(Call(method="eth_chainId"), {"result": "0x1"}, 200) == {"result": "0x1"}
