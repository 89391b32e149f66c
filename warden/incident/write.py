"""Writes an incident's folder, in a process of its own: whatever it takes, no safety loop waits for it.

Each part is gathered by itself, so that one that fails costs that part and no other.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.errors import JournalBroken
from warden.domain.modes import Action
from warden.incident.case import Order, Written
from warden.incident.facts import Facts
from warden.incident.folder import CASE, REPORT, TIMELINE, make_room
from warden.incident.machine import machine_state
from warden.incident.masking import Mask
from warden.incident.report import report
from warden.incident.timeline import JOURNALS, Gathered, gather, nearest
from warden.runtime.clock import NS_PER_S, SystemClock, wall_text
from warden.runtime.journal_search import containing, tail
from warden.runtime.places import Places, places
from warden.runtime.process import die_with_parent
from warden.runtime.stacks import dump_stack, started_ticks
from warden.wire.codec import Undecodable, from_json, to_json
from warden.wire.rows import ExecutorRow, SignedRow, in_flight
from warden.wire.telemetry import WatchdogStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHIN_S: Final = 30
_NICE: Final = 19
_ROWS_FOR_FLIGHT: Final = 5_000
_POSITIONS_MAX: Final = 20
_STACKS_MAX: Final = 16
_LOG_BYTES_MAX: Final = 10_000_000
STATUS: Final = "status.json"
MACHINE: Final = "machine.json"


def helper(order: bytes, answer: Any) -> None:  # noqa: ANN401 - multiprocess has no types
    """Be the writing process: bounded by an alarm, behind all others for the CPU; sends `Written` as JSON."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(WITHIN_S)
    die_with_parent(signal.SIGKILL)  # the next watchdog finishes what this one leaves
    os.nice(_NICE)
    wanted = msgspec.json.decode(order, type=Order)
    try:
        written = write(wanted)
    except OSError as error:
        path = f"{error.filename}: " if error.filename else ""
        written = Written(wanted.case.id, failure=f"{path}{error.strerror or error}")
    answer.send_bytes(msgspec.json.encode(written))
    answer.close()


def write(order: Order) -> Written:
    """Write or complete a case's folder, and make room among the others.

    Raises:
        OSError: the folder or its report could not be written.
    """
    return _Folder(order).write()


