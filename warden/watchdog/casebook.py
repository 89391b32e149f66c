"""Which happenings are incidents, which belong together, and when their folder is written. Pure.

It goes by what the core tells people, so that a cause that is added to the table later is covered, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.incident.case import HAPPENINGS_MAX, Case, Happening, named
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.watchdog.commands import Notice

_S: Final = 1_000_000_000
FOLD_NS: Final = 60 * _S
"""What happens within a minute of the one before belongs to it."""
OPEN_NS_MAX: Final = 600 * _S
"""A crash loop begins another incident after ten minutes."""
_WRITTEN_AFTER_NS: Final = (1 * _S, 5 * _S)
_STOP: Final = "stop.seen"
_KILLS: Final = frozenset({"killed", "fenced"})
_LOSSES: Final = frozenset({"lost", "livelocked", "replaced"})
_NO_INCIDENT: Final = frozenset({"report.unwritten"})
_KNOWN_MAX: Final = 4_096


class Moment(msgspec.Struct, frozen=True):
    """Now: BOOTTIME to decide by; UTC, as a number and as text, to write down."""

    boot_ns: int
    utc_ns: int
    utc: str


class Page(msgspec.Struct, frozen=True):
    """A case to write; `fresh` where its moment is now, and not an earlier run's."""

    case: Case
    fresh: bool


class Casebook:
    """One open case at a time.

    Args:
        before: the cases that stand in folders already; those that are not complete are written once more.
        boot_id: of this boot.
    """

    def __init__(self, before: Iterable[Case], boot_id: str) -> None:
        self._boot_id = boot_id
        self._stops: dict[str, None] = {}
        self._unfinished: list[Case] = []
        self._ids: set[str] = set()
        self._case: Case | None = None
        self._opened_ns = self._last_ns = 0
        self._written = 0  # how many of the times at which it is written have passed
        for case in before:
            self._ids.add(case.id)
            self._know(case.stop_ids)
            if not case.complete:
                self._unfinished.append(case)

    @property
    def open(self) -> Case | None:
        """The case to which something may still be added."""
        return self._case

    def saw(self, notice: Notice, now: Moment) -> None:
        """Take what the core tells; most of it is no incident."""
        happening = _happening(notice, now)
        if happening is None or (notice.kind == _STOP and happening.stop_id in self._stops):
            return
        if happening.stop_id:
            self._know((happening.stop_id,))
        case = self._case
        if case is None:
            self._opened_ns, self._written = now.boot_ns, 0
            case = Case(self._new_id(happening, now), (happening,), boot_id=self._boot_id)
        elif len(case.happenings) < HAPPENINGS_MAX or happening.stop_id:
            case = msgspec.structs.replace(case, happenings=(*case.happenings, happening))
        else:
            case = msgspec.structs.replace(case, more=case.more + 1)
        self._case, self._last_ns = case, now.boot_ns

    def due(self, now_ns: int) -> Page | None:
        """Return what is to be written now, each time once; a case's last time closes it."""
        if self._case is not None:
            closed = now_ns >= min(self._last_ns + FOLD_NS, self._opened_ns + OPEN_NS_MAX)
            times = sum(now_ns >= self._opened_ns + after_ns for after_ns in _WRITTEN_AFTER_NS)
            if closed or times > self._written:
                self._written = times
                case = msgspec.structs.replace(self._case, complete=closed)
                self._case = None if closed else self._case
                return Page(case, fresh=True)
        if self._unfinished:
            return Page(msgspec.structs.replace(self._unfinished.pop(0), complete=True), fresh=False)
        return None

    def _know(self, stop_ids: Iterable[str]) -> None:
        for stop_id in stop_ids:
            self._stops[stop_id] = None
            if len(self._stops) > _KNOWN_MAX:
                del self._stops[next(iter(self._stops))]

    def _new_id(self, happening: Happening, now: Moment) -> str:
        first = name = named(now.utc, happening)
        number = 1
        while name in self._ids:
            number += 1
            name = f"{first}-{number}"
        self._ids.add(name)
        return name


def _happening(notice: Notice, now: Moment) -> Happening | None:
    """Return a notice as a happening if it is one: a stop, a trip, a kill, or a process that was lost."""
    word = notice.kind.rpartition(".")[2]
    wanted = (
        notice.severity is Severity.CRITICAL
        or word in _KILLS
        or (notice.severity is Severity.ERROR and word in _LOSSES)
    )
    if not wanted or notice.kind in _NO_INCIDENT:
        return None
    return Happening(
        time=now.utc,
        time_ns=now.utc_ns,
        kind=notice.kind,
        severity=notice.severity.value,
        message=notice.message,
        runbook=notice.runbook,
        stop_id=notice.data.get("stop_id", "") if notice.kind == _STOP else "",
        stack=notice.data.get("stack", ""),
    )
