"""Reads go on, whatever one endpoint does: a real gateway before the devnet's faultable endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chain.devnet import request
from tests.chain.gateway import DEAD, GatewayProcess
from tests.faults import fault
from tests.instance import wait_until
from warden.devnet.faults import Fault, FaultKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chain.devnet import DevnetProcess

READS = 5
FAULTS = [
    Fault(FaultKind.SLOW, delay_ms=300),
    Fault(FaultKind.DEAD),
    Fault(FaultKind.HUNG),
    Fault(FaultKind.RATE_LIMITED),
    Fault(FaultKind.STALE),
    Fault(FaultKind.WRONG_CHAIN),
    Fault(FaultKind.ERRORS, http_status=500),
    Fault(FaultKind.ERRORS, http_status=503),
    Fault(FaultKind.ERRORS, http_status=200),
    Fault(FaultKind.GARBAGE),
    Fault(FaultKind.HALF_ANSWER),
]


@pytest.fixture
def gateway(devnet: DevnetProcess) -> Iterator[GatewayProcess]:
    """A gateway that has found every endpoint healthy; of its own, for backoff outlasts a test."""
    with GatewayProcess() as running:
        running.introduce(devnet)
        yield running


@fault("endpoint-dead")
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind}-{fault.http_status}")
def test_reads_go_on_whatever_one_endpoint_does(
    gateway: GatewayProcess, devnet: DevnetProcess, fault: Fault, place: int
) -> None:
    """Single reads and a batch are answered at each moment from the fault on (RP2, RP4)."""
    devnet.set_fault(devnet.names[place], fault)
    for _ in range(READS):
        gateway.read()
    answers = gateway.post([request("eth_chainId", id_=number) for number in range(READS)]).json()
    assert [(each["id"], int(each["result"], 16)) for each in answers] == [
        (number, devnet.manifest.chain_id) for number in range(READS)
    ]


@fault("endpoint-dead", "endpoint-stale")
@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault(FaultKind.DEAD), "failing"),
        (Fault(FaultKind.HUNG), "failing"),
        (Fault(FaultKind.RATE_LIMITED), "failing"),
        (Fault(FaultKind.ERRORS), "failing"),
        (Fault(FaultKind.GARBAGE), "failing"),
        (Fault(FaultKind.HALF_ANSWER), "failing"),
        (Fault(FaultKind.SLOW, delay_ms=900), "slow"),
        (Fault(FaultKind.STALE), "stale"),
        (Fault(FaultKind.WRONG_CHAIN), "wrong-chain"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
def test_a_fault_is_seen_by_itself_told_and_forgotten(
    gateway: GatewayProcess, devnet: DevnetProcess, fault: Fault, state: str
) -> None:
    """The status and one event say what is wrong, the others are asked, and afterwards it is asked again."""
    devnet.set_fault(devnet.names[0], fault)
    gateway.wait_states(state, "ok", "ok")
    assert gateway.read() == devnet.names[1]
    wait_until(lambda: gateway.told(f"gateway.endpoint.{state}"), "event about it")
    devnet.reset()
    gateway.wait_states("ok", "ok", "ok")
    assert gateway.read() == devnet.names[0]


@fault("endpoint-stale")
@pytest.mark.parametrize("kind", [FaultKind.STALE, FaultKind.WRONG_CHAIN])
def test_when_every_endpoint_is_unfit_reads_are_refused_and_say_so(
    gateway: GatewayProcess, devnet: DevnetProcess, kind: FaultKind
) -> None:
    """Stale or on another chain, each is named with its state and none is used (RP5)."""
    for number, name in enumerate(devnet.names):
        # The one that is least behind is the best head known, and then stands still itself.
        devnet.set_fault(name, Fault(kind, blocks_behind=20 if number else 0))
    wanted = "wrong-chain" if kind is FaultKind.WRONG_CHAIN else "stale"
    gateway.wait_states(wanted, wanted, wanted)
    answer = gateway.ask("eth_getBalance", DEAD, "latest")
    assert answer["error"]["code"] == -32001
    for name in devnet.names:
        assert f"{name}: {wanted}" in answer["error"]["message"]
    assert [each["state"] for each in answer["error"]["data"]["endpoints"]] == [wanted] * 3
    wait_until(lambda: gateway.told("gateway.no_endpoint"), "event about it")


@fault("endpoint-stale")
def test_another_chains_id_is_never_passed_on(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """Not even in the moment before the next check (RP2)."""
    for place in (0, 1, 2):
        devnet.set_fault(devnet.names[place], FaultKind.WRONG_CHAIN)
        answer = gateway.ask("eth_chainId")
        if "result" in answer:
            assert int(answer["result"], 16) == devnet.manifest.chain_id
        else:
            assert answer["error"]["code"] == -32001


@fault("endpoints-gone")
@pytest.mark.parametrize("kind", [FaultKind.DEAD, FaultKind.HUNG, FaultKind.ERRORS, FaultKind.RATE_LIMITED])
def test_all_dead_is_a_clear_error_and_heals(
    gateway: GatewayProcess, devnet: DevnetProcess, kind: FaultKind
) -> None:
    """One line names each endpoint and why, never a URL; when they return reads go on by themselves."""
    for name in devnet.names:
        devnet.set_fault(name, kind)
    answer = gateway.ask("eth_getBalance", DEAD, "latest")
    error = answer["error"]
    assert error["code"] == -32001
    assert answer["id"] == 1
    assert "\n" not in error["message"]
    for name in devnet.names:
        assert f"{name}: " in error["message"]
        assert devnet.url(name).removeprefix("http://") not in str(answer)
    gateway.wait_states("failing", "failing", "failing")
    wait_until(lambda: gateway.told("gateway.no_endpoint"), "event about it")
    assert gateway.status is not None
    assert gateway.status.failures >= 1
    devnet.reset()
    wait_until(lambda: "result" in gateway.ask("eth_blockNumber"), "read that is answered again")
    wait_until(lambda: gateway.told("gateway.usable"), "event about it")


def test_a_429_is_respected_for_as_long_as_asked(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """Retry-After keeps the endpoint alone even though it would answer again (RP3)."""
    devnet.set_fault(devnet.names[0], Fault(FaultKind.RATE_LIMITED, retry_after_s=100))
    gateway.wait_states("failing", "ok", "ok")
    devnet.reset()
    assert gateway.read() == devnet.names[1]
    assert gateway.status is not None
    assert "not asked for" in gateway.status.endpoints[0].detail


def test_a_fault_of_one_method_alone_is_asked_elsewhere(
    gateway: GatewayProcess, devnet: DevnetProcess
) -> None:
    """An endpoint whose probes are fine but whose reads fail is not trusted for being alive (RP4)."""
    devnet.set_fault(devnet.names[0], Fault(FaultKind.HUNG, methods=("eth_getBalance",)))
    assert [gateway.read() for _ in range(READS)] == [devnet.names[1]] * READS
    assert gateway.ask("eth_blockNumber")["result"]
