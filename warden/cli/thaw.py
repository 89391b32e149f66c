"""`warden thaw`: lets a frozen trader run again, by name and with a reason; it trades when armed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.cli.freeze import process_called, traders_of
from warden.cli.request import name_and_reason, put
from warden.domain.roles import role_of, strategy_of
from warden.wire.messages import Thaw

if TYPE_CHECKING:
    from pathlib import Path


def thaw(home: Path, name: str, *, operator: str, reason: str, as_json: bool) -> int:
    """Ask the watchdog to thaw the process called `name`; return the exit code: 4 when it refuses.

    Raises:
        ConfigurationInvalid: no such process, or an empty word.
    """
    name_and_reason(operator, reason)
    called = process_called(name, traders_of(home))
    request = Thaw(
        operator=operator, reason=reason, role=role_of(called), name=called if strategy_of(called) else ""
    )
    return put(home, request, as_json=as_json)
