"""One set-up of a clone at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING

from scripts.provision.refusals import AnotherSetupRuns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

POLL_S = 0.2


@contextlib.contextmanager
def turn(path: Path, wait_s: float, say: Callable[[str], None]) -> Iterator[int]:
    """Hold the lock at `path` while the block runs.

    The descriptor is handed to child processes too, so the lock is held until the last of them ends, even
    when this process is killed and leaves one behind.

    Args:
        path: The lock file; made when absent, never removed.
        wait_s: Seconds to wait for another holder.
        say: Told once, when there is something to wait for.

    Yields:
        The open descriptor that holds the lock.

    Raises:
        AnotherSetupRuns: It was not free within `wait_s`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait(descriptor, wait_s, say)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _wait(descriptor: int, wait_s: float, say: Callable[[str], None]) -> None:
    deadline = time.monotonic() + wait_s
    told = False
    while not _taken(descriptor):
        holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
        if time.monotonic() >= deadline:
            raise AnotherSetupRuns(
                f"another set-up of this clone (process {holder}) is still running after {wait_s:.0f} s: "
                "wait for it, or end it, and run this again"
            )
        if not told:
            say(f"another set-up of this clone (process {holder}) is running; waiting up to {wait_s:.0f} s")
            told = True
        time.sleep(POLL_S)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
