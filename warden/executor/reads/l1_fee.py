"""What a rollup charges for a transaction's data on the chain below it, as its contract tells (EX8).

The OP stack's GasPriceOracle tells the most that an unsigned transaction of so many bytes pays
(`getL1FeeUpperBound`, since its Fjord upgrade); the receipt says what it paid (`l1Fee`).
https://specs.optimism.io/protocol/fjord/predeploys.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from warden.executor.reads import calldata

if TYPE_CHECKING:
    from warden.executor.protocol.terms import Terms

_UPPER_BOUND: Final = bytes.fromhex("f1c7a58b")  # getL1FeeUpperBound(uint256)
# A swap over the longest path that is let through takes some 520 bytes.
_BYTES: Final = 600


def calls(terms: Terms) -> list[tuple[str, list[Any]]]:
    """Return what a read of the head asks for it; nothing where there is no such fee."""
    if terms.l1_fee_oracle is None:
        return []
    data = "0x" + (_UPPER_BOUND + _BYTES.to_bytes(32, "big")).hex()
    return [("eth_call", [{"to": terms.l1_fee_oracle, "data": data}, "latest"])]


def found(terms: Terms, answers: list[Any]) -> tuple[int, list[Any]]:
    """Return the fee in wei, and the answers that are left.

    Raises:
        ValueError: what was answered is no amount: nothing is opened at a fee that nobody knows.
    """
    if terms.l1_fee_oracle is None:
        return 0, answers
    return calldata.uint(answers[0]), answers[1:]
