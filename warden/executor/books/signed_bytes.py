"""The value and calldata of a signed transaction, read back from its bytes (EIP-2718, EIP-1559)."""

from __future__ import annotations

from typing import Any, Final

import rlp  # type: ignore[import-untyped] # ships no types

_DYNAMIC_FEE: Final = 2
_LEGACY_FROM: Final = 0xC0
# Where value and data stand among the fields of each kind.
_DYNAMIC_VALUE: Final = 6
_LEGACY_VALUE: Final = 4


def call_of(raw: str, call: str = "") -> tuple[int, bytes] | None:
    """Return the value in wei and the calldata of raw signed bytes (hex with 0x); None for what has none.

    On paper there are no bytes: `call` is its calldata then, and no value ever goes with it.
    """
    try:
        content = bytes.fromhex(raw.removeprefix("0x"))
        if call:
            return 0, bytes.fromhex(call.removeprefix("0x"))
        if not content:
            return None
        legacy = content[0] >= _LEGACY_FROM
        if not legacy and content[0] != _DYNAMIC_FEE:
            return None
        fields: Any = rlp.decode(content if legacy else content[1:])
        at = _LEGACY_VALUE if legacy else _DYNAMIC_VALUE
        value, data = fields[at], fields[at + 1]
        return int.from_bytes(value, "big"), bytes(data)
    except (ValueError, IndexError, TypeError, rlp.exceptions.RLPException):
        return None
