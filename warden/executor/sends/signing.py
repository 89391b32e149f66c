"""Signs drafts with the wallet's key; the only place that touches it after unlocking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from eth_utils.address import to_checksum_address

from warden.executor.protocol.events import Signed

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from warden.executor.protocol.commands import Sign


def sign(account: LocalAccount, order: Sign, chain_id: int) -> Signed:
    """Return the draft with its signed bytes and hash, an EIP-1559 transaction."""
    draft = order.draft
    fields: dict[str, Any] = {
        "type": 2,
        "chainId": chain_id,
        "nonce": draft.nonce,
        "to": to_checksum_address(draft.to),
        "value": order.value_wei,
        "data": order.data,
        "gas": draft.gas,
        "maxFeePerGas": int(draft.max_fee_wei),
        "maxPriorityFeePerGas": int(draft.priority_fee_wei),
    }
    signed = account.sign_transaction(fields)
    row = msgspec.structs.replace(
        draft, raw="0x" + signed.raw_transaction.hex(), tx_hash="0x" + signed.hash.hex()
    )
    return Signed(row=row)
