"""`warden recover`: clears stops and arms, by name and with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.cli.request import name_and_reason, put
from warden.domain.errors import ConfigurationInvalid
from warden.domain.stops import STOP_ID
from warden.wire.messages import Recover

if TYPE_CHECKING:
    from pathlib import Path


def recover(
    home: Path,
    *,
    operator: str,
    reason: str,
    stop_ids: tuple[str, ...],
    approver: str,
    reset: bool,
    as_json: bool,
) -> int:
    """Ask the watchdog to clear `stop_ids` (all that stand, when empty) and arm; return the exit code.

    Raises:
        ConfigurationInvalid: a word is empty or cannot be a stop's id.
    """
    name_and_reason(operator, reason)
    for stop_id in stop_ids:
        if not STOP_ID.fullmatch(stop_id):
            raise ConfigurationInvalid(
                f"--stop {stop_id!r} cannot be a stop's id: 'warden status' lists them"
            )
    request = Recover(operator=operator, reason=reason, stop_ids=stop_ids, approver=approver, reset=reset)
    return put(home, request, as_json=as_json)
