"""/metrics: the fresh statuses for Prometheus; a series whose source is stale is absent, its age is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import CollectorRegistry

from warden.api.core import STALE_NS, age_ns, fresh
from warden.api.health import judge
from warden.domain.health import rank
from warden.domain.money import BPS_ONE
from warden.domain.roles import Role, processes
from warden.runtime.clock import NS_PER_S
from warden.wire.telemetry import (
    EndpointLine,
    ExecutorStatus,
    GatewayStatus,
    HealthStatus,
    LoggerStatus,
    NotifierStatus,
    ProcessLine,
    TraderStatus,
    WatchdogStatus,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from warden.api.core import State

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_MB: Final = 1_000_000


class _Once:
    """What a registry asks for: the metrics of one moment."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


def exposition(state: State, requests: int, now_ns: int) -> bytes:
    """Return the page; made anew for each scrape, so that nothing lingers on it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(list(_all(state, requests, now_ns))))
    return generate_latest(registry)


def _all(state: State, requests: int, now_ns: int) -> Iterator[Metric]:
    found = judge(state, now_ns)
    yield _gauge("healthy", "1 when able to trade or held still by order", float(found.healthy))
    yield _gauge("uptime_seconds", "of the api", (now_ns - state.started_ns) / NS_PER_S)
    yield _count("api_requests", "answered by the api", requests)
    yield from _ages(state, now_ns)
    events = CounterMetricFamily("warden_events", "heard since the api began", labels=["severity"])
    for severity, count in sorted(state.events.items()):
        events.add_metric([severity], count)
    yield events
    if (watchdog := fresh(state, Role.WATCHDOG, WatchdogStatus, now_ns)) is not None:
        yield from _watchdog(watchdog)
    if (executor := fresh(state, Role.EXECUTOR, ExecutorStatus, now_ns)) is not None:
        yield from _executor(executor)
    if (gateway := fresh(state, Role.GATEWAY, GatewayStatus, now_ns)) is not None:
        yield from _gateway(gateway)
    yield from _traders(state, now_ns)
    if (notifier := fresh(state, Role.NOTIFIER, NotifierStatus, now_ns)) is not None:
        yield _count("alerts", "raised so far", notifier.total)
        yield _gauge("alerts_unacknowledged", "that nobody has answered", notifier.unacknowledged)
    if (logger := fresh(state, Role.LOGGER, LoggerStatus, now_ns)) is not None:
        yield _count("log_lines", "written by the logger", logger.lines)
        yield _count("log_lines_dropped", "lost by the logger", logger.dropped)


def _traders(state: State, now_ns: int) -> Iterator[Metric]:
    """Yield what the strategies did, all of them in one figure where there is one."""
    told = [(name, fresh(state, name, TraderStatus, now_ns)) for name in state.traders]
    known = [(name, status) for name, status in told if status is not None]
    if not known:
        return
    labels = [] if state.traders == (Role.TRADER,) else ["process"]
    proposals = CounterMetricFamily("warden_trader_proposals", "made by the strategy", labels=labels)
    refused = CounterMetricFamily("warden_trader_refused", "proposals that the gate refused", labels=labels)
    for name, status in known:
        proposals.add_metric([name] if labels else [], status.proposals)
        refused.add_metric([name] if labels else [], status.refused)
    yield proposals
    yield refused


def _ages(state: State, now_ns: int) -> Iterator[Metric]:
    ages = GaugeMetricFamily("warden_snapshot_age_seconds", "of a process's last status", labels=["role"])
    stale = GaugeMetricFamily("warden_snapshot_stale", "1 when it cannot pass for current", labels=["role"])
    for name in processes(state.traders):
        age = age_ns(state, name, now_ns)
        if age is not None:
            ages.add_metric([name], age / NS_PER_S)
        if age is not None or name != Role.DEVNET:
            stale.add_metric([name], float(age is None or age > STALE_NS))
    yield ages
    yield stale


def _watchdog(status: WatchdogStatus) -> Iterator[Metric]:
    yield _gauge("mode", "0 SHUTDOWN, 1 OBSERVE_ONLY, 2 REDUCE_ONLY, 3 AGGRESSIVE", status.mode)
    yield _gauge("stops", "that stand", len(status.stops))
    yield _gauge("stop_directory_unreadable", "1 when it cannot be read", float(bool(status.stop_dir)))
    yield _count("permit_lapses", "of permits", status.lapses)
    yield _count("trader_restarts", "of lost traders", status.restarts)
    if status.health is not None:
        yield from _health(status.health)
    lines = status.processes
    yield _by_process("beat_age_seconds", "since the last beat", lines, _beat_age_s)
    yield _by_process("process_pss_bytes", "memory", lines, lambda line: line.pss_mb * _MB)
    yield _by_process("process_cpu_percent", "of one core", lines, lambda line: line.cpu_percent)
    yield _by_process("process_ready", "1 when it says so", lines, lambda line: float(line.state == "ready"))


def _health(health: HealthStatus) -> Iterator[Metric]:
    yield _gauge("health_score", "1 when all is well", health.score_bps / BPS_ONE)
    yield _gauge("health_stop_below", "a score below this stops everything", health.stop_below_bps / BPS_ONE)
    status = GaugeMetricFamily(
        "warden_component_health",
        "0 HEALTHY, 1 DEGRADED, 2 UNHEALTHY, 3 CRITICAL",
        labels=["component"],
    )
    leaves = GaugeMetricFamily(
        "warden_component_leaves", "of the health score, by itself", labels=["component"]
    )
    for each in health.lines:
        status.add_metric([each.name], rank(each.status))
        leaves.add_metric([each.name], each.leaves_bps / BPS_ONE)
    yield status
    yield leaves


def _beat_age_s(line: ProcessLine) -> float | None:
    return None if line.age_ms is None else line.age_ms / 1_000


def _executor(status: ExecutorStatus) -> Iterator[Metric]:
    # Wei as floats: Prometheus knows nothing else, and nothing is decided by these.
    yield _gauge("gate_open", "1 when a trade could pass", float(not status.gate))
    yield _gauge("exposure_wei", "in flight and open", status.exposure_wei)
    yield _gauge("exposure_limit_ratio", "at most, of the capital", status.exposure_limit_bps / 10_000)
    if status.capital_wei is not None:
        yield _gauge("capital_wei", "for trading", status.capital_wei)
    if status.gas_balance_wei is not None:
        yield _gauge("gas_balance_wei", "of the wallet", status.gas_balance_wei)
    yield _count("trades", "settled", status.trades)
    yield _count("trades_won", "settled with a profit", status.wins)
    yield _gauge("net_wei", "profit less gas of all settled trades", status.net_wei)
    yield _gauge("gas_wei", "burnt by all settled trades", status.gas_wei)
    yield _gauge("pending", "transactions in flight", status.pending)
    yield _gauge("positions", "that are open", len(status.positions))
    breaker = GaugeMetricFamily("warden_breaker", "1 for the state it is in", labels=["state"])
    for word in ("CLOSED", "OPEN", "HALF_OPEN"):
        breaker.add_metric([word], float(status.breaker == word))
    yield breaker


def _gateway(status: GatewayStatus) -> Iterator[Metric]:
    yield _count("gateway_calls", "answered", status.calls)
    yield _count("gateway_failures", "that no endpoint answered", status.failures)
    yield _count("gateway_refused_sends", "sends that were refused", status.refused_sends)
    if status.head is not None:
        yield _gauge("chain_head", "block number", status.head)
    if status.head_age_ms is not None:
        yield _gauge("chain_head_age_seconds", "since the head advanced", status.head_age_ms / 1_000)
    lines = status.endpoints
    yield _by_endpoint("endpoint_up", "1 when it is used", lines, _up)
    yield _by_endpoint("endpoint_latency_seconds", "of its calls", lines, _latency_s)
    yield _by_endpoint("endpoint_head", "its block number", lines, lambda line: line.head)
    yield _by_endpoint("endpoint_lag_blocks", "behind the best", lines, lambda line: line.lag_blocks)


def _up(line: EndpointLine) -> float:
    return float(line.state in {"ok", "slow"})


def _latency_s(line: EndpointLine) -> float | None:
    return None if line.latency_ms is None else line.latency_ms / 1_000


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"warden_{name}", what, value=value)


def _count(name: str, what: str, value: int) -> Metric:
    return CounterMetricFamily(f"warden_{name}", what, value=value)


def _by_process(
    name: str, what: str, lines: Iterable[ProcessLine], value: Callable[[ProcessLine], float | None]
) -> Metric:
    metric = GaugeMetricFamily(f"warden_{name}", what, labels=["process"])
    for line in lines:
        if (found := value(line)) is not None:
            metric.add_metric([line.name], found)
    return metric


def _by_endpoint(
    name: str, what: str, lines: Iterable[EndpointLine], value: Callable[[EndpointLine], float | None]
) -> Metric:
    metric = GaugeMetricFamily(f"warden_{name}", what, labels=["endpoint"])
    for line in lines:
        if (found := value(line)) is not None:
            metric.add_metric([line.name], found)
    return metric
