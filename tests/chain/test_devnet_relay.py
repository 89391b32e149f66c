"""The devnet's endpoints play a private relay: they take, they let expire, they take back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.chain.devnet import call, post

if TYPE_CHECKING:
    from tests.chain.devnet import DevnetProcess

FAR = hex(2**60)


def relay(devnet: DevnetProcess, method: str, **given: str) -> dict[str, Any]:
    """Call a relay's method at an endpoint; return the whole answer."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": [given]}
    answer: dict[str, Any] = post(devnet.url("devnet-c"), body).json()
    return answer


def test_a_private_transaction_lands(devnet: DevnetProcess) -> None:
    """EX3: with a last block that has not come it is passed on, and recorded as received."""
    tx_hash, raw = devnet.signed(devnet.account())
    answer = relay(devnet, "eth_sendPrivateTransaction", tx=raw, maxBlockNumber=FAR)
    assert answer["result"] == tx_hash
    assert [each.endpoint for each in devnet.received() if each.tx_hash == tx_hash] == ["devnet-c"]
    devnet.wait_mined(tx_hash)


def test_one_that_has_expired_is_refused(devnet: DevnetProcess) -> None:
    """EX3: its last block has passed."""
    tx_hash, raw = devnet.signed(devnet.account())
    assert "error" in relay(devnet, "eth_sendPrivateTransaction", tx=raw, maxBlockNumber="0x1")
    assert call(devnet.manifest.node_url, "eth_getTransactionByHash", tx_hash) is None


def test_one_is_taken_back_while_it_waits_and_no_other(devnet: DevnetProcess) -> None:
    """ES6: it is gone from the pool; of what is not there the answer is no."""
    tx_hash, raw = devnet.signed(devnet.account())
    devnet.set_mining(running=False)
    try:
        relay(devnet, "eth_sendPrivateTransaction", tx=raw, maxBlockNumber=FAR)
        assert relay(devnet, "eth_cancelPrivateTransaction", txHash=tx_hash)["result"] is True
        assert call(devnet.manifest.node_url, "eth_getTransactionByHash", tx_hash) is None
        missing = relay(devnet, "eth_cancelPrivateTransaction", txHash="0x" + "9" * 64)
        assert missing["result"] is False
    finally:
        devnet.set_mining(running=True)
