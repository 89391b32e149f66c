"""What the core is told. Times are CLOCK_BOOTTIME in nanoseconds and come beside the event."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from warden.domain.roles import Role, role_of
from warden.domain.stops import Stop
from warden.watchdog.commands import Deed
from warden.wire.capital import WalletReport
from warden.wire.checks import CheckReport
from warden.wire.messages import Beat, Head, OperatorRequest


class BeatCame(msgspec.Struct, frozen=True):
    """A heartbeat; `name` is proven by the sender's key, `identity` is where to answer."""

    identity: bytes
    name: str
    beat: Beat


class StopsSeen(msgspec.Struct, frozen=True):
    """What the stop directory says now; `unreadable` says why it cannot be trusted."""

    stops: tuple[Stop, ...] = ()
    unreadable: str = ""


class StopAcknowledged(msgspec.Struct, frozen=True):
    """The executor has seen a stop."""

    stop_id: str
    executor_session: str
    in_flight: tuple[str, ...] = ()


class OperatorAsked(msgspec.Struct, frozen=True):
    """A request on the control socket; None is one that this version does not know."""

    identity: bytes
    request: OperatorRequest | None


class JournalSynced(msgspec.Struct, frozen=True):
    """Rows up to `rows` are durable; `head` is the last."""

    head: Head


class JournalFailed(msgspec.Struct, frozen=True):
    """No further row will ever become durable in this run."""

    why: str


class StopsCleared(msgspec.Struct, frozen=True):
    """The clearing thread is done; `failure` is empty when it moved every file it was given."""

    cleared: tuple[str, ...]
    failure: str = ""


class StopWanted(msgspec.Struct, frozen=True):
    """A signal ordered these stops, of which no file may stand yet."""

    stops: tuple[Stop, ...]


class StopWritten(msgspec.Struct, frozen=True):
    """The writing thread is done with a stop; `failure` is empty when it stands, durably."""

    stop_id: str
    failure: str = ""


class Outcome(StrEnum):
    """How a kill or another signal ended; of kills the words stand in the journal as `process.<word>`."""

    GONE = "gone"  # it had ended before anything was sent
    KILLED = "killed"  # its end was seen
    NOT_KILLED = "not-killed"
    FROZEN = "frozen"
    THAWED = "thawed"
    NOT_DONE = "not-done"  # neither frozen nor thawed


class KillEnded(msgspec.Struct, frozen=True):
    """The kill helper is done with one process; `stack` is the file that says where it hung, or empty."""

    name: str
    session: str
    pid: int
    outcome: Outcome
    how: str
    stack: str = ""
    deed: Deed = Deed.END

    @property
    def role(self) -> Role:
        """The process's role."""
        return role_of(self.name)


class CapitalCame(msgspec.Struct, frozen=True):
    """The gateway tells what endpoints agree on about the wallet, or why nothing."""

    report: WalletReport


class Died(msgspec.Struct, frozen=True):
    """The process of a session has ended: the kernel says so."""

    name: str
    session: str


class ChecksCame(msgspec.Struct, frozen=True):
    """A process answers its checks; `name` is proven by the sender's key."""

    name: str
    report: CheckReport


class ChecksAsked(msgspec.Struct, frozen=True):
    """An operator asks for the table of checks."""

    identity: bytes
    fresh: bool


class Broke(msgspec.Struct, frozen=True):
    """A process says that it ends by an exception that nothing caught."""

    name: str
    why: str


class Measured(msgspec.Struct, frozen=True):
    """What a process uses: `cpu_percent` of one core since the last time; `latency_us`: of the look."""

    name: str
    pss_mb: float
    cpu_percent: float
    threads: int
    latency_us: int = 0


class MachineSeen(msgspec.Struct, frozen=True):
    """How the machine fares.

    Attributes:
        cpu_percent: of all cores, since the last look; None at the first.
        memory_percent: in use; `memory_free_mb` is what could be had.
        load_percent: of five minutes, of the number of cores.
        disk_percent: of the fullest disk of the instance, what users may use; None before the first answer.
        disk_where: the directory that was asked about; `disk_error` why it cannot be told.
        disk_silent_ns: for how long the disk has owed an answer, 0 when it does not.
        links: network interfaces that are up, loopback apart.
        received_kb_s, sent_kb_s, bad_packets_percent: since the last look; 0 at the first.
        latency_us: of the look.
    """

    memory_percent: float
    memory_free_mb: int
    load_percent: float
    cpu_percent: float | None = None
    disk_percent: float | None = None
    disk_free_mb: int = 0
    disk_where: str = ""
    disk_error: str = ""
    disk_silent_ns: int = 0
    links: int = 0
    received_kb_s: float = 0.0
    sent_kb_s: float = 0.0
    bad_packets_percent: float = 0.0
    latency_us: int = 0


class Paused(msgspec.Struct, frozen=True):
    """The watchdog's own loop stood still for so long."""

    for_ns: int


class Tick(msgspec.Struct, frozen=True):
    """Time has passed; comes after everything else that a turn of the loop has found."""


Found = CapitalCame | ChecksCame | ChecksAsked | Broke | Died | Measured | MachineSeen | Paused
"""What is found out about the world, each in one step."""

WatchdogEvent = (
    BeatCame
    | StopsSeen
    | StopAcknowledged
    | OperatorAsked
    | JournalSynced
    | JournalFailed
    | StopsCleared
    | StopWanted
    | StopWritten
    | KillEnded
    | CapitalCame
    | ChecksCame
    | ChecksAsked
    | Broke
    | Died
    | Measured
    | MachineSeen
    | Paused
    | Tick
)
