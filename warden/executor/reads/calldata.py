"""The few calls that the executor makes and reads: Router02 swap, ERC-20 approve, Transfer events.

Addresses are encoded from lower case: a strategy's mixed case must not stop the encoder.
Selectors and topics are the first bytes of Keccak-256 of the signatures in the Solidity ABI specification.
"""

from __future__ import annotations

import re
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

_SWAP: Final = bytes.fromhex(
    "38ed1739"
)  # swapExactTokensForTokens(uint256,uint256,address[],address,uint256)
_COUNTED: Final = bytes.fromhex("5c11d795")  # swapExactTokensForTokensSupportingFeeOnTransferTokens(same)
_GET_AMOUNTS_OUT: Final = bytes.fromhex("d06ca61f")  # getAmountsOut(uint256,address[])
DECIMALS: Final = "0x313ce567"  # decimals()
DEPOSIT: Final = bytes.fromhex("d0e30db0")  # deposit() of WETH9
_APPROVE: Final = bytes.fromhex("095ea7b3")  # approve(address,uint256)
_BALANCE_OF: Final = bytes.fromhex("70a08231")  # balanceOf(address)
_ALLOWANCE: Final = bytes.fromhex("dd62ed3e")  # allowance(address,address)
_GET_PAIR: Final = bytes.fromhex("e6a43905")  # getPair(address,address)
GET_RESERVES: Final = "0x0902f1ac"  # getReserves()
_TRANSFER: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_TRANSFER_TOPICS: Final = 3
_WORD: Final = re.compile(r"0x[0-9a-fA-F]{64}")
_ADDRESS_WORD: Final = re.compile(r"0x0{24}[0-9a-fA-F]{40}")
_RESERVES: Final = re.compile(r"0x[0-9a-fA-F]{192}")
_RESERVE_MAX: Final = 2**112
# Offset, length and one element.
_LIST_CHARACTERS_MIN: Final = 2 + 3 * 64
_ERROR: Final = "0x08c379a0"  # Error(string)
_REASON_CHARACTERS_MAX: Final = 4_096
_QUANTITY: Final = re.compile(r"0x[0-9a-fA-F]{1,64}")


def swap(amount_in: int, min_amount_out: int, path: tuple[str, ...], to: str, deadline_s: int) -> bytes:
    """Return the calldata of Router02's exact-input swap; smallest units, deadline in Unix seconds."""
    return _SWAP + encode(
        ["uint256", "uint256", "address[]", "address", "uint256"],
        [amount_in, min_amount_out, [token.lower() for token in path], to.lower(), deadline_s],
    )


def counted_swap(
    amount_in: int, min_amount_out: int, path: tuple[str, ...], to: str, deadline_s: int
) -> bytes:
    """Return the calldata of Router02's swap for tokens that keep a part of what moves; as `swap` else.

    It counts what arrives at each pool and at the end, so that it sells any token that can be sold, and the
    least amount is that of what comes; it returns nothing.
    """
    return _COUNTED + swap(amount_in, min_amount_out, path, to, deadline_s)[4:]


def amounts_out(amount_in: int, path: tuple[str, ...]) -> str:
    """Return the calldata of Router02's getAmountsOut as hex."""
    data = encode(["uint256", "address[]"], [amount_in, [token.lower() for token in path]])
    return "0x" + (_GET_AMOUNTS_OUT + data).hex()


def swap_of(data: bytes) -> tuple[int, int, tuple[str, ...], int] | None:
    """Return amount in, least amount out, path and deadline of either swap; None of anything else."""
    if data[:4] not in {_SWAP, _COUNTED}:
        return None
    try:
        amount_in, least, path, _, deadline_s = decode(
            ["uint256", "uint256", "address[]", "address", "uint256"], data[4:]
        )
    except (DecodingError, OverflowError):
        return None
    return amount_in, least, path, deadline_s


def is_approval(data: bytes) -> bool:
    """Tell whether it is a call of ERC-20's approve."""
    return data[:4] == _APPROVE


def approve(spender: str, amount: int) -> bytes:
    """Return the calldata of ERC-20's approve for exactly `amount`."""
    return _APPROVE + encode(["address", "uint256"], [spender.lower(), amount])


