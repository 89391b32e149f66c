"""Which methods are reads: a list of what is allowed, so that a method nobody thought of is refused.

Reads that take something already signed (`trace_rawTransaction`, `eth_callBundle`) are not among them: an
endpoint that is handed a signed transaction can send it.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final


class Kind(Enum):
    """What a method is to the gateway."""

    READ = auto()
    USAGE = auto()  # answered here: what the endpoints were asked so far
    ACCOUNTS = auto()  # answered here: the wallet, whose key the executor holds
    AGREED = auto()  # of our own: several endpoints must say the same
    BOT = auto()  # of our own: how often a bot has called
    TRANSACTION = auto()  # not signed yet: the executor decides
    SEND = auto()  # would sign, send or steer a node
    UNKNOWN = auto()


_ETH: Final = """
accessList blobBaseFee blockNumber call callMany chainId config createAccessList estimateGas feeHistory
gasPrice getAccount getAccountInfo getBalance getBlockByHash getBlockByNumber getBlockReceipts
getBlockTransactionCountByHash getBlockTransactionCountByNumber getCode getHeaderByHash getHeaderByNumber
getLogs getProof getRawTransactionByBlockHashAndIndex getRawTransactionByBlockNumberAndIndex
getRawTransactionByHash getStorageAt getStorageValues getTransactionByBlockHashAndIndex
getTransactionByBlockNumberAndIndex getTransactionByHash getTransactionBySenderAndNonce getTransactionCount
getTransactionReceipt getUncleByBlockHashAndIndex getUncleByBlockNumberAndIndex getUncleCountByBlockHash
getUncleCountByBlockNumber maxPriorityFeePerGas protocolVersion simulateV1 syncing
"""
_DEBUG: Final = """
getModifiedAccountsByHash getModifiedAccountsByNumber getRawBlock getRawHeader getRawReceipts
getRawTransaction storageRangeAt traceBlockByHash traceBlockByNumber traceCall traceCallMany traceTransaction
"""
_TRACE: Final = "block call callMany filter get replayBlockTransactions replayTransaction transaction"
_TXPOOL: Final = "content contentFrom inspect status"

READS: Final = frozenset(
    {
        *(f"eth_{name}" for name in _ETH.split()),
        *(f"debug_{name}" for name in _DEBUG.split()),
        *(f"trace_{name}" for name in _TRACE.split()),
        *(f"txpool_{name}" for name in _TXPOOL.split()),
        "net_listening",
        "net_peerCount",
        "net_version",
        "rpc_modules",
        "web3_clientVersion",
        "web3_sha3",
    }
)

_SEND_PREFIXES: Final = (
    "account_",
    "admin_",
    "anvil_",
    "clique_",
    "debug_set",
    "engine_",
    "eth_cancel",
    "eth_fillTransaction",
    "eth_resend",
    "eth_send",
    "eth_set",
    "eth_sign",
    "eth_submit",
    "evm_",
    "flashbots_",
    "ganache_",
    "hardhat_",
    "mev_",
    "miner_",
    "parity_set",
    "personal_",
    "tenderly_",
    "trace_rawTransaction",
    "wallet_",
)


AGREED_METHOD: Final = "warden_agreed"


_OWN: Final = {
    "warden_usage": Kind.USAGE,
    "warden_bot": Kind.BOT,
    AGREED_METHOD: Kind.AGREED,
    "eth_accounts": Kind.ACCOUNTS,
    "eth_sendTransaction": Kind.TRANSACTION,
}


def kind_of(method: str) -> Kind:
    """Return what `method` is; names are case-sensitive, as nodes take them."""
    if method in READS:
        return Kind.READ
    if method in _OWN:
        return _OWN[method]
    # Relays name their own many ways, all with this word in it.
    if method.startswith(_SEND_PREFIXES) or "bundle" in method.lower():
        return Kind.SEND
    return Kind.UNKNOWN
