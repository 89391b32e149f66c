"""The page for Prometheus."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.unit.api.samples import NOW, S, state
from warden.api.core import State, hear
from warden.api.metrics import exposition
from warden.domain.roles import Role
from warden.wire.telemetry import Event, Severity


def samples(known: State, now_ns: int = NOW) -> dict[tuple[str, ...], float]:
    """Return the page's samples by name and label values, read by Prometheus's own parser."""
    text = exposition(known, 5, now_ns).decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_the_figures_are_there() -> None:
    """OB5, HM2: mode, health, processes, endpoints, trades, money, alerts, calls."""
    found = samples(state())
    wanted = {
        ("warden_healthy",): 1,
        ("warden_mode",): 3,
        ("warden_health_score",): 0.9625,
        ("warden_health_stop_below",): 0.3,
        ("warden_component_health", "executor"): 0,
        ("warden_component_health", "machine.cpu"): 1,
        ("warden_component_leaves", "machine.cpu"): 0.9625,
        ("warden_stops",): 0,
        ("warden_beat_age_seconds", "executor"): 0.04,
        ("warden_process_pss_bytes", "trader"): 41_500_000,
        ("warden_process_cpu_percent", "trader"): 0.5,
        ("warden_endpoint_latency_seconds", "a"): 0.0125,
        ("warden_endpoint_head", "a"): 900,
        ("warden_endpoint_lag_blocks", "a"): 1,
        ("warden_endpoint_up", "a"): 1,
        ("warden_endpoint_up", "b"): 0,
        ("warden_trades_total",): 1,
        ("warden_net_wei",): 5,
        ("warden_exposure_wei",): 0,
        ("warden_alerts_total",): 4,
        ("warden_gateway_calls_total",): 50,
        ("warden_breaker", "CLOSED"): 1,
        ("warden_breaker", "OPEN"): 0,
        ("warden_api_requests_total",): 5,
        ("warden_snapshot_age_seconds", "watchdog"): 0,
        ("warden_snapshot_stale", "watchdog"): 0,
    }
    assert {key: found.get(key) for key in wanted} == wanted


def test_stale_gauges_are_gone_and_their_age_is_there() -> None:
    """I10: a series whose source fell silent is absent, not frozen; its age says why."""
    found = samples(state(), NOW + 10 * S)
    assert ("warden_mode",) not in found
    assert not any(name.startswith(("warden_process", "warden_endpoint", "warden_net")) for name, *_ in found)
    assert found["warden_snapshot_age_seconds", "watchdog"] == 10
    assert found["warden_snapshot_stale", "watchdog"] == 1
    assert found["warden_healthy",] == 0


def test_a_process_that_was_never_heard_is_stale() -> None:
    """Before the first word a process has no age, and is stale; a devnet need not exist."""
    found = samples(State(started_ns=0))
    assert found["warden_snapshot_stale", "trader"] == 1
    assert ("warden_snapshot_age_seconds", "trader") not in found
    assert ("warden_snapshot_stale", "devnet") not in found


def test_events_are_counted_by_severity() -> None:
    """What was heard since the api began, for a rate."""
    known = state()
    for _ in range(3):
        event = Event(time="", role=Role.TRADER, severity=Severity.ERROR, kind="x.y", message="")
        hear(known, Role.TRADER, event, NOW)
    assert samples(known)["warden_events_total", "error"] == 3


def test_a_strange_name_cannot_break_the_page() -> None:
    """Names from outside are escaped: a quote, a newline or a brace adds no line of its own."""
    known = state()
    told = known.told[Role.WATCHDOG].status
    evil = told.processes[0].__class__(
        name='a"} 1\nwarden_mode 3 {', pid=1, state="ready", age_ms=1, progress=0, pss_mb=0.0, cpu_percent=0.0
    )
    changed = state(None, processes=(evil,), mode=1)
    found = samples(changed)
    assert found["warden_mode",] == 1
    assert ("warden_beat_age_seconds", 'a"} 1\nwarden_mode 3 {') in found
