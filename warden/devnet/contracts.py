"""Deploys Uniswap V2 from its own published artifacts, three tokens, and pools that form triangles.

Everything is sent at once with fixed nonces and mined by hand, so that it takes a few blocks and no waiting.
Blocking (web3's synchronous client): run it in a thread.
"""

from __future__ import annotations

from collections import deque
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import msgspec
import rlp  # type: ignore[import-untyped] # ships no types
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3 import HTTPProvider, Web3
from web3.exceptions import TransactionNotFound
from web3.types import RPCEndpoint

from warden.devnet.config import TOKENS
from warden.devnet.manifest import Contracts, Pair, Token
from warden.domain.errors import ConfigurationInvalid, WardenError

if TYPE_CHECKING:
    from pathlib import Path

    from eth_typing import ChecksumAddress
    from web3.types import TxParams, TxReceipt

    from warden.devnet.config import UniswapAddresses

ETHER_WEI: Final = 10**18
DECIMALS: Final = 18
NO_DEADLINE: Final = 2**256 - 1
REQUEST_TIMEOUT_S: Final = 60

POOL_DEPTH_WETH: Final = 1_000
NOISE_ACCOUNTS: Final = 3
NOISE_WETH: Final = 100_000
FUND_WETH: Final = 1_000_000
SUPPLY: Final = 10**12

# Gas is given, not estimated: an estimate would need the transactions before it mined.
GAS_DEPLOY: Final = 6_000_000
GAS_ADD_LIQUIDITY: Final = 4_000_000
GAS_CALL: Final = 120_000
BLOCKS_MAX: Final = 60


_CORE: Final = "v2-core"
_PERIPHERY: Final = "v2-periphery"


class _Artifact(msgspec.Struct):
    """What a build file of Uniswap holds, as far as it is needed here."""

    abi: list[dict[str, Any]]
    bytecode: str