class _Folder:
    """One folder being written. `missing` has a line for each part that could not be had."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._case = order.case
        self._where: Places = places(Path(order.home))
        self._folder = self._where.incidents / order.case.id
        self._mask = Mask(self._where.home)
        self._missing: list[str] = []
        self._rights = 0o750 if self._where.installed else 0o700

    def write(self) -> Written:
        new = not (self._folder / CASE).exists()
        self._make()
        facts = self._facts()
        with self._part("timeline"):
            lines = [to_json(each).decode() for each in facts.entries]
            self._put(TIMELINE, "".join(f"{line}\n" for line in lines))
        self._put(REPORT, report(msgspec.structs.replace(facts, missing=tuple(self._missing))))
        # Last: it says that the others are there.
        self._put(CASE, msgspec.json.format(msgspec.json.encode(self._case)).decode())
        if new:
            with self._part("incidents.log"):
                self._log()
        make_room(self._where.incidents, self._order.terms.keep, self._order.terms.keep_mb)
        return Written(self._case.id, missing=tuple(self._missing))

    def _make(self) -> None:
        self._where.incidents.mkdir(mode=self._rights, exist_ok=True)
        self._folder.mkdir(mode=self._rights, exist_ok=True)

    @contextmanager
    def _part(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a part that fails for whatever reason costs that part alone
            self._missing.append(f"{name}: {type(error).__name__}: {error}")

    def _facts(self) -> Facts:
        status = self._status()
        names = tuple(each.name for each in status.processes) if status is not None else self._names()
        machine = self._machine(status)
        stacks = self._stacks()
        case, terms = self._case, self._order.terms
        gathered = Gathered((), ())
        with self._part("timeline"):
            since_ns = case.first.time_ns - terms.before_s * NS_PER_S
            gathered = gather(self._where, names, since_ns, case.last_ns + terms.after_s * NS_PER_S)
        self._missing += gathered.missing
        then, still, positions, heads = self._of_journals()
        return Facts(
            case=case,
            entries=nearest(gathered.entries, case.first.time_ns),
            status=status,
            in_flight=then,
            still=still,
            positions=positions,
            machine=machine,
            heads=heads,
            stacks=stacks,
            written=wall_text(SystemClock()),
        )

    def _names(self) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in self._where.keys.glob("*.public")))

    def _status(self) -> WatchdogStatus | None:
        """Return the watchdog's status of the moment: that of the first writing."""
        path = self._folder / STATUS
        with self._part("status"):
            if not path.exists() and self._order.status:
                self._put(STATUS, msgspec.json.format(self._order.status).decode())
            if path.exists():
                return from_json(path.read_bytes(), WatchdogStatus)
        return None

    def _machine(self, status: WatchdogStatus | None) -> dict[str, Any]:
        path = self._folder / MACHINE
        found: dict[str, Any] = {}
        with self._part("machine"):
            if path.exists():
                found = msgspec.json.decode(path.read_bytes())
            elif self._order.status:
                known = {} if status is None else {each.pid: each.name for each in status.processes}
                found = machine_state(self._where.home, known)
                self._put(MACHINE, msgspec.json.format(msgspec.json.encode(found)).decode())
        return found

    def _stacks(self) -> tuple[str, ...]:
        """Keep what was dumped before a kill, and look where those hang that still do."""
        into = self._folder / "stacks"
        with self._part("stacks"):
            for each in self._case.happenings[:_STACKS_MAX]:
                source = Path(each.stack) if each.stack else None
                if source is not None and source.is_file() and not (into / source.name).exists():
                    into.mkdir(mode=self._rights, exist_ok=True)
                    self._put(f"stacks/{source.name}", source.read_text("utf-8", "replace"))
            for hung in self._order.hung[:_STACKS_MAX]:
                target = into / f"{hung.name}-{hung.pid}.txt"
                known = list(into.glob(f"{hung.name}-{hung.pid}*"))
                if not known and started_ticks(hung.pid) == hung.started:
                    into.mkdir(mode=self._rights, exist_ok=True)
                    dump_stack(hung.pid, target)
            return tuple(f"stacks/{path.name}" for path in sorted(into.glob("*.txt")))
        return ()

    def _of_journals(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], Any]:
        """Return what was in flight, what still is, the open positions, and every journal's head."""
        then: tuple[str, ...] = ()
        still: tuple[str, ...] = ()
        positions: tuple[str, ...] = ()
        path = self._where.journal("executor")
        with self._part("in flight"):
            rows = [(row.time_ns, told) for row in tail(path, _ROWS_FOR_FLIGHT) if (told := _told(row.body))]
            then = in_flight(told for time_ns, told in rows if time_ns <= self._case.first.time_ns)
            still = in_flight(told for _, told in rows)
        with self._part("positions"):
            positions = tuple(self._position(path, each) for each in self._order.positions[:_POSITIONS_MAX])
        heads = []
        for name in JOURNALS:
            with self._part(f"head of {name}"):
                last = list(tail(self._where.journal(name), 1))
                heads += [(str(name), row.row, row.hash) for row in last]
        return then, still, positions, tuple(heads)

    def _position(self, path: Path, position_id: str) -> str:
        try:
            found = containing(path, [f'"{position_id}"'.encode()], ["signed.1"], found_max=8)
        except JournalBroken:
            found = []
        for row in reversed(found):
            told = _told(row.body)
            if isinstance(told, SignedRow) and told.action is Action.OPEN:
                ether = f"{told.spend_wei / 10**18:.6f}"  # for reading only
                return f"{position_id} in {told.market or told.to}, {ether} ETH, of {told.strategy}"
        return position_id

    def _put(self, name: str, text: str) -> None:
        """Write a file whole or not at all, without any secret that is known."""
        path = self._folder / name
        partial = path.with_name(f"{path.name}.new")
        rights = 0o640 if self._where.installed else 0o600
        handle = os.open(
            partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, rights
        )
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(self._mask(text))
        partial.replace(path)

    def _log(self) -> None:
        """Add the incident's line to incidents.log; at 10 MB the file begins anew, and one before is kept."""
        path, case = Path(self._order.log), self._case
        if path.exists() and path.stat().st_size > _LOG_BYTES_MAX:
            path.replace(path.with_name(f"{path.name}.1"))
        line = {
            "time": case.first.time,
            "id": case.id,
            "kind": case.worst.kind,
            "severity": case.worst.severity,
            "message": case.worst.message,
            "runbook": case.worst.runbook,
            "stops": list(case.stop_ids),
            "folder": str(self._folder),
        }
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(self._mask(to_json(line).decode()) + "\n")


def _told(body: bytes) -> ExecutorRow | None:
    try:
        told: ExecutorRow = from_json(body, ExecutorRow)
    except Undecodable:
        return None
    return told
