"""Prove that the executor is dead: kill it if it must be, then hold its lock (DESIGN: FENCED)."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from warden.domain.errors import NotRunning
from warden.domain.roles import Role
from warden.wire.addresses import STOP, socket_path

if TYPE_CHECKING:
    from warden.runtime.places import Places

_PID_BYTES_MAX: Final = 32
_SUPERVISORD_S: Final = 0.5


def lock_path(where: Places) -> Path:
    """Return the lock file that the executor holds for as long as it lives."""
    path = socket_path(where.run, STOP)
    return path.with_name(path.name + ".lock")


def executor_is_dead(where: Places) -> bool:
    """Tell whether the executor's lock can be had, which proves that no executor lives.

    Raises:
        OSError: the lock file cannot be opened, so nothing is proven.
    """
    try:
        handle = os.open(lock_path(where), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        # Its directory was made by 'warden up'; a lock that was never made was never held.
        return where.role(Role.EXECUTOR).is_dir() or not where.run.exists()
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


def kill_executor(where: Places, timeout_ms: int) -> bool:
    """Kill the executor that holds the lock and tell whether it is proven dead within `timeout_ms`.

    The pid comes from the lock file and is checked through a pidfd, so that a reused pid is never hit.

    Raises:
        OSError: the lock or the process cannot be reached (another user's), so nothing is proven.
    """
    pid = _holder(where)
    if pid is not None:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return executor_is_dead(where)
        try:
            if _is_executor_of(pid, where):
                _send_kill(where, handle, pid)
                waiter = select.poll()
                waiter.register(handle, select.POLLIN)
                if waiter.poll(timeout_ms):
                    # Dead; should supervisord have started another already, that one has read the stop
                    # directory before it could send anything.
                    return True
        finally:
            os.close(handle)
    return executor_is_dead(where)


def _send_kill(where: Places, handle: int, pid: int) -> None:
    """Kill it ourselves, or through supervisord when it is another user's (installed)."""
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except PermissionError:
        # Imported here: the way to the stop itself needs none of it.
        from warden.runtime.supervise import signal_program  # noqa: PLC0415

        try:
            signal_program(where, Role.EXECUTOR, pid, signal.SIGKILL, timeout_s=_SUPERVISORD_S)
        except ProcessLookupError:
            return  # another has taken its place: whether the lock is held tells
        except NotRunning as error:
            raise OSError(
                errno.EPERM, f"it runs as another user, and {error}; as root: kill -9 {pid}"
            ) from error


def _holder(where: Places) -> int | None:
    try:
        text = lock_path(where).read_bytes()[:_PID_BYTES_MAX]
    except FileNotFoundError:
        return None
    return int(text) if text.strip().isdigit() else None


def _is_executor_of(pid: int, where: Places) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        return False
    return b"warden.executor" in words and os.fsencode(where.home) in words
