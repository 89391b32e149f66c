"""What logs say of the wallet's tokens: transfers, allowances, tokens by id (ERC-20, 721, 1155, Permit2).

A log is what a contract chose to write. What it says is held against balances (simulation.py, settlement).
Topics are Keccak-256 of the event signatures in the standards EIP-20, EIP-721 and EIP-1155 and in Permit2.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from warden.domain.risk.asset_changes import NATIVE
from warden.executor.reads import calldata

# Where eth_simulateV1 writes transfers of the chain's own coin as if it were a token (traceTransfers).
_NATIVE_TOKEN: Final = "0x" + "ee" * 20
_TRANSFER: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_APPROVAL: Final = "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
_APPROVAL_FOR_ALL: Final = "0x17307eab39ab6107e8899845ad3d59bd9653f200f220920489ca2b5937696c31"
_TRANSFER_SINGLE: Final = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
_TRANSFER_BATCH: Final = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"
_PERMIT2_APPROVAL: Final = "0xda9fa7c1b00402c17d0161b249b1ab8bbec047c5a52207b9c112deffd817036b"
_PERMIT2_PERMIT: Final = "0xc6a377bfc4eb120024a8ac08eef205be16b817020812c73223e81d1bdb9708ec"
_FUNGIBLE_TOPICS: Final = 3
_UNIQUE_TOPICS: Final = 4
_LOGS_MAX: Final = 4_096


class Told(msgspec.Struct, frozen=True):
    """What the logs of one transaction say.

    Attributes:
        went, came: by token, in its smallest unit; NATIVE for the chain's own coin.
        allowances: by token and spender, the newest; None: everything.
        uniques_went: contracts whose tokens by id left.
    """

    went: dict[str, int]
    came: dict[str, int]
    allowances: dict[tuple[str, str], int | None]
    uniques_went: tuple[str, ...]


def read(logs: object, wallet: str) -> Told:
    """Return what logs say of a wallet.

    Raises:
        ValueError: they are not logs, or more than any sane transaction writes.
    """
    if not isinstance(logs, list) or len(logs) > _LOGS_MAX:
        raise ValueError("no logs, or too many")
    owner = _topic(wallet)
    went: dict[str, int] = {}
    came: dict[str, int] = {}
    allowances: dict[tuple[str, str], int | None] = {}
    uniques: dict[str, None] = {}
    for log in logs:
        token, topics = _address(log), [str(each).lower() for each in log["topics"]]
        kind = topics[0] if topics else ""
        if kind == _TRANSFER and len(topics) == _FUNGIBLE_TOPICS:
            amount = calldata.uint(log.get("data"))
            for sums, party in ((went, topics[1]), (came, topics[2])):
                if party == owner:
                    sums[token] = sums.get(token, 0) + amount
        elif _unique_left(kind, topics, owner):
            uniques[token] = None
        elif topics[1:2] == [owner]:
            allowed = _allowed(kind, topics, log)
            if allowed is not None:
                spender, after = allowed
                allowances[token, spender] = after
    return Told(went, came, allowances, tuple(uniques))


def _unique_left(kind: str, topics: list[str], owner: str) -> bool:
    if kind == _TRANSFER and len(topics) == _UNIQUE_TOPICS:
        return topics[1] == owner
    return kind in {_TRANSFER_SINGLE, _TRANSFER_BATCH} and topics[2:3] == [owner]


def _allowed(kind: str, topics: list[str], log: dict[str, Any]) -> tuple[str, int | None] | None:
    """Return spender and amount of an allowance that the owner gave; None of any other log."""
    if kind == _APPROVAL and len(topics) == _FUNGIBLE_TOPICS:
        return _spender(topics[2]), calldata.uint(log.get("data"))
    if kind == _APPROVAL and len(topics) == _UNIQUE_TOPICS:
        spender = _spender(topics[2])
        return spender, 0 if int(spender, 16) == 0 else None
    if kind == _APPROVAL_FOR_ALL and len(topics) == _FUNGIBLE_TOPICS:
        return _spender(topics[2]), None if calldata.uint(log.get("data")) else 0
    if kind in {_PERMIT2_APPROVAL, _PERMIT2_PERMIT} and len(topics) == _UNIQUE_TOPICS:
        first = str(log.get("data"))[:66]
        return _spender(topics[3]), calldata.uint(first)
    return None


def _address(log: object) -> str:
    if not isinstance(log, dict) or not isinstance(log.get("topics"), list):
        raise ValueError("a log without topics")  # noqa: TRY004 - what an endpoint answered, as elsewhere
    address = str(log.get("address", "")).lower()
    return NATIVE if address == _NATIVE_TOKEN else address


def _topic(address: str) -> str:
    return "0x" + address.lower().removeprefix("0x").rjust(64, "0")


def _spender(topic: str) -> str:
    return calldata.address(topic)
