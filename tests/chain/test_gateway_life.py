"""The gateway as a process: it starts in any order, survives its peers and is back after `kill -9`."""

from __future__ import annotations

import shutil
import signal
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.beats import beat_in
from tests.chain.devnet import DevnetProcess, post, request
from tests.chain.gateway import GatewayProcess
from tests.faults import fault
from tests.instance import DEVNET_TOML, Instance, wait_until
from warden.devnet.faults import FaultKind
from warden.domain.roles import Role
from warden.wire.addresses import BEATS
from warden.wire.messages import Beat, ProcessState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.runtime.bus import Server


@pytest.fixture
def gateway() -> Iterator[GatewayProcess]:
    """A gateway that knows of no chain yet."""
    with GatewayProcess() as running:
        yield running


def last_beat(server: Server) -> Beat | None:
    """Take the beats that have come and give the newest."""
    beat: Beat | None = None
    while (incoming := server.receive()) is not None:
        assert incoming.role is Role.GATEWAY
        beat = beat_in(incoming.data) or beat
    return beat


def wait_beat(server: Server, state: ProcessState) -> Beat:
    """Wait for a beat in a state."""
    found: list[Beat] = []

    def came() -> bool:
        beat = last_beat(server)
        if beat is not None and beat.state is state:
            found.append(beat)
        return bool(found)

    wait_until(came, f"beat that says {state}")
    return found[-1]


def test_before_the_chain_is_there_it_says_so_and_beats(gateway: GatewayProcess) -> None:
    """Starting in any order: it listens, refuses clearly, and its heartbeat says STARTING."""
    error = gateway.ask("eth_blockNumber")["error"]
    assert error["code"] == -32001
    assert "being set up" in error["message"]
    with gateway.instance.bus(Role.WATCHDOG) as bus:
        server = bus.serve(BEATS)
        assert wait_beat(server, ProcessState.STARTING).detail


def test_its_beats_say_how_it_is(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """READY with one usable endpoint, DEGRADED with none, and progress from probes alone (HM1)."""
    with gateway.instance.bus(Role.WATCHDOG) as bus:
        server = bus.serve(BEATS)
        gateway.introduce(devnet)
        first = wait_beat(server, ProcessState.READY)
        wait_until(
            lambda: (beat := last_beat(server)) is not None and beat.progress > first.progress, "progress"
        )
        for name in devnet.names[1:]:
            devnet.set_fault(name, FaultKind.DEAD)
        gateway.wait_states("ok", "failing", "failing")
        wait_beat(server, ProcessState.READY)
        devnet.set_fault(devnet.names[0], FaultKind.DEAD)
        beat = wait_beat(server, ProcessState.DEGRADED)
        assert devnet.names[0] in beat.detail
        devnet.reset()
        wait_beat(server, ProcessState.READY)


def test_a_start_is_not_told_as_trouble(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """Between taking up the chain and the first probes it is STARTING: a DEGRADED would cost a lapse."""
    with gateway.instance.bus(Role.WATCHDOG) as bus:
        server = bus.serve(BEATS)
        wait_beat(server, ProcessState.STARTING)
        gateway.introduce(devnet)
        states: list[ProcessState] = []

        def ready() -> bool:
            while (incoming := server.receive()) is not None:
                beat = beat_in(incoming.data)
                states.extend([] if beat is None else [beat.state])
            return ProcessState.READY in states

        wait_until(ready, "beat that says ready")
        assert set(states) <= {ProcessState.STARTING, ProcessState.READY}
        assert not gateway.told("gateway.no_endpoint")


def test_endpoints_that_never_answer_are_told(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """Dead from the start: DEGRADED, an event, and each endpoint's state."""
    for name in devnet.names:
        devnet.set_fault(name, FaultKind.DEAD)
    shutil.copy(devnet.directory / "devnet.json", gateway.instance.places.devnet_manifest)
    gateway.wait_states("failing", "failing", "failing")
    wait_until(lambda: gateway.told("gateway.no_endpoint"), "event about it")


@fault("gateway-killed")
def test_killed_it_is_back_at_the_same_address(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """After `kill -9` clients go on with the URL they have, though the port was any free one."""
    gateway.introduce(devnet)
    url = gateway.url
    process = gateway.instance.processes[Role.GATEWAY]
    process.kill()
    process.wait()
    with pytest.raises(OSError, match="refused"):
        gateway.ask("eth_chainId")
    gateway.start_again()
    assert gateway.url == url
    wait_until(lambda: "result" in gateway.ask("eth_chainId"), "read that is answered")


def test_it_ends_in_order(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """TERM ends it with exit code 0, nothing on its screen but its own lines."""
    gateway.introduce(devnet)
    assert gateway.instance.end(Role.GATEWAY) == 0
    assert "Traceback" not in gateway.instance.output(Role.GATEWAY)


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"])
def test_a_port_that_cannot_be_had_is_one_clear_line(host: str) -> None:
    """In use, or not this machine's: exit code 2, the setting's name, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        toml = DEVNET_TOML.replace(
            "[gateway]\nport = 0", f'[gateway]\nhost = "{host}"\nport = {taken.getsockname()[1]}'
        )
        with Instance(toml) as instance:
            assert instance.start(Role.GATEWAY).wait(60) == 2
            lines = [line for line in instance.output(Role.GATEWAY).splitlines() if "refused" in line]
            assert len(lines) == 1
            assert "gateway.port" in lines[0]
            assert "Traceback" not in instance.output(Role.GATEWAY)


@fault("second-instance")
def test_a_second_gateway_does_not_start(gateway: GatewayProcess) -> None:
    """One instance has one gateway; the first goes on."""
    first = gateway.instance.processes[Role.GATEWAY]
    second = gateway.instance.start(Role.GATEWAY)
    gateway.instance.processes[Role.GATEWAY] = first
    assert second.wait(60) == 2
    assert "held by another process" in gateway.instance.output(Role.GATEWAY)
    assert gateway.post(request("eth_chainId")).status == 200


def test_another_devnet_is_taken_up(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """When the devnet comes back with other ports or another chain, the gateway follows by itself."""
    gateway.introduce(devnet)
    base = Path(tempfile.mkdtemp(prefix="warden-devnet-"))
    other = None
    try:
        other = DevnetProcess(base / "net", "--block-time", "0.25", "--no-noise", "--chain-id", "4242")
        gateway.introduce(other)
        wait_until(lambda: gateway.ask("eth_chainId").get("result") == hex(4242), "other chain")
    finally:
        if other is not None:
            other.stop()
        shutil.rmtree(base)


def test_a_pinned_block_0_counts(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """The right chain id with another block 0 is another chain (RP2)."""
    document = msgspec.json.decode((devnet.directory / "devnet.json").read_bytes())
    document["genesis"] = "0x" + "11" * 32
    gateway.instance.places.devnet_manifest.write_bytes(msgspec.json.encode(document))
    gateway.wait_states("wrong-chain", "wrong-chain", "wrong-chain")
    assert gateway.ask("eth_chainId")["error"]["code"] == -32001
    gateway.listen()
    assert gateway.status is not None
    assert "block 0" in gateway.status.endpoints[0].detail


@fault("gateway-paused")
def test_paused_it_goes_on_where_it_was(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """SIGSTOP and SIGCONT: a request sent meanwhile is answered afterwards."""
    gateway.introduce(devnet)
    gateway.instance.signal(Role.GATEWAY, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        post(gateway.url, request("eth_chainId"), timeout_s=0.5)
    gateway.instance.signal(Role.GATEWAY, signal.SIGCONT)
    assert "result" in gateway.ask("eth_chainId")
