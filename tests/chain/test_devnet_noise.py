"""The noise traders move prices enough to arbitrage, keep the pools near their base, repeat by seed."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.chain.devnet import ETHER
from tests.chain.uniswap import amounts_out
from warden.devnet.config import DevnetConfig, NoiseConfig
from warden.devnet.noise import GET_RESERVES
from warden.devnet.world import Devnet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.devnet.manifest import Manifest

STEPS = 150
SIZES_WEI = (ETHER // 10, ETHER // 2, ETHER, 2 * ETHER, 5 * ETHER)
# Gas of three swaps at a fee far above the devnet's.
WORTHWHILE_WEI = ETHER // 1_000


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory of the test's own."""
    made = Path(tempfile.mkdtemp(prefix="warden-devnet-"))
    yield made
    shutil.rmtree(made)


def _quiet(directory: Path, seed: int) -> DevnetConfig:
    """A chain that mines each swap at once, with noise that the test steps by hand."""
    return DevnetConfig(directory=directory, block_time_s=0, seed=seed, noise=NoiseConfig(enabled=False))


def _best_profit_wei(manifest: Manifest) -> int:
    """The most that any triangle through WETH gives, over a few sizes, gas left out."""
    coins = [token.address for token in manifest.tokens]
    return max(
        amounts_out(manifest.node_url, manifest.router, size, [manifest.weth, *middle, manifest.weth])[-1]
        - size
        for middle in permutations(coins, 2)
        for size in SIZES_WEI
    )


async def _step(net: Devnet) -> bool:
    """Take one step; tell whether it swapped, once that is mined: automining takes a moment."""
    tx_hash = await net.noise.step()
    if tx_hash is None:
        return False
    for _ in range(2_000):
        if await net.node.call("eth_getTransactionReceipt", tx_hash) is not None:
            return True
        await asyncio.sleep(0.01)
    raise AssertionError(f"{tx_hash} was not mined")


async def _reserves(net: Devnet) -> list[str]:
    return [
        (await net.node.call("eth_call", {"to": pair.address, "data": GET_RESERVES}, "latest"))[:130]
        for pair in net.manifest.pairs
    ]


async def test_noise_makes_triangles_profitable(directory: Path) -> None:
    """At the base no triangle pays; noise opens some that do, again and again, and closes them too."""
    async with Devnet(_quiet(directory, seed=7)) as net:
        assert _best_profit_wei(net.manifest) < 0
        profits = [_best_profit_wei(net.manifest) for _ in range(STEPS) if await _step(net)]
        worthwhile = sum(profit > WORTHWHILE_WEI for profit in profits)
        assert STEPS // 5 < len(profits) < STEPS // 2
        assert 0 < worthwhile < len(profits)
        assert max(profits) < ETHER, "noise must not make the demo absurd"


async def test_noise_repeats_by_seed(directory: Path) -> None:
    """The same seed leaves the same reserves in every pool; another seed does not."""
    left = []
    for run, seed in (("one", 3), ("two", 3), ("three", 4)):
        async with Devnet(_quiet(directory / run, seed)) as net:
            for _ in range(40):
                await _step(net)
            left.append(await _reserves(net))
    assert left[0] == left[1]
    assert left[0] != left[2]


async def test_noise_stays_near_the_base(directory: Path) -> None:
    """After many steps every pool is within the noise's limit of its base price, with all its depth."""
    async with Devnet(_quiet(directory, seed=11)) as net:
        base = await _reserves(net)
        for _ in range(400):
            await net.noise.step()
        for before, after in zip(base, await _reserves(net), strict=True):
            x0, y0, x1, y1 = (int(words[at : at + 64], 16) for words in (before, after) for at in (2, 66))
            drift_ppm = abs(y1 * x0 * 1_000_000 // (x1 * y0) - 1_000_000)
            assert drift_ppm <= net.config.noise.offset_ppm_max
            assert x1 * y1 >= x0 * y0
