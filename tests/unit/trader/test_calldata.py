"""The hand-made coding equals the library's, and refuses what is no answer."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from warden.domain.errors import EndpointFailed
from warden.trader import calldata

ONE = "0x" + "aB" * 20
OTHER = "0x" + "0c" * 20


def coded(signature: str, *arguments: str) -> str:
    """Encode a call of addresses with the reference library."""
    return "0x" + (keccak(text=signature)[:4] + encode(["address"] * len(arguments), arguments)).hex()


def test_calls_are_coded_as_the_abi_says() -> None:
    """Selector and words of each of the three calls."""
    assert coded("getReserves()") == calldata.GET_RESERVES
    assert calldata.get_pair(ONE, OTHER) == coded("getPair(address,address)", ONE, OTHER)
    assert calldata.balance_of(ONE) == coded("balanceOf(address)", ONE)


def test_answers_are_read_as_the_abi_says() -> None:
    """Words become whole numbers, a word becomes an address."""
    words = encode(["uint112", "uint112", "uint32"], [2**112 - 1, 7, 5])
    assert calldata.uints("0x" + words.hex(), 2) == (2**112 - 1, 7)
    assert calldata.address("0x" + encode(["address"], [ONE]).hex()) == ONE.lower()
    assert calldata.quantity("0x1f") == 31


@pytest.mark.parametrize("answer", [None, 5, "", "0x", "0x" + "0" * 63, "0x" + "g" * 64, "00" * 33, ["0x1"]])
def test_what_is_no_answer_is_refused(answer: object) -> None:
    """Too short, not hex, not text: another endpoint may do better."""
    with pytest.raises(EndpointFailed):
        calldata.uints(answer, 1)


@pytest.mark.parametrize("answer", [None, 5, "", "0x", "31", "0x" + "f" * 65, "0xzz", {}])
def test_what_is_no_number_is_refused(answer: object) -> None:
    """A quantity is 0x and one to 64 hex digits."""
    with pytest.raises(EndpointFailed):
        calldata.quantity(answer)
