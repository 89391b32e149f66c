"""The three calls that the trader reads with, coded by hand: eth_abi would cost 28 MB and 0.15 s here.

Selectors are the first four bytes of Keccak-256 of the signatures (Solidity's ABI specification).
"""

from __future__ import annotations

import re
from typing import Final

from warden.domain.errors import EndpointFailed

GET_RESERVES: Final = "0x0902f1ac"  # getReserves()
_GET_PAIR: Final = "0xe6a43905"  # getPair(address,address)
_BALANCE_OF: Final = "0x70a08231"  # balanceOf(address)
_WORD_HEX: Final = 64
_ADDRESS_HEX: Final = 40
_HEX: Final = re.compile(r"0x[0-9a-fA-F]*")
_QUANTITY_HEX_MAX: Final = 2 + _WORD_HEX


def get_pair(one: str, other: str) -> str:
    """Return the calldata of the factory's getPair."""
    return _GET_PAIR + _word(one) + _word(other)


def balance_of(owner: str) -> str:
    """Return the calldata of ERC-20's balanceOf."""
    return _BALANCE_OF + _word(owner)


def uints(answer: object, count: int) -> tuple[int, ...]:
    """Return the first `count` words of a call's answer as unsigned integers.

    Raises:
        EndpointFailed: the answer is shorter, or not hex.
    """
    if not isinstance(answer, str) or not _HEX.fullmatch(answer) or len(answer) < 2 + count * _WORD_HEX:
        raise EndpointFailed("a call did not answer with the words that were asked for")
    words = answer[2:]
    return tuple(int(words[at : at + _WORD_HEX], 16) for at in range(0, count * _WORD_HEX, _WORD_HEX))


def address(answer: object) -> str:
    """Return the address in a call's answer, lower-case hex.

    Raises:
        EndpointFailed: as for `uints`.
    """
    return f"0x{uints(answer, 1)[0]:040x}"[: 2 + _ADDRESS_HEX]


def quantity(answer: object) -> int:
    """Return a JSON-RPC quantity.

    Raises:
        EndpointFailed: it is none.
    """
    if isinstance(answer, str) and len(answer) <= _QUANTITY_HEX_MAX and _HEX.fullmatch(answer):
        digits = answer[2:]
        if digits:
            return int(digits, 16)
    raise EndpointFailed("an answer is not a number in hex")


def _word(text: str) -> str:
    return text.removeprefix("0x").lower().rjust(_WORD_HEX, "0")
