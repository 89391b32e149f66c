"""Waiting, bounded, until every process of an instance has said that it is ready."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import msgspec

from warden.cli import supervisor
from warden.domain.errors import EXIT_DONE, EXIT_USAGE, NotRunning
from warden.domain.modes import Environment
from warden.domain.roles import Role, processes, strategy_of
from warden.operator.picture import Word
from warden.operator.view import build_view
from warden.wire.messages import ProcessState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from warden.operator.link import Link
    from warden.operator.picture import SystemView
    from warden.runtime.places import Places

READY_WITHIN_S: Final = 60.0
_DEGRADED_FOR_S: Final = 5.0
_TAIL_BYTES: Final = 16 * 1024
_NOT_STARTED: Final = frozenset({"FATAL", "STOPPED"})
_FINAL: Final = frozenset({EXIT_DONE, EXIT_USAGE})
_TRADERS_FINAL: Final = frozenset({EXIT_USAGE})
# What is said of a process that nothing is heard of: then its own last words say more.
SILENT: Final = frozenset({"not heard", "silent", "unknown", "lost", "dead"})
_GRAVE: Final = frozenset({"ERROR", "CRITICAL"})
_LOOK_EVERY_S: Final = 0.1
_ASK_EVERY_S: Final = 0.5


def expected(environment: Environment, traders: tuple[str, ...] = (Role.TRADER,)) -> tuple[str, ...]:
    """Return the processes that must run in `environment`, by name."""
    devnet = environment is Environment.DEVNET
    return tuple(name for name in processes(traders) if devnet or name != Role.DEVNET)


def not_ready(view: SystemView, names: Iterable[str]) -> dict[str, str]:
    """Return those of `names` that are not ready, each with a few words on it."""
    lines = {line.name: line for line in view.processes}
    found = {}
    for name in names:
        line = lines.get(name)
        if line is None:
            found[name] = "not heard"
        elif not line.healthy:
            state = "silent" if line.stale else line.state
            found[name] = state + (f" ({line.detail})" if line.detail else "")
    return found


def final(where: Places) -> set[str]:
    """Return the programs that supervisord will not start again; none when it does not answer."""
    try:
        programs = supervisor.ask(where, "supervisor.getAllProcessInfo")
    except NotRunning:
        return set()
    return {
        each["name"] for each in programs if _is_over(each["name"], each["statename"], each["exitstatus"])
    }


def _is_over(name: str, state: str, exit_code: int) -> bool:
    """Tell whether a program is not started again, by the `exitcodes` of supervisord.conf."""
    final = _TRADERS_FINAL if name == Role.TRADER or strategy_of(name) else _FINAL
    return state in _NOT_STARTED or (state == "EXITED" and exit_code in final)


def wait_ready(
    link: Link, names: tuple[str, ...], ended: Callable[[], bool], timeout_s: float = READY_WITHIN_S
) -> SystemView:
    """Return the picture once all `names` are ready; as it is when waiting longer would not help.

    Args:
        link: to the instance.
        names: whom to wait for.
        ended: tells whether supervisord itself is gone.
        timeout_s: the longest wait.
    """
    now = time.monotonic()
    end, ask_at = now + timeout_s, now + _ASK_EVERY_S
    over: set[str] = set()
    degraded_since = now
    while True:
        view = build_view(link.poll(), link.clock.boot_ns())
        missing = not_ready(view, names)
        if not missing and view.word is not Word.UNKNOWN:
            return view
        if (missing and missing.keys() <= over) or ended() or now > end:
            return view
        if not missing.keys() <= over | _degraded(view):
            degraded_since = now
        elif now - degraded_since > _DEGRADED_FOR_S:
            return view
        time.sleep(_LOOK_EVERY_S)
        now = time.monotonic()
        if now >= ask_at:
            # Asking also wakes supervisord, which else begins only after its first second.
            over, ask_at = final(link.places), now + _ASK_EVERY_S


def _degraded(view: SystemView) -> set[str]:
    """Return who is there and says that something is wrong: that may last."""
    return {
        line.name for line in view.processes if not line.stale and line.state == ProcessState.DEGRADED.value
    }


def last_words(where: Places, name: str) -> str:
    """Return why the process `name` is not there, as it said itself; empty when it did not."""
    logs = where.logs_of(name)
    for line in reversed(_tail(logs / f"{name}.log").splitlines()):
        try:
            said = msgspec.json.decode(line, type=_Said)
        except msgspec.DecodeError:
            continue
        if said.level in _GRAVE:
            return said.message
        if said.kind == "process.started":
            break
    early = _tail(logs / f"{name}.early").split("\n")
    return next((line for line in reversed(early) if line.strip()), "")


class _Said(msgspec.Struct):
    level: str
    kind: str
    message: str


def _tail(path: Path) -> str:
    try:
        # Another user's, when installed, and read by root: a link or a pipe in its place is not followed.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            file.seek(max(0, os.fstat(handle).st_size - _TAIL_BYTES))
            return file.read(_TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
