"""How a devnet starts, ends, dies and comes back; and what it refuses, in one line each."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.chain.devnet import ETHER, DevnetProcess, call, quantity
from tests.faults import fault
from tests.instance import REPOSITORY, wait_until
from warden.devnet.config import DevnetConfig, NoiseConfig
from warden.devnet.manifest import read_manifest
from warden.devnet.world import Devnet

if TYPE_CHECKING:
    from collections.abc import Iterator

FAST = ("--block-time", "0.25", "--no-noise")


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory of the test's own."""
    made = Path(tempfile.mkdtemp(prefix="warden-devnet-"))
    yield made / "net"
    shutil.rmtree(made)


def test_the_chain_survives_a_restart(directory: Path) -> None:
    """Ended in order and started again: same genesis, contracts, blocks and URLs; the chain goes on."""
    first = DevnetProcess(directory, *FAST)
    account = first.account(eth_wei=ETHER)
    tx_hash, raw = first.signed(account)
    call(first.url("devnet-a"), "eth_sendRawTransaction", raw)
    mined = first.wait_mined(tx_hash)
    assert first.stop() == 0
    second = DevnetProcess(directory, *FAST)
    try:
        assert second.manifest.contracts() == first.manifest.contracts()
        assert second.manifest.genesis == first.manifest.genesis
        assert second.manifest.endpoints == first.manifest.endpoints
        url = second.url("devnet-a")
        assert call(url, "eth_getTransactionReceipt", tx_hash)["blockHash"] == mined["blockHash"]
        assert quantity(url, "eth_getTransactionCount", account.address, "latest") == 1
        head = quantity(url, "eth_blockNumber")
        wait_until(lambda: quantity(url, "eth_blockNumber") > head, "another block")
        assert [each.tx_hash for each in second.received()] == [tx_hash]
    finally:
        assert second.stop() == 0


@fault("devnet-killed")
def test_anvil_dies_with_a_killed_devnet(directory: Path) -> None:
    """SIGKILL of the devnet ends anvil too, which writes its chain down first; nothing is left behind."""
    devnet = DevnetProcess(directory, *FAST)
    account = devnet.account(eth_wei=ETHER)
    head = quantity(devnet.url("devnet-a"), "eth_blockNumber")
    devnet.process.kill()
    devnet.process.wait()
    wait_until(lambda: _is_gone(devnet.manifest.anvil_pid), "end of anvil")
    again = DevnetProcess(directory, *FAST)
    try:
        assert quantity(again.url("devnet-a"), "eth_getBalance", account.address, "latest") == ETHER
        assert quantity(again.url("devnet-a"), "eth_blockNumber") >= head
    finally:
        again.stop()


@fault("devnet-killed")
def test_a_devnet_ends_when_anvil_is_killed(directory: Path) -> None:
    """A devnet without its chain is no devnet: it says so and ends with 1, so that it is started again."""
    devnet = DevnetProcess(directory, *FAST)
    os.kill(devnet.manifest.anvil_pid, signal.SIGKILL)
    assert devnet.process.wait(60) == 1
    assert "anvil ended with code -9" in devnet.errors.read_text()


def test_a_torn_state_file_does_not_lose_the_chain(directory: Path) -> None:
    """A kill while anvil writes its state tears that file; the one that was renamed into place holds."""
    first = DevnetProcess(directory, *FAST)
    assert first.stop() == 0
    at_exit = directory / "chain" / "exit.json"
    at_exit.write_bytes(at_exit.read_bytes()[:-100])
    second = DevnetProcess(directory, *FAST)
    try:
        assert second.manifest.contracts() == first.manifest.contracts()
        assert second.manifest.genesis == first.manifest.genesis
    finally:
        second.stop()


def test_a_lost_chain_is_made_anew(directory: Path) -> None:
    """A manifest without its chain is not believed: the contracts are deployed on a new one."""
    first = DevnetProcess(directory, *FAST)
    assert first.stop() == 0
    shutil.rmtree(directory / "chain")
    second = DevnetProcess(directory, *FAST)
    try:
        assert second.manifest.genesis != first.manifest.genesis
        assert int(call(second.url("devnet-a"), "eth_getCode", second.manifest.router, "latest"), 16)
    finally:
        second.stop()


def test_a_fork_uses_the_contracts_that_are_there(directory: Path, devnet: DevnetProcess) -> None:
    """A fork uses the router, factory and WETH that are named, adds tokens and pools, and keeps them."""
    devnet.set_mining(running=False)  # so that it keeps the state of the block that is forked
    upstream = devnet.manifest
    arguments = ("--fork-url", upstream.node_url, *FAST)
    named = ("--fork-uniswap", upstream.router, upstream.factory, upstream.weth)
    first = DevnetProcess(directory, *arguments, *named)
    try:
        assert (first.manifest.router, first.manifest.weth) == (upstream.router, upstream.weth)
        assert set(first.manifest.tokens).isdisjoint(upstream.tokens)
        assert first.manifest.genesis == upstream.genesis
        account = first.account(eth_wei=ETHER)
        assert quantity(upstream.node_url, "eth_getBalance", account.address, "latest") == 0
    finally:
        assert first.stop() == 0
    second = DevnetProcess(directory, *arguments, *named)
    try:
        assert second.manifest.contracts() == first.manifest.contracts()
        assert quantity(second.url("devnet-a"), "eth_getBalance", account.address, "latest") == ETHER
    finally:
        assert second.stop() == 0


