"""Tokens of our own on a devnet, each with a Uniswap V2 pool: honest ones and those that misbehave.

Sources stand in contracts/tokens.sol; contracts/tokens.json is what they compile to (contracts/build.mjs).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address

from tests.chain.devnet import ETHER, GWEI, call
from tests.chain.uniswap import NO_DEADLINE, encoded

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from tests.chain.devnet import Net

_COMPILED: Final = Path(__file__).parent / "contracts" / "tokens.json"
CODE: Final[dict[str, str]] = json.loads(_COMPILED.read_text(encoding="utf-8"))["contracts"]
SUPPLY: Final = 10**9 * ETHER
POOL_WETH: Final = 50 * ETHER
POOL_TOKENS: Final = 100_000 * ETHER
_GAS: Final = 4_000_000
_ADD_LIQUIDITY: Final = "addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)"


@dataclass(frozen=True)
class Listed:
    """A token and its pool with the wrapped native token."""

    kind: str
    token: str
    pair: str


class Issuer:
    """An account that deploys tokens and makes their pools; `devnet` mines by itself."""

    def __init__(self, devnet: Net, *, pools: int = 8) -> None:
        self.devnet = devnet
        self.account: LocalAccount = devnet.account(eth_wei=100 * ETHER, weth_wei=pools * POOL_WETH)
        self._nonce = 0
        self._sent: list[str] = []
        manifest = devnet.manifest
        self.send(manifest.weth, encoded("approve(address,uint256)", manifest.router, 2**256 - 1))

    def send(self, to: str, data: str, *, account: LocalAccount | None = None, nonce: int = 0) -> str:
        """Send a transaction to be mined; another account's nonce is the caller's to say."""
        mine = account is None
        fields: dict[str, Any] = {
            "chainId": self.devnet.manifest.chain_id,
            "nonce": self._nonce if mine else nonce,
            "to": to_checksum_address(to) if to else "",
            "value": 0,
            "data": data,
            "gas": _GAS,
            "maxFeePerGas": 100 * GWEI,
            "maxPriorityFeePerGas": GWEI,
        }
        if not to:
            del fields["to"]
        signed = (account or self.account).sign_transaction(fields)
        self._nonce += mine
        raw = "0x" + bytes(signed.raw_transaction).hex()
        tx_hash = str(call(self.devnet.url(self.devnet.names[0]), "eth_sendRawTransaction", raw))
        self._sent.append(tx_hash)
        return tx_hash

    def settle(self) -> list[dict[str, Any]]:
        """Wait until all that was sent is mined and has succeeded; give the receipts."""
        receipts = [self.devnet.wait_mined(tx_hash) for tx_hash in self._sent]
        assert [int(each["status"], 16) for each in receipts] == [1] * len(receipts)
        self._sent.clear()
        return receipts

    def deploy(self, *kinds: str, argument: int | str = SUPPLY) -> list[str]:
        """Deploy contracts of tokens.sol with their one argument; give their addresses."""
        of = "address" if isinstance(argument, str) else "uint256"
        for kind in kinds:
            self.send("", CODE[kind] + encode([of], [argument]).hex())
        return [to_checksum_address(each["contractAddress"]) for each in self.settle()[-len(kinds) :]]

    def list_tokens(
        self, *kinds: str, weth_wei: int = POOL_WETH, tokens: int = POOL_TOKENS
    ) -> dict[str, Listed]:
        """Deploy tokens and make their pools; give them by kind."""
        manifest = self.devnet.manifest
        addresses = dict(zip(kinds, self.deploy(*kinds), strict=True))
        for token in addresses.values():
            self.send(token, encoded("approve(address,uint256)", manifest.router, tokens))
            self.send(manifest.factory, encoded("createPair(address,address)", token, manifest.weth))
        self.settle()
        listed = {kind: Listed(kind, token, self._pair(token)) for kind, token in addresses.items()}
        for each in listed.values():
            self.send(each.token, encoded("setPair(address)", each.pair))
            liquidity = (each.token, manifest.weth, tokens, weth_wei, 0, 0, self.account.address, NO_DEADLINE)
            self.send(manifest.router, encoded(_ADD_LIQUIDITY, *liquidity))
        self.settle()
        return listed

    def _pair(self, token: str) -> str:
        manifest = self.devnet.manifest
        data = encoded("getPair(address,address)", token, manifest.weth)
        found = call(manifest.node_url, "eth_call", {"to": manifest.factory, "data": data}, "latest")
        return to_checksum_address("0x" + found[-40:])
