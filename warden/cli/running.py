"""Who runs in a home: read from /proc by the command line, so that it holds with everything dead or hung."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.roles import Role, trader_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC: Final = Path("/proc")
SUPERVISORD: Final = "supervisord"
SUPERVISORD_MODULE: Final = "supervisor.supervisord"
_MODULE_PREFIX: Final = "warden."
_SUPERVISED: Final = b"SUPERVISOR_ENABLED=1"
_PARENT_FIELD: Final = 1
_STATE_FIELD: Final = 0


class Running(msgspec.Struct, frozen=True):
    """One process of an instance. `name` is its own, supervisord, or the program of a child of theirs."""

    pid: int
    name: str
    command: tuple[str, ...]


def identifier(home: Path) -> str:
    """Return what supervisord is called on its command line, so that its home can be told from it."""
    return f"warden:{home}"


def running(home: Path) -> list[Running]:
    """Return supervisord and every process of the instance at `home`, without their children, by pid."""
    found = []
    for pid, command in _commands():
        name = _name(command, home)
        if name is not None:
            found.append(Running(pid=pid, name=name, command=command))
    return found


def supervisord(home: Path) -> Running | None:
    """Return the supervisord of the instance at `home`, if one runs."""
    return next((each for each in running(home) if each.name == SUPERVISORD), None)


def everything(home: Path) -> list[Running]:
    """Return supervisord, every process of the instance at `home`, and all that they started.

    The devnet's node for one: found by its parent, or, should that be gone, by the environment that it got.
    """
    roots = running(home)
    parents: dict[int, int] = {}
    commands: dict[int, tuple[str, ...]] = {}
    for pid, command in _commands():
        fields = _stat(pid)
        if fields is not None:
            parents[pid], commands[pid] = int(fields[_PARENT_FIELD]), command
    family = {each.pid: each for each in roots}
    for pid, command in commands.items():
        if pid not in family and _is_supervised(pid, home):
            family[pid] = Running(pid=pid, name=Path(command[0]).name, command=command)
    grown = True
    while grown:
        grown = False
        for pid, parent in parents.items():
            if parent in family and pid not in family:
                family[pid] = Running(pid=pid, name=Path(commands[pid][0]).name, command=commands[pid])
                grown = True
    return list(family.values())


@contextmanager
def held(process: Running) -> Iterator[int | None]:
    """Yield a pidfd of this very process, None when it is gone; a reused pid is never taken for it."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield handle if _command(process.pid) == process.command else None
    finally:
        os.close(handle)


def send(process: Running, *numbers: int) -> None:
    """Send signals to this very process; nothing when it is gone."""
    with held(process) as handle:
        if handle is None:
            return
        for number in numbers:
            try:
                signal.pidfd_send_signal(handle, number)
            except ProcessLookupError:
                return


def alive(process: Running) -> bool:
    """Tell whether it runs still; a zombie, which only waits for its parent, does not."""
    fields = _stat(process.pid)
    return fields is not None and fields[_STATE_FIELD] != "Z" and _command(process.pid) == process.command


def _name(command: tuple[str, ...], home: Path) -> str | None:
    """Return the name of what a command line runs for `home`, None when it is none of ours."""
    place = command.index("-m") if "-m" in command else len(command)
    module, arguments = command[place + 1 : place + 2], command[place + 2 :]
    if not module:
        return None
    if module[0] == SUPERVISORD_MODULE:
        return SUPERVISORD if identifier(home) in arguments else None
    if not module[0].startswith(_MODULE_PREFIX) or "--home" not in arguments:
        return None
    named = arguments[arguments.index("--home") + 1 :]
    role = module[0].removeprefix(_MODULE_PREFIX)
    if role == "cli" or role.startswith("cli.") or not named or named[0] != str(home):
        return None
    several = role == Role.TRADER and "--strategy" in arguments[:-1]
    return trader_of(arguments[arguments.index("--strategy") + 1]) if several else role


def _is_supervised(pid: int, home: Path) -> bool:
    """Tell whether a process got its environment from the supervisord of the instance at `home`."""
    try:
        words = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:  # gone, or not ours to look at
        return False
    return pid != os.getpid() and _SUPERVISED in words and b"WARDEN_HOME=" + os.fsencode(home) in words


def _commands() -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield every process that has a command line, by pid: kernel threads and zombies have none."""
    for pid in sorted(int(entry) for entry in os.listdir(_PROC) if entry.isdecimal()):  # noqa: PTH208 - bare names
        command = _command(pid)
        if command:
            yield pid, command


def _command(pid: int) -> tuple[str, ...]:
    try:
        content = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:  # gone, or not ours to look at
        return ()
    return tuple(os.fsdecode(content).split("\0")[:-1])


def _stat(pid: int) -> list[str] | None:
    """Return /proc/PID/stat from the state on (the name before it may hold anything); None when gone."""
    try:
        content = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return content.rpartition(")")[2].split()
