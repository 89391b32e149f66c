"""The whole devnet: chain, contracts, endpoints, noise and controls, started and ended as one."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from warden.devnet import faucet
from warden.devnet.chain import Chain
from warden.devnet.config import ENDPOINT_NAMES, TOKENS, UNISWAP_BY_CHAIN_ID, DevnetConfig, UniswapAddresses
from warden.devnet.control import Control
from warden.devnet.endpoints import Endpoint
from warden.devnet.faults import HEALTHY, Fault
from warden.devnet.forwarder import Forwarder
from warden.devnet.manifest import Contracts, EndpointAddress, Manifest, put_aside, write_manifest
from warden.devnet.node import NodeClient
from warden.devnet.noise import NoiseTraders
from warden.devnet.received import ReceiveLog
from warden.devnet.replacements import PendingFees
from warden.devnet.sockets import free_again
from warden.domain.errors import ConfigurationInvalid, EndpointFailed, EndpointRefused, WardenError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

NOT_STARTED: Final = "the devnet is not started: start it first"


class Devnet:
    """`async with Devnet(config) as net:` gives a running devnet; leaving ends everything it started."""

    def __init__(self, config: DevnetConfig) -> None:
        """Prepare; nothing is started."""
        self.config = config
        self.endpoints: dict[str, Endpoint] = {}
        self._forwarder: Forwarder | None = None
        self._chain: Chain | None = None
        self._control: Control | None = None
        self._log: ReceiveLog | None = None
        self._noise: NoiseTraders | None = None
        self._noise_task: asyncio.Task[None] | None = None
        self._manifest: Manifest | None = None

    async def __aenter__(self) -> Self:
        """Start; what was started is ended if a later part fails."""
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything."""
        await self.stop()

    @property
    def manifest(self) -> Manifest:
        """What stands where."""
        if self._manifest is None:
            raise WardenError(NOT_STARTED)
        return self._manifest

    @property
    def ready(self) -> bool:
        """Whether the manifest is written."""
        return self._manifest is not None

    @property
    def node(self) -> NodeClient:
        """The chain itself, past the endpoints."""
        return self._running_chain().node

    @property
    def noise(self) -> NoiseTraders:
        """The noise traders."""
        if self._noise is None:
            raise WardenError(NOT_STARTED)
        return self._noise

    @property
    def received_log(self) -> Path:
        """The file that tells what reached the endpoints."""
        if self._log is None:
            raise WardenError(NOT_STARTED)
        return self._log.path

    async def start(self) -> None:
        """Start everything; the manifest is written last, so who finds it finds a devnet that is ready.

        Raises:
            ConfigurationInvalid: a port in use, a directory that cannot be written, an unreachable fork.
        """
        directory = self.config.directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationInvalid(
                f"devnet directory {directory}: {error.strerror}: give another one"
            ) from error
        before = put_aside(directory)
        if before is not None and before.chain_id != self.config.chain_id:
            raise ConfigurationInvalid(
                f"{directory} holds chain {before.chain_id}, not {self.config.chain_id}: give another one"
            )
        await self._start_forwarder()
        fork_block = await self._fork_block(before)
        node_port = _port(self.config.node_port, before.node_url if before else None)
        fork_url = self._forwarder.url if self._forwarder is not None else None
        self._chain = Chain(self.config, port=node_port, fork_url=fork_url, fork_block=fork_block)
        await self._chain.start()
        contracts = await self._contracts(before)
        await self._chain.begin_mining()
        await self._start_endpoints(before)
        self._noise = NoiseTraders(
            self.node, contracts, self.config.noise, seed=self.config.seed, per_weth=_per_weth(contracts)
        )
        self._control = Control(self)
        await self._control.start(_port(self.config.control_port, before.control_url if before else None))
        self._manifest = await self._make_manifest(contracts, self._control, fork_block)
        await self._running_chain().save()
        self._noise_task = asyncio.create_task(self._noise.run(self.config.block_time_s))
        write_manifest(directory, self._manifest)

    async def stop(self) -> None:
        """End noise, controls, endpoints, chain and forwarder in order; harmless where never started."""
        if self._noise_task is not None:
            self._noise_task.cancel()
            await asyncio.gather(self._noise_task, return_exceptions=True)
        if self._control is not None:
            await self._control.stop()
        for endpoint in self.endpoints.values():
            await endpoint.stop()
        if self._chain is not None:
            await self._chain.stop()
        if self._forwarder is not None:
            await self._forwarder.stop()
        if self._log is not None:
            self._log.close()
            self._log = None

    async def wait_broken(self) -> WardenError:
        """Wait until a part ends by itself, and give what is to be told; never returns while all is well."""
        chain = asyncio.create_task(self._running_chain().wait_ended())
        tasks = {chain} if self._noise_task is None else {chain, self._noise_task}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if chain.done():
                return WardenError(
                    f"anvil ended with code {chain.result()}: see {self._running_chain().output_file}"
                )
            return WardenError(
                f"the noise traders gave up: {self._noise_task and self._noise_task.exception()}"
            )
        finally:
            chain.cancel()

    async def set_mining(self, *, running: bool) -> None:
        """Let blocks come as configured, or hold them; then `evm_mine` at the node makes one by hand."""
        await self._running_chain().set_mining(running=running)

    async def set_fault(self, endpoint: str, fault: Fault) -> None:
        """Have an endpoint behave so from now on.

        Raises:
            ConfigurationInvalid: no endpoint of that name.
        """
        if endpoint not in self.endpoints:
            raise ConfigurationInvalid(f"no endpoint {endpoint}: there are {', '.join(self.endpoints)}")
        await self.endpoints[endpoint].set_fault(fault)

    async def reset_faults(self) -> None:
        """Make every endpoint healthy."""
        for endpoint in self.endpoints.values():
            await endpoint.set_fault(HEALTHY)

    async def fund(self, address: str, *, eth_wei: int = 0, weth_wei: int = 0) -> list[str]:
        """Give play money to an address; see `faucet.fund`."""
        return await faucet.fund(self.node, self.manifest.weth, address, eth_wei=eth_wei, weth_wei=weth_wei)

    def _running_chain(self) -> Chain:
        if self._chain is None:
            raise WardenError(NOT_STARTED)
        return self._chain

    async def _start_forwarder(self) -> None:
        if self.config.fork_url is not None:
            self._forwarder = Forwarder(self.config.fork_url)
            await self._forwarder.start()

    async def _fork_block(self, before: Manifest | None) -> int | None:
        """Give the block to fork from: that of the run before, else the present one; None without a fork."""
        if self._forwarder is None:
            return None
        if before is not None and before.fork_block is not None:
            return before.fork_block
        return await self._ask_fork(self._forwarder, "eth_blockNumber")

    async def _ask_fork(self, forwarder: Forwarder, method: str) -> int:
        try:
            async with NodeClient(forwarder.url) as upstream:
                return await upstream.call_int(method)
        except (EndpointFailed, EndpointRefused) as error:
            raise ConfigurationInvalid(
                f"devnet.fork_url: {forwarder.host} does not answer: correct it or leave it out"
            ) from error

    async def _contracts(self, before: Manifest | None) -> Contracts:
        """Give the contracts of the run before if they are on this chain, else deploy."""
        if before is not None and await self._genesis_hash() == before.genesis:
            code = await self.node.call("eth_getCode", before.router, "latest")
            pool = await self.node.call("eth_getCode", before.pairs[-1].address, "latest")
            if int(code, 16) and int(pool, 16):
                return before.contracts()
        existing = await self._existing_uniswap()
        return await asyncio.to_thread(_deploy, self.node.url, self.config, existing)

    async def _existing_uniswap(self) -> UniswapAddresses | None:
        if self._forwarder is None or self.config.fork_uniswap is not None:
            return self.config.fork_uniswap
        return UNISWAP_BY_CHAIN_ID.get(await self._ask_fork(self._forwarder, "eth_chainId"))

    async def _start_endpoints(self, before: Manifest | None) -> None:
        self._log = ReceiveLog(self.config.directory)
        pending = PendingFees()
        earlier = {each.name: each.url for each in before.endpoints} if before is not None else {}
        for name, configured in zip(ENDPOINT_NAMES, self.config.endpoint_ports, strict=True):
            endpoint = Endpoint(name, self.node, self._log, pending, chain_id=self.config.chain_id)
            self.endpoints[name] = endpoint
            await endpoint.start(_port(configured, earlier.get(name)))

    async def _genesis_hash(self) -> str:
        genesis: str = (await self.node.call("eth_getBlockByNumber", "0x0", False))["hash"]
        return genesis

    async def _make_manifest(
        self, contracts: Contracts, control: Control, fork_block: int | None
    ) -> Manifest:
        return Manifest(
            chain_id=self.config.chain_id,
            genesis=await self._genesis_hash(),
            block_time_s=self.config.block_time_s,
            router=contracts.router,
            factory=contracts.factory,
            weth=contracts.weth,
            tokens=contracts.tokens,
            pairs=contracts.pairs,
            endpoints=tuple(EndpointAddress(name, each.url) for name, each in self.endpoints.items()),
            control_url=control.url,
            node_url=self.node.url,
            received_log=str(self.received_log),
            noise_accounts=contracts.noise_accounts,
            devnet_pid=os.getpid(),
            anvil_pid=self._running_chain().pid,
            fork_block=fork_block,
        )


def _deploy(node_url: str, config: DevnetConfig, existing: UniswapAddresses | None) -> Contracts:
    # web3 costs 0.8 s and 60 MB to import: a restart on a chain that has its contracts does without.
    from warden.devnet.contracts import Deployment  # noqa: PLC0415

    return Deployment(node_url, config.node_modules).run(existing)


def _per_weth(contracts: Contracts) -> dict[str, int]:
    """Give each token's base price by its address."""
    plans = {plan.symbol: plan.per_weth for plan in TOKENS}
    return {token.address: plans[token.symbol] for token in contracts.tokens}


def _port(configured: int, earlier_url: str | None) -> int:
    """Give the configured port, else that of the last run if it is still free, so that URLs stay."""
    if configured or earlier_url is None:
        return configured
    return free_again(urlsplit(earlier_url).port or 0)
