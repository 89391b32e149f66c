"""Gives play money: ether and WETH, by ordinary transfers of the deployer, so that they show on the chain."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from eth_abi.abi import encode
from eth_utils.address import is_address, to_checksum_address
from eth_utils.crypto import keccak

from warden.domain.errors import ConfigurationInvalid, EndpointFailed

if TYPE_CHECKING:
    from warden.devnet.node import NodeClient

TRANSFER: Final = keccak(text="transfer(address,uint256)")[:4]
GAS: Final = 80_000
MINED_TIMEOUT_S: Final = 60.0
MINED_POLL_S: Final = 0.05


async def fund(
    node: NodeClient, weth: str, address: str, *, eth_wei: int = 0, weth_wei: int = 0
) -> list[str]:
    """Send `eth_wei` and `weth_wei` to `address`, wait until mined, and give the hashes.

    Raises:
        ConfigurationInvalid: no address, or a negative amount.
        EndpointRefused: the deployer has not so much.
        EndpointFailed: not mined in time.
    """
    if not is_address(address) or eth_wei < 0 or weth_wei < 0:
        raise ConfigurationInvalid(f"fund {address}: give a 20-byte hex address and amounts of 0 wei or more")
    to = to_checksum_address(address)
    deployer = (await node.call("eth_accounts"))[0]
    wanted: list[dict[str, Any]] = []
    if eth_wei:
        wanted.append({"to": to, "value": hex(eth_wei)})
    if weth_wei:
        wanted.append(
            {"to": weth, "data": "0x" + (TRANSFER + encode(("address", "uint256"), (to, weth_wei))).hex()}
        )
    sent = [
        await node.call("eth_sendTransaction", {"from": deployer, "gas": hex(GAS), **each}) for each in wanted
    ]
    for tx_hash in sent:
        await _wait_mined(node, tx_hash)
    return sent


async def _wait_mined(node: NodeClient, tx_hash: str) -> None:
    deadline = time.monotonic() + MINED_TIMEOUT_S
    while time.monotonic() < deadline:
        receipt = await node.call("eth_getTransactionReceipt", tx_hash)
        if receipt is not None:
            if int(receipt["status"], 16) != 1:
                raise EndpointFailed(f"devnet: the transfer {tx_hash} failed on the chain")
            return
        await asyncio.sleep(MINED_POLL_S)
    raise EndpointFailed(f"devnet: the transfer {tx_hash} was not mined in {MINED_TIMEOUT_S:.0f} s")
