"""What the core asks for; `main` carries it out, in order."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from warden.domain.stops import Stop
from warden.wire.checks import CheckTable, RunChecks
from warden.wire.messages import CleanupPermit, OperatorReply, Permit, TraderLeave
from warden.wire.telemetry import Severity


class Grant(msgspec.Struct, frozen=True):
    """Send a permit, a leave or a request to a process."""

    identity: bytes
    leave: Permit | CleanupPermit | TraderLeave | RunChecks


class Reply(msgspec.Struct, frozen=True):
    """Answer an operator."""

    identity: bytes
    reply: OperatorReply


class Show(msgspec.Struct, frozen=True):
    """Show an operator the table of checks."""

    identity: bytes
    table: CheckTable


class WriteRow(msgspec.Struct, frozen=True):
    """Hand a row to the journal; it must become number `row`."""

    row: int
    kind: str
    body: dict[str, Any]


class Notice(msgspec.Struct, frozen=True):
    """Log and tell."""

    severity: Severity
    kind: str
    message: str
    runbook: str = ""
    data: dict[str, str] = {}


class ForwardStop(msgspec.Struct, frozen=True):
    """Send a stop on to the executor, so that it need not find the file by itself."""

    stop: Stop


class WriteStop(msgspec.Struct, frozen=True):
    """Make a stop durable that so far only the executor keeps, off the loop; answered by `StopWritten`."""

    stop: Stop


class ClearStops(msgspec.Struct, frozen=True):
    """Move these stop files away, off the loop; answered by `StopsCleared`."""

    stop_ids: tuple[str, ...]


class Deed(StrEnum):
    """What the kill helper does to a process."""

    END = "end"  # its stack, TERM, then KILL
    KILL = "kill"  # KILL at once
    FREEZE = "freeze"
    THAW = "thaw"


class Kill(msgspec.Struct, frozen=True):
    """Signal a process, off the loop; its leave is withdrawn already. Answered by `KillEnded`."""

    name: str
    session: str
    pid: int
    deed: Deed = Deed.END


class PersistState(msgspec.Struct, frozen=True):
    """Write down for people how everything stood when it shut down, off the loop."""

    trigger: str
    why: str


Command = (
    Grant | Reply | Show | WriteRow | Notice | ForwardStop | WriteStop | ClearStops | Kill | PersistState
)
