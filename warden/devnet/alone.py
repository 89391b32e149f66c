"""`python -m warden.devnet --dir DIR`: a devnet alone, until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import Final

import uvloop

from warden.devnet.config import NODE_MODULES, DevnetConfig, NoiseConfig, UniswapAddresses
from warden.devnet.manifest import MANIFEST_NAME
from warden.devnet.world import Devnet
from warden.domain.errors import EXIT_DONE, ConfigurationInvalid, WardenError

URL_CHARACTERS_MAX: Final = 2_048


def main(arguments: list[str] | None = None) -> int:
    """Run until told to end; give the exit code (2: wrong usage or configuration, said in one line)."""
    given = _parser().parse_args(arguments)
    try:
        options = {"anvil": given.anvil} if given.anvil else {}
        config = DevnetConfig(
            directory=given.dir,
            block_time_s=given.block_time,
            seed=given.seed,
            chain_id=given.chain_id,
            node_port=given.node_port,
            endpoint_ports=tuple(given.ports),
            control_port=given.control_port,
            history_blocks=given.history_blocks,
            fork_url=_fork_url(given.fork_url, given.fork_url_file),
            fork_uniswap=UniswapAddresses(*given.fork_uniswap) if given.fork_uniswap else None,
            node_modules=given.node_modules,
            noise=NoiseConfig(enabled=not given.no_noise),
            **options,
        )
        return uvloop.run(_serve(config))
    except WardenError as error:
        sys.stderr.write(f"devnet: {error}\n")
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m warden.devnet", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="manifest, receive log, chain state")
    parser.add_argument(
        "--block-time", type=float, default=1.0, help="seconds; 0 mines each transaction at once"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--chain-id", type=int, default=31337)
    parser.add_argument("--node-port", type=int, default=0)
    parser.add_argument(
        "--ports", type=int, nargs=3, default=(0, 0, 0), metavar="PORT", help="of the endpoints"
    )
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--history-blocks", type=int, default=64, help="states kept for reads of the past")
    fork = parser.add_mutually_exclusive_group()
    fork.add_argument("--fork-url", help="fork this chain instead of starting an empty one")
    fork.add_argument(
        "--fork-url-file", type=Path, help="the same from a file: a key in it then stays out of process lists"
    )
    parser.add_argument(
        "--fork-uniswap", nargs=3, metavar=("ROUTER", "FACTORY", "WETH"), help="its Uniswap V2"
    )
    parser.add_argument("--anvil", type=Path, help="the binary")
    parser.add_argument("--node-modules", type=Path, default=NODE_MODULES)
    parser.add_argument("--no-noise", action="store_true", help="no noise traders until POST /noise")
    return parser


def _fork_url(url: str | None, file: Path | None) -> str | None:
    """Give the URL to fork, from the command line or a file's first line; None where there is neither."""
    if file is None:
        return url
    try:
        with file.open(encoding="utf-8") as lines:
            return lines.readline(URL_CHARACTERS_MAX).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(
            f"--fork-url-file {file} cannot be read: give a file whose first line is the URL"
        ) from error


async def _serve(config: DevnetConfig) -> int:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with Devnet(config) as devnet:
        sys.stdout.write(f"devnet: ready, see {config.directory / MANIFEST_NAME}\n")
        sys.stdout.flush()
        told = asyncio.create_task(ended.wait())
        broken = asyncio.create_task(devnet.wait_broken())
        await asyncio.wait({told, broken}, return_when=asyncio.FIRST_COMPLETED)
        if not told.done():
            raise broken.result()
        broken.cancel()
    return EXIT_DONE
