"""What supervisord's word on its programs means: a crash loop, one given up, its own silence. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.roles import Role, role_of
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.watchdog.outbox import Outbox

WINDOW_NS: Final = 60_000_000_000
STARTS: Final = 3
"""Further starts within the window that are a loop."""
SILENT_LOOKS: Final = 3
_STARTS_KEPT: Final = 32
_ESSENTIAL: Final = frozenset({Role.EXECUTOR, Role.GATEWAY, Role.TRADER, Role.WATCHDOG})
_CONFIGURATION: Final = 2  # the exit code
_RUNBOOK: Final = "process-lost#a-process-that-crashes-again-and-again"
_SUPERVISORD: Final = "process-lost#supervisord"


class Program(msgspec.Struct, frozen=True):
    """A program as supervisord has it.

    Attributes:
        state: supervisord's own word: RUNNING, BACKOFF, EXITED, FATAL, ...
        started_s: when it was last started, UTC since 1970.
        exit_code: of its last end; 0 when there was none.
        trouble: why it could not be started, empty where it could.
    """

    name: str
    state: str
    pid: int
    started_s: int
    exit_code: int
    trouble: str = ""


@dataclass(slots=True)
class _History:
    starts: deque[int] = field(default_factory=lambda: deque(maxlen=_STARTS_KEPT))  # when they were seen
    started_s: int = 0
    looping: bool = False
    given_up: bool = False


class CrashLoops:
    """What was seen of each program; says what changed, once."""

    def __init__(self, names: Iterable[str], out: Outbox) -> None:
        self._known = {str(name): _History() for name in names}
        self._out = out
        self._answered = False
        self._failures = 0
        self._silent = False

    @property
    def restless(self) -> bool:
        """Tell whether something happens at this moment, so that a closer look is worth it."""
        falls_silent = self._answered and 0 < self._failures < SILENT_LOOKS
        return falls_silent or any(history.starts for history in self._known.values())

    def answered(self, programs: Iterable[Program], now_ns: int) -> None:
        """Take supervisord's answer."""
        self._answered, self._failures = True, 0
        if self._silent:
            self._silent = False
            self._tell(Severity.INFO, "supervisord.returned", "supervisord answers again")
        for program in programs:
            history = self._known.get(program.name)
            if history is not None:
                self._look(program, history, now_ns)

    def failed(self, why: str) -> None:
        """Take it that supervisord did not answer; before its first answer there may be none at all."""
        self._failures += 1
        if self._answered and self._failures >= SILENT_LOOKS and not self._silent:
            self._silent = True
            text = f"{why}: what crashes is not started again"
            self._tell(Severity.ERROR, "supervisord.silent", text, _SUPERVISORD)

    def _look(self, program: Program, history: _History, now_ns: int) -> None:
        # Its last start stands there whether it lives or not: one that dies at once is seldom seen alive.
        if program.started_s != history.started_s:
            if history.started_s:
                history.starts.append(now_ns)
            history.started_s = program.started_s
        while history.starts and now_ns - history.starts[0] > WINDOW_NS:
            history.starts.popleft()
        self._judge_loop(program, history)
        # Any other end is followed by another start; code 0 is what somebody wanted, and told by itself.
        configuration = program.state == "EXITED" and program.exit_code == _CONFIGURATION
        given_up = program.state == "FATAL" or configuration
        if given_up and not history.given_up:
            severity = Severity.CRITICAL if role_of(program.name) in _ESSENTIAL else Severity.ERROR
            why = program.trouble or f"it ended with exit code {program.exit_code}"
            what = (
                "its configuration must be changed" if program.exit_code == _CONFIGURATION else "look at it"
            )
            text = f"supervisord does not start {program.name} again: {why}; {what}"
            self._tell(severity, f"{role_of(program.name)}.given-up", text, _RUNBOOK, program.name)
        history.given_up = given_up

    def _judge_loop(self, program: Program, history: _History) -> None:
        looping = len(history.starts) >= STARTS or program.state == "BACKOFF"
        if looping and not history.looping:
            history.looping = True
            severity = Severity.CRITICAL if role_of(program.name) in _ESSENTIAL else Severity.ERROR
            how = program.trouble or f"last exit code {program.exit_code}"
            text = (
                f"{program.name} crashes again and again: {len(history.starts)} starts within "
                f"{WINDOW_NS // 1_000_000_000} s, {how}"
            )
            self._tell(severity, f"{role_of(program.name)}.crash-loop", text, _RUNBOOK, program.name)
        elif history.looping and not history.starts and program.state == "RUNNING":
            history.looping = False
            text = f"{program.name} has stayed up for {WINDOW_NS // 1_000_000_000} s"
            self._tell(Severity.INFO, f"{role_of(program.name)}.stays-up", text, "", program.name)

    def _tell(
        self, severity: Severity, kind: str, text: str, runbook: str = "", name: str = "supervisord"
    ) -> None:
        self._out.row("supervisord.said", program=name, what=kind.rpartition(".")[2], text=text)
        self._out.notice(severity, kind, text, runbook, process=name)
