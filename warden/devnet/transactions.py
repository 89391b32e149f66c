"""What a signed transaction says: hash, sender, nonce, fees. Read from the raw bytes, whoever sent them."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import rlp  # type: ignore[import-untyped] # ships no types
from eth_account import Account
from eth_utils.crypto import keccak

# An EIP-2718 envelope starts with its type, below this; a legacy transaction is an RLP list and starts above.
TYPE_MAX: Final = 0x7F
ACCESS_LIST_TYPE: Final = 0x01
PRIVATE_SEND: Final = "eth_sendPrivateTransaction"
PRIVATE_CANCEL: Final = "eth_cancelPrivateTransaction"
SEND_METHODS: Final = frozenset({"eth_sendRawTransaction", "eth_sendRawTransactionSync"})


class SignedTransaction(msgspec.Struct, frozen=True):
    """A decoded transaction.

    `tx_hash` is lower-case hex, `sender` checksummed hex; fees are wei per gas. What cannot be decoded is
    None, so that rubbish is still recorded.
    """

    tx_hash: str
    sender: str | None
    nonce: int | None
    max_fee_wei: int | None
    max_priority_fee_wei: int | None


def decode_transaction(raw: bytes) -> SignedTransaction:
    """Decode raw signed bytes of any type that pays fees ; never raises."""
    tx_hash = "0x" + keccak(raw).hex()
    try:
        nonce, max_fee_wei, max_priority_fee_wei = _head(raw)
        sender = str(Account.recover_transaction(raw))
    except Exception:  # noqa: BLE001 # rubbish raises anything in the libraries; it is recorded as such
        return SignedTransaction(tx_hash, None, None, None, None)
    return SignedTransaction(tx_hash, sender, nonce, max_fee_wei, max_priority_fee_wei)


def raw_of_send(method: str, params: Any) -> bytes | None:  # noqa: ANN401 # a client's JSON
    """Give the raw bytes if the call sends a signed transaction; of rubbish its text; else None."""
    if method not in SEND_METHODS and method != PRIVATE_SEND:
        return None
    first = params[0] if isinstance(params, list) and params else params
    if method == PRIVATE_SEND and isinstance(first, dict):
        first = first.get("tx", "")
    try:
        return bytes.fromhex(str(first).removeprefix("0x"))
    except ValueError:
        return str(first).encode()


def _head(raw: bytes) -> tuple[int, int, int]:
    """Give nonce, maximum fee and maximum priority fee."""
    if raw[0] > TYPE_MAX:
        nonce, price = (int.from_bytes(each, "big") for each in rlp.decode(raw)[:2])
        return nonce, price, price
    fields = rlp.decode(raw[1:])
    if raw[0] == ACCESS_LIST_TYPE:
        nonce, price = (int.from_bytes(each, "big") for each in fields[1:3])
        return nonce, price, price
    nonce, priority, maximum = (int.from_bytes(each, "big") for each in fields[1:4])
    return nonce, maximum, priority
