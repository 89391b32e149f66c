"""A call of the known router, read back into the swap that it is, so that every rule on swaps holds (EX12).

Warden makes the call anew: from and to the wrapped native token, which is what the wallet holds, with the
output to the wallet and a deadline of its own. Selectors are the first bytes of Keccak-256 of Router02's
function signatures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from warden.domain.intents import Swap
from warden.domain.money import Wei
from warden.domain.risk.refusal import Refusal

if TYPE_CHECKING:
    from warden.domain.intents import Call
    from warden.executor.protocol.terms import Terms

# For each: whether its input is the native coin that goes along, else its first argument.
_SWAPS: Final = {
    bytes.fromhex("38ed1739"): False,  # swapExactTokensForTokens(uint256,uint256,address[],address,uint256)
    bytes.fromhex("5c11d795"): False,  # the same, supporting fees on transfer
    bytes.fromhex("18cbafe5"): False,  # swapExactTokensForETH(uint256,uint256,address[],address,uint256)
    bytes.fromhex("791ac947"): False,  # the same, supporting fees on transfer
    bytes.fromhex("7ff36ab5"): True,  # swapExactETHForTokens(uint256,address[],address,uint256)
    bytes.fromhex("b6f9de95"): True,  # the same, supporting fees on transfer
}
_TAIL: Final = ["uint256", "address[]", "address", "uint256"]


class Decoded(msgspec.Struct, frozen=True):
    """A swap, and the chain time in Unix seconds after which its author wants it no more."""

    swap: Swap
    deadline_s: int


def swap_of(call: Call, terms: Terms) -> Decoded | Refusal | None:
    """Return the swap that a call is; None of any other call.

    A refusal where it is one that cannot be made anew: its output would go to somebody else.
    """
    native = _SWAPS.get(call.data[:4])
    if native is None or call.to.lower() != terms.router.lower():
        return None
    try:
        values = decode(_TAIL if native else ["uint256", *_TAIL], call.data[4:])
    except (DecodingError, OverflowError, ValueError):
        return None
    amount_in = int(call.value_wei) if native else values[0]
    least, path, recipient, deadline_s = values[-4:]
    if not native and call.value_wei:
        return None  # it would revert: left to its simulation
    if recipient.lower() != terms.wallet.lower():
        return Refusal(
            "call.recipient",
            "what the swap brings would go to another address",
            limit=terms.wallet,
            observed=recipient,
            unit="address",
        )
    return Decoded(Swap(tuple(path), Wei(amount_in), Wei(least)), deadline_s)