def balance_of(owner: str) -> str:
    """Return the calldata of ERC-20's balanceOf as hex."""
    return "0x" + (_BALANCE_OF + encode(["address"], [owner.lower()])).hex()


def allowance(owner: str, spender: str) -> str:
    """Return the calldata of ERC-20's allowance as hex."""
    return "0x" + (_ALLOWANCE + encode(["address", "address"], [owner.lower(), spender.lower()])).hex()


def get_pair(one: str, other: str) -> str:
    """Return the calldata of the factory's getPair as hex."""
    return "0x" + (_GET_PAIR + encode(["address", "address"], [one.lower(), other.lower()])).hex()


def address(result: object) -> str:
    """Return an address that a call answered, lower case.

    Raises:
        ValueError: the answer is not one word with an address.
    """
    if not isinstance(result, str) or not _ADDRESS_WORD.fullmatch(result):
        raise ValueError("a call did not answer with an address")
    return "0x" + result[-40:].lower()


def reserves(result: object) -> tuple[int, int]:
    """Return a pair's two reserves, in the order of its tokens' addresses.

    Raises:
        ValueError: the answer is not that of getReserves.
    """
    if not isinstance(result, str) or not _RESERVES.fullmatch(result):
        raise ValueError("a pair did not answer with its reserves")
    first, second = int(result[2:66], 16), int(result[66:130], 16)
    if max(first, second) >= _RESERVE_MAX:
        raise ValueError("a pair answered with reserves beyond 112 bits")
    return first, second


def uint(result: object) -> int:
    """Return a uint256 that a call answered.

    Raises:
        ValueError: the answer is not one word of hex.
    """
    if not isinstance(result, str) or not _WORD.fullmatch(result):
        raise ValueError("a call did not answer with one word")
    return int(result, 16)


def last_uint(result: object) -> int:
    """Return the last element of a uint256[] that a call answered.

    Raises:
        ValueError: the answer is no words of hex.
    """
    if not isinstance(result, str) or len(result) < _LIST_CHARACTERS_MIN:
        raise ValueError("a call did not answer with a list of words")
    return uint("0x" + result[-64:])


def revert_reason(result: object) -> str:
    """Return the text of a revert by Error(string), printable; empty where it has another form."""
    if not isinstance(result, str) or not result.startswith(_ERROR) or len(result) > _REASON_CHARACTERS_MAX:
        return ""
    try:
        (text,) = decode(["string"], bytes.fromhex(result[len(_ERROR) :]))
    except (DecodingError, ValueError):  # a UnicodeDecodeError is one
        return ""
    return "".join(each for each in str(text) if each.isprintable())[:100]


def quantity(value: object) -> int:
    """Return a JSON-RPC quantity.

    Raises:
        ValueError: it is not one.
    """
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise ValueError("not a JSON-RPC quantity")
    return int(value, 16)


def flows_of(
    logs: list[dict[str, Any]], tokens: tuple[str, ...], wallet: str
) -> tuple[tuple[str, int, int], ...]:
    """Return token, what the wallet gave and what it got, of each of these tokens that moved.

    Of a token whose events are malformed nothing is told: a contract that misbehaves must not keep the chain
    from being read. What it really did shows in the balance.
    """
    found = []
    for token in tokens:
        try:
            gave, got = token_flow(logs, token, wallet)
        except ValueError:
            continue
        if gave or got:
            found.append((token, gave, got))
    return tuple(found)


def token_flow(logs: list[dict[str, Any]], token: str, wallet: str) -> tuple[int, int]:
    """Return what the wallet gave and what it got of `token`, from a receipt's Transfer events.

    Raises:
        ValueError: a Transfer event of the token is malformed.
    """
    owner, gave, got = wallet.lower().removeprefix("0x").rjust(64, "0"), 0, 0
    for log in logs:
        topics = log.get("topics", [])
        if str(log.get("address", "")).lower() != token.lower() or not topics or topics[0] != _TRANSFER:
            continue
        if len(topics) != _TRANSFER_TOPICS:
            raise ValueError("a Transfer event without sender and receiver")
        amount = uint(log.get("data"))
        gave += amount if topics[1][2:].lower() == owner else 0
        got += amount if topics[2][2:].lower() == owner else 0
    return gave, got
