"""The noise traders: they move prices by real swaps, so that there is something to arbitrage.

They use anvil's unlocked accounts at the node itself, so that the endpoints' receive log holds only what is
judged.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak
from loguru import logger

from warden.devnet.prices import PriceWalk, Reserves, swap_to_price
from warden.domain.errors import EndpointFailed, EndpointRefused

if TYPE_CHECKING:
    from warden.devnet.config import NoiseConfig
    from warden.devnet.manifest import Contracts, Pair
    from warden.devnet.node import NodeClient

NO_DEADLINE: Final = 2**256 - 1
GAS_SWAP: Final = 200_000
TIP_WEI: Final = 1_000_000
GET_RESERVES: Final = "0x" + keccak(text="getReserves()")[:4].hex()
SWAP: Final = keccak(text="swapExactTokensForTokens(uint256,uint256,address[],address,uint256)")[:4]
SWAP_TYPES: Final = ("uint256", "uint256", "address[]", "address", "uint256")
WORD_HEX: Final = 64
STEP_S_WHEN_AUTOMINED: Final = 1.0
FAILURES_MAX: Final = 30


class NoiseTraders:
    """Steps the walk once a block and swaps as it says."""

    def __init__(
        self,
        node: NodeClient,
        contracts: Contracts,
        config: NoiseConfig,
        *,
        seed: int,
        per_weth: dict[str, int],
    ) -> None:
        """Prepare.

        Args:
            node: the chain itself.
            contracts: what is deployed.
            config: how wild it gets.
            seed: of the walk.
            per_weth: for each token's address, how many of it are worth one WETH: the pools' base prices.
        """
        self._node = node
        self._contracts = contracts
        self._config = config
        self._worth = {contracts.weth: 1} | per_weth
        self._walk = PriceWalk(
            seed, config, pools=len(contracts.pairs), accounts=len(contracts.noise_accounts)
        )
        self.running = config.enabled
        self.steps = 0
        self.swaps = 0

    async def run(self, step_s: float) -> None:
        """Step for ever, once in `step_s` seconds; pauses while `running` is False.

        Raises:
            EndpointFailed, EndpointRefused: the node failed too often in a row.
        """
        failures = 0
        while True:
            await asyncio.sleep(step_s or STEP_S_WHEN_AUTOMINED)
            self.steps += 1
            if not self.running:
                continue
            try:
                await self.step()
            except (EndpointFailed, EndpointRefused) as error:
                failures += 1
                logger.bind(kind="devnet.noise").warning("the noise traders: {}", error)
                if failures >= FAILURES_MAX:
                    raise
            else:
                failures = 0

    async def step(self) -> str | None:
        """Take one step; give the hash of the swap that was sent, if any.

        Raises:
            EndpointFailed, EndpointRefused: the node did not take it.
        """
        base_fee_wei = self._walk.next_base_fee_wei()
        await self._node.call("anvil_setNextBlockBaseFeePerGas", hex(base_fee_wei))
        push = self._walk.next_push()
        if push is None:
            return None
        pair = self._contracts.pairs[push.pool]
        base = Reserves(self._worth[pair.token0], self._worth[pair.token1])
        swap = swap_to_price(await self._reserves(pair), base, push.offset_ppm)
        if swap is None:
            return None
        path = [pair.token0, pair.token1] if swap.zero_for_one else [pair.token1, pair.token0]
        account = self._contracts.noise_accounts[push.account]
        call = SWAP + encode(SWAP_TYPES, (swap.amount_in, 0, path, account, NO_DEADLINE))
        transaction = {
            "from": account,
            "to": self._contracts.router,
            "data": "0x" + call.hex(),
            "gas": hex(GAS_SWAP),
            # Twice the base fee: it may rise before the next block.
            "maxFeePerGas": hex(2 * self._config.base_fee_max_wei + TIP_WEI),
            "maxPriorityFeePerGas": hex(TIP_WEI),
        }
        tx_hash: str = await self._node.call("eth_sendTransaction", transaction)
        self.swaps += 1
        return tx_hash

    async def _reserves(self, pair: Pair) -> Reserves:
        words = (await self._node.call("eth_call", {"to": pair.address, "data": GET_RESERVES}, "latest"))[2:]
        return Reserves(int(words[:WORD_HEX], 16), int(words[WORD_HEX : 2 * WORD_HEX], 16))
