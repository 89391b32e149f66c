"""Every message on the bus. The tag carries the version; a reader refuses fields that it does not know."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from warden.domain.intents import Decision, Intent, TradeUpdate
from warden.domain.money import Wei
from warden.domain.roles import Role


class ProcessState(StrEnum):
    """What a process says of itself in its beats."""

    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    STOPPING = "stopping"


class Severity(StrEnum):
    """How much an event matters (AL1)."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A journal's last synced row: how many rows, and the hash of the last, hex."""

    journal: str
    rows: int
    hash: str


# --- beats: every process -> watchdog, and the watchdog's leave back -------------------------------


class Beat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="beat.1"):
    """A heartbeat from the loop that it vouches for.

    Attributes:
        session: random per process start.
        seq: counts up by one per beat of this session.
        sent_ns: CLOCK_BOOTTIME in nanoseconds.
        progress: work done by this loop, one number that only rises.
        offered, handled: work that came in and work that was finished; equal means idle.
        positions: open positions, from the executor; 0 from others.
        clean: the run of this process before this one ended in order, or there was none.
        detail: one line on a state that is not READY.
    """

    role: Role
    pid: int
    session: str
    boot_id: str
    seq: int
    sent_ns: int
    state: ProcessState
    progress: int = 0
    offered: int = 0
    handled: int = 0
    positions: int = 0
    clean: bool = True
    heads: tuple[Head, ...] = ()
    detail: str = ""


class Permit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="permit.1"):
    """The watchdog's short-lived leave for one executor session to send (DESIGN: Permit).

    Attributes:
        mode: a `Mode` as a number.
        trader_sessions: those whose intents may be taken.
        issued_ns, expires_ns, exits_until_ns: CLOCK_BOOTTIME in nanoseconds; life counts from the grant.
    """

    boot_id: str
    executor_session: str
    watchdog_session: str
    seq: int
    mode: int
    trader_sessions: tuple[str, ...]
    issued_ns: int
    expires_ns: int
    exits_until_ns: int


class TraderLeave(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="leave.1"):
    """The session under which a trader's intents are taken, and the mode it trades in (I8)."""

    trader_process: str
    trader_session: str
    mode: int


WatchdogToProcess = Permit | TraderLeave


# --- intents: trader -> executor and back ----------------------------------------------------------


class Submit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="submit.1"):
    """An intent for the gate."""

    intent: Intent


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="answer.1"):
    """The gate's decision."""

    decision: Decision


class Progress(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="progress.1"):
    """How an approved intent fares."""

    update: TradeUpdate


ExecutorToTrader = Answer | Progress


# --- control: operator -> watchdog -----------------------------------------------------------------


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="arm.1"):
    """Let trading begin; refused while a stop stands or a check fails."""

    operator: str
    reason: str


class Recover(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="recover.1"):
    """Clear the named stops, then arm; no name given means all that stand when it arrives."""

    operator: str
    reason: str
    stop_ids: tuple[str, ...] = ()
    approver: str = ""


class SetMode(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="mode.1"):
    """Lower the mode, by name; raising it is what Arm is for."""

    operator: str
    reason: str
    mode: int


OperatorRequest = Arm | Recover | SetMode


class OperatorReply(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="reply.1"):
    """The watchdog's answer; `exit_code` is what a command ends with."""

    exit_code: int
    message: str
    mode: int = 0


# --- stop: anyone -> executor. Both formats are JSON and frozen for ever ----------------------------


class StopSeen(msgspec.Struct, frozen=True):
    """The executor has seen the stop: nothing but `in_flight` can still reach an endpoint (I3)."""

    stop_id: str
    executor_session: str
    in_flight: tuple[str, ...] = ()
    cleanup: str = ""


# --- telemetry: every process -> whoever listens; may be lost, is never acted on for safety ---------


class ProcessLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One process as the watchdog sees it; `age_ms` since its last beat, None when there was none."""

    name: str
    pid: int
    state: str
    age_ms: int | None
    progress: int
    pss_mb: float
    cpu_percent: float
    detail: str = ""


class StopLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A standing stop."""

    id: str
    reason: str
    message: str
    operator: str
    time: str


class WatchdogStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="watchdog.1"):
    """Mode, stops and liveness, from the one authority over them.

    Attributes:
        mode: a `Mode` as a number; `why` says in one line why it is not higher.
        stop_dir: empty when it can be read, else why not.
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


class DecisionLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One recent decision of the gate; equal ones in a row are folded with a count."""

    time: str
    strategy: str
    decision: Decision
    count: int = 1


class PositionLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An open position."""

    market: str
    size_wei: Wei
    opened: str
    protected: bool


class ExecutorStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="executor.1"):
    """Gate, book and money, from the one process that can send.

    Attributes:
        gate: empty when it is open, else why it is closed.
        exposure_wei, exposure_limit_wei: in flight plus positions, and the limit on it.
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
    exposure_limit_wei: Wei
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
