"""Starts and ends anvil: its flags, its leash to this process, its readiness, its state on disk."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import TYPE_CHECKING, Final

from loguru import logger

from warden.devnet import leash
from warden.devnet.node import NodeClient
from warden.devnet.sockets import LOOPBACK, free_port
from warden.devnet.state_files import StateFiles
from warden.domain.errors import ConfigurationInvalid, EndpointFailed, EndpointRefused, WardenError

if TYPE_CHECKING:
    from pathlib import Path

    from warden.devnet.config import DevnetConfig

READY_TIMEOUT_S: Final = 60.0  # a fork fetches its first block over the network
NEVER_S: Final = 10**9
MS_PER_S: Final = 1_000
READY_POLL_S: Final = 0.02
END_TIMEOUT_S: Final = 20.0
# A dump takes longer as history grows; then it is made less often, so that it never takes more than this
# share.
DUMP_SHARE_MAX: Final = 0.02
OUTPUT_TAIL_BYTES: Final = 2_000
ACCOUNTS: Final = 8
ACCOUNT_BALANCE_ETH: Final = 10_000_000
BASE_FEE_WEI: Final = 100_000_000
TRANSACTIONS_KEPT_BLOCKS: Final = 20_000


class Chain:
    """One anvil process, its client and its state files."""

    def __init__(
        self,
        config: DevnetConfig,
        *,
        port: int = 0,
        fork_url: str | None = None,
        fork_block: int | None = None,
    ) -> None:
        """Prepare; nothing is started.

        Args:
            config: of the devnet.
            port: wanted loopback port, 0 for any free one.
            fork_url: where the forwarder to the forked chain listens, None without a fork. It shows in the
                process list, so it is never the configured URL.
            fork_block: the block to fork from.
        """
        self._config = config
        self._directory = chain_directory(config)
        self._port = port
        self._fork_url = fork_url
        self._fork_block = fork_block
        self._tasks: list[asyncio.Task[None]] = []
        self._mining = True
        self._mining_lock = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self.state = StateFiles(self._directory)
        self.client: NodeClient | None = None

    @property
    def pid(self) -> int:
        """The pid of anvil."""
        return self._started().pid

    @property
    def node(self) -> NodeClient:
        """The client to the chain.

        Raises:
            WardenError: the chain is not started.
        """
        if self.client is None:
            raise WardenError("the devnet's chain is not started: start it first")
        return self.client

    @property
    def output_file(self) -> Path:
        """Where anvil's own words go."""
        return self._directory / "anvil.log"

    async def start(self) -> None:
        """Start anvil and wait until it answers.

        Raises:
            ConfigurationInvalid: the port is in use, or anvil refuses to start.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        self._port = free_port(self._port, "the devnet's chain")
        with self.output_file.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", leash.__file__, str(os.getpid())),
                *self._command(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={"PATH": os.environ.get("PATH", ""), "HOME": str(self._directory)},
            )
        self.client = NodeClient(f"http://{LOOPBACK}:{self._port}")
        await self._wait_until_ready()
        # `--timestamp` sets the chain's clock back to its genesis: forward again.
        await self.node.call("evm_setTime", int(time.time() * MS_PER_S))

    async def begin_mining(self) -> None:
        """Mine from now on as configured, and dump the state now and then.

        Blocks are asked for one by one instead of by anvil's `--block-time`. With that, anvil 1.7.1 keeps the
        states of 1500 blocks whatever `--prune-history` says (a gigabyte), and loses transactions when it is
        asked for a block (`evm_mine`) while it makes one by itself.
        """
        if self._config.block_time_s > 0:
            self._tasks.append(asyncio.create_task(self._mine_on_time(self._config.block_time_s)))
        else:
            await self.node.call("evm_setAutomine", True)
        if self._config.state_interval_s > 0:
            self._tasks.append(asyncio.create_task(self._dump_now_and_then()))

    async def set_mining(self, *, running: bool) -> None:
        """Let blocks come, or hold them; no block is under way when this returns."""
        async with self._mining_lock:
            self._mining = running

    async def wait_ended(self) -> int:
        """Wait until anvil ends, and give its return code."""
        return await self._started().wait()

    async def stop(self) -> None:
        """End anvil in order, so that it writes its state; kill it when it does not end in time."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.client is not None:
            await self.client.close()
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), END_TIMEOUT_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def save(self) -> None:
        """Write the chain's state to disk now."""
        dumped = await self.node.call("anvil_dumpState")
        await asyncio.to_thread(self.state.save_dump, dumped)

    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise WardenError("the devnet's chain is not started: start it first")
        return self._process

    def _command(self) -> list[str]:
        config = self._config
        command = [str(config.anvil), "--quiet", "--host", LOOPBACK, "--port", str(self._port)]
        command += ["--chain-id", str(config.chain_id), "--mnemonic-seed-unsafe", str(config.seed)]
        command += ["--accounts", str(ACCOUNTS), "--balance", str(ACCOUNT_BALANCE_ETH)]
        # Only at its end: in between we do it ourselves, whole or not at all.
        command += ["--dump-state", str(self.state.at_exit), "--state-interval", str(NEVER_S)]
        # Memory: only this many blocks' states, and transactions of only so many blocks, are kept.
        command += ["--prune-history", str(config.history_blocks)]
        command += ["--transaction-block-keeper", str(TRANSACTIONS_KEPT_BLOCKS)]
        command += ["--no-mining"]
        if self._fork_url is None:
            command += ["--block-base-fee-per-gas", str(BASE_FEE_WEI)]
        else:
            command += ["--fork-url", self._fork_url, "--no-storage-caching"]
            if self._fork_block is not None:
                command += ["--fork-block-number", str(self._fork_block)]
        stored = self.state.newest()
        if stored is not None:
            # Read from a name of its own: anvil writes `exit.json` while it ends.
            loaded = self._directory / "loaded.json"
            loaded.write_bytes(stored.path.read_bytes())
            command += ["--load-state", str(loaded)]
            if self._fork_url is None:
                # Anvil makes a genesis block before it loads the stored one. Were they not the same, both
                # would be written down, and either might be block 0 at the start after this one.
                command += ["--timestamp", str(stored.genesis_time_s)]
        return command

    async def _wait_until_ready(self) -> None:
        process = self._started()
        deadline = time.monotonic() + READY_TIMEOUT_S
        while process.returncode is None and time.monotonic() < deadline:
            try:
                await self.node.call("eth_chainId")
            except EndpointFailed:
                await asyncio.sleep(READY_POLL_S)
            else:
                return
        ended = process.returncode
        await self.stop()
        why = "did not answer in time" if ended is None else f"ended with code {ended}"
        raise ConfigurationInvalid(f"anvil {why}: {self._last_words()} (all of it in {self.output_file})")

    def _last_words(self) -> str:
        text = self.output_file.read_bytes()[-OUTPUT_TAIL_BYTES:].decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"

    async def _mine_on_time(self, block_time_s: float) -> None:
        due_s = time.monotonic()
        while True:
            # After a pause (a busy machine, SIGSTOP) blocks go on from now; missed ones are not made up for.
            due_s = max(due_s + block_time_s, time.monotonic())
            await asyncio.sleep(due_s - time.monotonic())
            async with self._mining_lock:
                if self._mining:
                    await self._mine_one()

    async def _mine_one(self) -> None:
        try:
            await self.node.call("evm_mine")
        except (EndpointFailed, EndpointRefused) as error:
            # Whoever waits for anvil's end hears of that; anything else passes with the next block.
            logger.bind(kind="devnet.mine").warning("no block: {}", error)

    async def _dump_now_and_then(self) -> None:
        pause_s = self._config.state_interval_s
        while True:
            await asyncio.sleep(pause_s)
            began_s = time.monotonic()
            try:
                await self.save()
            except WardenError:
                # The node is ending or hangs: whoever waits for its end says so. The last dump still holds.
                continue
            pause_s = max(self._config.state_interval_s, (time.monotonic() - began_s) / DUMP_SHARE_MAX)


def chain_directory(config: DevnetConfig) -> Path:
    """Give where the chain's state and output go."""
    return config.chain_directory or config.directory / "chain"
