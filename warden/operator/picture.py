"""The picture of the system, as values: what screens and `warden status` show, each part with its age."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from warden.domain.modes import SCREEN_WORD, Mode
from warden.wire.messages import Head
from warden.wire.telemetry import (
    AlertLine,
    CapitalLine,
    DecisionLine,
    EndpointLine,
    HealthStatus,
    InFlightLine,
    PositionLine,
    StopLine,
    TradeLine,
)

# What a process passes through, or what nobody can tell now: neither well nor bad.
PASSING_STATES: Final = frozenset({"starting", "stopping", "degraded", "unknown"})


class Word(StrEnum):
    """The one word on the banner (DESIGN: Words)."""

    TRADING = SCREEN_WORD[Mode.AGGRESSIVE]
    REDUCING = SCREEN_WORD[Mode.REDUCE_ONLY]
    OBSERVING = SCREEN_WORD[Mode.OBSERVE_ONLY]
    SHUT_DOWN = SCREEN_WORD[Mode.SHUTDOWN]
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    NOT_STOPPED = "NOT STOPPED"
    UNKNOWN = "UNKNOWN"


class Limits(msgspec.Struct, frozen=True):
    """When a value is too old: telemetry, and the chain's head at the least (else three blocks)."""

    stale_ms: int = 2_000
    head_stale_ms: int = 5_000


class Seen(msgspec.Struct, frozen=True):
    """How old a part of the picture is; `age_ms` None when it was never heard, which is stale too."""

    age_ms: int | None
    stale: bool


class ProcessView(msgspec.Struct, frozen=True):
    """One process; `state` is the watchdog's word, `silent` or `unknown` when nothing current is known.

    Attributes:
        restarts: how often this trader was let in again by itself within the hour.
    """

    name: str
    pid: int
    state: str
    age_ms: int | None
    stale: bool
    progress: int
    pss_mb: float
    cpu_percent: float
    detail: str = ""
    restarts: int = 0

    @property
    def healthy(self) -> bool:
        """Tell whether there is nothing to worry about."""
        return not self.stale and self.state == "ready"


class Money(msgspec.Struct, frozen=True):
    """Exposure, profit and breaker, as the executor's book has them; None where it cannot be told.

    Attributes:
        percent, limit_percent: of capital; the exposure rounded up.
        used_bps: exposure of its limit in basis points.
        net_usd: at the executor's price of one ether; None without a price.
    """

    seen: Seen
    percent: Decimal | None = None
    limit_percent: Decimal | None = None
    used_bps: int | None = None
    exposure_wei: int | None = None
    capital_wei: int | None = None
    gas_balance_wei: int | None = None
    trades: int | None = None
    wins: int | None = None
    net_wei: int | None = None
    gas_wei: int | None = None
    net_usd: Decimal | None = None
    breaker: str = ""
    gate: str = ""
    pending: int | None = None
    wallet: str = ""
    positions: tuple[PositionLine, ...] = ()
    trades_recent: tuple[TradeLine, ...] = ()
    in_flight: tuple[InFlightLine, ...] = ()
    decisions: tuple[DecisionLine, ...] = ()


class Endpoints(msgspec.Struct, frozen=True):
    """Endpoints, worst first, and the chain's head."""

    seen: Seen
    lines: tuple[EndpointLine, ...] = ()
    head: int | None = None
    head_seen: Seen = Seen(age_ms=None, stale=True)


class Alerts(msgspec.Struct, frozen=True):
    """Alerts, newest first; from the events that we heard ourselves while the notifier is silent."""

    seen: Seen
    total: int | None = None
    unacknowledged: int | None = None
    recent: tuple[AlertLine, ...] = ()


class SystemView(msgspec.Struct, frozen=True):
    """Everything that screens and `warden status` show.

    Attributes:
        word: of the banner; `why` says in one line why it is not better, empty when nothing is the matter.
        mode: what the watchdog allows while no stop stands; None when that is not known now.
        watchdog: age of the watchdog's word; `oldest`: of the process that was silent longest, as the
            watchdog sees it, by name; `endpoints.head_seen`: of the chain's head.
        capital: the wallet's, past the executor's book; None while the watchdog is silent.
        health: the watchdog's judgement of all parts; None while it is silent or has not looked yet.
    """

    environment: str
    word: Word
    why: str
    mode: Mode | None
    stops: tuple[StopLine, ...]
    stop_dir: str
    watchdog: Seen
    oldest: Seen
    oldest_name: str
    processes: tuple[ProcessView, ...]
    money: Money
    endpoints: Endpoints
    alerts: Alerts
    journals: tuple[Head, ...]
    one_user: bool = False
    capital: CapitalLine | None = None
    health: HealthStatus | None = None


def age_text(age_ms: int | None) -> str:
    """Return an age for people: `0.4s`, `12s`, `3m`, `5h`, `2d`; a dash when there is none."""
    if age_ms is None:
        return "-"
    if age_ms < 10_000:  # noqa: PLR2004 - below ten seconds the tenth matters
        return f"{age_ms // 100 / 10:.1f}s"
    for unit, length_ms, limit in (("s", 1_000, 120), ("m", 60_000, 120), ("h", 3_600_000, 48)):
        if age_ms // length_ms < limit:
            return f"{age_ms // length_ms}{unit}"
    return f"{age_ms // 86_400_000}d"
