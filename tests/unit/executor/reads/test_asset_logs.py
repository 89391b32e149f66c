"""What logs say of a wallet: transfers, allowances, tokens by id; and what is no log."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.executor.scene import ROUTER, TOKEN_A, TOKEN_B, WALLET, WETH
from warden.domain.risk.asset_changes import NATIVE
from warden.executor.reads import asset_logs

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
APPROVAL = "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
APPROVAL_FOR_ALL = "0x17307eab39ab6107e8899845ad3d59bd9653f200f220920489ca2b5937696c31"
TRANSFER_SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
PERMIT2 = "0xda9fa7c1b00402c17d0161b249b1ab8bbec047c5a52207b9c112deffd817036b"


def word(value: int | str) -> str:
    """Return a number or an address as a topic."""
    return f"0x{value:064x}" if isinstance(value, int) else "0x" + value[2:].lower().rjust(64, "0")


def log(token: str, *topics: int | str, data: str = "0x") -> dict[str, Any]:
    """Return a log; its first topic stands as it is."""
    return {"address": token, "topics": [topics[0], *map(word, topics[1:])], "data": data}


def test_transfers_are_summed_by_token_and_direction() -> None:
    """EX11: what went and came of each token; those of others are nobody's business."""
    logs = [
        log(WETH.upper().replace("X", "x"), TRANSFER, WALLET, ROUTER, data=word(3)),
        log(WETH, TRANSFER, ROUTER, WALLET, data=word(5)),
        log(WETH, TRANSFER, WALLET, WALLET, data=word(1)),
        log(TOKEN_A, TRANSFER, ROUTER, TOKEN_B, data=word(7)),
        log("0x" + "ee" * 20, TRANSFER, WALLET, ROUTER, data=word(9)),
    ]
    told = asset_logs.read(logs, WALLET)
    assert (told.went, told.came) == ({WETH: 4, NATIVE: 9}, {WETH: 6})
    assert (told.allowances, told.uniques_went) == ({}, ())


def test_allowances_of_every_kind_are_seen() -> None:
    """EX7: an amount, one token by id, everything, nothing again, and Permit2's; the newest counts."""
    logs = [
        log(WETH, APPROVAL, WALLET, ROUTER, data=word(3)),
        log(WETH, APPROVAL, WALLET, ROUTER, data=word(4)),
        log(TOKEN_A, APPROVAL, WALLET, ROUTER, 12),
        log(TOKEN_B, APPROVAL_FOR_ALL, WALLET, ROUTER, data=word(1)),
        log(TOKEN_B, APPROVAL_FOR_ALL, WALLET, TOKEN_A, data=word(0)),
        log(TOKEN_B, PERMIT2, WALLET, WETH, ROUTER, data=word(6) + "0" * 64),
        log(WETH, APPROVAL, ROUTER, WALLET, data=word(9)),
    ]
    told = asset_logs.read(logs[:3] + logs[4:], WALLET)
    assert told.allowances == {
        (WETH, ROUTER): 4,
        (TOKEN_A, ROUTER): None,
        (TOKEN_B, TOKEN_A): 0,
        (TOKEN_B, ROUTER): 6,
    }
    assert asset_logs.read(logs[3:4], WALLET).allowances == {(TOKEN_B, ROUTER): None}


def test_tokens_by_id_that_leave_are_named() -> None:
    """EX11: ERC-721 and ERC-1155; what comes is no loss."""
    logs = [
        log(TOKEN_A, TRANSFER, WALLET, ROUTER, 7),
        log(TOKEN_B, TRANSFER_SINGLE, ROUTER, WALLET, ROUTER, data=word(1) + "0" * 64),
        log(WETH, TRANSFER, ROUTER, WALLET, 7),
    ]
    assert asset_logs.read(logs, WALLET).uniques_went == (TOKEN_A, TOKEN_B)


@pytest.mark.parametrize(
    "logs",
    [
        None,
        "logs",
        [None],
        [{"address": WETH}],
        [log(WETH, TRANSFER, WALLET, ROUTER)],
        [log(WETH, APPROVAL, WALLET, ROUTER, data="0x12")],
        [log(WETH, TRANSFER, WALLET, ROUTER, data=word(1))] * 4_097,
    ],
)
def test_what_is_no_log_is_an_error(logs: object) -> None:
    """RP4: an endpoint or a token that writes rubbish is not read as if it had said nothing."""
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        asset_logs.read(logs, WALLET)
