"""The executor's checks at work: done each second, told at every change, now and then, and when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.checks import PASSING
from warden.domain.modes import Environment
from warden.executor.books.snapshots import Comparing, schedule
from warden.executor.checks import Disk, Limits, books_of, of_books, of_chain, of_disk
from warden.runtime.clock import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from warden.domain.health import CheckLine
    from warden.executor.books.ledger import Ledger
    from warden.executor.books.recorder import Recorder
    from warden.executor.sends.gate import Gate
    from warden.executor.trading import Trading
    from warden.runtime.clock import SteadyUtc
    from warden.runtime.process import Frame
    from warden.runtime.settings import Settings
    from warden.wire.rows import SnapshotRow

_LOOK_NS: Final = NS_PER_S
_HOUR_NS: Final = 3_600 * NS_PER_S
_PATIENCE_NS: Final = 5 * NS_PER_S
"""How long an answer to somebody who asks waits for a journal to be read back whole."""
_CLOCK_SKEW_S: Final = 120
# What adds up only between the rows of one reorg is looked at again before it counts.
_LOOKS: Final = 5
_BLOCKING: Final = frozenset({"integrity.snapshots", "integrity.pools", "integrity.positions"})


def limits_of(settings: Settings) -> Limits:
    """Return what the checks go by; a devnet's time is its own where the settings do not say otherwise."""
    skew_s = settings.checks.clock_skew_s
    if skew_s is None and settings.environment is not Environment.DEVNET:
        skew_s = _CLOCK_SKEW_S
    return Limits(
        clock_skew_s=skew_s,
        snapshot_s=settings.checks.snapshot_s,
        shutdown_s=settings.failsafe.snapshot_s,
    )


class Checking:
    """Does the checks, and takes the ledger's snapshots.

    Args:
        halt: closes the gate for good, and says why; and whether rows are not what was written.
    """

    def __init__(
        self,
        frame: Frame,
        gate: Gate,
        ledger: Ledger,
        recorder: Recorder,
        *,
        utc: SteadyUtc,
        halt: Callable[[str, bool], None],
    ) -> None:
        self._frame = frame
        self._gate = gate
        self._ledger = ledger
        self._recorder = recorder
        self._utc = utc
        self._halt = halt
        self._limits = limits_of(frame.settings)
        path = frame.places.journal(frame.role)
        self._snapshots = schedule(path, limit_s=self._limits.snapshot_s, now_ns=utc.now_ns())
        self._comparing = Comparing(path)
        self._compare_due_ns = frame.clock.boot_ns() + _HOUR_NS
        self._look_due_ns = 0
        self._ready = False
        self._told_ns = 0
        self._told: tuple[tuple[str, str], ...] = ()
        self._asked = 0
        self._answered = 0
        self._asked_ns = 0
        self._asked_whole_ns: int | None = None
        self._bad_looks: dict[str, int] = {}

    def turn(self, trading: Trading | None) -> None:
        """Look where it is due, and tell the watchdog; called before the beat, which may rest on it."""
        now_ns = self._frame.clock.boot_ns()
        self._take_asked(now_ns)
        before, self._ready = self._ready, trading is not None and trading.core.ready
        if now_ns < self._look_due_ns and self._ready == before:
            return
        self._look_due_ns = now_ns + _LOOK_NS
        if now_ns >= self._compare_due_ns:
            self._compare_due_ns = now_ns + _HOUR_NS
            self._comparing.begin()
        lines = tuple(self._lines(trading, now_ns))
        self._block(lines)
        stood = tuple((line.name, line.status.value) for line in lines)
        due = now_ns - self._told_ns >= self._frame.settings.checks.interval_s * NS_PER_S
        number = self._asked if self._is_done(now_ns) else self._answered
        if stood == self._told and not due and number == self._answered:
            return
        books = None
        if trading is not None:
            out = bool(trading.core.hashes_out())
            books = books_of(self._ledger, trading.terms, trading.core.head, out=out)
        if self._frame.answer_checks(lines, number=number, books=books):
            self._told, self._told_ns, self._answered = stood, now_ns, number

    def snapshot(self) -> SnapshotRow | None:
        """Return the row of a snapshot that is due; between events, when every row has been applied."""
        self._snapshots.synced(self._recorder.head.rows)
        if not self._snapshots.is_due(self._recorder.rows, self._utc.now_ns()):
            return None
        self._snapshots.taken(self._recorder.rows + 1, self._utc.now_ns())
        return self._ledger.snapshot()

    def close(self) -> None:
        """End the thread."""
        self._comparing.close()

    # --- asked for

    def _take_asked(self, now_ns: int) -> None:
        if self._frame.checks_asked == self._asked:
            return
        self._asked, self._asked_ns, self._look_due_ns = self._frame.checks_asked, now_ns, 0
        self._asked_whole_ns = self._recorder.look_over().whole_ns
        self._comparing.begin()

    def _is_done(self, now_ns: int) -> bool:
        """Tell whether what was asked for last is done, or has taken long enough."""
        if self._asked == self._answered or now_ns - self._asked_ns >= _PATIENCE_NS:
            return True
        self._look_due_ns = 0
        return self._recorder.audit.whole_ns != self._asked_whole_ns and not self._comparing.busy

    # --- what is found

    def _lines(self, trading: Trading | None, now_ns: int) -> Iterator[CheckLine]:
        yield from of_disk(self._disk(now_ns), self._limits)
        yield from of_books(self._ledger)
        if trading is None or not trading.core.ready:
            return
        now, core = trading.now(), trading.core
        head = core.head
        if head is None:
            return
        wall_ns = int(self._frame.clock.wall().timestamp() * NS_PER_S)
        yield from of_chain(
            self._ledger,
            trading.terms,
            head,
            now,
            wall_ns=wall_ns,
            last_ns=self._recorder.last_ns,
            limits=self._limits,
        )

    def _disk(self, now_ns: int) -> Disk:
        audit, whole_s = self._recorder.audit, None
        if audit.whole_ns is not None:
            whole_s = (now_ns - audit.whole_ns) // NS_PER_S
        return Disk(
            error=self._recorder.error,
            rows=self._recorder.head.rows,
            checked=audit.checked_row,
            whole_s=whole_s,
            low=self._gate.disk_low,
            snapshot_age_s=self._snapshots.age_s(self._utc.now_ns()),
            compared=self._comparing.last,
        )

    def _block(self, lines: tuple[CheckLine, ...]) -> None:
        """Close the gate for good where integrity is broken (FS3): the next start looks at it anew."""
        for line in lines:
            if line.name not in _BLOCKING or line.status in PASSING:
                self._bad_looks.pop(line.name, None)
                continue
            looks = self._bad_looks[line.name] = self._bad_looks.get(line.name, 0) + 1
            of_rows = line.name == "integrity.snapshots"
            if looks >= (1 if of_rows else _LOOKS):
                self._halt(f"check {line.name} fails: {line.found}", of_rows)
