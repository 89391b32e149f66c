"""The disk's floor: below it nothing new may be begun, while there is still room to record how it ends."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from warden.runtime.clock import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from warden.runtime.clock import Clock

_LOOK_EVERY_NS: Final = NS_PER_S
_FLOOR_BYTES_MAX: Final = 2**30
_FLOOR_DIVISOR: Final = 20
_FILES_MIN: Final = 64
_MIB: Final = 2**20


def floor_bytes(total_bytes: int) -> int:
    """Return how much of a file system of `total_bytes` must be free: 5 %, 1 GiB at most."""
    return min(total_bytes // _FLOOR_DIVISOR, _FLOOR_BYTES_MAX)


class DiskFloor:
    """A check of the file system that `path` stands on; asks the kernel once a second at most.

    Args:
        path: a directory or file on it, the journals' directory.
        clock: says when the last look is too old.
        statvfs: `os.statvfs`, or a test's.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        statvfs: Callable[[Path], os.statvfs_result] = os.statvfs,
    ) -> None:
        self._path = path
        self._clock = clock
        self._statvfs = statvfs
        self._due_ns = -1
        self._reason = ""

    def reason(self) -> str:
        """Return in a line why the gate must be closed, "" when there is room enough.

        What cannot be asked counts as full: the answer is for a gate. Root's own reserve is not free.
        """
        now_ns = self._clock.boot_ns()
        if now_ns >= self._due_ns:
            self._due_ns = now_ns + _LOOK_EVERY_NS
            self._reason = self._look()
        return self._reason

    def _look(self) -> str:
        try:
            found = self._statvfs(self._path)
        except OSError as error:
            return f"disk of {self._path}: {error.strerror}"
        free, floor = found.f_bavail * found.f_frsize, floor_bytes(found.f_blocks * found.f_frsize)
        if free < floor:
            return f"disk of {self._path}: {free / _MIB:.1f} MiB free, {floor / _MIB:.1f} are needed"
        # A file system that has no such limit says 0 of 0.
        if found.f_files and found.f_favail < _FILES_MIN:
            return f"disk of {self._path}: room for {found.f_favail} more files, {_FILES_MIN} are needed"
        return ""
