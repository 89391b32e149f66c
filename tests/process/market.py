"""Prices that a test moves by a noise trader's own swap, past every endpoint of the devnet."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from eth_abi.abi import encode

from tests.instance import wait_until
from warden.devnet.noise import GAS_SWAP, GET_RESERVES, NO_DEADLINE, SWAP, SWAP_TYPES
from warden.devnet.prices import ONE_PPM, Reserves, swap_to_price
from warden.executor.reads import calldata

if TYPE_CHECKING:
    from tests.process.system import System

_TIP_WEI: Final = 10**9


class Node:
    """The devnet's chain itself: its calls show in no receive log and meet no fault."""

    def __init__(self, system: System) -> None:
        self.manifest: dict[str, Any] = json.loads(system.places.devnet_manifest.read_text(encoding="utf-8"))

    def call(self, method: str, *parameters: object) -> Any:  # noqa: ANN401 - JSON
        """Return the result of one JSON-RPC call."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
        request = urllib.request.Request(  # noqa: S310 - loopback
            self.manifest["node_url"], json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - loopback
            answer = json.load(response)
        assert "error" not in answer, answer
        return answer["result"]

    def token(self, symbol: str) -> str:
        """Return a token's address."""
        return next(str(each["address"]) for each in self.manifest["tokens"] if each["symbol"] == symbol)

    def balance(self, token: str, owner: str) -> int:
        """Return what an address holds of a token, in its smallest unit."""
        return calldata.uint(
            self.call("eth_call", {"to": token, "data": calldata.balance_of(owner)}, "latest")
        )

    def move(self, symbol: str, ppm: int, *, mine: bool = False) -> None:
        """Change what a token costs in WETH by so many parts per million, and wait until that is mined.

        With `mine` in a block of its own, made while the devnet's blocks are held.
        """
        token, weth = self.token(symbol).lower(), self.manifest["weth"].lower()
        pair = next(
            each
            for each in self.manifest["pairs"]
            if {each["token0"].lower(), each["token1"].lower()} == {token, weth}
        )
        words = self.call("eth_call", {"to": pair["address"], "data": GET_RESERVES}, "latest")
        now = Reserves(*calldata.reserves(words))
        # The pair's price is token1 for one token0.
        offset = ppm if pair["token0"].lower() == token else ONE_PPM * ONE_PPM // (ONE_PPM + ppm) - ONE_PPM
        swap = swap_to_price(now, now, offset)
        assert swap is not None
        path = [pair["token0"], pair["token1"]] if swap.zero_for_one else [pair["token1"], pair["token0"]]
        account = self.manifest["noise_accounts"][0]
        call = SWAP + encode(SWAP_TYPES, (swap.amount_in, 0, path, account, NO_DEADLINE))
        tx_hash = self.call(
            "eth_sendTransaction",
            {
                "from": account,
                "to": self.manifest["router"],
                "data": "0x" + call.hex(),
                "gas": hex(GAS_SWAP),
                "maxFeePerGas": hex(10**12),
                "maxPriorityFeePerGas": hex(_TIP_WEI),
            },
        )
        if mine:
            self.call("evm_mine")
        found: list[Any] = []

        def mined() -> bool:
            found[:] = [self.call("eth_getTransactionReceipt", tx_hash)]
            return found[0] is not None

        wait_until(mined, "receipt of the noise trader's swap")
        assert found[0]["status"] == "0x1", "the noise trader's swap was reverted"
