"""`warden recover`: clears stops and arms, by name and with a reason."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import msgspec

from warden.cli.request import asked, name_and_reason, ordered, told
from warden.domain.errors import EXIT_DONE, EXIT_FAILED, ConfigurationInvalid, WardenError
from warden.domain.stops import STOP_ID
from warden.runtime.latch import Latch
from warden.runtime.places import places
from warden.wire.messages import Recover, ResetBaseline
from warden.wire.orders import ResetBaselines

if TYPE_CHECKING:
    from pathlib import Path

    from warden.wire.messages import OperatorReply


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

    With `reset` watchdog and executor begin streaks and baselines anew (ES5); where no stop stands they do
    only that, so that a reset that failed can be repeated.

    Raises:
        ConfigurationInvalid: a word is empty or cannot be a stop's id.
    """
    name_and_reason(operator, reason)
    for stop_id in stop_ids:
        if not STOP_ID.fullmatch(stop_id):
            raise ConfigurationInvalid(
                f"--stop {stop_id!r} cannot be a stop's id: 'warden status' lists them"
            )
    anew = ResetBaselines(operator=operator, reason=reason)
    if reset and not stop_ids and Latch(places(home).stop).is_clear():
        reply = asked(home, ResetBaseline(operator, reason))
        return told(
            _with_reset(home, anew, reply) if reply.exit_code == EXIT_DONE else reply, as_json=as_json
        )
    request = Recover(operator=operator, reason=reason, stop_ids=stop_ids, approver=approver, reset=reset)
    reply = asked(home, request)
    if reset and reply.exit_code == EXIT_DONE:
        reply = _with_reset(home, anew, reply)
    return told(reply, as_json=as_json, with_mode=True)


def _with_reset(home: Path, anew: ResetBaselines, recovered: OperatorReply) -> OperatorReply:
    """Have the executor begin anew and return what to say of both."""
    try:
        reply = ordered(home, anew)
    except WardenError as error:
        wrong = str(error)
    else:
        if reply.exit_code == EXIT_DONE:
            return msgspec.structs.replace(recovered, message=f"{recovered.message}; {reply.message}")
        wrong = reply.message
    again = shlex.join(
        (
            "warden",
            "recover",
            "--reset",
            "--operator",
            anew.operator,
            "--reason",
            anew.reason,
            "--home",
            str(home),
        )
    )
    message = f"{recovered.message}; but streaks and baselines were NOT reset: {wrong}; repeat with: {again}"
    return msgspec.structs.replace(recovered, exit_code=EXIT_FAILED, message=message)
