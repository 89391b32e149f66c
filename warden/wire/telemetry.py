"""What every process tells whoever listens: statuses and events. May be lost; never acted on for safety."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from warden.domain.health import CheckLine, Health
from warden.domain.intents import Decision
from warden.domain.money import Wei
from warden.domain.roles import Role
from warden.wire.messages import Head


class Severity(StrEnum):
    """How much an event matters (AL1)."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class ProcessLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One process as the watchdog sees it.

    Attributes:
        age_ms: since its last beat, None when there was none.
        restarts: how often this trader was let in again by itself within the hour.
    """

    name: str
    pid: int
    state: str
    age_ms: int | None
    progress: int
    pss_mb: float
    cpu_percent: float
    detail: str = ""
    restarts: int = 0


class StopLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A standing stop."""

    id: str
    reason: str
    message: str
    operator: str
    time: str


class CapitalLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The wallet's capital as the watchdog knows it, independently of the executor's book (ES2).

    Attributes:
        state: AGREED, ONE SOURCE, DISPUTED, STALE or UNKNOWN; PAPER where there is no wallet on a chain.
        equity_wei: native coin, its wrapped form, and tokens by what their pools would pay.
        baseline_wei: what losses are measured by; `opening_wei` of the UTC day.
        loss_bps: of the baseline, rounded up; None where it cannot be told.
        endpoints: those that agreed; `outvoted` those that said otherwise.
        age_ms: since they last agreed.
        detail: one line on what is not AGREED.
    """

    state: str
    equity_wei: Wei | None = None
    native_wei: Wei | None = None
    wrapped_wei: Wei | None = None
    tokens_wei: Wei | None = None
    baseline_wei: Wei | None = None
    opening_wei: Wei | None = None
    loss_bps: int | None = None
    block: int | None = None
    endpoints: tuple[str, ...] = ()
    outvoted: tuple[str, ...] = ()
    age_ms: int | None = None
    detail: str = ""


class HealthStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How well the system is, as the watchdog judges it (HM2).

    Attributes:
        score_bps: 10,000 when all is well; below `stop_below_bps` for long everything stops.
        lines: every process, component and part of the machine.
        low_for_ms: for how long the score has been below that; None when it is not.
    """

    score_bps: int
    status: Health
    stop_below_bps: int
    lines: tuple[CheckLine, ...]
    low_for_ms: int | None = None


class WatchdogStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="watchdog.1"):
    """Mode, stops and liveness, from the one authority over them.

    Attributes:
        mode: a `Mode` as a number; `why` says in one line why it is not higher.
        stop_dir: empty when it can be read, else why not.
        probation_until_ns: CLOCK_BOOTTIME until which sizes are cut to `size_percent`; 0 when they are not.
        health: None before the first look.
    """

    sent_ns: int
    session: str
    environment: str
    mode: int
    why: str
    stops: tuple[StopLine, ...]
    stop_dir: str
    processes: tuple[ProcessLine, ...]
    heads: tuple[Head, ...]
    lapses: int = 0
    restarts: int = 0
    probation_until_ns: int = 0
    size_percent: int = 100
    capital: CapitalLine | None = None
    health: HealthStatus | None = None


class TradeLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One intent that was signed, newest state; `time` is UTC, ISO 8601."""

    time: str
    intent_id: str
    trace_id: str
    strategy: str
    state: str
    tx_hash: str
    block: int
    net_wei: Wei | None
    gas_wei: Wei | None
    error: str


class InFlightLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is on its way at one nonce: the newest that stands there.

    Attributes:
        purpose: swap, exit, approve or cancel.
        age_s: since the first that was signed at this nonce.
        max_fee_wei: the highest fee per unit of gas that the newest pays.
        attempts: how many were signed at this nonce and may still land.
        accepted: some endpoint has taken the newest.
    """

    nonce: int
    purpose: str
    tx_hash: str
    state: str
    age_s: int
    max_fee_wei: Wei
    attempts: int
    accepted: bool


class DecisionLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One recent decision of the gate; equal ones in a row are folded with a count."""

    time: str
    strategy: str
    decision: Decision
    count: int = 1


class PositionLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An open position.

    Attributes:
        size_wei: what it cost; `amount` of `token`, in its smallest unit, is held for it.
        protected: its exits watch over it; `why` says why not.
        strategy: whose it is.
        value_wei, pnl_wei: what selling all of it would bring, and that less its cost; None: not known.
        stop_wei, take_wei, trail_wei: at which values it is sold; None: no such exit, or not armed yet.
        leaving: why it is being sold now, empty when it is not.
    """

    market: str
    size_wei: Wei
    opened: str
    protected: bool
    id: str = ""
    strategy: str = ""
    token: str = ""
    amount: Wei = Wei(0)
    value_wei: Wei | None = None
    pnl_wei: Wei | None = None
    stop_wei: Wei | None = None
    take_wei: Wei | None = None
    trail_wei: Wei | None = None
    why: str = ""
    leaving: str = ""


class ExecutorStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="executor.1"):
    """Gate, book and money, from the one process that can send.

    Attributes:
        gate: empty when it is open, else why it is closed.
        exposure_wei: in flight plus positions.
        exposure_limit_bps: the limit on that, in basis points of the capital.
        capital_wei: the wallet's trading capital as the executor's book has it; None when unknown.
        net_wei: profit less gas of all settled trades in the journal; `gas_wei` what they burnt.
        price_usd: of one ether, as text; empty when there is no source.
        breaker: CLOSED, OPEN or HALF_OPEN.
    """

    sent_ns: int
    session: str
    wallet: str
    gate: str
    mode: int
    exposure_wei: Wei
    exposure_limit_bps: int
    capital_wei: Wei | None
    gas_balance_wei: Wei | None
    trades: int
    wins: int
    net_wei: Wei
    gas_wei: Wei
    price_usd: str
    breaker: str
    pending: int
    heads: tuple[Head, ...]
    positions: tuple[PositionLine, ...] = ()
    recent_trades: tuple[TradeLine, ...] = ()
    recent_decisions: tuple[DecisionLine, ...] = ()
    in_flight: tuple[InFlightLine, ...] = ()


class EndpointLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One endpoint; `state` is ok, slow, failing, wrong-chain, stale or unknown."""

    name: str
    state: str
    latency_ms: float | None
    head: int | None
    lag_blocks: int | None
    detail: str = ""


class GatewayStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="gateway.1"):
    """Endpoints as the gateway finds them; `head_age_ms` since the chain's head last advanced."""

    sent_ns: int
    session: str
    url: str
    endpoints: tuple[EndpointLine, ...]
    head: int | None
    head_age_ms: int | None
    calls: int
    failures: int
    refused_sends: int


class TraderStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="trader.1"):
    """What the strategy has done; `state` is waiting, running or failed."""

    sent_ns: int
    session: str
    strategy: str
    state: str
    block: int
    proposals: int
    approved: int
    refused: int
    detail: str = ""


class LoggerStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="logger.1"):
    """What was written down."""

    sent_ns: int
    session: str
    lines: int
    dropped: int


class AlertLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="alert.1"):
    """An alert (AL2); `runbook` is a section of runbooks/, `count` folds repetitions."""

    alert_id: str
    time: str
    severity: Severity
    title: str
    message: str
    root_cause: str
    runbook: str
    source: Role
    count: int = 1
    acknowledged_by: str = ""
    acknowledged_at: str = ""


class NotifierStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="notifier.1"):
    """Alerts, newest first, bounded; `unacknowledged` counts those nobody has answered."""

    sent_ns: int
    session: str
    total: int
    unacknowledged: int
    recent: tuple[AlertLine, ...]


class ApiStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="api.1"):
    """Where it listens and how much it was asked."""

    sent_ns: int
    session: str
    url: str
    requests: int


class DevnetStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="devnet.1"):
    """The local chain; `faults` by endpoint name."""

    sent_ns: int
    session: str
    block: int
    noise_trades: int
    faults: dict[str, str]


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="event.1"):
    """Something that happened, for logs and alerts.

    Attributes:
        time: UTC, ISO 8601, for people.
        name: of the process, where its role has several.
        kind: stable dotted name, such as `trader.lost` or `trade.mined`.
        data: values by name, as text.
        runbook: the runbook section to open; empty where none is needed.
    """

    time: str
    role: Role
    severity: Severity
    kind: str
    message: str
    data: dict[str, str] = {}
    trace_id: str = ""
    runbook: str = ""
    name: str = ""

    @property
    def speaker(self) -> str:
        """The name of the process that says it."""
        return self.name or self.role


Telemetry = (
    WatchdogStatus
    | ExecutorStatus
    | GatewayStatus
    | TraderStatus
    | LoggerStatus
    | NotifierStatus
    | ApiStatus
    | DevnetStatus
    | Event
)
