"""Reads back what a journal's writer wrote, a little at a time while it has nothing to write (FS3).

One walk follows the head and moves the checkpoint, so that the next start has little to verify; another goes
over everything once an hour. What does not hold is raised, and nothing is sent on such a journal any more.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from warden.domain.errors import JournalBroken
from warden.runtime import checkpoints
from warden.runtime.chain import START, Place, Walk
from warden.runtime.clock import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import apsw

    from warden.runtime.clock import Clock

HOUR_S: Final = 3_600.0
# A step is a fraction of a millisecond, for a row may come at any moment; a hundred a second cost 2 %.
_STEP_ROWS: Final = 64
_PAUSE_S: Final = 0.01
_SAVE_EVERY_NS: Final = 60 * NS_PER_S
_SAVE_EVERY_ROWS: Final = 16_384
_LAST_ROWS_MAX: Final = 65_536
# Rows before the checkpoint that a start looks at again: the newest are the likeliest to be damaged.
_AGAIN_ROWS: Final = 1_024


class Audit:
    """The two walks over one journal; used by its writer's thread alone."""

    def __init__(
        self,
        connection: apsw.Connection,
        path: Path,
        clock: Clock,
        start: Place,
        every_s: float = HOUR_S,
    ) -> None:
        self._connection = connection
        self._path = path
        self._clock = clock
        self._every_ns = int(every_s * NS_PER_S)
        self._follow = Walk(connection, path.name, start)
        self._saved_row = start.row
        self._save_due_ns = clock.boot_ns() + _SAVE_EVERY_NS
        self._whole: Walk | None = None
        self._whole_upto = 0
        self._asked = False
        self.whole_ns: int | None = None  # BOOTTIME at which everything was last found to hold, in this run
        self._whole_due_ns = clock.boot_ns() + self._every_ns

    @property
    def checked_row(self) -> int:
        """The last row that was read back and holds."""
        return self._follow.at.row

    def ask(self) -> None:
        """Have everything read back now, too, and not only once an hour."""
        self._asked = True

    def wait_s(self, head: int) -> float:
        """Return how many seconds may pass until the next step, with the last durable row numbered `head`."""
        if self._follow.at.row < head or self._whole is not None or self._asked:
            return _PAUSE_S
        due_ns = self._whole_due_ns
        if self._saved_row < self._follow.at.row:
            due_ns = min(due_ns, self._save_due_ns)
        return max(_PAUSE_S, (due_ns - self._clock.boot_ns()) / NS_PER_S)

    def step(self, head: int) -> None:
        """Check a few more rows, or save how far they were checked.

        Raises:
            JournalBroken: a row does not hold, or the file cannot be read.
        """
        now_ns = self._clock.boot_ns()
        if self._follow.at.row < head:
            _go(self._follow, head)
            if self._follow.at.row - self._saved_row >= _SAVE_EVERY_ROWS:
                self._save()
        elif self._saved_row < self._follow.at.row and now_ns >= self._save_due_ns:
            self._save()
        elif self._whole is not None:
            if not _go(self._whole, self._whole_upto):
                self._whole = None
                self.whole_ns = now_ns
                self._whole_due_ns = now_ns + self._every_ns
        elif now_ns >= self._whole_due_ns or self._asked:
            self._asked = False
            self._whole, self._whole_upto = Walk(self._connection, self._path.name, START), head

    def finish(self, head: int) -> None:
        """Check what was not checked yet, 65,536 rows at most, and save how far that is.

        Raises:
            JournalBroken: as `step`.
        """
        upto = min(head, self._follow.at.row + _LAST_ROWS_MAX)
        while self._follow.at.row < upto:
            _go(self._follow, upto, _LAST_ROWS_MAX)
        if self._saved_row < self._follow.at.row:
            self._save()

    def _save(self) -> None:
        self._save_due_ns = self._clock.boot_ns() + _SAVE_EVERY_NS
        try:
            checkpoints.save(self._path, self._follow.at)
        except OSError:
            # The one before stands: the next start verifies more, that is all. Tried again in a minute.
            return
        self._saved_row = self._follow.at.row


def from_checkpoint(
    connection: apsw.Connection, path: Path, on_step: Callable[[], None] | None = None
) -> Place:
    """Verify a journal to its last row, move its checkpoint there, and return the place.

    From 1,024 rows before the checkpoint, or from the start where there is none. `on_step` is called
    between steps of 4,096 rows, so that whoever waits can beat meanwhile.

    Raises:
        JournalBroken: it does not hold, it contradicts its checkpoint, or it cannot be read.
    """
    start, _ = checkpoints.load(path)
    if refuted := checkpoints.refute(connection, path, start):
        raise JournalBroken(f"{refuted}; run 'warden verify'")
    walk = Walk(connection, path.name, checkpoints.before(connection, start.row - _AGAIN_ROWS))
    walk.go(on_step)
    _refuse(walk)
    if walk.at != start:
        # A full disk keeps nobody from starting: the one before stands, and the next start verifies more.
        with contextlib.suppress(OSError):
            checkpoints.save(path, walk.at)
    return walk.at


def _go(walk: Walk, upto: int, rows_max: int = _STEP_ROWS) -> bool:
    before = walk.at.row
    more = walk.step(upto, rows_max)
    _refuse(walk)
    if not more and walk.at.row < upto:
        raise JournalBroken(f"{walk.file}: rows {walk.at.row + 1} to {upto} are gone (looked after {before})")
    return more


def _refuse(walk: Walk) -> None:
    if walk.problems:
        raise JournalBroken(f"{walk.problems[0]}; run 'warden verify'")
