"""Calls of Uniswap V2's Router02, encoded by hand, for tests that trade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from tests.chain.devnet import call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eth_account.signers.local import LocalAccount

    from tests.chain.devnet import DevnetProcess

NO_DEADLINE = 2**256 - 1


def encoded(signature: str, *arguments: object) -> str:
    """Encode a call, such as `transfer(address,uint256)`; types without tuples."""
    types = signature[signature.index("(") + 1 : -1].split(",")
    return "0x" + (keccak(text=signature)[:4] + encode([t for t in types if t], arguments)).hex()


def amounts_out(url: str, router: str, amount_in: int, path: Sequence[str]) -> list[int]:
    """Ask the router what each step of a path gives."""
    data = encoded("getAmountsOut(uint256,address[])", amount_in, list(path))
    raw = call(url, "eth_call", {"to": router, "data": data}, "latest")
    amounts: list[int] = list(decode(["uint256[]"], bytes.fromhex(raw[2:]))[0])
    return amounts


def balance(url: str, token: str, owner: str) -> int:
    """Read an ERC-20 balance."""
    raw = call(url, "eth_call", {"to": token, "data": encoded("balanceOf(address)", owner)}, "latest")
    return int(raw, 16)


def send(devnet: DevnetProcess, endpoint: str, account: LocalAccount, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 # a transaction's own
    """Sign, send through an endpoint, wait, and give the receipt."""
    tx_hash, raw = devnet.signed(account, **({"value": 0, "gas": 400_000} | fields))
    assert call(devnet.url(endpoint), "eth_sendRawTransaction", raw) == tx_hash
    return devnet.wait_mined(tx_hash)
