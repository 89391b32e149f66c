"""Strangers on the chain: an account that nobody else sends from gives dust, moves prices, and goes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.chain.uniswap import NO_DEADLINE, encoded
from tests.instance import wait_until
from warden.devnet.prices import ONE_PPM, Reserves, swap_to_price
from warden.domain.errors import InvariantBroken
from warden.executor.reads import calldata

if TYPE_CHECKING:
    from tests.process.chain_truth import ChainTruth

_ETHER: Final = 10**18
_WETH_WEI: Final = 10_000 * _ETHER
_TOKENS: Final = 10_000_000 * _ETHER
_GAS: Final = 400_000
# Above whatever gas costs, and above every tip of ours: within a block it comes first.
_FEE_WEI: Final = 10**14
_TIP_WEI: Final = 10**11
_SWAP: Final = (
    "swapExactTokensForTokensSupportingFeeOnTransferTokens(uint256,uint256,address[],address,uint256)"
)


class Crowd:
    """An account of the node's own, with much of every token of the devnet.

    Args:
        truth: the chain.
    """

    def __init__(self, truth: ChainTruth) -> None:
        self._truth = truth
        manifest = truth.manifest
        noise = {each.lower() for each in manifest.noise_accounts}
        accounts = truth.node("eth_accounts")
        self.account = str([each for each in accounts if each.lower() not in noise][-1])
        # Hash of each gift with the ether in it; tokens are counted by its receipt.
        self.gifts: dict[str, int] = {}
        self._pools: dict[str, str] = {}
        self._mined(self._order(manifest.weth, "0xd0e30db0", value=_WETH_WEI))
        self.joins(manifest.weth)
        for token in manifest.tokens:
            data = encoded("transfer(address,uint256)", self.account, _TOKENS)
            self._mined(self._order(token.address, data, sender=accounts[0]))
            self.joins(token.address)

    def joins(self, token: str) -> None:
        """Let the router take what the crowd has of a token."""
        self._mined(
            self._order(token, encoded("approve(address,uint256)", self._truth.manifest.router, NO_DEADLINE))
        )

    # --- gifts

    def give(self, token: str, amount: int) -> None:
        """Send the wallet a little of a token, or of ether where none is named; wait until it is there."""
        wallet = self._truth.wallet
        if token:
            tx_hash = self._order(token, encoded("transfer(address,uint256)", wallet, amount))
        else:
            tx_hash = self._order(wallet, "0x", value=amount)
        self._mined(tx_hash)
        self.gifts[tx_hash] = 0 if token else amount

    # --- prices

    def move(self, token: str, ppm: int) -> None:
        """Change what a token costs in the wrapped native one by parts per million; wait until it is so."""
        weth = self._truth.manifest.weth
        first = min((token, weth), key=str.lower)
        words = self._truth.node(
            "eth_call", {"to": self._pool(token), "data": calldata.GET_RESERVES}, "latest"
        )
        now = Reserves(*calldata.reserves(words))
        # The pair's price is that of its first token in the second.
        offset = ppm if first.lower() == token.lower() else ONE_PPM * ONE_PPM // (ONE_PPM + ppm) - ONE_PPM
        swap = swap_to_price(now, now, offset)
        if swap is None:
            raise InvariantBroken(f"a price cannot be moved by {ppm} ppm")
        path = (token, weth) if swap.zero_for_one == (first == token) else (weth, token)
        self._mined(self.trade(path, swap.amount_in))

    def trade(self, path: tuple[str, ...], amount_in: int) -> str:
        """Swap along a path, whatever comes, before everything else in the block; return the hash."""
        data = encoded(_SWAP, amount_in, 0, list(path), self.account, NO_DEADLINE)
        return self._order(self._truth.manifest.router, data)

    def overtakes(self, path: tuple[str, ...]) -> str:
        """Push the first pool of a path a hundredth against whoever comes after; return the hash."""
        held = self._truth.balance(path[0], self._pool(path[0], path[1]))
        return self.trade(path[:2], held // 100)

    def _pool(self, one: str, other: str = "") -> str:
        manifest = self._truth.manifest
        key = f"{one}/{other or manifest.weth}".lower()
        if key not in self._pools:
            data = encoded("getPair(address,address)", one, other or manifest.weth)
            found = self._truth.node("eth_call", {"to": manifest.factory, "data": data}, "latest")
            self._pools[key] = "0x" + found[-40:]
        return self._pools[key]

    # --- transactions

    def _order(self, to: str, data: str, *, value: int = 0, sender: str = "") -> str:
        order = {
            "from": sender or self.account,
            "to": to,
            "data": data,
            "value": hex(value),
            "gas": hex(_GAS),
            "maxFeePerGas": hex(_FEE_WEI),
            "maxPriorityFeePerGas": hex(_TIP_WEI),
        }
        return str(self._truth.node("eth_sendTransaction", order))

    def _mined(self, tx_hash: str) -> None:
        found: list[dict[str, Any]] = []

        def mined() -> bool:
            receipt = self._truth.receipt(tx_hash)
            found.extend([] if receipt is None else [receipt])
            return bool(found)

        wait_until(mined, "a stranger's transaction on the chain")
        if found[0]["status"] != "0x1":
            raise InvariantBroken(f"a stranger's transaction {tx_hash} failed")
