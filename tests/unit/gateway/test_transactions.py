"""What a client asks to be sent, read into a call, or refused in one line."""

from __future__ import annotations

import json

import pytest

from warden.domain.intents import Call
from warden.domain.money import Wei
from warden.gateway.transactions import NotSendable, read

WALLET = "0x" + "aa" * 20
TO = "0x" + "Bb" * 20


def asked(**fields: object) -> bytes:
    """Return the parameters of a transaction."""
    return json.dumps([{"from": WALLET, "to": TO, **fields}]).encode()


def test_a_transaction_becomes_a_call() -> None:
    """EX12: what it calls, with what, and which nonce its author reckons with; fees and gas are Warden's."""
    params = asked(
        data="0x1234", value="0x5", gas="0x1", maxFeePerGas="0x2", type="0x2", nonce="0x7", chainId="0x1"
    )
    assert read(params, WALLET, 1) == Call(TO, b"\x12\x34", Wei(5), 7)


def test_both_names_of_calldata_and_what_is_left_out() -> None:
    """EX12: clients differ in them; null is as good as absent, and the account need not be named."""
    assert read(asked(input="0xAB", data="0xab"), WALLET, 1) == Call(TO, b"\xab")
    assert read(json.dumps([{"to": TO, "data": None, "nonce": None}]).encode(), WALLET, 1) == Call(TO)
    assert read(asked(**{"from": WALLET.upper().replace("0X", "0x")}), WALLET, 1) == Call(TO)


@pytest.mark.parametrize(
    ("params", "why"),
    [
        (b"", "first parameter"),
        (b"[]", "first parameter"),
        (b'["0x"]', "first parameter"),
        (b"{}", "first parameter"),
        (b"[{", "cannot be read"),
        (asked(authorizationList=[]), "authorizationList"),
        (asked(blobVersionedHashes=[]), "blobVersionedHashes"),
        (asked(**{"from": TO}), "sends from"),
        (asked(**{"from": 7}), "sends from"),
        (asked(to=None), "to:"),
        (asked(to="0x12"), "to:"),
        (asked(chainId="0x2"), "chain 1"),
        (asked(value="5"), "value:"),
        (asked(value=5), "value:"),
        (asked(value="0x" + "f" * 65), "value:"),
        (asked(nonce="0x" + "f" * 20), "nonce:"),
        (asked(data="0x123"), "data:"),
        (asked(data=5), "data:"),
        (asked(data="0x12", input="0x13"), "differ"),
        (asked(data="0x" + "00" * 24_577), "at most"),
    ],
)
def test_what_is_not_understood_is_not_sent(params: bytes, why: str) -> None:
    """EX12: unknown fields change what a transaction does; another account is nobody's here."""
    with pytest.raises(NotSendable, match=why):
        read(params, WALLET, 1)


def test_without_a_wallet_nothing_is_sent() -> None:
    """EX12: whose account it is must be known, whatever the client leaves out."""
    with pytest.raises(NotSendable, match="no account"):
        read(json.dumps([{"to": TO}]).encode(), "", 1)
    with pytest.raises(NotSendable, match="no account"):
        read(json.dumps([{"from": "", "to": TO}]).encode(), "", 1)
