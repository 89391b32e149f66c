"""`warden health-check`: what is unhealthy, one line each; nothing is done about it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.cli.picture import Picture, take_picture
from warden.cli.ready import expected, not_ready
from warden.cli.running import SUPERVISORD
from warden.cli.words import say, warn
from warden.domain.errors import EXIT_DONE, EXIT_FAILED, EXIT_NOT_RUNNING
from warden.domain.modes import Environment

if TYPE_CHECKING:
    from pathlib import Path

_HEALTHY_ENDPOINT: Final = "ok"


def health_check(home: Path, *, as_json: bool) -> int:
    """Print what is unhealthy and return the exit code: 0 nothing, 1 something, 3 nothing runs.

    Raises:
        ConfigurationInvalid: there is no instance at `home`.
    """
    picture = take_picture(home)
    problems = problems_of(picture) if picture.found else ["nothing runs: start it with 'warden up'"]
    code = EXIT_NOT_RUNNING if not picture.found else EXIT_FAILED if problems else EXIT_DONE
    if as_json:
        say(
            msgspec.json.encode(
                {"healthy": not problems, "mode": picture.view.word.value, "problems": problems}
            ).decode()
        )
    elif problems:
        for line in problems:
            warn(line)
    else:
        say(f"{home}: healthy, {picture.view.word}")
    return code


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
