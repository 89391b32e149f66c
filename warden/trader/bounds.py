"""What a strategy may use up: memory, and disk through what it prints. Set before any of its code is loaded.

The kernel holds both bounds for the whole process, threads included. Processor time is bounded elsewhere:
who keeps the loop from beating is ended by the watchdog.
"""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path
from typing import Final

from warden.domain.errors import WardenError

OUTPUT_BYTES_MAX: Final = 8 * 1024 * 1024
"""At this size the process's output file is cut to nothing."""
FILE_BYTES_MAX: Final = 64 * 1024 * 1024
"""A write beyond it fails, whatever file it is to: above what a log may have before it is rotated."""
_MB: Final = 1024 * 1024
# Before a request for memory fails at whatever place asks next, ZeroMQ's own threads included.
_USED_UP_PERCENT: Final = 90
# What is left for the process to say why it ends.
_LAST_WORDS_MB: Final = 64
_STDOUT: Final = 1
_STATM: Final = Path("/proc/self/statm")
_DATA: Final = 5  # its sixth word: what RLIMIT_DATA counts, and the stack, in pages


class MemoryUsedUp(WardenError):
    """The strategy's author must mend it, or the operator give it more."""


def bound(memory_mb: int) -> None:
    """Have the kernel refuse this process more memory, larger files, and core dumps.

    Private writable memory is counted (RLIMIT_DATA), 8 MB of stack for each thread with it. Address space
    would be the wrong measure: much of it is reserved and never used.
    """
    most = _within(resource.RLIMIT_DATA, (memory_mb + _LAST_WORDS_MB) * _MB)
    resource.setrlimit(resource.RLIMIT_DATA, (min(memory_mb * _MB, most), most))
    most = _within(resource.RLIMIT_FSIZE, FILE_BYTES_MAX)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _within(number: int, wanted: int) -> int:
    """Return a limit no higher than the one that stands: an operator's own ulimit may be tighter."""
    _, most = resource.getrlimit(number)
    return wanted if most == resource.RLIM_INFINITY else min(wanted, most)


def allow_last_words() -> None:
    """Let the process have the memory that it needs to say why it ends."""
    with contextlib.suppress(OSError, ValueError):  # the strategy may have lowered it: then less is said
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def memory_is_used_up(memory_mb: int) -> bool:
    """Tell whether so much of the bound is taken that the process had better end while it can say why."""
    pages = int(_STATM.read_bytes().split()[_DATA])
    return pages * resource.getpagesize() * 100 >= memory_mb * _MB * _USED_UP_PERCENT


def cut_output() -> int:
    """Cut standard output's file to nothing if it has grown too large; return the bytes cut, else 0."""
    size = os.fstat(_STDOUT).st_size
    if size < OUTPUT_BYTES_MAX:
        return 0
    # It is written to at its end (O_APPEND), so what follows begins it anew.
    os.ftruncate(_STDOUT, 0)
    return size
