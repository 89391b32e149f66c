"""Calls of the known router are read back into the swaps that they are."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.unit.executor.scene import ROUTER, TERMS, TOKEN_A, WALLET, WETH
from warden.domain.intents import Call
from warden.domain.money import Wei
from warden.domain.risk.refusal import Refusal
from warden.executor.intents.call_swaps import Decoded, swap_of

_TOKENS = "(uint256,uint256,address[],address,uint256)"
_COIN = "(uint256,address[],address,uint256)"
NAMES = ("swapExactTokensForTokens", "swapExactTokensForETH", "swapExactETHForTokens")
TAX = "SupportingFeeOnTransferTokens"


def call(name: str, types: str, *values: object, value_wei: int = 0, to: str = ROUTER) -> Call:
    """Return a call of a function by its signature."""
    kinds = [each for each in types[1:-1].split(",") if each]
    return Call(to, keccak(text=name + types)[:4] + encode(kinds, values), Wei(value_wei))


@pytest.mark.parametrize("tax", ["", TAX])
@pytest.mark.parametrize("name", NAMES)
def test_every_exact_input_swap_is_read(name: str, tax: str) -> None:
    """EX12: limits, positions and deadline are those of a swap; a coin that goes along is the amount."""
    coin = "ETHFor" in name
    values = (3, [WETH, TOKEN_A], WALLET, 99) if coin else (7, 3, [WETH, TOKEN_A], WALLET, 99)
    found = swap_of(call(name + tax, _COIN if coin else _TOKENS, *values, value_wei=7 if coin else 0), TERMS)
    assert isinstance(found, Decoded)
    assert (found.swap.path, int(found.swap.amount_in)) == ((WETH, TOKEN_A), 7)
    assert (int(found.swap.min_amount_out), found.deadline_s) == (3, 99)


def test_an_output_to_somebody_else_is_refused() -> None:
    """EX11: it is not made anew to the wallet, which its author did not ask for."""
    found = swap_of(call("swapExactTokensForTokens", _TOKENS, 7, 3, [WETH, TOKEN_A], TOKEN_A, 99), TERMS)
    assert isinstance(found, Refusal)
    assert found.rule == "call.recipient"


@pytest.mark.parametrize(
    "other",
    [
        call("swapTokensForExactTokens", _TOKENS, 7, 3, [WETH, TOKEN_A], WALLET, 99),
        call("swapExactTokensForTokens", _TOKENS, 7, 3, [WETH, TOKEN_A], WALLET, 99, to=TOKEN_A),
        call("swapExactTokensForTokens", _TOKENS, 7, 3, [WETH, TOKEN_A], WALLET, 99, value_wei=1),
        Call(ROUTER, keccak(text="swapExactTokensForTokens" + _TOKENS)[:4] + b"\x01" * 40),
        Call(ROUTER, b""),
    ],
)
def test_anything_else_is_judged_by_its_simulation(other: Call) -> None:
    """EX11: another function, contract or form is no swap that is known."""
    assert swap_of(other, TERMS) is None
