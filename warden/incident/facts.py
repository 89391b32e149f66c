"""What an incident's report is made from, read out of the merged timeline. Pure."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.incident.case import Case
from warden.incident.timeline import Entry
from warden.runtime.clock import NS_PER_S
from warden.wire.telemetry import WatchdogStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WATCHDOG: Final = "journal watchdog"
_EXECUTOR: Final = "journal executor"
# A stop that was ordered while the watchdog was away is acknowledged before it is seen.
_JUST_BEFORE_NS: Final = 5 * NS_PER_S
_ALARMING: Final = frozenset({"warning", "error", "critical"})
_TELLING: Final = (
    "stop.",
    "cause.",
    "mode.",
    "process.",
    "cleanup.",
    "stop-step.",
    "armed",
    "recover",
    "started",
    "ended",
)
_ROUTINE: Final = frozenset({"process.appeared"})
_WATCHDOG_LOG: Final = "log watchdog.log"
_ALERTS: Final = "log alerts.log"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that was gathered.

    Attributes:
        entries: of the window, in order.
        status: the watchdog's when it was first written; None where that moment is gone.
        in_flight: hashes that could still land when it began; `still` those that can at this writing.
        positions: one line each, of what was open.
        heads: name, rows and hash of each journal at this writing.
        stacks: files in the folder that say where a process hung.
        missing: one line for each thing that could not be told.
        written: when, UTC.
    """

    case: Case
    entries: tuple[Entry, ...] = ()
    status: WatchdogStatus | None = None
    in_flight: tuple[str, ...] = ()
    still: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()
    machine: dict[str, Any] = {}
    heads: tuple[tuple[str, int, str], ...] = ()
    stacks: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    written: str = ""

    def rows(self, *kinds: str, of: str = _WATCHDOG) -> list[Entry]:
        """Return a journal's rows of these kinds, in order, from shortly before it began."""
        from_ns = self.case.first.time_ns - _JUST_BEFORE_NS
        return [
            each
            for each in self.entries
            if each.source.startswith(of) and each.kind in kinds and each.time_ns >= from_ns
        ]


class StopFact(msgspec.Struct, frozen=True):
    """One stop: how far it is known to hold, and when that was reached."""

    stop_id: str
    reason: str
    message: str
    operator: str
    policy: str
    ordered: str
    level: str
    reached: str


def stops(facts: Facts) -> list[StopFact]:
    """Return the incident's stops with their levels, as the journal has them."""
    seen = {each.data.get("stop_id"): each for each in facts.rows("stop.seen")}
    standing = {} if facts.status is None else {each.id: each for each in facts.status.stops}
    found = []
    for stop_id in facts.case.stop_ids:
        level, reached = _level(facts, stop_id)
        row, line = seen.get(stop_id), standing.get(stop_id)
        data = row.data if row is not None else {} if line is None else msgspec.to_builtins(line)
        found.append(
            StopFact(
                stop_id=stop_id,
                reason=str(data.get("reason", "")),
                message=str(data.get("message", "")),
                operator=str(data.get("operator", "")),
                policy=str(data.get("policy", "")),
                ordered=str(data.get("time", "")),
                level=level,
                reached=reached,
            )
        )
    return found


def _level(facts: Facts, stop_id: str) -> tuple[str, str]:
    """Return how far a stop is known to hold, best first, and when: what only its caller knew is not here."""
    for row in facts.rows("stop.acknowledged"):
        if row.data.get("stop_id") == stop_id:
            own = [each for each in facts.rows("stop.1", of=_EXECUTOR) if each.data.get("stop_id") == stop_id]
            return "CONFIRMED", min([row.time, *(each.time for each in own)])
    for row in facts.rows("stop.fenced"):
        if stop_id in row.data.get("stop_ids", ()):
            return "FENCED", row.time
    for row in facts.rows("stop.seen"):
        if row.data.get("stop_id") == stop_id:
            return "RECORDED", row.time
    return "", ""


def mode_change(facts: Facts) -> tuple[str, str, str]:
    """Return the mode before, the mode after, and why; empty where nothing changed."""
    rows = facts.rows("mode.lowered")
    if not rows:
        return "", "", ""
    lowest = rows[-1].data
    return str(rows[0].data.get("before", "")), str(lowest.get("to", "")), str(lowest.get("why", ""))


def telling(facts: Facts, most: int) -> list[Entry]:
    """Return the lines that tell the story: the watchdog's, and what anybody found worse than routine.

    Without the watchdog's log its journal's rows tell it.
    """
    said = any(each.source == _WATCHDOG_LOG for each in facts.entries)
    wanted = [each for each in facts.entries if _tells(each, rows=not said)]
    first_ns = facts.case.first.time_ns
    nearest = _without_repetition(sorted(wanted, key=lambda each: abs(each.time_ns - first_ns)))
    return sorted(islice(nearest, most), key=lambda each: each.time_ns)


def _tells(entry: Entry, *, rows: bool) -> bool:
    if entry.source.startswith(_WATCHDOG):
        return rows and entry.kind.startswith(_TELLING) and entry.kind not in _ROUTINE
    if entry.role == "supervisord":
        return entry.severity in _ALARMING or entry.text.startswith(("exited", "gave up"))
    if entry.source == _WATCHDOG_LOG:
        return not entry.kind.endswith(".appeared")
    return entry.severity in _ALARMING and entry.source != _ALERTS


def _without_repetition(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield entries, of those that say the same in the same second only the first."""
    seen: set[tuple[int, str]] = set()
    for each in entries:
        key = (each.time_ns // NS_PER_S, each.text)
        if key not in seen:
            seen.add(key)
            yield each
