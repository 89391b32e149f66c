"""Stops that nobody orders and no money demands, by real processes: no network, a record that was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.faults import fault
from tests.instance import wait_until
from tests.process.cli_runs import warden
from tests.process.operator_at_work import let_trade
from tests.process.system import BUSY_TOML, System
from warden.domain.modes import Mode
from warden.domain.risk.events import Raised
from warden.domain.roles import Role
from warden.domain.stops import StopReason
from warden.runtime.journal import read
from warden.runtime.rpc import JsonRpc
from warden.runtime.venue import served_url
from warden.wire.codec import from_json
from warden.wire.rows import ExecutorRow, RiskRow

if TYPE_CHECKING:
    from collections.abc import Iterator

BLIND_S = 5
TOML = f"{BUSY_TOML}\n[emergency]\nnetwork_failure_s = {BLIND_S}\n"
NAMED = ("--operator", "ann", "--reason", "looked into")


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """A system that trades, and gives the network up after a few seconds."""
    with System(TOML) as made:
        made.start_all()
        made.wait_trading(1)
        yield made


def reasons(system: System) -> list[str]:
    """Return the reasons of the standing stops."""
    return [stop.reason for stop in system.latch.read().stops]


def raised(system: System) -> list[Raised]:
    """Return what the executor has journalled as a reason to stop."""
    rows: Iterator[ExecutorRow] = (
        from_json(row.body, ExecutorRow) for row in read(system.places.journal(Role.EXECUTOR))
    )
    return [row.event for row in rows if isinstance(row, RiskRow) and isinstance(row.event, Raised)]


@fault("gateway-killed")
def test_es1_without_a_network_for_too_long_everything_stops_until_somebody_recovers(system: System) -> None:
    """ES1, ES4, I7: the gateway is gone; the stop is durable and outlives its return."""
    system.kill(Role.GATEWAY)
    system.wait(lambda _: reasons(system) == [StopReason.NETWORK_FAILURE], "a stop for the network")
    system.start(Role.GATEWAY)
    wait_until(lambda: len(raised(system)) == 1, "why, in the journal")
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY")
    wait_until(
        lambda: warden("recover", *NAMED, "--json", "--home", str(system.home)).code == 0, "the recovery"
    )
    let_trade(system)


def test_pl2_the_gateway_says_what_it_asked_endpoints(system: System) -> None:
    """PL2: probes count too, for the plan's quota counts them; it only grows."""
    url = served_url(system.places, Role.GATEWAY)
    assert url is not None
    rpc = JsonRpc(url, timeout_s=10)
    try:
        first = int(rpc.call("warden_usage")["asked"], 16)
        rpc.call("eth_blockNumber")
        assert int(rpc.call("warden_usage")["asked"], 16) > first > 0
    finally:
        rpc.close()


@fault("truncated")
def test_es1_a_journal_that_is_not_what_was_written_is_a_durable_stop(system: System) -> None:
    """ES1, FS3, I9: somebody moves the file away; the watchdog makes the executor's stop durable."""
    path = system.places.journal(Role.EXECUTOR)
    path.replace(path.with_suffix(".aside"))
    system.wait(lambda _: reasons(system) == [StopReason.DATA_INTEGRITY], "a stop for the journal")
    (stop,) = system.latch.read().stops
    assert "replaced" in stop.message
    told = warden("status", "--json", "--home", str(system.home))
    assert msgspec.json.decode(told.out)["stops"][0]["reason"] == StopReason.DATA_INTEGRITY
