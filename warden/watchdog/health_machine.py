"""How well the machine is: processor, memory, disk, load, network (HM1). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.health import CheckLine, Health, line
from warden.domain.steady import Levels, Steady, step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.watchdog.events import MachineSeen
    from warden.watchdog.health_terms import HealthTerms

_NS: Final = 1_000_000_000
_DISK_SILENT_NS: Final = 10 * _NS
_BAD_PACKETS: Final = Levels(1.0, 10.0, 0.5)


class MachineHealth:
    """The machine's parts, each with a status that does not flap; `seen` is the last look."""

    def __init__(self, terms: HealthTerms) -> None:
        self.seen: MachineSeen | None = None
        self.seen_ns = 0
        self._terms = terms
        self._steady: dict[str, Steady] = {}

    def look(self, seen: MachineSeen, now_ns: int) -> None:
        """Take a look at the machine."""
        terms = self._terms
        self.seen, self.seen_ns = seen, now_ns
        if seen.cpu_percent is not None:
            self._step("cpu", seen.cpu_percent, terms.cpu)
        self._step("memory", seen.memory_percent, terms.memory)
        self._step("load", seen.load_percent, terms.load)
        self._step("network", seen.bad_packets_percent, _BAD_PACKETS)
        if seen.disk_percent is not None:
            self._step("disk", seen.disk_percent, terms.disk)

    def lines(self) -> Iterator[CheckLine]:
        """Yield the machine's lines; none before the first look."""
        seen, terms = self.seen, self._terms
        if seen is None:
            return
        if seen.cpu_percent is not None:
            yield self._line("cpu", f"{seen.cpu_percent:.0f} % of all cores", terms.cpu)
        found = f"{seen.memory_percent:.0f} % in use, {seen.memory_free_mb} MB could be had"
        yield self._line("memory", found, terms.memory)
        yield self._disk(seen)
        yield self._line("load", f"{seen.load_percent:.0f} % of the cores, over 5 min", terms.load)
        yield self._network(seen)

    def figures(self) -> dict[str, float]:
        """Return the figures of the last look by name; none before the first."""
        seen = self.seen
        if seen is None:
            return {}
        told = {
            "cpu_percent": seen.cpu_percent,
            "memory_percent": seen.memory_percent,
            "load_percent": seen.load_percent,
            "disk_percent": seen.disk_percent,
            "received_kb_s": seen.received_kb_s,
            "sent_kb_s": seen.sent_kb_s,
        }
        return {name: round(value, 1) for name, value in told.items() if value is not None}

    def _step(self, name: str, figure: float, levels: Levels) -> None:
        self._steady[name] = step(self._steady.get(name, Steady()), figure, levels)

    def _status(self, name: str) -> Health:
        return self._steady.get(name, Steady()).status

    def _line(self, name: str, found: str, levels: Levels) -> CheckLine:
        latency_us = 0 if self.seen is None else self.seen.latency_us
        limit = f"{levels.degraded:.0f}/{levels.critical:.0f} %"
        return line(f"machine.{name}", self._status(name), found, limit, latency_us=latency_us)

    def _disk(self, seen: MachineSeen) -> CheckLine:
        silent_s = seen.disk_silent_ns // _NS
        if seen.disk_silent_ns >= _DISK_SILENT_NS:
            return line(
                "machine.disk", Health.CRITICAL, f"the disk has not answered for {silent_s} s", "10 s"
            )
        if seen.disk_error:
            return line("machine.disk", Health.CRITICAL, seen.disk_error)
        if seen.disk_percent is None:
            return line("machine.disk", Health.HEALTHY, "was asked, has not answered yet")
        found = f"{seen.disk_percent:.0f} % used, {seen.disk_free_mb} MB free ({seen.disk_where})"
        return self._line("disk", found, self._terms.disk)

    def _network(self, seen: MachineSeen) -> CheckLine:
        links = f"{seen.links} link{'' if seen.links == 1 else 's'} up"
        found = (
            f"{links}, {seen.received_kb_s:.0f} kB/s in, {seen.sent_kb_s:.0f} kB/s out, "
            f"{seen.bad_packets_percent:.1f} % bad packets"
        )
        return self._line("network", found, _BAD_PACKETS)
