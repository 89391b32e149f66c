"""`warden status`: how things stand, with any subset of the processes dead."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from warden.cli.picture import Picture, take_picture
from warden.cli.words import say, warn
from warden.domain.errors import EXIT_DONE, EXIT_NOT_RUNNING
from warden.domain.money import WEI_PER_GWEI, format_ether
from warden.operator.capital_text import capital_text
from warden.operator.health_text import health_text
from warden.operator.picture import age_text
from warden.operator.position_text import position_text
from warden.operator.view import view_to_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warden.operator.picture import SystemView

_ALERTS_SHOWN: Final = 5


def status(home: Path, *, as_json: bool) -> int:
    """Print how the instance at `home` stands and return the exit code: 3 when nothing of it runs.

    Raises:
        ConfigurationInvalid: there is no instance at `home`.
    """
    picture = take_picture(home)
    if as_json:
        say(msgspec.json.encode(view_to_json(picture.view)).decode())
    else:
        for line in text_of(home, picture):
            say(line)
    if not picture.found:
        warn(f"{home}: nothing runs; start it with 'warden up'")
        return EXIT_NOT_RUNNING
    return EXIT_DONE


def text_of(home: Path, picture: Picture) -> Iterator[str]:
    """Yield the picture as lines that read well aloud too: no drawing, no colour, words before figures."""
    view = picture.view
    why = f": {view.why}" if view.why else ""
    yield f"{view.word}{why} ({view.environment or 'never started'}, {home})"
    if view.one_user:
        yield "all programs run as one user: the strategy is not walled off from the key"
    if view.stop_dir:
        yield f"stopped: {view.stop_dir}"
    for stop in view.stops:
        who = f"by {stop.operator or 'unknown'} at {stop.time or 'unknown'}"
        yield f"stop {stop.id}: {stop.reason} {who}: {stop.message}"
    yield from _processes(view)
    yield from health_text(view.health)
    yield capital_text(view.capital)
    yield from _money(view)
    yield from _endpoints(view)
    yield from _alerts(view)
    for head in view.journals:
        yield f"journal {head.journal}: {head.rows} rows, head {head.hash[:16]}"


def _processes(view: SystemView) -> Iterator[str]:
    for line in view.processes:
        state = f"{line.state}, not heard from" if line.stale and line.state != "silent" else line.state
        yield (
            f"process {line.name}: {state}, pid {line.pid or 'unknown'}, beat {age_text(line.age_ms)} ago, "
            f"progress {line.progress}, {line.pss_mb:.0f} MB, {line.cpu_percent:.0f} % CPU"
            + (f", let in again {line.restarts} times this hour" if line.restarts else "")
            + (f", {line.detail}" if line.detail else "")
        )


def _money(view: SystemView) -> Iterator[str]:
    money = view.money
    if money.seen.stale:
        yield "money: unknown, the executor is silent"
        return
    percent = "unknown" if money.percent is None else f"{money.percent} %"
    limit = "unknown" if money.limit_percent is None else f"{money.limit_percent} %"
    net = "unknown" if money.net_wei is None else f"{format_ether(money.net_wei, signed=True)} ETH"
    usd = "" if money.net_usd is None else f" ({money.net_usd:+f} USD)"
    yield f"gate: {'open' if not money.gate else f'closed, {money.gate}'}; breaker {money.breaker}"
    yield f"exposure: {percent} of {limit}, {len(money.positions)} positions, {money.pending} pending"
    yield from (position_text(each) for each in money.positions)
    for line in money.in_flight:
        fee = f"{Decimal(line.max_fee_wei) / WEI_PER_GWEI:.3f} gwei"
        taken = "" if line.accepted else ", taken by no endpoint yet"
        tries = f", attempt {line.attempts}" if line.attempts > 1 else ""
        told = f"{line.purpose} {line.tx_hash}, {line.age_s} s, at most {fee}{tries}{taken}"
        yield f"nonce {line.nonce}: {told}"
    yield f"profit: {net}{usd} net of {money.trades} trades, {money.wins} won"


def _endpoints(view: SystemView) -> Iterator[str]:
    if view.endpoints.seen.stale:
        yield "endpoints: unknown, the gateway is silent"
        return
    for line in view.endpoints.lines:
        latency = "unknown" if line.latency_ms is None else f"{line.latency_ms:.0f} ms"
        yield (
            f"endpoint {line.name}: {line.state}, {latency}, head {line.head or 'unknown'}, "
            f"{'unknown' if line.lag_blocks is None else line.lag_blocks} blocks behind"
            + (f", {line.detail}" if line.detail else "")
        )


def _alerts(view: SystemView) -> Iterator[str]:
    alerts = view.alerts
    if alerts.seen.stale:
        yield "alerts: unknown, the notifier is silent"
    else:
        yield f"alerts: {alerts.total}, {alerts.unacknowledged} not acknowledged"
    for alert in alerts.recent[:_ALERTS_SHOWN]:
        yield f"alert {alert.severity} at {alert.time} from {alert.source}: {alert.title}: {alert.message}"
