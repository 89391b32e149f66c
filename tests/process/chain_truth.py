"""What the chain says of the wallet, asked of the node itself: the book is held against it, to the wei."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tests.chain.devnet import call, post
from tests.instance import wait_until
from warden.devnet.main import WALLET_ETH_WEI, WALLET_WETH_WEI
from warden.devnet.manifest import read_manifest
from warden.domain.intents import TradeState
from warden.domain.roles import Role
from warden.runtime.journal import read
from warden.runtime.wallet import wallet_address
from warden.wire.codec import from_json
from warden.wire.rows import ExecutorRow, OutcomeRow, SignedRow

if TYPE_CHECKING:
    from tests.process.system import System

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
BALANCE_OF = "0x70a08231"
ON_THE_CHAIN = {TradeState.MINED, TradeState.FINAL, TradeState.REVERTED}


class Landed(msgspec.Struct, frozen=True):
    """A transaction as its receipt has it."""

    block_hash: str
    success: bool
    gain_wei: int
    gas_wei: int


class ChainTruth:
    """The wallet of one devnet system, seen past the endpoints."""

    def __init__(self, system: System) -> None:
        manifest = read_manifest(system.places.role(Role.DEVNET))
        assert manifest is not None
        self.manifest = manifest
        self._journal = system.places.journal(Role.EXECUTOR)
        self.wallet = wallet_address(system.settings, system.places)

    def node(self, method: str, *params: object) -> Any:  # noqa: ANN401 - any JSON
        """Call the node, past endpoints and faults."""
        return call(self.manifest.node_url, method, *params)

    def fault(self, kind: str, *methods: str) -> None:
        """Have every endpoint misbehave in these methods, in all when none is named."""
        for endpoint in self.manifest.endpoints:
            url = f"{self.manifest.control_url}/faults/{endpoint.name}"
            assert post(url, {"kind": kind, "methods": methods}).status == 200

    def mining(self, *, running: bool) -> None:
        """Hold blocks, or let them come again."""
        assert post(f"{self.manifest.control_url}/mining", {"running": running}).status == 200

    def nonce(self, block: str = "latest") -> int:
        """Return the wallet's nonce."""
        return int(self.node("eth_getTransactionCount", self.wallet, block), 16)

    def wait_nothing_pending(self) -> None:
        """Wait until the node holds no transaction of the wallet that is not mined."""
        wait_until(lambda: self.nonce() == self.nonce("pending"), "end of what is pending on the chain")

    def receipt(self, tx_hash: str) -> Any:  # noqa: ANN401 - JSON
        """Return a transaction's receipt as the node has it, None where there is none."""
        return self.node("eth_getTransactionReceipt", tx_hash)

    def balance(self, token: str, owner: str = "") -> int:
        """Return what an address, else the wallet, holds of a token, in its smallest unit."""
        data = BALANCE_OF + (owner or self.wallet).lower().removeprefix("0x").rjust(64, "0")
        return int(self.node("eth_call", {"to": token, "data": data}, "latest"), 16)

    def landed(self, tx_hash: str) -> Landed | None:
        """Return what a receipt says, None without one."""
        receipt = self.receipt(tx_hash)
        if receipt is None:
            return None
        return Landed(
            block_hash=receipt["blockHash"],
            success=receipt["status"] == "0x1",
            gain_wei=sum(self._moved(log) for log in receipt["logs"]),
            gas_wei=int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16),
        )

    def _moved(self, log: dict[str, Any]) -> int:
        if log["address"].lower() != self.manifest.weth.lower() or log["topics"][0] != TRANSFER:
            return 0
        sender, receiver = ("0x" + topic[-40:] for topic in log["topics"][1:])
        wallet, amount = self.wallet.lower(), int(log["data"], 16)
        sign: int = (receiver == wallet) - (sender == wallet)
        return amount * sign

    def moved(self) -> tuple[int, int]:
        """Return by how much the wallet's WETH and ether differ from what it was funded with, in wei."""
        weth = self.balance(self.manifest.weth)
        ether = int(self.node("eth_getBalance", self.wallet, "latest"), 16)
        return weth - WALLET_WETH_WEI, ether - WALLET_ETH_WEI

    # --- the journal beside it

    def rows(self) -> list[ExecutorRow]:
        """Return the executor's durable rows."""
        return [from_json(row.body, ExecutorRow) for row in read(self._journal)]

    def signed(self) -> dict[str, SignedRow]:
        """Return every signed transaction of the journal by hash."""
        return {row.tx_hash: row for row in self.rows() if isinstance(row, SignedRow)}

    def outcomes(self) -> dict[str, OutcomeRow]:
        """Return the newest outcome of every transaction of the journal that has one."""
        return {row.tx_hash: row for row in self.rows() if isinstance(row, OutcomeRow)}

    def check_explained(self) -> None:
        """Check that what the journal has signed explains the wallet: nonce, WETH and ether, to the wei.

        Only for a moment in which nothing is pending and no executor runs.
        """
        signed = self.signed()
        landed = {tx_hash: self.landed(tx_hash) for tx_hash in signed}
        mined = {tx_hash: found for tx_hash, found in landed.items() if found is not None}
        assert sorted(signed[tx_hash].nonce for tx_hash in mined) == list(range(self.nonce()))
        intents = [signed[tx_hash].intent_id for tx_hash in mined]
        assert len(set(intents)) == len(intents)
        gain_wei = sum(found.gain_wei for found in mined.values())
        gas_wei = sum(found.gas_wei for found in mined.values())
        assert self.moved() == (gain_wei, -gas_wei)

    def disagreements(self, hashes: set[str]) -> list[str]:
        """Return where journal and chain differ about these transactions; empty when they agree."""
        outcomes = self.outcomes()
        found = []
        for tx_hash in sorted(hashes):
            outcome, landed = outcomes.get(tx_hash), self.landed(tx_hash)
            told = (
                None
                if outcome is None or outcome.state not in ON_THE_CHAIN
                else Landed(
                    block_hash=outcome.block_hash,
                    success=not outcome.error,
                    gain_wei=int(outcome.gain_wei),
                    gas_wei=int(outcome.gas_wei),
                )
            )
            ended = outcome is not None and outcome.state in ON_THE_CHAIN | {
                TradeState.RELEASED,
                TradeState.SUPERSEDED,
            }
            if not ended or told != landed:
                found.append(f"{tx_hash}: journal {outcome}, chain {landed}")
        return found

    def check_book_is_chain(self) -> None:
        """Check the whole book against the chain, once everything has ended."""
        assert self.disagreements(set(self.signed())) == []
        self.check_explained()
        on_chain = [row for row in self.outcomes().values() if row.state in ON_THE_CHAIN]
        booked = (sum(row.gain_wei for row in on_chain), -sum(row.gas_wei for row in on_chain))
        assert booked == self.moved()
