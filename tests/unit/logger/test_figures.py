"""The figures of every kind of status."""

from __future__ import annotations

from tests.unit.logger.samples import event, executor_status, watchdog_status
from warden.logger.figures import figures
from warden.wire.telemetry import (
    ApiStatus,
    DevnetStatus,
    EndpointLine,
    GatewayStatus,
    LoggerStatus,
    NotifierStatus,
    TraderStatus,
)


def test_every_status_has_figures() -> None:
    """OB1: no process is left out of performance.log."""
    gateway = GatewayStatus(
        sent_ns=1,
        session="s",
        url="",
        endpoints=(EndpointLine(name="a", state="ok", latency_ms=1.5, head=9, lag_blocks=0),),
        head=9,
        head_age_ms=100,
        calls=4,
        failures=1,
        refused_sends=0,
    )
    trader = TraderStatus(
        sent_ns=1, session="s", strategy="x", state="running", block=9, proposals=3, approved=2, refused=1
    )
    named = {
        "watchdog": watchdog_status(),
        "executor": executor_status(),
        "gateway": gateway,
        "trader": trader,
        "logger": LoggerStatus(sent_ns=1, session="s", lines=1, dropped=0),
        "notifier": NotifierStatus(sent_ns=1, session="s", total=1, unacknowledged=1, recent=()),
        "api": ApiStatus(sent_ns=1, session="s", url="", requests=2),
        "devnet": DevnetStatus(sent_ns=1, session="s", block=9, noise_trades=1, faults={}),
    }
    assert {name: len(figures(status)) for name, status in named.items()} == {
        "watchdog": 2,
        "executor": 1,
        "gateway": 2,
        "trader": 1,
        "logger": 1,
        "notifier": 1,
        "api": 1,
        "devnet": 1,
    }
    assert figures(gateway)[1]["latency_ms"] == 1.5


def test_what_has_no_figures_gives_none() -> None:
    """An event is no status."""
    assert figures(event("x.y")) == []