class Deployment:
    """One deployment: queues transactions of unlocked accounts, then has them mined together."""

    def __init__(self, node_url: str, node_modules: Path) -> None:
        """Connect to the node itself (not to an endpoint: those refuse unlocked accounts)."""
        self._web3 = Web3(HTTPProvider(node_url, request_kwargs={"timeout": REQUEST_TIMEOUT_S}))
        self._node_modules = node_modules
        accounts = self._web3.eth.accounts
        self._deployer = accounts[0]
        self._noise_accounts = accounts[1 : 1 + NOISE_ACCOUNTS]
        self._nonces: dict[ChecksumAddress, int] = {}
        self._sent: deque[tuple[str, Any]] = deque()

    def run(self, existing: UniswapAddresses | None = None) -> Contracts:
        """Deploy what is missing, make the pools, give the noise accounts what they trade with.

        Raises:
            ConfigurationInvalid: `existing` is named, but there are no contracts at its addresses.
            WardenError: a transaction failed.
        """
        uniswap = self._uniswap(existing)
        weth, router = uniswap["weth"], uniswap["router"]
        tokens = {plan: self._deploy(_PERIPHERY, "ERC20", SUPPLY * ETHER_WEI) for plan in TOKENS}
        self._call(weth, "deposit", value=(FUND_WETH + POOL_DEPTH_WETH * len(TOKENS)) * ETHER_WEI)
        for token in (weth, *tokens.values()):
            self._call(token, "approve", router.address, NO_DEADLINE)
        worth = {weth.address: 1} | {token.address: plan.per_weth for plan, token in tokens.items()}
        for one, other in combinations((weth, *tokens.values()), 2):
            amounts = [POOL_DEPTH_WETH * worth[token.address] * ETHER_WEI for token in (one, other)]
            self._call(
                *(
                    router,
                    "addLiquidity",
                    one.address,
                    other.address,
                    *amounts,
                    0,
                    0,
                    self._deployer,
                    NO_DEADLINE,
                ),
                gas=GAS_ADD_LIQUIDITY,
            )
        for account in self._noise_accounts:
            self._call(weth, "deposit", sender=account, value=NOISE_WETH * ETHER_WEI)
            self._call(weth, "approve", router.address, NO_DEADLINE, sender=account)
            for plan, token in tokens.items():
                self._call(token, "transfer", account, NOISE_WETH * plan.per_weth * ETHER_WEI)
                self._call(token, "approve", router.address, NO_DEADLINE, sender=account)
        self._mine()
        listed = tuple(Token(plan.symbol, token.address, DECIMALS) for plan, token in tokens.items())
        return Contracts(
            router=router.address,
            factory=uniswap["factory"].address,
            weth=weth.address,
            tokens=listed,
            pairs=self._pairs(uniswap["factory"], [weth.address, *(token.address for token in listed)]),
            noise_accounts=tuple(self._noise_accounts),
        )

    def _uniswap(self, existing: UniswapAddresses | None) -> dict[str, Any]:
        """Give router, factory and WETH: those that exist, else fresh ones."""
        if existing is None:
            weth = self._deploy(_PERIPHERY, "WETH9")
            factory = self._deploy(_CORE, "UniswapV2Factory", self._deployer)
            router = self._deploy(_PERIPHERY, "UniswapV2Router02", factory.address, weth.address)
            return {"weth": weth, "factory": factory, "router": router}
        names = {
            "weth": (_PERIPHERY, "WETH9", existing.weth),
            "factory": (_CORE, "UniswapV2Factory", existing.factory),
            "router": (_PERIPHERY, "UniswapV2Router02", existing.router),
        }
        for name, (_, _, address) in names.items():
            if not self._web3.eth.get_code(to_checksum_address(address)):
                raise ConfigurationInvalid(
                    f"no contract at {name} {address} on the forked chain: correct the address"
                )
        return {
            name: self._web3.eth.contract(
                to_checksum_address(address), abi=self._artifact(package, contract).abi
            )
            for name, (package, contract, address) in names.items()
        }

    def _artifact(self, package: str, name: str) -> _Artifact:
        path = self._node_modules / "@uniswap" / package / "build" / f"{name}.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=_Artifact)
        except (OSError, msgspec.MsgspecError) as error:
            raise ConfigurationInvalid(
                f"{path} cannot be read ({error}): run scripts/demo once, it fetches it"
            ) from error

    def _deploy(self, package: str, name: str, *arguments: Any) -> Any:  # noqa: ANN401 # web3's contracts have no fixed type
        """Queue a deployment; give the contract at the address that it will have."""
        artifact = self._artifact(package, name)
        factory = self._web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        options = self._options(self._deployer, GAS_DEPLOY, 0)
        address = contract_address(self._deployer, int(options["nonce"]))
        self._sent.append((f"deploy {name}", factory.constructor(*arguments).transact(options)))
        return self._web3.eth.contract(address, abi=artifact.abi)

    def _call(
        self,
        contract: Any,  # noqa: ANN401 # web3's contracts have no fixed type
        function: str,
        *arguments: Any,  # noqa: ANN401 # the function's own
        sender: ChecksumAddress | None = None,
        value: int = 0,
        gas: int = GAS_CALL,
    ) -> None:
        """Queue a transaction."""
        options = self._options(sender or self._deployer, gas, value)
        self._sent.append((function, contract.functions[function](*arguments).transact(options)))

    def _options(self, sender: ChecksumAddress, gas: int, value: int) -> TxParams:
        if sender not in self._nonces:
            self._nonces[sender] = self._web3.eth.get_transaction_count(sender)
        nonce = self._nonces[sender]
        self._nonces[sender] += 1
        options: TxParams = {"from": sender, "nonce": nonce, "gas": gas, "value": value}  # type: ignore[typeddict-item] # plain numbers are what web3 takes
        return options

    def _mine(self) -> None:
        """Mine blocks until everything queued is in, and check that all of it worked."""
        for _ in range(BLOCKS_MAX):
            self._web3.provider.make_request(RPCEndpoint("evm_mine"), [])
            # In the order of sending: those of one account are mined in it, those of several need not be.
            while self._sent and (receipt := self._receipt(self._sent[0][1])) is not None:
                what, _ = self._sent.popleft()
                if receipt["status"] != 1:
                    raise WardenError(
                        f"devnet: {what} failed on the chain in {receipt['transactionHash'].hex()}"
                    )
            if not self._sent:
                return
        raise WardenError(f"devnet: {self._sent[0][0]} was not mined in {BLOCKS_MAX} blocks: see anvil.log")

    def _receipt(self, tx_hash: Any) -> TxReceipt | None:  # noqa: ANN401 # web3's own bytes
        try:
            return self._web3.eth.get_transaction_receipt(tx_hash)
        except TransactionNotFound:
            return None

    def _pairs(self, factory: Any, tokens: list[str]) -> tuple[Pair, ...]:  # noqa: ANN401 # web3's contracts have no fixed type
        """Give each pair; the contract orders its tokens by address."""
        return tuple(
            Pair(factory.functions.getPair(one, other).call(), *sorted((one, other), key=str.lower))
            for one, other in combinations(tokens, 2)
        )


def contract_address(deployer: str, nonce: int) -> ChecksumAddress:
    """Give the address of what `deployer` creates by its transaction `nonce` (yellow paper, section 7)."""
    encoded: bytes = rlp.encode([bytes.fromhex(deployer.removeprefix("0x")), nonce])
    return to_checksum_address(keccak(encoded)[-20:])
