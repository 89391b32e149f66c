"""Every message on the bus. The tag carries the version; a reader refuses fields that it does not know."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from warden.domain.intents import Call, Decision, Intent, TradeUpdate
from warden.domain.money import Wei
from warden.domain.roles import Role
from warden.domain.stops import Stop
from warden.wire.checks import RunChecks


class ProcessState(StrEnum):
    """What a process says of itself in its beats."""

    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    STOPPING = "stopping"


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A journal's last synced row: how many rows, and the hash of the last, hex."""

    journal: str
    rows: int
    hash: str


# --- beats: every process -> watchdog, and the watchdog's leave back -------------------------------


class Vitals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the sender of a beat fares, as it alone can tell (HM1).

    Attributes:
        lag_ms: how much later than due this beat was sent.
        errors: events of severity ERROR and above that it has told since its start; only rises.
        files, files_max: open file descriptors, and how many there may be; 0 where that cannot be told.
        data_age_ms: from the gateway, since the chain's head last advanced; None: never, or not its business.
        sources, sources_max: from the gateway, how many endpoints can be used, of those that are read from.
    """

    lag_ms: int = 0
    errors: int = 0
    files: int = 0
    files_max: int = 0
    data_age_ms: int | None = None
    sources: int = 0
    sources_max: int = 0


class Beat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="beat.1"):
    """A heartbeat from the loop that it vouches for.

    Attributes:
        name: of the process, where its role has several: a trader of one strategy among others.
        session: random per process start.
        seq: counts up by one per beat of this session.
        sent_ns: CLOCK_BOOTTIME in nanoseconds.
        progress: work done by this loop, one number that only rises.
        offered, handled: work that came in and work that was finished; equal means idle.
        positions: open positions, from the executor; 0 from others; `position_ids` names 64 of them.
        tokens: what the wallet holds besides the native coin and its wrapped form, from the executor: their
            contracts, so that the watchdog has them valued; named before they are bought, 32 at most.
        open_nonces: nonces of transactions that may still land, from the executor; lowest first, 64 at most.
        clean: the run of this process before this one ended in order, or there was none.
        stops: that the executor heard of or demands, and of which no file stands; four at most.
        detail: one line on a state that is not READY.
        vitals: how its loop fares; None from a process that does not say.
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
    tokens: tuple[str, ...] = ()
    open_nonces: tuple[int, ...] = ()
    clean: bool = True
    heads: tuple[Head, ...] = ()
    stops: tuple[Stop, ...] = ()
    detail: str = ""
    position_ids: tuple[str, ...] = ()
    name: str = ""
    vitals: Vitals | None = None

    @property
    def sender(self) -> str:
        """The name of the process."""
        return self.name or self.role


class Permit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="permit.1"):
    """The watchdog's short-lived leave for one executor session to send (DESIGN: Permit).

    Attributes:
        mode: a `Mode` as a number.
        trader_sessions: those whose intents may be taken; each of several strategies' begins with its name
            and a colon, so that none is of use to another.
        size_percent: how much of every size limit counts; below 100 during probation (ES5).
        head: of the watchdog's journal, for the executor to witness (I9).
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
    size_percent: int
    head: Head


class CleanupPermit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="cleanup.1"):
    """Leave to clean up after stops, and for nothing else (DESIGN: Clean-up).

    Attributes:
        stop_ids: the stops it is given for; void once any other stands, or none of them does.
        policy: a `CleanUp`, the mildest that any of those stops allows; never `hold`.
        nonces: those that may be replaced; nothing else is sent, but for the sale of `positions`.
        positions: those that may be sold, by id; none unless the policy is `flatten`.
        issued_ns, expires_ns: CLOCK_BOOTTIME in nanoseconds.
    """

    boot_id: str
    executor_session: str
    watchdog_session: str
    seq: int
    stop_ids: tuple[str, ...]
    policy: str
    nonces: tuple[int, ...]
    issued_ns: int
    expires_ns: int
    positions: tuple[str, ...] = ()


class TraderLeave(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="leave.1"):
    """The session under which a trader's intents are taken, the mode and the sizes it trades in (I8)."""

    trader_process: str
    trader_session: str
    mode: int
    size_percent: int


WatchdogToProcess = Permit | CleanupPermit | TraderLeave | RunChecks


# --- intents: trader -> executor and back ----------------------------------------------------------


class Submit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="submit.1"):
    """An intent for the gate."""

    intent: Intent


class Listen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="listen.1"):
    """A trader says, again and again, where its strategy hears: of exits nobody else is told (SL1)."""

    trader_session: str
    strategy: str


TraderToExecutor = Submit | Listen


class BotSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="bot.1"):
    """What a bot asked the gateway to send (EX12); under which session is for the executor to say.

    Attributes:
        intent_id, trace_id: random, 32 hex characters each.
        not_after_boot_ns: CLOCK_BOOTTIME in nanoseconds after which nobody waits for it any more.
    """

    intent_id: str
    trace_id: str
    not_after_boot_ns: int
    call: Call


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="answer.1"):
    """The gate's decision; `tx_hash` of what is sent next, by then durable; empty when it was refused."""

    decision: Decision
    tx_hash: str = ""


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
    reset: bool = False


class SetMode(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="mode.1"):
    """Lower the mode, by name; raising it is what Arm is for."""

    operator: str
    reason: str
    mode: int


class Freeze(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="freeze.1"):
    """Hold a process still (SIGSTOP) after its leave was withdrawn; the trader's by default.

    Attributes:
        name: of the process, where its role has several.
    """

    operator: str
    reason: str
    role: Role = Role.TRADER
    name: str = ""


class Thaw(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="thaw.1"):
    """Let a frozen process run again; what it may do is for `Arm`. `name` as in Freeze."""

    operator: str
    reason: str
    role: Role = Role.TRADER
    name: str = ""


class ClearIncident(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="incident.1"):
    """Say that a SECURITY_BREACH was looked into, so that its stop may be recovered (ES5)."""

    operator: str
    reason: str
    stop_id: str


class MoveBaseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="money.1"):
    """Say that money was put in, or is taken out (`change_wei` below zero): no gain, no loss (ES2)."""

    operator: str
    reason: str
    change_wei: Wei


class ResetBaseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="anew.1"):
    """Measure losses of capital from now on (ES5)."""

    operator: str
    reason: str


OperatorRequest = Arm | Recover | SetMode | Freeze | Thaw | ClearIncident | MoveBaseline | ResetBaseline


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
