"""Each fault of an endpoint, as a plain HTTP client meets it (issue 2: the devnet)."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.chain.devnet import ETHER, GWEI, DevnetProcess, call, post, quantity, request
from tests.instance import wait_until
from warden.devnet.distortions import GENESIS_OF_WRONG_CHAIN
from warden.devnet.faults import Fault, FaultKind

if TYPE_CHECKING:
    from typing import Any

DEAD_ADDRESS = "0x000000000000000000000000000000000000dEaD"


def test_healthy_endpoints_agree_on_the_chain(devnet: DevnetProcess) -> None:
    """Every endpoint answers with the manifest's chain id and genesis."""
    for name in devnet.names:
        assert quantity(devnet.url(name), "eth_chainId") == devnet.manifest.chain_id
        assert call(devnet.url(name), "eth_getBlockByNumber", "0x0", False)["hash"] == devnet.manifest.genesis


def test_a_batch_is_answered_in_order(devnet: DevnetProcess) -> None:
    """A batch comes back whole, with the ids of its calls, refused ones among them."""
    batch = [
        request("eth_chainId", id_=5),
        request("evm_mine", id_=6),
        request("net_version", id_=7),
    ]
    answers = post(devnet.url("devnet-a"), batch).json()
    assert [each["id"] for each in answers] == [5, 6, 7]
    assert answers[0]["result"] == hex(devnet.manifest.chain_id)
    assert answers[1]["error"]["code"] == -32601


@pytest.mark.parametrize("method", ["eth_sendTransaction", "anvil_setBalance", "evm_mine", "eth_sign"])
def test_endpoints_refuse_what_a_provider_refuses(devnet: DevnetProcess, method: str) -> None:
    """No endpoint steers the chain or signs with its accounts, as anvil itself would."""
    answer = post(devnet.url("devnet-a"), request(method, {})).json()
    assert answer["error"]["code"] == -32601
    assert call(devnet.url("devnet-a"), "eth_accounts") == []


def test_what_is_no_request_is_refused(devnet: DevnetProcess) -> None:
    """Rubbish, an empty batch and a GET are answered with an error, and the endpoint lives on."""
    url = devnet.url("devnet-a")
    assert post(url, b"{nonsense").status == 400
    assert post(url, []).status == 400
    assert post(url, b"", method="GET").status == 405
    assert quantity(url, "eth_chainId") == devnet.manifest.chain_id


def test_slow_holds_an_answer_back(devnet: DevnetProcess) -> None:
    """A slow endpoint's answer is right, and not here before its delay."""
    devnet.set_fault("devnet-a", Fault(FaultKind.SLOW, delay_ms=400))
    began_s = time.monotonic()
    assert quantity(devnet.url("devnet-a"), "eth_chainId") == devnet.manifest.chain_id
    assert time.monotonic() - began_s >= 0.4


def test_dead_refuses_connections_and_drops_open_ones(devnet: DevnetProcess) -> None:
    """New connections are refused, kept ones break, and the port is still its own when it comes back."""
    url = devnet.url("devnet-a")
    kept = http.client.HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=30)
    kept.request("POST", "/", b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}')
    kept.getresponse().read()
    devnet.set_fault("devnet-a", FaultKind.DEAD)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        _ask_again(kept)
    kept.close()
    with pytest.raises(ConnectionRefusedError):
        call(url, "eth_chainId")
    assert quantity(devnet.url("devnet-b"), "eth_chainId") == devnet.manifest.chain_id
    devnet.set_fault("devnet-a", FaultKind.HEALTHY)
    assert quantity(url, "eth_chainId") == devnet.manifest.chain_id


def _ask_again(kept: http.client.HTTPConnection) -> None:
    kept.auto_open = 0
    kept.request("POST", "/", b"{}")
    kept.getresponse()


def test_hung_accepts_and_never_answers(devnet: DevnetProcess) -> None:
    """A hung endpoint takes the request and says nothing; its connection breaks when the fault ends."""
    devnet.set_fault("devnet-a", FaultKind.HUNG)
    with pytest.raises(TimeoutError):
        call(devnet.url("devnet-a"), "eth_chainId", timeout_s=0.5)
    devnet.reset()
    assert quantity(devnet.url("devnet-a"), "eth_chainId") == devnet.manifest.chain_id


def test_rate_limited_says_when_to_come_back(devnet: DevnetProcess) -> None:
    """HTTP 429 with Retry-After, and an error that JSON-RPC clients understand."""
    devnet.set_fault("devnet-a", Fault(FaultKind.RATE_LIMITED, retry_after_s=7))
    answer = post(devnet.url("devnet-a"), request("eth_chainId"))
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert answer.json()["error"]["code"] == -32005


def test_stale_serves_a_head_that_stands_still(devnet: DevnetProcess) -> None:
    """A stale endpoint's head stays; state is that of its head; what came later is unknown to it."""
    stale = devnet.url("devnet-a")
    wait_until(lambda: quantity(devnet.manifest.node_url, "eth_blockNumber") > 10, "ten blocks")
    devnet.set_fault("devnet-a", Fault(FaultKind.STALE, blocks_behind=3))
    head = quantity(stale, "eth_blockNumber")
    account = devnet.account(eth_wei=ETHER)
    assert quantity(devnet.url("devnet-b"), "eth_getBalance", account.address, "latest") == ETHER
    assert quantity(devnet.url("devnet-b"), "eth_blockNumber") > head + 3
    assert quantity(stale, "eth_blockNumber") == head
    assert quantity(stale, "eth_getBalance", account.address, "latest") == 0
    assert quantity(stale, "eth_getBalance", account.address) == 0
    assert int(call(stale, "eth_getBlockByNumber", "latest", False)["number"], 16) == head
    assert call(stale, "eth_getBlockByNumber", hex(head + 1), False) is None
    tx_hash, raw = devnet.signed(account)
    assert call(stale, "eth_sendRawTransaction", raw) == tx_hash
    devnet.wait_mined(tx_hash)
    assert call(stale, "eth_getTransactionReceipt", tx_hash) is None
    assert call(stale, "eth_getTransactionByHash", tx_hash)["blockNumber"] is None


