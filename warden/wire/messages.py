"""Every message on the bus. The tag carries the version; a reader refuses fields that it does not know."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from warden.domain.intents import Decision, Intent, TradeUpdate
from warden.domain.roles import Role


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
