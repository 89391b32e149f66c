"""The receive log: the devnet's own judge of what was sent and when."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

import pytest

from tests.chain.devnet import DevnetProcess, call, post, request
from tests.instance import wait_until
from warden.devnet.faults import Fault, FaultKind

if TYPE_CHECKING:
    from warden.devnet.received import Received


def _of(devnet: DevnetProcess, tx_hash: str) -> list[Received]:
    return [each for each in devnet.received() if each.tx_hash == tx_hash]


def test_a_send_is_recorded_with_what_it_says(devnet: DevnetProcess) -> None:
    """Endpoint, hash, sender, nonce, three times in order, and the answer."""
    account = devnet.account()
    tx_hash, raw = devnet.signed(account)
    before_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert call(devnet.url("devnet-b"), "eth_sendRawTransaction", raw) == tx_hash
    after_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    (entry,) = _of(devnet, tx_hash)
    assert (entry.endpoint, entry.sender, entry.nonce) == ("devnet-b", account.address, 0)
    assert (entry.fault, entry.answer) == ("healthy", tx_hash)
    assert entry.answered_ns is not None
    times = [before_ns, entry.began_ns, entry.received_ns, entry.answered_ns, after_ns]
    assert times == sorted(times)


def test_a_send_is_recorded_before_the_endpoint_hangs(devnet: DevnetProcess) -> None:
    """What reached a hung endpoint is in the log, without an answer, and never on the chain."""
    account = devnet.account()
    tx_hash, raw = devnet.signed(account)
    devnet.set_fault("devnet-a", FaultKind.HUNG)
    with pytest.raises(TimeoutError):
        call(devnet.url("devnet-a"), "eth_sendRawTransaction", raw, timeout_s=0.5)
    (entry,) = _of(devnet, tx_hash)
    assert (entry.fault, entry.answer, entry.answered_ns) == ("hung", None, None)
    assert call(devnet.manifest.node_url, "eth_getTransactionByHash", tx_hash) is None


def test_a_send_is_recorded_before_a_slow_answer(devnet: DevnetProcess) -> None:
    """The time of arrival is that of the bytes, not of the slow answer."""
    tx_hash, raw = devnet.signed(devnet.account())
    devnet.set_fault("devnet-a", Fault(FaultKind.SLOW, delay_ms=500))
    call(devnet.url("devnet-a"), "eth_sendRawTransaction", raw)
    (entry,) = _of(devnet, tx_hash)
    assert entry.answered_ns is not None
    assert entry.answered_ns - entry.received_ns >= 500_000_000


@pytest.mark.parametrize("kind", [FaultKind.RATE_LIMITED, FaultKind.ERRORS, FaultKind.GARBAGE])
def test_refused_sends_are_recorded_too(devnet: DevnetProcess, kind: FaultKind) -> None:
    """What an endpoint refuses has still left its sender."""
    tx_hash, raw = devnet.signed(devnet.account())
    devnet.set_fault("devnet-a", kind)
    post(devnet.url("devnet-a"), request("eth_sendRawTransaction", raw))
    (entry,) = _of(devnet, tx_hash)
    assert entry.fault == kind.value
    assert kind.value in str(entry.answer)


def test_half_answered_sends_are_on_the_chain(devnet: DevnetProcess) -> None:
    """A connection that breaks in the answer leaves its client in doubt: the transaction lands."""
    tx_hash, raw = devnet.signed(devnet.account())
    devnet.set_fault("devnet-a", FaultKind.HALF_ANSWER)
    with pytest.raises(http.client.IncompleteRead):
        post(devnet.url("devnet-a"), request("eth_sendRawTransaction", raw))
    assert devnet.wait_mined(tx_hash)["status"] == "0x1"
    assert len(_of(devnet, tx_hash)) == 1


def test_the_log_keeps_the_order_of_arrival(devnet: DevnetProcess) -> None:
    """Over all endpoints, a batch included, entries stand in the order in which they came."""
    account = devnet.account()
    signed = [devnet.signed(account, nonce=nonce) for nonce in range(5)]
    names = devnet.names
    for at, (_, raw) in enumerate(signed[:3]):
        call(devnet.url(names[at]), "eth_sendRawTransaction", raw)
    post(devnet.url(names[0]), [request("eth_sendRawTransaction", raw) for _, raw in signed[3:]])
    ours = [each for each in devnet.received() if each.sender == account.address]
    assert [each.tx_hash for each in ours] == [tx_hash for tx_hash, _ in signed]
    assert [each.endpoint for each in ours] == [*names, names[0], names[0]]
    arrivals = [each.received_ns for each in devnet.received()]
    assert arrivals == sorted(arrivals)


def test_what_cannot_be_decoded_is_recorded(devnet: DevnetProcess) -> None:
    """Rubbish that is sent as a transaction is a send all the same."""
    before = len(devnet.received())
    for rubbish in ("0x1234", "0x", "nonsense", None, "0x02c0"):
        post(devnet.url("devnet-a"), request("eth_sendRawTransaction", rubbish))
    entries = devnet.received()[before:]
    assert len(entries) == 5
    assert {each.sender for each in entries} == {None}


def test_noise_is_not_in_the_log(devnet: DevnetProcess) -> None:
    """Noise traders go past the endpoints: the log holds only what is judged."""
    devnet.set_noise(running=True)
    head = int(call(devnet.manifest.node_url, "eth_blockNumber"), 16)
    wait_until(lambda: _noise_trades_since(devnet, head) > 0, "noise trade")
    senders = {each.sender for each in devnet.received()}
    assert not senders & set(devnet.manifest.noise_accounts)


def _noise_trades_since(devnet: DevnetProcess, block: int) -> int:
    logs = call(
        devnet.manifest.node_url,
        "eth_getLogs",
        {"fromBlock": hex(block), "toBlock": "latest", "address": [p.address for p in devnet.manifest.pairs]},
    )
    return len(logs)
