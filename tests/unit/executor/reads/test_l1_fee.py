"""What a transaction's data costs on the chain below: asked of the contract that tells, with each head."""

from __future__ import annotations

import msgspec

from tests.unit.executor.reads.test_chain import HASH, Node, is_call, node, take
from tests.unit.executor.scene import TERMS
from warden.executor.protocol.events import HeadRead
from warden.executor.reads.chain import ChainReader, ReadFailed

__all__ = ["node"]
ORACLE = "0x420000000000000000000000000000000000000F"


def test_the_fee_of_the_chain_below_is_asked_of_its_contract(node: Node) -> None:
    """EX8: with the head, of the address that the profile names; an unusable answer makes no head."""
    terms = msgspec.structs.replace(TERMS, l1_fee_oracle=ORACLE, min_tip_wei=30)
    reader = ChainReader(lambda: node.url, terms)
    try:
        reader.read_head((HASH,))
        head = take(reader)
        assert isinstance(head, HeadRead)
        assert (head.l1_fee_wei, head.tip_wei, head.trading_balance_wei) == (1234, 30, 1234)
        assert head.receipts[HASH] is not None
        (asked,) = [call["params"][0] for call in node.asked if is_call(call, "0xf1c7a58b")]
        assert asked["to"] == ORACLE
        node.refuses["eth_call"] = "no such contract"
        reader.read_head(())
        assert isinstance(take(reader), ReadFailed)
    finally:
        reader.close()
        if reader._rpc is not None:
            reader._rpc.close()
