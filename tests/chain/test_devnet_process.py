"""The devnet as the process that supervisord starts: manifest, beats, play money for the wallet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.chain.devnet import call, quantity
from tests.chain.uniswap import balance
from tests.faults import fault
from tests.instance import Instance, wait_until
from warden.devnet.main import WALLET_ETH_WEI, WALLET_WETH_WEI
from warden.devnet.manifest import read_manifest
from warden.domain.roles import Role
from warden.runtime.venue import load_venue

if TYPE_CHECKING:
    from warden.devnet.manifest import Manifest

PAPER_TOML = """\
environment = "paper"
[[endpoints]]
name = "somewhere"
url = "http://127.0.0.1:1"
[venue]
router = "0x1111111111111111111111111111111111111111"
factory = "0x1111111111111111111111111111111111111111"
weth = "0x1111111111111111111111111111111111111111"
[wallet]
keystore = "wallet.json"
"""
WALLET = "0x1111111111111111111111111111111111111111"


def test_it_serves_a_venue_and_funds_the_wallet() -> None:
    """From `--home` alone: a venue that the other processes read, a funded wallet, an orderly end."""
    with Instance() as instance:
        instance.start(Role.DEVNET)
        wait_until(lambda: load_venue(instance.settings, instance.places) is not None, "venue")
        venue = load_venue(instance.settings, instance.places)
        assert venue is not None
        assert len(venue.endpoints) == 3
        url = venue.endpoints[0].url
        assert quantity(url, "eth_chainId") == instance.settings.chain.id
        assert call(url, "eth_getBlockByNumber", "0x0", False)["hash"] == venue.genesis
        # The wallet is made beside the devnet, maybe after it.
        keystore = instance.places.keys / "wallet.json"
        keystore.write_text(json.dumps({"address": WALLET[2:], "version": 3}))
        wait_until(lambda: balance(url, venue.weth, WALLET) == WALLET_WETH_WEI, "funded wallet")
        assert quantity(url, "eth_getBalance", WALLET, "latest") == WALLET_ETH_WEI
        assert instance.end(Role.DEVNET) == 0


@fault("devnet-killed")
def test_a_killed_devnet_starts_again_with_its_chain() -> None:
    """After SIGKILL the chain goes on where it was, at the same URLs, and nothing is funded twice."""
    with Instance() as instance:
        (instance.places.keys / "wallet.json").write_text(json.dumps({"address": WALLET[2:], "version": 3}))
        before = _started(instance)
        url = before.endpoints[0].url
        wait_until(lambda: balance(url, before.weth, WALLET) == WALLET_WETH_WEI, "funded wallet")
        instance.processes[Role.DEVNET].kill()
        instance.processes[Role.DEVNET].wait()
        after = _started(instance)
        assert after.contracts() == before.contracts()
        assert (after.genesis, after.endpoints) == (before.genesis, before.endpoints)
        head = quantity(url, "eth_blockNumber")
        wait_until(lambda: quantity(url, "eth_blockNumber") > head + 2, "more blocks")
        assert balance(url, after.weth, WALLET) == WALLET_WETH_WEI
        assert instance.end(Role.DEVNET) == 0


def test_it_refuses_every_other_environment() -> None:
    """A local chain never stands in for a real one: exit code 2 and one line (bad input)."""
    with Instance(PAPER_TOML) as instance:
        process = instance.start(Role.DEVNET)
        assert process.wait(60) == 2
        said = (instance.places.logs / "devnet.log").read_text()
        assert "the devnet runs only with environment = 'devnet'" in said


def _started(instance: Instance) -> Manifest:
    """Start the devnet and give its manifest once it is ready."""
    process = instance.start(Role.DEVNET)

    def ready() -> bool:
        manifest = read_manifest(instance.places.role(Role.DEVNET))
        return manifest is not None and manifest.devnet_pid == process.pid

    wait_until(ready, "devnet that is ready", 90)
    manifest = read_manifest(instance.places.role(Role.DEVNET))
    assert manifest is not None
    return manifest
