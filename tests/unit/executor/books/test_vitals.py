"""What the rules hear besides money: calls against the plan's quota, a chain that stays dark."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.executor.scene import ENDPOINTS, TERMS, Scene, intent, only
from warden.domain.risk.emergency_gauges import EmergencyLimits
from warden.domain.risk.events import DAY_NS, NS_PER_S, Calls, Raised
from warden.domain.stops import StopReason
from warden.executor.books.vitals import Vitals
from warden.executor.protocol.commands import DemandStop
from warden.executor.protocol.events import Tick, UsageRead
from warden.executor.protocol.terms import Now
from warden.wire.rows import RiskRow

LIMIT_S = 60


def moment(ns: int) -> Now:
    """Return a moment."""
    return Now(boot_ns=ns, wall="", utc_ns=ns)


def blind_for(vitals: Vitals, seconds: float, *, since_ns: int = 0) -> tuple[list[object], int]:
    """Tick four times a second without a chain; return what was told, and the time of the last tick."""
    told: list[object] = []
    ticks = int(seconds * 4)
    for number in range(ticks + 1):
        told += vitals.tick(moment(since_ns + number * NS_PER_S // 4), sees=False)
    return told, since_ns + ticks * NS_PER_S // 4


def test_es1_a_chain_that_stays_dark_is_a_network_failure_at_its_limit_and_not_before() -> None:
    """ES1: told once at the limit; a moment before it nothing is."""
    vitals = Vitals(LIMIT_S)
    told, at_ns = blind_for(vitals, LIMIT_S - 0.25)
    assert told == []
    told, _ = blind_for(vitals, 2 * LIMIT_S, since_ns=at_ns)
    assert [type(each) for each in told] == [Raised]
    assert isinstance(told[0], Raised)
    assert told[0].reason is StopReason.NETWORK_FAILURE


def test_es1_a_look_at_the_chain_begins_the_wait_anew() -> None:
    """What failed and came back has not failed; the next time counts from its own beginning."""
    vitals = Vitals(LIMIT_S)
    _, at_ns = blind_for(vitals, LIMIT_S - 1)
    assert vitals.tick(moment(at_ns + 1), sees=True) == []
    told, at_ns = blind_for(vitals, LIMIT_S - 1, since_ns=at_ns + 1)
    assert told == []
    told, _ = blind_for(vitals, 3, since_ns=at_ns)
    assert len(told) == 1


def test_es1_a_machine_that_slept_was_not_without_a_chain() -> None:
    """CLOCK_BOOTTIME counts the sleep, but nobody looked for the chain then."""
    vitals = Vitals(LIMIT_S)
    assert vitals.tick(moment(0), sees=False) == []
    assert vitals.tick(moment(DAY_NS), sees=False) == []


def test_es1_none_switches_it_off() -> None:
    """`emergency.network_failure_s` unset: no such limit."""
    assert blind_for(Vitals(None), 10_000)[0] == []


def test_pl2_calls_are_counted_once_over_restarts_of_the_gateway() -> None:
    """PL2: the gateway counts from its own start; sends, which pass it by, are added."""
    vitals = Vitals(None)
    vitals.sent()
    assert vitals.used(UsageRead(asked=100)) == [Calls(101)]
    assert vitals.used(UsageRead(asked=100)) == []
    assert vitals.used(UsageRead(asked=130)) == [Calls(30)]
    assert vitals.used(UsageRead(asked=7)) == [Calls(7)]


def test_es1_the_core_demands_a_stop_and_writes_down_why() -> None:
    """ES1: the rule's demand closes the gate, is journalled, and names the reason."""
    emergency = EmergencyLimits(network_failure_s=LIMIT_S)
    terms = msgspec.structs.replace(TERMS, risk=msgspec.structs.replace(TERMS.risk, emergency=emergency))
    scene = Scene(terms).begin()
    demands: list[DemandStop] = []
    # A read counts as fresh for ten seconds.
    for _ in range((LIMIT_S + 12) * 4):
        scene.now_ns += NS_PER_S // 4
        demands += only(scene.tell(Tick()), DemandStop)
    assert [each.stop.reason for each in demands] == [StopReason.NETWORK_FAILURE]
    assert any(isinstance(row, RiskRow) and isinstance(row.event, Raised) for row in scene.rows)


@pytest.mark.parametrize("results", [("accepted",) * 3, ("accepted", "unknown", "not-begun")])
def test_pl2_a_send_counts_for_each_endpoint_that_heard_of_it(results: tuple[str, ...]) -> None:
    """PL2: what never began is no call."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent())
    scene.legs(tx_hash, *results)
    scene.tell(UsageRead(asked=0))
    (calls,) = (row.event for row in scene.rows if isinstance(row, RiskRow) and isinstance(row.event, Calls))
    assert calls.count == len(ENDPOINTS) - results.count("not-begun")
