"""What a client asks to be sent, read into a call; what is not understood is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.intents import Call
from warden.domain.money import Wei

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA_BYTES_MAX: Final = 24_576
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_QUANTITY: Final = re.compile(r"0x[0-9a-fA-F]{1,64}")
_NONCE_MAX: Final = 2**63 - 1
_DATA: Final = re.compile(r"0x([0-9a-fA-F]{2})*")
# Fees and gas are Warden's to say, by its own limits: what a client reckons with does no harm.
_PASSED_OVER: Final = frozenset(
    {"gas", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "type", "accessList"}
)
_KNOWN: Final = frozenset({"from", "to", "data", "input", "value", "nonce", "chainId"}) | _PASSED_OVER


class NotSendable(ValueError):
    """What was asked for cannot become an intent; the text says why in one line."""


def read(params: bytes, wallet: str, chain_id: int) -> Call:
    """Return the call in the parameters of eth_sendTransaction.

    Args:
        params: as the client wrote them, JSON.
        wallet: whose account it must be from, lower case.
        chain_id: 0 while the chain is not known.

    Raises:
        NotSendable: it is none, or from another account, or for another chain.
    """
    try:
        said: Any = msgspec.json.decode(params or b"[]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotSendable("the parameters cannot be read") from error
    if not isinstance(said, list) or not said or not isinstance(said[0], dict):
        raise NotSendable("the first parameter must be a transaction")
    asked: dict[str, Any] = {key: value for key, value in said[0].items() if value is not None}
    unknown = ", ".join(sorted(set(asked) - _KNOWN))[:100]
    if unknown:
        raise NotSendable(f"not understood, so not sent: {unknown}")
    sender = asked.get("from", wallet)
    if not wallet or not isinstance(sender, str) or sender.lower() != wallet:
        raise NotSendable(f"Warden sends from {wallet or 'no account yet'} alone: see eth_accounts")
    if "chainId" in asked and _quantity(asked, "chainId") != chain_id:
        raise NotSendable(f"this is chain {chain_id}")
    to = asked.get("to")
    if not isinstance(to, str) or not _ADDRESS.fullmatch(to):
        raise NotSendable("to: the address of a contract is wanted; none is created here")
    nonce = _quantity(asked, "nonce") if "nonce" in asked else None
    if nonce is not None and nonce > _NONCE_MAX:
        raise NotSendable("nonce: more than the chain counts to")
    return Call(to=to, data=_data(asked), value_wei=Wei(_quantity(asked, "value")), nonce=nonce)


def _quantity(asked: Mapping[str, Any], key: str) -> int:
    """Return a quantity, 0 where there is none."""
    value = asked.get(key, "0x0")
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return int(value, 16)
    raise NotSendable(f"{key}: a quantity in hex is wanted")


def _data(asked: Mapping[str, Any]) -> bytes:
    """Return the calldata: `input` by its newer name, `data` by its older one; both must say the same."""
    said = {asked[key] if isinstance(asked[key], str) else "" for key in ("data", "input") if key in asked}
    if len({each.lower() for each in said}) > 1:
        raise NotSendable("data and input differ")
    text = next(iter(said), "0x")
    if not _DATA.fullmatch(text):
        raise NotSendable("data: whole bytes in hex are wanted")
    data = bytes.fromhex(text[2:])
    if len(data) > DATA_BYTES_MAX:
        raise NotSendable(f"data: {len(data)} bytes, at most {DATA_BYTES_MAX} are taken")
    return data