def test_a_forks_key_is_in_no_process_list(directory: Path, devnet: DevnetProcess) -> None:
    """A fork's URL may hold a key: no command line and no file of the devnet has it, and the fork works."""
    holder = devnet.account(eth_wei=ETHER)
    devnet.set_mining(running=False)  # so that it keeps the state of the block that is forked
    first_key, second_key = (f"key{uuid.uuid4().hex}" for _ in range(2))
    first = _forked(directory, devnet, first_key)
    try:
        assert first.manifest.genesis == devnet.manifest.genesis
        assert quantity(first.url("devnet-a"), "eth_getBalance", holder.address, "latest") == ETHER
        mine = first.account(eth_wei=ETHER)
        _assert_nowhere(first_key, first)
    finally:
        assert first.stop() == 0
    # With another key in the URL, as after a rotation, it is the same chain.
    second = _forked(directory, devnet, second_key)
    try:
        assert second.manifest.contracts() == first.manifest.contracts()
        for address in (holder.address, mine.address):
            assert quantity(second.url("devnet-a"), "eth_getBalance", address, "latest") == ETHER
        _assert_nowhere(second_key, second)
    finally:
        assert second.stop() == 0


def _forked(directory: Path, upstream: DevnetProcess, key: str) -> DevnetProcess:
    """Fork an endpoint such as a provider's: any path is its key, and nobody may steer the node."""
    named = (upstream.manifest.router, upstream.manifest.factory, upstream.manifest.weth)
    file = directory.with_name("url")
    file.write_text(f"{upstream.url('devnet-a')}/v3/{key}?apikey={key}\n")
    try:
        return DevnetProcess(directory, "--fork-url-file", str(file), "--fork-uniswap", *named, *FAST)
    finally:
        file.unlink()


def _assert_nowhere(key: str, devnet: DevnetProcess) -> None:
    """Look for a key in anvil, in every process list, and in whatever the devnet has written."""
    anvil = Path(f"/proc/{devnet.manifest.anvil_pid}")
    assert b"--fork-url\0http://127.0.0.1:" in (anvil / "cmdline").read_bytes()
    assert key.encode() not in (anvil / "environ").read_bytes()
    for listed in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            assert key.encode() not in listed.read_bytes(), listed
    for written in [devnet.errors, *devnet.directory.rglob("*")]:
        # What is being renamed into place may be gone; it is there under its other name.
        with contextlib.suppress(FileNotFoundError):
            assert not written.is_file() or key.encode() not in written.read_bytes(), written


async def test_a_devnet_runs_inside_a_test(directory: Path) -> None:
    """In process and mining at once: everything that was started ends with the block."""
    config = DevnetConfig(directory=directory, block_time_s=0, noise=NoiseConfig(enabled=False))
    async with Devnet(config) as net:
        pid = net.manifest.anvil_pid
        to = "0x000000000000000000000000000000000000dEaD"
        await net.fund(to, eth_wei=5)
        assert await net.node.call_int("eth_getBalance", to, "latest") == 5
    assert _is_gone(pid)


def _refused(*arguments: str) -> str:
    """Run a devnet that must refuse with exit code 2; give the one line that it says."""
    ended = subprocess.run(
        [sys.executable, "-m", "warden.devnet", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=90,
        cwd=REPOSITORY,
    )
    assert ended.returncode == 2, ended
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


@pytest.mark.parametrize("which", ["--node-port", "--control-port", "--ports"])
def test_a_port_in_use_is_one_clear_line(directory: Path, which: str) -> None:
    """Each port of the devnet, already taken: named, with the mend, and nothing left running (bad input)."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ports = ("0", port, "0") if which == "--ports" else (port,)
        said = _refused("--dir", str(directory), *FAST, which, *ports)
    assert f"port {port}" in said
    assert "give another one" in said
    assert read_manifest(directory) is None


def test_a_missing_binary_names_the_mend(directory: Path) -> None:
    """Without anvil, or without the contracts: one line that names scripts/demo (bad input)."""
    assert "scripts/demo" in _refused("--dir", str(directory), "--anvil", "/nowhere/anvil")
    assert "scripts/demo" in _refused("--dir", str(directory), "--node-modules", "/nowhere")


def test_a_fork_that_does_not_answer_is_one_clear_line(directory: Path) -> None:
    """An unreachable fork is named (bad input)."""
    said = _refused("--dir", str(directory), *FAST, "--fork-url", "http://me:secret@127.0.0.1:1/secret")
    assert "devnet.fork_url: 127.0.0.1:1 does not answer" in said
    assert "secret" not in said
    for no_url in ("secret.example.org", "ftp://secret@example.org", "http://", "http://[secret"):
        said = _refused("--dir", str(directory), *FAST, "--fork-url", no_url)
        assert "devnet.fork_url is no address: give http:// or https://" in said
        assert "secret" not in said
    assert "first line is the URL" in _refused("--dir", str(directory), "--fork-url-file", "/nowhere/url")


def test_a_directory_that_cannot_be_used_is_one_clear_line(directory: Path) -> None:
    """A file where the directory should be; a directory that holds another chain (bad input)."""
    directory.write_text("in the way")
    assert str(directory) in _refused("--dir", str(directory))
    directory.unlink()
    assert DevnetProcess(directory, *FAST).stop() == 0
    assert "holds chain 31337, not 5" in _refused("--dir", str(directory), "--chain-id", "5")


def _is_gone(pid: int) -> bool:
    """Whether a process has ended (or waits, as a zombie, for whoever inherited it)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
