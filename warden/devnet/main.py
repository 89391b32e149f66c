"""The devnet as a process of Warden: started by supervisord in the devnet environment, never in another."""

from __future__ import annotations

import asyncio
from typing import Final

import uvloop

from warden.devnet.config import DevnetConfig, NoiseConfig
from warden.devnet.world import Devnet
from warden.domain.errors import ConfigurationInvalid, EndpointFailed, EndpointRefused
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.runtime.process import Frame, run
from warden.runtime.wallet import wallet_address
from warden.wire.messages import ProcessState
from warden.wire.telemetry import DevnetStatus, Severity

WALLET_ETH_WEI: Final = 10 * 10**18
WALLET_WETH_WEI: Final = 50 * 10**18
TICK_S: Final = 0.05
STATUS_S: Final = 1.0


def devnet_config(frame: Frame) -> DevnetConfig:
    """Make the devnet's configuration from the settings.

    Raises:
        ConfigurationInvalid: another environment than devnet, or what `DevnetConfig` refuses.
    """
    settings = frame.settings
    if settings.environment is not Environment.DEVNET:
        raise ConfigurationInvalid(
            f"environment is {settings.environment}: the devnet runs only with environment = 'devnet'"
        )
    return DevnetConfig(
        directory=frame.places.role(Role.DEVNET),
        chain_directory=frame.places.state / "devnet",
        block_time_s=settings.chain.block_time_s,
        seed=settings.devnet.seed,
        chain_id=settings.chain.id,
        fork_url=settings.devnet.fork_url,
        noise=NoiseConfig(enabled=settings.devnet.noise),
    )


def serve(frame: Frame) -> None:
    """Run the devnet until the frame is told to end.

    Raises:
        WardenError: the devnet cannot start, or a part of it ended by itself.
    """
    uvloop.run(_serve(frame))


async def _serve(frame: Frame) -> None:
    devnet = Devnet(devnet_config(frame))
    work = asyncio.create_task(_start_and_watch(frame, devnet))
    try:
        while not frame.ending and not work.done():
            state = ProcessState.READY if devnet.ready else ProcessState.STARTING
            frame.beat(state, progress=devnet.noise.steps if devnet.ready else 0)
            frame.leaves()  # read and dropped: the watchdog grants a devnet nothing
            await asyncio.wait({work}, timeout=TICK_S)
        if work.done():
            await work
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await devnet.stop()


async def _start_and_watch(frame: Frame, devnet: Devnet) -> None:
    """Start, tell how things stand, fund the wallet once it exists; ends only by raising."""
    await devnet.start()
    manifest = devnet.manifest
    text = f"the devnet is ready: {len(manifest.pairs)} pools, {len(manifest.endpoints)} endpoints"
    frame.event(Severity.INFO, "devnet.ready", text, chain_id=manifest.chain_id)
    broken = asyncio.create_task(devnet.wait_broken())
    funded = False
    try:
        while not broken.done():
            await _publish(frame, devnet)
            funded = funded or await _fund_wallet(frame, devnet)
            await asyncio.wait({broken}, timeout=STATUS_S)
        raise broken.result()
    finally:
        broken.cancel()


async def _publish(frame: Frame, devnet: Devnet) -> None:
    try:
        block = await devnet.node.call_int("eth_blockNumber")
    except EndpointFailed as error:
        frame.event(Severity.ERROR, "devnet.node", str(error))
        return
    frame.publish(
        DevnetStatus(
            sent_ns=frame.clock.boot_ns(),
            session=frame.session,
            block=block,
            noise_trades=devnet.noise.swaps,
            faults={name: each.fault.kind.value for name, each in devnet.endpoints.items()},
        )
    )


async def _fund_wallet(frame: Frame, devnet: Devnet) -> bool:
    """Give the demo's wallet its play money, once in the chain's life; False while there is no wallet yet."""
    try:
        address = wallet_address(frame.settings, frame.places)
    except ConfigurationInvalid:
        return False  # the keystore is made beside us; looked for again at the next status
    try:
        if await devnet.node.call_int("eth_getBalance", address, "latest"):
            return True
        await devnet.fund(address, eth_wei=WALLET_ETH_WEI, weth_wei=WALLET_WETH_WEI)
    except (EndpointFailed, EndpointRefused) as error:
        frame.event(Severity.ERROR, "devnet.fund", f"the wallet got no play money yet: {error}")
        return False
    frame.event(Severity.INFO, "devnet.funded", f"the wallet {address} got its play money")
    return True


def main(arguments: list[str] | None = None) -> int:
    """Run the process; give its exit code."""
    return run(Role.DEVNET, serve, arguments)
