"""How the machine fares, from psutil; what may block (a dead disk) is asked on a thread of its own (HM1)."""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

import psutil

from warden.runtime.clock import NS_PER_S
from warden.watchdog.events import MachineSeen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from warden.runtime.clock import Clock

_FIRST_NS: Final = 5 * NS_PER_S
_MB: Final = 1_000_000
_KB: Final = 1_000
_LOOPBACK: Final = "lo"


class _Disk(NamedTuple):
    """What the fullest disk said: percent of what users may use."""

    percent: float | None = None
    free_mb: int = 0
    where: str = ""
    error: str = ""


class Machine:
    """Looks every so often; one look takes well below a millisecond, and never waits.

    Args:
        paths: directories on the disks that count.
        every_ns: between two looks.
        statvfs: `os.statvfs`, or a test's.
    """

    def __init__(
        self,
        paths: tuple[Path, ...],
        every_ns: int,
        clock: Clock,
        statvfs: Callable[[Path], os.statvfs_result] = os.statvfs,
    ) -> None:
        self._paths = paths
        self._every_ns = every_ns
        self._clock = clock
        self._statvfs = statvfs
        self._due_ns = clock.boot_ns() + min(_FIRST_NS, every_ns)
        self._looked_ns = 0
        self._net: tuple[int, int, int, int] | None = None
        self._disk = _Disk()
        self._asked_ns: int | None = None
        # One question at a time: a disk that owes an answer is asked nothing more.
        self._questions: queue.Queue[None] = queue.Queue(maxsize=1)
        threading.Thread(target=self._ask_disks, name="disk", daemon=True).start()
        psutil.cpu_percent()  # the first look has this moment to compare with
        self._ask()

    def look(self) -> MachineSeen | None:
        """Return how the machine fares, when a look is due."""
        now_ns = self._clock.boot_ns()
        if now_ns < self._due_ns:
            return None
        self._due_ns = now_ns + self._every_ns
        memory = psutil.virtual_memory()
        received, sent, bad = self._network(now_ns)
        asked_ns, disk = self._asked_ns, self._disk
        seen = MachineSeen(
            cpu_percent=psutil.cpu_percent(),
            memory_percent=memory.percent,
            memory_free_mb=memory.available // _MB,
            load_percent=round(psutil.getloadavg()[1] * 100 / (psutil.cpu_count() or 1), 1),
            disk_percent=disk.percent,
            disk_free_mb=disk.free_mb,
            disk_where=disk.where,
            disk_error=disk.error,
            disk_silent_ns=0 if asked_ns is None else now_ns - asked_ns,
            links=_links(),
            received_kb_s=received,
            sent_kb_s=sent,
            bad_packets_percent=bad,
            latency_us=(self._clock.boot_ns() - now_ns) // 1_000,
        )
        self._looked_ns = now_ns
        self._ask()
        return seen

    def _network(self, now_ns: int) -> tuple[float, float, float]:
        """Return kB/s in and out and the percentage of packets with errors, since the last look."""
        counters = [each for name, each in psutil.net_io_counters(pernic=True).items() if name != _LOOPBACK]
        now = (
            sum(each.bytes_recv for each in counters),
            sum(each.bytes_sent for each in counters),
            sum(each.packets_recv + each.packets_sent for each in counters),
            sum(each.errin + each.errout for each in counters),
        )
        before, self._net = self._net, now
        seconds = (now_ns - self._looked_ns) / NS_PER_S
        # A link that went away takes its counts with it.
        if before is None or any(new < old for new, old in zip(now, before, strict=True)):
            return 0.0, 0.0, 0.0
        received, sent, packets, bad = (new - old for new, old in zip(now, before, strict=True))
        share = bad * 100 / (packets + bad) if bad else 0.0
        return round(received / _KB / seconds, 1), round(sent / _KB / seconds, 1), round(share, 2)

    # --- the disk's thread

    def _ask(self) -> None:
        if self._asked_ns is None:
            self._asked_ns = self._clock.boot_ns()
            self._questions.put_nowait(None)

    def _ask_disks(self) -> None:
        while True:
            self._questions.get()
            self._disk = self._fullest()
            self._asked_ns = None

    def _fullest(self) -> _Disk:
        found = _Disk()
        for path in self._paths:
            try:
                told = self._statvfs(path)
            except OSError as error:
                return _Disk(error=f"the disk of {path} does not answer: {error.strerror}")
            used = told.f_blocks - told.f_bfree
            # As `df` counts: what is kept for root is not there for us.
            percent = round(used * 100 / max(1, used + told.f_bavail), 1)
            if found.percent is None or percent > found.percent:
                found = _Disk(percent, told.f_bavail * told.f_frsize // _MB, str(path))
        return found


def _links() -> int:
    """Return how many network interfaces are up, loopback apart."""
    return sum(each.isup for name, each in psutil.net_if_stats().items() if name != _LOOPBACK)
