"""`warden health-check`: every check and component with what was found, the limit and the mend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.cli.offline_checks import offline
from warden.cli.picture import Picture, take_picture
from warden.cli.ready import expected, not_ready
from warden.cli.running import SUPERVISORD
from warden.cli.table import aligned
from warden.cli.words import say, warn
from warden.domain.errors import EXIT_DONE, EXIT_FAILED, EXIT_NOT_RUNNING, NotRunning
from warden.domain.health import CheckLine, fails, score_text, worst
from warden.domain.modes import Environment
from warden.domain.money import BPS_ONE
from warden.operator.asking import answer_to
from warden.wire.addresses import CONTROL
from warden.wire.checks import AskChecks, CheckTable

if TYPE_CHECKING:
    from pathlib import Path

_HEALTHY_ENDPOINT: Final = "ok"
_NOTHING_RUNS: Final = "nothing runs: start it with 'warden up'"


class Found(msgspec.Struct, frozen=True):
    """What there is to show: `problems` one line each, empty when all is well.

    Attributes:
        components: of health (HM2), as the watchdog judges them; none while it is silent.
        score_bps: of health; None where it is not known.
    """

    problems: tuple[str, ...]
    checks: tuple[CheckLine, ...]
    components: tuple[CheckLine, ...] = ()
    score_bps: int | None = None


def health_check(home: Path, *, as_json: bool) -> int:
    """Print every check and return the exit code: 0 all is well, 1 something fails, 3 nothing runs.

    Where nothing runs, what can be seen from outside is checked.

    Raises:
        ConfigurationInvalid: there is no instance at `home`.
    """
    picture = take_picture(home)
    if not picture.found:
        lines = tuple(offline(home))
        _show(home, picture, Found((_NOTHING_RUNS, *_failing(lines)), lines), as_json=as_json)
        return EXIT_NOT_RUNNING
    found = _found(home, picture)
    _show(home, picture, found, as_json=as_json)
    return EXIT_FAILED if found.problems else EXIT_DONE


def _found(home: Path, picture: Picture) -> Found:
    problems, health = problems_of(picture), picture.view.health
    components = () if health is None else health.lines
    score_bps = None if health is None else health.score_bps
    try:
        table: CheckTable = answer_to(home, CONTROL, AskChecks(), CheckTable)
    except NotRunning as error:
        problems += [f"checks: {error}", *_failing(components, "component")]
        return Found(tuple(problems), (), components, score_bps)
    problems += [f"check {name}: not answered yet" for name in table.awaited]
    if not table.complete:
        problems.append("checks: not every process has done them anew in 8 s; what is shown was found before")
    problems += [*_failing(table.lines), *_failing(components, "component")]
    return Found(tuple(problems), table.lines, components, score_bps)


def _failing(lines: tuple[CheckLine, ...], kind: str = "check") -> list[str]:
    return [
        f"{kind} {line.name} fails: {line.found}"
        + (f", limit {line.limit}" if line.limit else "")
        + (f"; runbook {line.mend}" if line.mend else "")
        for line in lines
        if fails(line)
    ]


def _show(home: Path, picture: Picture, found: Found, *, as_json: bool) -> None:
    if as_json:
        shown: dict[str, Any] = {
            "healthy": not found.problems,
            "mode": picture.view.word.value,
            "status": worst(line.status for line in (*found.checks, *found.components)),
            "score": None if found.score_bps is None else found.score_bps / BPS_ONE,
            "problems": found.problems,
            "checks": [_plain(line) for line in found.checks],
            "components": [_plain(line) for line in found.components],
        }
        say(msgspec.json.encode(shown).decode())
        return
    for kind, lines in (("check", found.checks), ("component", found.components)):
        rows = [(line.status.value, line.name, line.found, line.limit, line.mend) for line in lines]
        if rows:
            for text in aligned([("status", kind, "found", "limit", "mend"), *rows]):
                say(text)
            say("")
    if found.score_bps is not None:
        say(f"health score {score_text(found.score_bps)} of 1")
    for problem in found.problems:
        warn(problem)
    if not found.problems:
        say(f"{home}: healthy, {picture.view.word}")


def _plain(line: CheckLine) -> dict[str, Any]:
    """Return a line under the names that scripts rely on."""
    passes = not fails(line)
    return {
        "name": line.name,
        "status": line.status.value,
        "passes": passes,
        "found": line.found,
        "limit": line.limit,
        "mend": line.mend,
    }


def problems_of(picture: Picture) -> list[str]:
    """Return what is unhealthy in `picture`, one line each."""
    view = picture.view
    problems = [] if any(each.name == SUPERVISORD for each in picture.found) else ["supervisord: not running"]
    problems += [f"stop {stop.id} stands: {stop.reason} {stop.message}" for stop in view.stops]
    if view.stop_dir:
        problems.append(f"stop directory: {view.stop_dir}")
    if not view.environment:
        problems.append("settings: there is no frozen copy")
    else:
        missing = not_ready(view, expected(Environment(view.environment), picture.snapshot.traders))
        problems += [f"{name}: {state}" for name, state in missing.items()]
    if view.money.seen.stale:
        problems.append("executor: its book is unknown")
    elif view.money.breaker != "CLOSED":
        problems.append(f"circuit breaker: {view.money.breaker}")
    if view.endpoints.seen.stale:
        problems.append("endpoints: unknown, the gateway is silent")
    elif view.endpoints.head_seen.stale:
        problems.append("chain: its head does not advance")
    problems += [
        f"endpoint {line.name}: {line.state}"
        for line in view.endpoints.lines
        if not view.endpoints.seen.stale and line.state != _HEALTHY_ENDPOINT
    ]
    return problems
