"""A rollup's data fee on a real chain: what stands at the oracle's address is asked, with the head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tests.chain.devnet import call
from tests.unit.executor.scene import TERMS
from warden.domain.chains import PROFILES
from warden.executor.reads import l1_fee
from warden.runtime.rpc import JsonRpc

if TYPE_CHECKING:
    from tests.chain.devnet import DevnetProcess

FEE_WEI = 123_456_789_000
# PUSH32 fee, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN: whatever is asked, the fee is the answer.
ANSWERS_FEE = "0x7f" + FEE_WEI.to_bytes(32, "big").hex() + "60005260206000f3"


def test_the_oracle_of_the_profile_is_asked(devnet: DevnetProcess) -> None:
    """EX8: at the address that Base's profile names, by the function that its contract has."""
    oracle = PROFILES["base"].l1_fee_oracle
    assert oracle is not None
    call(devnet.manifest.node_url, "anvil_setCode", oracle, ANSWERS_FEE)
    terms = msgspec.structs.replace(TERMS, l1_fee_oracle=oracle)
    rpc = JsonRpc(devnet.manifest.node_url, timeout_s=30.0)
    try:
        answers = rpc.batch(l1_fee.calls(terms))
    finally:
        rpc.close()
    assert l1_fee.found(terms, answers) == (FEE_WEI, [])
