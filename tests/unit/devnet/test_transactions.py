"""Decoding of raw transactions, and the rule for replacements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from warden.devnet.replacements import raises_both
from warden.devnet.transactions import SignedTransaction, decode_transaction, raw_of_send

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

ACCOUNT: LocalAccount = Account.from_key("0x" + "11" * 32)
BASE: dict[str, Any] = {
    "nonce": 7,
    "to": "0x" + "22" * 20,
    "value": 1,
    "gas": 21_000,
    "chainId": 31337,
    "data": b"",
}


@pytest.mark.parametrize(
    ("fees", "expected"),
    [
        ({"gasPrice": 5}, (5, 5)),
        ({"gasPrice": 5, "accessList": [], "type": 1}, (5, 5)),
        ({"maxFeePerGas": 9, "maxPriorityFeePerGas": 4}, (9, 4)),
    ],
)
def test_every_type_of_transaction_is_read(fees: dict[str, Any], expected: tuple[int, int]) -> None:
    """Legacy, EIP-2930 and EIP-1559: hash, sender, nonce and both fees."""
    signed = ACCOUNT.sign_transaction(BASE | fees)
    decoded = decode_transaction(bytes(signed.raw_transaction))
    assert decoded.tx_hash == "0x" + bytes(signed.hash).hex()
    assert (decoded.sender, decoded.nonce) == (ACCOUNT.address, 7)
    assert (decoded.max_fee_wei, decoded.max_priority_fee_wei) == expected


@given(st.binary(max_size=200))
def test_rubbish_is_decoded_to_its_hash_alone(raw: bytes) -> None:
    """Whatever the bytes, decoding gives a hash and never raises: it is recorded."""
    decoded = decode_transaction(raw)
    assert len(decoded.tx_hash) == 66


@pytest.mark.parametrize(
    ("method", "params", "raw"),
    [
        ("eth_sendRawTransaction", ["0x0102"], b"\x01\x02"),
        ("eth_sendRawTransactionSync", ["0x0102", 5], b"\x01\x02"),
        ("eth_sendRawTransaction", ["0xzz"], b"0xzz"),
        ("eth_sendRawTransaction", [], b"[]"),
        ("eth_call", ["0x0102"], None),
    ],
)
def test_sends_are_told_from_reads(method: str, params: object, raw: bytes | None) -> None:
    """Only sends give bytes; of what is no hexadecimal, its text."""
    assert raw_of_send(method, params) == raw


@pytest.mark.parametrize(
    ("fees", "raised"),
    [((110, 11), True), ((109, 11), False), ((110, 10), False), ((1000, 10), False), ((111, 12), True)],
)
def test_both_fees_must_rise_by_the_bump(fees: tuple[int, int], raised: bool) -> None:  # noqa: FBT001 # a table's column
    """Ten percent on each side of the limit, for each fee (EX6)."""
    old, new = (
        SignedTransaction("0x", ACCOUNT.address, 7, maximum, priority)
        for maximum, priority in ((100, 10), fees)
    )
    assert raises_both(old, new, 10) is raised
