"""`warden clear-incident`: says that a security breach was looked into, by name and with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.cli.request import name_and_reason, put
from warden.wire.messages import ClearIncident

if TYPE_CHECKING:
    from pathlib import Path


def clear_incident(home: Path, *, stop_id: str, operator: str, reason: str, as_json: bool) -> int:
    """Ask the watchdog to clear the incident of one stop and return the exit code: 4 when it knows none.

    Raises:
        ConfigurationInvalid: a word is empty.
    """
    name_and_reason(operator, reason)
    return put(home, ClearIncident(operator=operator, reason=reason, stop_id=stop_id), as_json=as_json)
