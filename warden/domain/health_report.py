"""What health came to over a time: averages, maxima, and how long each part was up (HM4, HM5). Pure.

The watchdog takes a `Sample` of everything at each look. One a minute stands in its journal as the row
`beats`; what all of them came to in an hour stands there as the row `health.report`. So the hour that runs
can be told from the journal too, without the watchdog. Figures here are statistics: floats, and they decide
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.health import CheckLine, Health, rank, score_text

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALL: Final = 100.0


class ProcessSample(msgspec.Struct, frozen=True, array_like=True):
    """One process at one moment; in a row its fields stand without their names. None: not known.

    Attributes:
        state: in one word, as `warden status` shows it; `up`: it beats and is ready.
        session: tells one process from the next of the same name.
        lag_ms, lag_ms_max: of its loop, in the last window.
        cpu_percent: of one core; `pss_mb` memory.
    """

    name: str
    state: str
    up: bool
    session: str
    progress: int = 0
    lag_ms: float | None = None
    lag_ms_max: int | None = None
    cpu_percent: float | None = None
    pss_mb: float | None = None
    threads: int | None = None
    files: int | None = None


class Sample(msgspec.Struct, frozen=True):
    """Everything at one moment: the body of a row `beats`.

    Attributes:
        ill: components that are not HEALTHY, by name.
        machine: figures by name, such as `cpu_percent`.
    """

    score_bps: int
    status: Health
    processes: tuple[ProcessSample, ...] = ()
    ill: dict[str, Health] = {}
    machine: dict[str, float] = {}


class Spread(msgspec.Struct, frozen=True, array_like=True):
    """The average and the highest of a figure."""

    mean: float
    most: float


class ProcessReport(msgspec.Struct, frozen=True):
    """One process over a time.

    Attributes:
        up_percent: of the samples in which it was up.
        starts: sessions that came in that time, the first one it had not counted.
        figures: by name, such as `lag_ms`, `cpu_percent`, `pss_mb`, `threads`, `files`.
    """

    name: str
    up_percent: float
    starts: int
    figures: dict[str, Spread] = {}


class ComponentReport(msgspec.Struct, frozen=True):
    """A component that was not always HEALTHY: the percentage of samples in each status that it had."""

    name: str
    worst: Health
    percent: dict[Health, float] = {}


class HealthReport(msgspec.Struct, frozen=True):
    """What a time came to: the body of a row `health.report`.

    Attributes:
        length_s: how long it was; `samples` how often it was looked at.
        whole: it was a whole hour; else it was cut short by the watchdog's end, or runs still.
    """

    length_s: int
    samples: int
    whole: bool
    score_bps_mean: int
    score_bps_least: int
    processes: tuple[ProcessReport, ...] = ()
    components: tuple[ComponentReport, ...] = ()
    machine: dict[str, Spread] = {}


@dataclass(slots=True)
class _Figure:
    total: float = 0.0
    most: float = 0.0
    count: int = 0

    def add(self, value: float, most: float | None = None) -> None:
        self.total += value
        most = value if most is None else most
        self.most = most if self.count == 0 else max(self.most, most)
        self.count += 1

    def spread(self) -> Spread:
        return Spread(round(self.total / self.count, 1), round(self.most, 1))


@dataclass(slots=True)
class _Process:
    samples: int = 0
    up: int = 0
    starts: int = 0
    session: str | None = None
    figures: dict[str, _Figure] = field(default_factory=dict)

    def add(self, sample: ProcessSample) -> None:
        self.samples += 1
        self.up += sample.up
        if sample.session:
            self.starts += self.session not in {None, sample.session}
            self.session = sample.session
        if sample.lag_ms is not None:
            self.figures.setdefault("lag_ms", _Figure()).add(sample.lag_ms, sample.lag_ms_max)
        for name in ("cpu_percent", "pss_mb", "threads", "files"):
            value = getattr(sample, name)
            if value is not None:
                self.figures.setdefault(name, _Figure()).add(value)


@dataclass(slots=True)
class Tally:
    """Adds samples up; what it holds does not grow with their number."""

    samples: int = 0
    _score_bps: int = 0
    _least_bps: int = 10_000
    _processes: dict[str, _Process] = field(default_factory=dict)
    _ill: dict[str, dict[Health, int]] = field(default_factory=dict)
    _machine: dict[str, _Figure] = field(default_factory=dict)

    def add(self, sample: Sample) -> None:
        """Take one more."""
        self.samples += 1
        self._score_bps += sample.score_bps
        self._least_bps = min(self._least_bps, sample.score_bps)
        for process in sample.processes:
            self._processes.setdefault(process.name, _Process()).add(process)
        for name, status in sample.ill.items():
            counts = self._ill.setdefault(name, {})
            counts[status] = counts.get(status, 0) + 1
        for name, value in sample.machine.items():
            self._machine.setdefault(name, _Figure()).add(value)

    def report(self, length_s: int, *, whole: bool) -> HealthReport:
        """Return what they came to."""
        return HealthReport(
            length_s=length_s,
            samples=self.samples,
            whole=whole,
            score_bps_mean=self._score_bps // max(1, self.samples),
            score_bps_least=self._least_bps if self.samples else 0,
            processes=tuple(
                ProcessReport(
                    name=name,
                    up_percent=_percent(each.up, each.samples),
                    starts=each.starts,
                    figures={key: figure.spread() for key, figure in each.figures.items()},
                )
                for name, each in self._processes.items()
            ),
            components=tuple(self._component(name) for name in sorted(self._ill)),
            machine={name: figure.spread() for name, figure in self._machine.items()},
        )

    def _component(self, name: str) -> ComponentReport:
        counts = self._ill[name]
        well = self.samples - sum(counts.values())
        shares = {Health.HEALTHY: well, **counts}
        return ComponentReport(
            name=name,
            worst=max(counts, key=rank),
            percent={
                status: _percent(shares[status], self.samples) for status in Health if shares.get(status)
            },
        )


def summary(report: HealthReport) -> str:
    """Return in one line what a time came to."""
    mean, least = score_text(report.score_bps_mean), score_text(report.score_bps_least)
    away = [f"{each.name} {each.up_percent} %" for each in report.processes if each.up_percent < _ALL]
    up = f"up: {', '.join(away)}" if away else "every process was up"
    return f"health score {mean} on average, {least} at the lowest; {up}"


def ill(lines: Iterable[CheckLine]) -> dict[str, Health]:
    """Return the components that are not HEALTHY, by name."""
    return {each.name: each.status for each in lines if each.status is not Health.HEALTHY}


def _percent(part: int, whole: int) -> float:
    """Return a share in percent, rounded down so that 99.99 is no 100."""
    return part * 1_000 // whole / 10 if whole else 0.0