def test_wrong_chain_has_another_id_and_genesis(devnet: DevnetProcess) -> None:
    """An endpoint on another chain shows in id and genesis, and takes no transaction of ours."""
    devnet.set_fault("devnet-a", Fault(FaultKind.WRONG_CHAIN, chain_id=99))
    wrong = devnet.url("devnet-a")
    assert quantity(wrong, "eth_chainId") == 99
    assert call(wrong, "net_version") == "99"
    assert call(wrong, "eth_getBlockByNumber", "0x0", False)["hash"] == GENESIS_OF_WRONG_CHAIN
    _, raw = devnet.signed(devnet.account())
    answer = post(wrong, request("eth_sendRawTransaction", raw)).json()
    assert "invalid chain id" in answer["error"]["message"]


def test_lying_gives_false_balances_and_reserves(devnet: DevnetProcess) -> None:
    """A lying endpoint's balances, nonces and reserves have the right form and the wrong figures."""
    account = devnet.account(eth_wei=ETHER)
    devnet.set_fault("devnet-a", Fault(FaultKind.LYING, lie_percent=300))
    lying, honest = devnet.url("devnet-a"), devnet.url("devnet-b")
    assert quantity(lying, "eth_getBalance", account.address, "latest") == 3 * ETHER
    reserves: Any = {"to": devnet.manifest.pairs[0].address, "data": "0x0902f1ac"}
    told, true = (call(url, "eth_call", reserves, "latest") for url in (lying, honest))
    assert int(told[2:66], 16) == 3 * int(true[2:66], 16)
    assert told[66:] == true[66:]


def test_an_underpriced_replacement_is_refused(devnet: DevnetProcess) -> None:
    """A same-nonce replacement passes only if both fees rise by the bump; refused with geth's words (EX6)."""
    devnet.set_fault("devnet-a", FaultKind.REFUSE_UNDERPRICED_REPLACEMENT)
    url = devnet.url("devnet-a")
    account = devnet.account(eth_wei=ETHER)
    # A nonce ahead keeps it pending for as long as the test takes.
    fees = {"nonce": 1, "maxFeePerGas": 10 * GWEI, "maxPriorityFeePerGas": GWEI}
    assert call(url, "eth_sendRawTransaction", devnet.signed(account, **fees)[1])
    for too_low in (
        {"maxFeePerGas": 11 * GWEI},
        {"maxPriorityFeePerGas": 2 * GWEI},
        {"maxFeePerGas": 11 * GWEI - 1, "maxPriorityFeePerGas": 2 * GWEI},
    ):
        _, raw = devnet.signed(account, **(fees | too_low))
        answer = post(url, request("eth_sendRawTransaction", raw)).json()
        assert answer["error"] == {"code": -32000, "message": "replacement transaction underpriced"}
    enough = fees | {"maxFeePerGas": 11 * GWEI, "maxPriorityFeePerGas": GWEI * 11 // 10}
    tx_hash, raw = devnet.signed(account, **enough)
    assert call(url, "eth_sendRawTransaction", raw) == tx_hash


def test_errors_garbage_and_half_answers(devnet: DevnetProcess) -> None:
    """Three more ways to fail: an HTTP error, an answer that is no JSON, one that ends in the middle."""
    url = devnet.url("devnet-a")
    devnet.set_fault("devnet-a", Fault(FaultKind.ERRORS, http_status=503))
    assert post(url, request("eth_chainId")).status == 503
    devnet.set_fault("devnet-a", FaultKind.GARBAGE)
    with pytest.raises(ValueError, match="Unterminated string"):
        post(url, request("eth_chainId")).json()
    devnet.set_fault("devnet-a", FaultKind.HALF_ANSWER)
    with pytest.raises(http.client.IncompleteRead):
        post(url, request("eth_chainId"))


def test_a_fault_can_be_kept_to_some_methods(devnet: DevnetProcess) -> None:
    """With `methods` only their calls meet the fault."""
    devnet.set_fault("devnet-a", Fault(FaultKind.ERRORS, methods=("eth_getBalance",)))
    assert quantity(devnet.url("devnet-a"), "eth_chainId") == devnet.manifest.chain_id
    assert post(devnet.url("devnet-a"), request("eth_getBalance", DEAD_ADDRESS, "latest")).status == 500


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"kind": "sleepy"}, "sleepy"),
        ({"kind": "slow", "delay": 3}, "delay"),
        ({"kind": "slow", "delay_ms": -1}, "delay_ms"),
    ],
)
def test_a_wrong_fault_is_refused_by_name(devnet: DevnetProcess, body: dict[str, object], named: str) -> None:
    """The control says what is wrong in one line, and nothing changes."""
    answer = post(f"{devnet.manifest.control_url}/faults/devnet-a", body)
    assert answer.status == 400
    assert named in answer.json()["error"]
    missing = post(f"{devnet.manifest.control_url}/faults/devnet-z", {"kind": "dead"})
    assert "devnet-a, devnet-b, devnet-c" in missing.json()["error"]
