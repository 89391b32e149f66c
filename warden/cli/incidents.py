"""`warden incidents`: the folders that were written of stops, trips and kills. Nothing need run for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from warden.cli.words import say
from warden.domain.errors import EXIT_DONE, ConfigurationInvalid
from warden.incident.folder import REPORT, cases, find
from warden.runtime.places import places

if TYPE_CHECKING:
    from pathlib import Path

    from warden.incident.case import Case


def list_incidents(home: Path, *, as_json: bool) -> int:
    """Print one line for each incident, oldest first, and return the exit code."""
    found = list(cases(places(home).incidents))
    if as_json:
        say(msgspec.json.encode({"incidents": [_plain(each) for each in found]}).decode())
    elif not found:
        say("no incident is written down")
    else:
        for each in found:
            say(_line(each))
    return EXIT_DONE


def show_incident(home: Path, which: str) -> int:
    """Print an incident's report and return the exit code.

    Raises:
        ConfigurationInvalid: there is no such incident, or more than one, or its report cannot be read.
    """
    path = find(places(home).incidents, which) / REPORT
    try:
        say(path.read_text(encoding="utf-8").rstrip())
    except OSError as error:
        raise ConfigurationInvalid(
            f"{path}: {error.strerror}; the folder may hold timeline.jsonl all the same"
        ) from error
    return EXIT_DONE


def _line(case: Case) -> str:
    more = len(case.happenings) + case.more - 1
    rest = f" (and {more} more)" if more else ""
    state = "" if case.complete else " (still being written)"
    return f"{case.id}  {case.worst.severity:8}  {case.worst.message[:100]}{rest}{state}"


def _plain(case: Case) -> dict[str, object]:
    worst = case.worst
    return {
        "id": case.id,
        "time": case.first.time,
        "kind": worst.kind,
        "severity": worst.severity,
        "message": worst.message,
        "runbook": worst.runbook,
        "stops": list(case.stop_ids),
        "happenings": len(case.happenings) + case.more,
        "complete": case.complete,
    }
