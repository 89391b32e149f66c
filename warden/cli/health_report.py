"""`warden health-report`: what each hour came to, from the watchdog's journal; nothing need run (HM5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.cli.words import say, warn
from warden.domain.errors import EXIT_DONE, EXIT_FAILED
from warden.domain.health_report import HealthReport, Sample, Tally, summary
from warden.domain.roles import Role
from warden.runtime.clock import NS_PER_S
from warden.runtime.journal_search import containing
from warden.runtime.places import places
from warden.wire.codec import from_json, to_plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warden.domain.health_report import ProcessReport, Spread

# An hour's rows at their highest rate.
_SAMPLES_MAX: Final = 360
_ANY: Final = (b"",)
_UNITS: Final = {"lag_ms": "ms", "cpu_percent": "%", "pss_mb": "MB"}
_WORDS: Final = {"lag_ms": "lag", "cpu_percent": "CPU", "pss_mb": "memory"}


class Told(msgspec.Struct, frozen=True):
    """A time and what it came to; `until` is UTC, ISO 8601."""

    until: str
    report: HealthReport


def health_report(home: Path, *, hours: int, as_json: bool) -> int:
    """Print the last so many hours, and what has come since, oldest first.

    Returns:
        The exit code: 1 when nothing was written yet.

    Raises:
        ConfigurationInvalid: there is no instance at `home`.
        JournalBroken: the watchdog's journal cannot be read.
    """
    whole, since = read(places(home).journal(Role.WATCHDOG), hours)
    told = [*whole, *([since] if since is not None else [])]
    if as_json:
        document = {
            "reports": [_plain(each) for each in whole],
            "since": None if since is None else _plain(since),
        }
        say(msgspec.json.encode(document).decode())
    for each in told if not as_json else ():
        for text in text_of(each):
            say(text)
    if not told:
        warn(f"{home}: the watchdog has written nothing on health yet; the first line comes after a minute")
        return EXIT_FAILED
    return EXIT_DONE


def read(journal: Path, hours: int) -> tuple[list[Told], Told | None]:
    """Return the last reports, oldest first, and what came since the last of them, if anything.

    Raises:
        JournalBroken: the journal cannot be read.
    """
    rows = containing(journal, _ANY, ("health.report",), found_max=hours)[::-1]
    reports = [Told(_wall(row.time_ns), from_json(row.body, HealthReport)) for row in rows]
    after = rows[-1].row if rows else 0
    samples = containing(journal, _ANY, ("beats",), found_max=_SAMPLES_MAX, after=after)[::-1]
    if not samples:
        return reports, None
    tally = Tally()
    for row in samples:
        tally.add(from_json(row.body, Sample))
    first_ns = rows[-1].time_ns if rows else samples[0].time_ns
    last_ns = samples[-1].time_ns
    return reports, Told(_wall(last_ns), tally.report((last_ns - first_ns) // NS_PER_S, whole=False))


def text_of(told: Told) -> Iterator[str]:
    """Yield what a time came to as lines; of two figures the first is the average, the other the highest."""
    report = told.report
    what = "the hour" if report.whole else f"{max(1, report.length_s // 60)} min"
    yield f"{what} to {told.until}: {summary(report)} ({report.samples} looks)"
    for process in report.processes:
        yield f"  {process.name}: {_process(process)}"
    if report.machine:
        figures = ", ".join(f"{name} {_spread(each)}" for name, each in report.machine.items())
        yield f"  machine: {figures}"
    for component in report.components:
        shares = ", ".join(f"{status} {percent} %" for status, percent in component.percent.items())
        yield f"  {component.name}, {component.worst} at worst: {shares}"


def _process(process: ProcessReport) -> str:
    figures = [
        f"{_WORDS.get(name, name)} {_spread(each)} {_UNITS.get(name, '')}".rstrip()
        for name, each in process.figures.items()
    ]
    starts = [f"restarts {process.starts}"] if process.starts else []
    return ", ".join([f"up {process.up_percent} %", *starts, *figures])


def _spread(spread: Spread) -> str:
    return f"{spread.mean:g}/{spread.most:g}"


def _wall(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // NS_PER_S, UTC).isoformat().replace("+00:00", "Z")


def _plain(told: Told) -> dict[str, Any]:
    """Return it as plain values, every field by its name."""
    report = told.report
    return {
        "until": told.until,
        **to_plain(msgspec.structs.replace(report, processes=(), machine={})),
        "processes": [
            {
                "name": each.name,
                "up_percent": each.up_percent,
                "starts": each.starts,
                **{name: _named(spread) for name, spread in each.figures.items()},
            }
            for each in report.processes
        ],
        "machine": {name: _named(spread) for name, spread in report.machine.items()},
    }


def _named(spread: Spread) -> dict[str, float]:
    return {"mean": spread.mean, "most": spread.most}
