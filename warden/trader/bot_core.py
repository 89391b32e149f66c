"""What the keeper of a bot's program does about each event, pure: events and the time in, commands out.

The program runs while the watchdog's leave is there, and not a moment longer than its end takes. One that is
silent or ends by itself ends its keeper with it: to the watchdog that is a trader that was lost.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from warden.runtime.clock import NS_PER_S
from warden.wire.messages import ProcessState

if TYPE_CHECKING:
    from warden.wire.messages import TraderLeave

# The watchdog gives its leave anew with every beat.
LEAVE_LAPSES_NS: Final = 5 * NS_PER_S
TERM_NS: Final = 3 * NS_PER_S
# Without an answer of the gateway for so long nobody can say what the program does.
_QUIET_NS: Final = 5 * NS_PER_S


class Do(StrEnum):
    """What is to be done to the program."""

    START = "start"
    TERM = "term"
    KILL = "kill"


class Lost(msgspec.Struct, frozen=True):
    """The program is beyond help, and why: its keeper ends, not in order."""

    why: str


class BotCore:
    """One program.

    Args:
        session: of this process; only a leave that names it counts.
        silent_after_ns: without a call or a heartbeat of the program's for so long it is hung.
    """

    def __init__(self, session: str, silent_after_ns: int) -> None:
        self._session = session
        self._silent_after_ns = silent_after_ns
        self._leave_ns = 0
        self._running = False
        self._terminated_ns = 0
        self._killed = False
        self._calls = 0
        self._moved_ns = 0
        self._asked_ns = 0
        self.progress = 0
        self.starts = 0

    def grant(self, leave: TraderLeave, now_ns: int) -> None:
        """Take the watchdog's leave for this process."""
        if leave.trader_process == self._session and leave.trader_session:
            self._leave_ns = now_ns

    def counted(self, calls: int, now_ns: int) -> None:
        """Take how often the program has called; the gateway counts from its own start."""
        if calls != self._calls:
            self.progress += max(1, calls - self._calls)
            self._calls, self._moved_ns = calls, now_ns
        elif now_ns - self._asked_ns > _QUIET_NS:
            self._moved_ns = now_ns  # while nobody counted, it was not silent
        self._asked_ns = now_ns

    def exited(self, how: str) -> Lost | None:
        """Take that the program has ended; None where it was asked to."""
        asked, self._running = bool(self._terminated_ns), False
        self._terminated_ns, self._killed = 0, False
        return None if asked else Lost(f"it has ended by itself: {how}")

    def tick(self, now_ns: int) -> Do | Lost | None:
        """Return what is to be done now, if anything."""
        leave = bool(self._leave_ns) and now_ns - self._leave_ns <= LEAVE_LAPSES_NS
        if not self._running:
            return self._start(now_ns) if leave and self.sees(now_ns) else None
        if self._terminated_ns:
            if self._killed or now_ns - self._terminated_ns < TERM_NS:
                return None
            self._killed = True
            return Do.KILL
        if not leave:
            self._terminated_ns = now_ns
            return Do.TERM
        silent_ns = now_ns - self._moved_ns
        if self.sees(now_ns) and silent_ns > self._silent_after_ns:
            return Lost(f"it has neither called nor beaten for {silent_ns // NS_PER_S} s")
        return None

    def _start(self, now_ns: int) -> Do:
        self._running, self._moved_ns = True, now_ns
        self.starts += 1
        return Do.START

    def sees(self, now_ns: int) -> bool:
        """Tell whether the gateway counts the program's calls at present."""
        return bool(self._asked_ns) and now_ns - self._asked_ns <= _QUIET_NS

    def state(self, now_ns: int) -> tuple[ProcessState, str]:
        """Return how the process stands, with one line on what is not well."""
        if not self._asked_ns:
            return ProcessState.STARTING, "waiting for the gateway"
        if not self.sees(now_ns):
            return ProcessState.DEGRADED, "gateway: no answer"
        return ProcessState.READY, ""

    @property
    def word(self) -> str:
        """What the program does, in a word: waiting, or running."""
        return "running" if self._running and not self._terminated_ns else "waiting"
