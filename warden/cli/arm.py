"""`warden arm`: lets trading begin, by name and with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.cli.request import name_and_reason, put
from warden.wire.messages import Arm

if TYPE_CHECKING:
    from pathlib import Path


def arm(home: Path, *, operator: str, reason: str, as_json: bool) -> int:
    """Ask the watchdog to arm and return the exit code: 4 when it refuses."""
    name_and_reason(operator, reason)
    return put(home, Arm(operator=operator, reason=reason), as_json=as_json)
