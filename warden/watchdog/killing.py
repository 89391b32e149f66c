"""The helper that ends one process, or holds it still, by pidfd. Runs as a process of its own.

It is started with `multiprocess` (spawn), so that the watchdog's loop never waits, and it imports nothing
that would make its start slow. A process is signalled only if it still is the one that was judged.
"""

from __future__ import annotations

import os
import select
import signal
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from warden.domain.errors import NotRunning
from warden.domain.roles import role_of, strategy_of
from warden.runtime.places import places
from warden.runtime.stacks import dump_stack
from warden.runtime.supervise import signal_program
from warden.watchdog.commands import Deed
from warden.watchdog.events import Outcome

_TERM_S: Final = 1.0
_KILL_S: Final = 5.0
_STILL_S: Final = 2.0
_LOOK_S: Final = 0.01
_STARTED: Final = 19  # field 22 of /proc/PID/stat, counted from after the command's name
_TICK_NS: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class Target(msgspec.Struct, frozen=True):
    """A process as it was when its first beat came.

    Attributes:
        started: its start in clock ticks since boot: with the pid it names one process for ever.
        name, home: which program of which instance; by these supervisord signals it where we may not.
    """

    pid: int
    started: int
    name: str = ""
    home: Path | None = None


class Result(msgspec.Struct, frozen=True):
    """What the helper did."""

    outcome: Outcome
    how: str
    stack: str = ""


def identify(pid: int, name: str, home: Path, *, by_ns: int | None = None) -> Target | None:
    """Return the process `pid` if it is the program `name` of this home, else None: nobody else is ended.

    Args:
        pid: as it was told.
        name: the program's.
        home: the instance's.
        by_ns: CLOCK_BOOTTIME at which it ran already; one that was started later has only got its number.
    """
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        started = _started(pid)
    except (OSError, ValueError, IndexError):
        return None
    told = words[words.index(b"--strategy") + 1] if b"--strategy" in words[:-1] else b""
    named = f"warden.{role_of(name)}".encode() in words and told == strategy_of(name).encode()
    here = any(os.fsencode(part) in words for part in {home, home.resolve()})
    in_time = by_ns is None or started * _TICK_NS <= by_ns
    return Target(pid=pid, started=started, name=name, home=home) if named and here and in_time else None


def failed(deed: Deed) -> Outcome:
    """Return the word for a deed that could not be done."""
    return Outcome.NOT_KILLED if deed in {Deed.END, Deed.KILL} else Outcome.NOT_DONE


def end(target: Target, stack_file: Path, deed: Deed = Deed.END) -> Result:
    """End, freeze or thaw a process, within about ten seconds, and say how that went."""
    try:
        handle = os.pidfd_open(target.pid)
    except ProcessLookupError:
        return Result(outcome=Outcome.GONE, how="had ended already")
    except OSError as error:
        return Result(outcome=failed(deed), how=f"pidfd_open: {error.strerror}")
    try:
        # The handle is held before the look: if the look finds the judged process, so does every signal.
        if not alive(target):
            return Result(outcome=Outcome.GONE, how="had ended already")
        if deed in {Deed.FREEZE, Deed.THAW}:
            return _held(target, handle, deed)
        stack = dump_stack(target.pid, stack_file) if deed is Deed.END else ""
        return _signalled(target, handle, stack, gently=deed is Deed.END)
    finally:
        os.close(handle)


def alive(target: Target) -> bool:
    """Tell whether the very process still runs; a zombie does not."""
    try:
        fields = _fields(target.pid)
        return int(fields[_STARTED]) == target.started and fields[0] not in {b"Z", b"X"}
    except (OSError, ValueError, IndexError):
        return False


def helper(target: bytes, stack_file: str, deed: str, answer: Any) -> None:  # noqa: ANN401 - multiprocess has no types
    """Be the helper process: signal one process and send the result, as JSON, to the connection `answer`."""
    result = end(msgspec.json.decode(target, type=Target, dec_hook=_path), Path(stack_file), Deed(deed))
    answer.send_bytes(msgspec.json.encode(result))
    answer.close()


def packed(target: Target) -> bytes:
    """Return a target as the helper takes it."""
    return msgspec.json.encode(target, enc_hook=str)


def _path(_kind: type, value: str) -> Path:
    return Path(value)


def _send(target: Target, handle: int, number: signal.Signals) -> None:
    """Signal it ourselves, or through supervisord where it is another user's (installed).

    Raises:
        ProcessLookupError: it is gone.
        OSError: neither was possible.
    """
    try:
        signal.pidfd_send_signal(handle, number)
    except PermissionError as refused:
        if not target.name or target.home is None:
            raise
        try:
            signal_program(places(target.home), target.name, target.pid, number)
        except NotRunning as error:
            raise PermissionError(refused.errno, f"another user's, and {error}") from error


def _held(target: Target, handle: int, deed: Deed) -> Result:
    """Stop a process or let it go on, and look whether it obeys."""
    freeze = deed is Deed.FREEZE
    name = "SIGSTOP" if freeze else "SIGCONT"
    try:
        _send(target, handle, signal.Signals[name])
    except ProcessLookupError:
        return Result(outcome=Outcome.GONE, how="had ended already")
    except OSError as error:
        return Result(outcome=Outcome.NOT_DONE, how=f"{name}: {error.strerror}")
    end_s = time.monotonic() + _STILL_S
    while time.monotonic() < end_s:
        if _is_still(target.pid) is freeze:
            return Result(outcome=Outcome.FROZEN if freeze else Outcome.THAWED, how=f"obeys {name}")
        time.sleep(_LOOK_S)
    return Result(outcome=Outcome.NOT_DONE, how=f"does not obey {name} within {_STILL_S:.0f} s")


def _is_still(pid: int) -> bool:
    try:
        return _fields(pid)[0] == b"T"
    except (OSError, IndexError):
        return False


def _signalled(target: Target, handle: int, stack: str, *, gently: bool) -> Result:
    try:
        if gently:
            _send(target, handle, signal.SIGTERM)
            if _ended(handle, _TERM_S):
                return Result(outcome=Outcome.KILLED, how="ended by SIGTERM", stack=stack)
        _send(target, handle, signal.SIGKILL)
        if _ended(handle, _KILL_S):
            return Result(outcome=Outcome.KILLED, how="ended by SIGKILL", stack=stack)
    except ProcessLookupError:
        return Result(outcome=Outcome.KILLED, how="ended meanwhile", stack=stack)
    except OSError as error:
        return Result(outcome=Outcome.NOT_KILLED, how=f"signal: {error.strerror}", stack=stack)
    return Result(outcome=Outcome.NOT_KILLED, how=f"outlived SIGKILL by {_KILL_S:.0f} s", stack=stack)


def _ended(handle: int, timeout_s: float) -> bool:
    readable, _, _ = select.select([handle], [], [], timeout_s)
    return bool(readable)


def _fields(pid: int) -> list[bytes]:
    """Return the fields of /proc/PID/stat after the command's name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()


def _started(pid: int) -> int:
    return int(_fields(pid)[_STARTED])
