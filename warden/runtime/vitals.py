"""How this process's own loop fares, for its heartbeats: what it alone can tell, at next to no cost."""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING, Final

from warden.runtime.clock import NS_PER_MS, NS_PER_S
from warden.wire.messages import Vitals

if TYPE_CHECKING:
    from warden.runtime.clock import Clock

_COUNT_EVERY_NS: Final = 5 * NS_PER_S


class OwnVitals:
    """Counts errors and open files; a beat that is late says by how much.

    Open files are counted here, since another user may not look at them (when installed).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._errors = 0
        self._files = 0
        self._files_max = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._count_due_ns = 0

    def erred(self) -> None:
        """Take in that an event of severity ERROR or above was told."""
        self._errors += 1

    def take(self, due_ns: int, data_age_ms: int | None, sources: tuple[int, int]) -> Vitals:
        """Return what to say in a beat that was due at `due_ns` (BOOTTIME; 0: the first one)."""
        now_ns = self._clock.boot_ns()
        if now_ns >= self._count_due_ns:
            self._count_due_ns = now_ns + _COUNT_EVERY_NS
            self._files = _open_files()
        return Vitals(
            lag_ms=max(0, now_ns - due_ns) // NS_PER_MS if due_ns else 0,
            errors=self._errors,
            files=self._files,
            files_max=self._files_max,
            data_age_ms=data_age_ms,
            sources=sources[0],
            sources_max=sources[1],
        )


def _open_files() -> int:
    """Return how many file descriptors are open; 0 where that cannot be told."""
    try:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only: no path is made of each
    except OSError:
        return 0  # without a descriptor to spare; the last look has told
