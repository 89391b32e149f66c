"""What an incident's folder says of itself, and what it is to be written from. Pure."""

from __future__ import annotations

import re
from typing import Final

import msgspec

ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[A-Za-z0-9][A-Za-z0-9._-]{0,90}")
HAPPENINGS_MAX: Final = 50
_SEVERITIES: Final = ("debug", "info", "warning", "error", "critical")


class Happening(msgspec.Struct, frozen=True):
    """One stop, trip, kill or loss.

    Attributes:
        time: UTC, ISO 8601; `time_ns` the same since 1970.
        kind: as the event's, `stop.seen` or `trader.killed`.
        runbook: the section to open, `file` or `file#section`.
        stop_id: whose stop it is, empty where it is none.
        stack: the file that says where a process hung, or empty.
    """

    time: str
    time_ns: int
    kind: str
    severity: str
    message: str
    runbook: str = ""
    stop_id: str = ""
    stack: str = ""


class Case(msgspec.Struct, frozen=True):
    """An incident: what happened within a minute of one another. Stands as `incident.json` in its folder.

    Attributes:
        id: the folder's name.
        happenings: in order, the first 50; `more` counts the others.
        complete: nothing is added any more.
        boot_id: of the machine's boot in which it happened.
    """

    id: str
    happenings: tuple[Happening, ...]
    more: int = 0
    complete: bool = False
    boot_id: str = ""

    @property
    def first(self) -> Happening:
        """What it began with."""
        return self.happenings[0]

    @property
    def worst(self) -> Happening:
        """What it is named by: a stop before all else, then the most severe, then the first."""
        return min(self.happenings, key=lambda each: (not each.stop_id, -_rank(each.severity), each.time_ns))

    @property
    def last_ns(self) -> int:
        """UTC in nanoseconds of the last that happened."""
        return max(each.time_ns for each in self.happenings)

    @property
    def stop_ids(self) -> tuple[str, ...]:
        """The stops that are part of it."""
        return tuple(dict.fromkeys(each.stop_id for each in self.happenings if each.stop_id))


class Hung(msgspec.Struct, frozen=True):
    """One that lives and does nothing; `started`, in clock ticks since boot, tells it from a later one."""

    name: str
    pid: int
    started: int


class Terms(msgspec.Struct, frozen=True):
    """How much is gathered, and how much is kept."""

    before_s: int = 120
    after_s: int = 60
    keep: int = 100
    keep_mb: int = 200


class Order(msgspec.Struct, frozen=True):
    """Write a case's folder now.

    Attributes:
        home: the instance's directory.
        log: the file that gets one line for each incident.
        status: the watchdog's status as JSON; empty for a case of an earlier run, whose moment is gone.
        open_nonces, positions: what the executor last said is pending and open.
        hung: processes whose stacks are still to be had.
    """

    home: str
    log: str
    case: Case
    terms: Terms
    status: bytes = b""
    open_nonces: tuple[int, ...] = ()
    positions: tuple[str, ...] = ()
    hung: tuple[Hung, ...] = ()


class Written(msgspec.Struct, frozen=True):
    """What came of an order; `failure` is empty when the folder stands."""

    id: str
    failure: str = ""
    missing: tuple[str, ...] = ()


def named(when: str, happening: Happening) -> str:
    """Return the id of an incident that begins with `happening` at `when` (UTC, ISO 8601)."""
    stamp = re.sub(r"[-:]", "", when[:19])
    word = re.sub(r"[^A-Za-z0-9._-]", "-", happening.stop_id or happening.kind.replace(".", "-"))
    return f"{stamp}Z-{word.lstrip('._-')[:80] or 'unnamed'}"


def _rank(severity: str) -> int:
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else 0
