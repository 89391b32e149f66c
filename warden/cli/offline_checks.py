"""What can be checked with nothing running: configuration, journals, disk, stop directory, clock (FS2)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from warden.cli.home import CONFIG_NAME
from warden.domain.errors import JournalBroken, WardenError
from warden.domain.health import CheckLine, Health
from warden.domain.roles import Role
from warden.runtime.clock import NS_PER_S, SystemClock
from warden.runtime.disk import DiskFloor
from warden.runtime.journal import verify
from warden.runtime.journal_search import tail
from warden.runtime.latch import Latch
from warden.runtime.places import places
from warden.runtime.settings_load import load
from warden.runtime.witnesses import cross_check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warden.runtime.places import Places

_JOURNALS: Final = (Role.EXECUTOR, Role.WATCHDOG, Role.LOGGER, Role.NOTIFIER)
_WITNESSES: Final = (Role.WATCHDOG, Role.LOGGER)
_BEHIND_S_MAX: Final = 120


def offline(home: Path) -> Iterator[CheckLine]:
    """Yield what is found of the instance at `home`."""
    where = places(home)
    yield _configuration(home)
    yield from _journals(where)
    yield _disk(where)
    yield _stops(where)
    yield _clock(where)


def _line(name: str, problem: str, found: str, mend: str, limit: str = "") -> CheckLine:
    if problem:
        return CheckLine(name, Health.CRITICAL, problem, limit, mend)
    return CheckLine(name, Health.HEALTHY, found, limit)


def _configuration(home: Path) -> CheckLine:
    try:
        settings = load(home / CONFIG_NAME)
    except WardenError as error:
        return _line("configuration", str(error), "", "startup")
    return _line("configuration", "", f"{CONFIG_NAME} holds, environment {settings.environment}", "startup")


def _journals(where: Places) -> Iterator[CheckLine]:
    """Walk each journal whole, and hold it against what others saw of it."""
    mend, paths = "startup#integrity-of-the-journals", [where.journal(role) for role in _JOURNALS]
    for path in paths:
        rows, problems = verify(path)
        yield _line(
            f"integrity.{path.stem}", "; ".join(problems[:3]), f"{rows} rows, every one follows", mend
        )
    seen = [text for role in _WITNESSES for text in cross_check(where.journal(role), paths)]
    yield _line("integrity.witness", "; ".join(seen[:3]), "every head that anybody saw is there", mend)


def _disk(where: Places) -> CheckLine:
    low = DiskFloor(where.state, SystemClock()).reason()
    return _line("disk", low, "room enough", "degraded-health#disk", "5 % or 1 GiB free")


def _stops(where: Places) -> CheckLine:
    state = Latch(where.stop).read()
    if state.unreadable:
        return _line("stop-directory", state.unreadable, "", "startup#mode")
    named = ", ".join(stop.stop_id for stop in state.stops)
    return _line("stop-directory", f"{named} stands" if named else "", "no stop stands", "emergency-stop")


def _clock(where: Places) -> CheckLine:
    newest_ns = 0
    for role in _JOURNALS:
        try:
            newest_ns = max([newest_ns, *(row.time_ns for row in tail(where.journal(role), 1))])
        except JournalBroken:
            continue  # its own line says so
    behind_s = newest_ns // NS_PER_S - int(time.time())
    late = f"the wall clock is {behind_s} s behind the newest row of a journal: it was set back"
    return _line(
        "clock",
        late if behind_s > _BEHIND_S_MAX else "",
        "not behind any journal" if newest_ns else "there is no journal yet",
        "startup#clock",
        f"{_BEHIND_S_MAX} s",
    )
