"""What is a read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warden.gateway.methods import READS, Kind, kind_of


@pytest.mark.parametrize(
    "method",
    [
        "eth_sendRawTransaction",
        "eth_sendRawTransactionSync",
        "eth_sendRawTransactionConditional",
        "eth_sendPrivateTransaction",
        "eth_sendPrivateRawTransaction",
        "eth_sendBundle",
        "mev_sendBundle",
        "eth_callBundle",
        "eth_cancelBundle",
        "eth_cancelPrivateTransaction",
        "eth_sign",
        "eth_signTransaction",
        "eth_signTypedData_v4",
        "eth_fillTransaction",
        "eth_resend",
        "eth_submitWork",
        "personal_sign",
        "personal_unlockAccount",
        "personal_sendTransaction",
        "engine_forkchoiceUpdatedV3",
        "admin_addPeer",
        "debug_setHead",
        "miner_start",
        "anvil_setBalance",
        "hardhat_impersonateAccount",
        "evm_mine",
        "trace_rawTransaction",
        "wallet_sendCalls",
    ],
)
def test_sends_are_sends(method: str) -> None:
    """Whatever signs, sends or steers a node is refused as such (RP7)."""
    assert kind_of(method) is Kind.SEND


@pytest.mark.parametrize(
    "method",
    [
        "eth_call",
        "eth_chainId",
        "eth_blockNumber",
        "eth_getLogs",
        "eth_getTransactionReceipt",
        "eth_simulateV1",
        "eth_feeHistory",
        "debug_traceTransaction",
        "trace_block",
        "net_version",
        "web3_clientVersion",
        "txpool_status",
    ],
)
def test_reads_are_reads(method: str) -> None:
    """What ordinary clients ask for is let through (RP7)."""
    assert kind_of(method) is Kind.READ


@pytest.mark.parametrize(
    "method", ["", "eth_", "ETH_CALL", "eth_Call", "eth_call ", "eth_newFilter", "x" * 10_000]
)
def test_what_nobody_thought_of_is_refused(method: str) -> None:
    """The list says what is allowed, to the letter; all else is unknown."""
    assert kind_of(method) is Kind.UNKNOWN


@given(st.text())
def test_only_the_list_is_read(method: str) -> None:
    """No other text at all is taken for a read."""
    assert (kind_of(method) is Kind.READ) == (method in READS)


def test_no_read_looks_like_a_send() -> None:
    """A name that is on both lists would be let through."""
    doubtful = ("send", "sign", "bundle", "set", "raw", "submit", "private")
    assert [each for each in READS if "_get" not in each and any(word in each for word in doubtful)] == []
    assert all(kind_of(each) is Kind.READ for each in READS)
