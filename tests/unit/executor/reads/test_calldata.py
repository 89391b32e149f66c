"""The executor's calls against the reference library, and what it reads from answers and logs."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from warden.executor.reads import calldata

WALLET = "0x" + "aB" * 20
ROUTER = "0x" + "0c" * 20
WETH = "0x" + "C0" * 20
OTHER = "0x" + "dd" * 20
TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
APPROVAL = "0x" + keccak(text="Approval(address,address,uint256)").hex()
ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
UINTS = st.integers(0, 2**256 - 1)


def gain(logs: list[dict[str, Any]], token: str, wallet: str) -> int:
    """Return what came less what went."""
    gave, got = calldata.token_flow(logs, token, wallet)
    return got - gave


def coded(signature: str, *arguments: object) -> bytes:
    """Encode a call with selector and types of its signature."""
    types = signature[signature.index("(") + 1 : -1].split(",")
    return keccak(text=signature)[:4] + encode(types, arguments)


@given(UINTS, UINTS, st.lists(ADDRESSES, min_size=2, max_size=6), ADDRESSES, UINTS)
def test_a_swap_is_coded_as_the_abi_says(
    amount_in: int, min_out: int, path: list[str], to: str, deadline_s: int
) -> None:
    """EX4: Router02's own signature, for any amounts and paths."""
    signature = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
    expected = coded(signature, amount_in, min_out, path, to, deadline_s)
    assert calldata.swap(amount_in, min_out, tuple(path), to, deadline_s) == expected


def test_the_token_calls_are_coded_as_the_abi_says() -> None:
    """EX7: approve, balanceOf and allowance of ERC-20."""
    assert calldata.approve(ROUTER, 7) == coded("approve(address,uint256)", ROUTER, 7)
    assert calldata.balance_of(WALLET) == "0x" + coded("balanceOf(address)", WALLET).hex()
    expected = "0x" + coded("allowance(address,address)", WALLET, ROUTER).hex()
    assert calldata.allowance(WALLET, ROUTER) == expected


@given(UINTS)
def test_a_word_is_read_whole(value: int) -> None:
    """Any 256-bit number comes through."""
    assert calldata.uint(f"0x{value:064x}") == value


@pytest.mark.parametrize(
    "answer",
    [
        None,
        5,
        "",
        "0x",
        "0x" + "0" * 63,
        "0x" + "0" * 65,
        "0x" + "g" * 64,
        "00" * 33,
        "-0x" + "1" * 63,
        " 0x" + "1" * 63,
        "0x" + "1_" * 31 + "11",
        ["0x1"],
    ],
)
def test_what_is_no_word_is_refused(answer: object) -> None:
    """ES2: an answer that is no uint256 is no balance, above all no negative one."""
    with pytest.raises(ValueError, match=r"word|literal"):
        calldata.uint(answer)


@pytest.mark.parametrize("answer", [None, 5, "", "0x", "31", "0xzz", "-0x1", "0x-1", "0x1_0", {}])
def test_what_is_no_quantity_is_refused(answer: object) -> None:
    """A quantity is 0x and hex digits, nothing else."""
    with pytest.raises(ValueError, match=r"quantity|literal"):
        calldata.quantity(answer)


def test_a_quantity_is_read() -> None:
    """As the JSON-RPC specification writes it."""
    assert calldata.quantity("0x1f") == 31


def transfer(sender: str, receiver: str, amount: int, token: str = WETH) -> dict[str, Any]:
    """Return a Transfer event as a receipt holds it."""
    words = ["0x" + encode(["address"], [who]).hex() for who in (sender, receiver)]
    return {"address": token, "topics": [TRANSFER, *words], "data": f"0x{amount:064x}"}


def test_the_gain_is_what_came_less_what_went() -> None:
    """PL1: of the one token and the one wallet, whatever the case of the addresses."""
    logs = [
        transfer(WALLET, ROUTER, 100),
        transfer(ROUTER, WALLET.lower(), 130, WETH.lower()),
        transfer(ROUTER, WALLET, 1_000, OTHER),
        transfer(ROUTER, OTHER, 1_000),
        {"address": WETH, "topics": [APPROVAL, "0x", "0x"], "data": "0x"},
        {"address": WETH, "topics": [], "data": "0x"},
        {"address": WETH, "data": "0x"},
    ]
    assert calldata.token_flow(logs, WETH, WALLET) == (100, 130)
    assert gain(logs, WETH, WALLET) == 30
    assert gain(logs, WETH.upper().replace("0X", "0x"), WALLET.lower()) == 30


def test_a_transfer_to_oneself_gains_nothing() -> None:
    """PL1: what left came back."""
    assert gain([transfer(WALLET, WALLET, 5)], WETH, WALLET) == 0


@pytest.mark.parametrize(
    "broken",
    [
        {"topics": [TRANSFER]},
        {"topics": [TRANSFER, "0x", "0x", "0x"]},
        {"data": "0x"},
        {"data": None},
    ],
)
def test_a_malformed_transfer_is_refused(broken: dict[str, Any]) -> None:
    """PL1: a figure that cannot be read is not counted as none."""
    with pytest.raises(ValueError, match=r"Transfer|word"):
        gain([transfer(WALLET, ROUTER, 1) | broken], WETH, WALLET)


WHO = st.sampled_from([WALLET, ROUTER, OTHER])
MOVES = st.lists(st.tuples(WHO, WHO, UINTS))


@given(MOVES)
def test_gains_of_everybody_sum_to_nothing(moves: list[tuple[str, str, int]]) -> None:
    """PL1: exact to the wei: what one gains, others have given."""
    logs = [transfer(*move) for move in moves]
    assert sum(gain(logs, WETH, who) for who in (WALLET, ROUTER, OTHER)) == 0
