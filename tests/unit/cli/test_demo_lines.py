"""The demo's lines."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from warden.cli.demo_lines import landed_trades, status_line, trade_line
from warden.domain.modes import Mode
from warden.domain.money import Wei
from warden.operator.picture import Alerts, Endpoints, Money, Seen, SystemView, Word
from warden.wire.telemetry import EndpointLine, TradeLine

NOW = Seen(age_ms=100, stale=False)
NEVER = Seen(age_ms=None, stale=True)


def trade(number: int, state: str = "mined", intent_id: str = "intent") -> TradeLine:
    """Return a trade in block `number`."""
    return TradeLine(
        time="2026-01-01T00:00:00Z",
        intent_id=intent_id,
        trace_id="",
        strategy="triangular",
        state=state,
        tx_hash=f"0x{number:064x}",
        block=number,
        net_wei=Wei(12_345_678_901_234_567),
        gas_wei=Wei(1),
        error="",
    )


def endpoint(name: str, state: str) -> EndpointLine:
    """Return an endpoint's line."""
    return EndpointLine(name=name, state=state, latency_ms=1.0, head=42, lag_blocks=0)


VIEW = SystemView(
    environment="devnet",
    word=Word.TRADING,
    why="",
    mode=Mode.AGGRESSIVE,
    stops=(),
    stop_dir="",
    watchdog=NOW,
    oldest=NOW,
    oldest_name="api",
    processes=(),
    money=Money(
        seen=NOW,
        percent=Decimal(0),
        limit_percent=Decimal(50),
        trades=3,
        net_wei=12_345_678_901_234_567,
        trades_recent=(trade(3), trade(2, "final"), trade(1, "signed"), trade(4, "reverted")),
    ),
    endpoints=Endpoints(seen=NOW, lines=(endpoint("a", "ok"), endpoint("b", "slow")), head=42, head_seen=NOW),
    alerts=Alerts(seen=NOW),
    journals=(),
)


def test_a_line_says_how_things_stand() -> None:
    """Word, block, trades, profit, exposure and endpoints stand in one line."""
    assert status_line(VIEW, "12:00:05") == (
        "12:00:05 TRADING block 42 · trades 3 · net +0.012345 ETH · exposure 0 % of 50 % · endpoints 1/2 ok"
    )


def test_what_is_stale_is_not_shown_as_current() -> None:
    """I10, CO3: figures of a silent process are question marks, and the line says why."""
    silent = msgspec.structs.replace(
        VIEW,
        word=Word.UNKNOWN,
        why="the watchdog is silent",
        money=msgspec.structs.replace(VIEW.money, seen=NEVER),
        endpoints=msgspec.structs.replace(VIEW.endpoints, seen=NEVER),
    )
    assert status_line(silent, "12:00:05") == (
        "12:00:05 UNKNOWN block ? · trades ? · net ? ETH · exposure ? % of ? % · endpoints ? · "
        "the watchdog is silent"
    )


def test_each_landed_trade_is_told_once_in_order() -> None:
    """Only what has landed counts, oldest first, and never twice."""
    assert landed_trades(VIEW, frozenset()) == [trade(2, "final"), trade(3)]
    assert landed_trades(VIEW, frozenset({trade(2).tx_hash})) == [trade(3)]


def test_an_allowance_is_not_called_a_trade() -> None:
    """The transaction that lets the router take the token is shown as what it is."""
    assert trade_line(trade(3), "12:00:05").startswith("12:00:05 trade landed: 0x")
    assert trade_line(trade(3, intent_id="approve-1"), "12:00:05").startswith("12:00:05 allowance landed: 0x")
