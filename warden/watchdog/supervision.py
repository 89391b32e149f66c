"""Asks supervisord how its programs are, on a thread: it may hang, the watchdog's loop may not."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from warden.domain.errors import NotRunning
from warden.runtime.clock import NS_PER_S
from warden.runtime.supervise import ask
from warden.watchdog.crash_loops import CrashLoops, Program

if TYPE_CHECKING:
    from warden.runtime.places import Places
    from warden.watchdog.core import Core

_EVERY_NS: Final = 5 * NS_PER_S
_SOON_NS: Final = NS_PER_S
_PROGRAMS_MAX: Final = 64


class Supervision:
    """One look each five seconds, each second while something is started again; one at a time."""

    def __init__(self, where: Places, core: Core) -> None:
        self._where = where
        self._loops = CrashLoops(core.rules.names, core.out)
        self._thread: threading.Thread | None = None
        self._found: tuple[Program, ...] | str = ""
        self._due_ns = 0

    def turn(self, now_ns: int) -> None:
        """Take what the last look has found, and begin the next when it is due."""
        if self._thread is not None:
            if self._thread.is_alive():
                return
            self._thread = None
            if isinstance(self._found, str):
                self._loops.failed(self._found)
            else:
                self._loops.answered(self._found, now_ns)
        if now_ns >= self._due_ns:
            self._due_ns = now_ns + (_SOON_NS if self._loops.restless else _EVERY_NS)
            self._thread = threading.Thread(target=self._look, name="supervision", daemon=True)
            self._thread.start()

    def _look(self) -> None:
        try:
            self._found = _programs(ask(self._where, "supervisor.getAllProcessInfo"))
        except NotRunning as error:
            self._found = str(error)


def _programs(told: Any) -> tuple[Program, ...]:  # noqa: ANN401 - XML-RPC
    """Return the programs of an answer.

    Raises:
        NotRunning: it is not supervisord's.
    """
    try:
        return tuple(
            Program(
                name=str(each["name"]),
                state=str(each["statename"]),
                pid=int(each["pid"]),
                started_s=int(each["start"]),
                exit_code=int(each["exitstatus"]),
                trouble=str(each["spawnerr"]),
            )
            for each in told[:_PROGRAMS_MAX]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NotRunning(f"supervisord's answer is not understood: {error}") from error
