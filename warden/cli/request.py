"""Putting an operator's request to the watchdog, for the commands that do nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from warden.cli.running import running
from warden.cli.words import say, warn
from warden.domain.errors import EXIT_DONE, ConfigurationInvalid, NotRunning
from warden.domain.modes import Mode
from warden.operator.link import ask
from warden.runtime.places import places

if TYPE_CHECKING:
    from pathlib import Path

    from warden.wire.messages import OperatorReply, OperatorRequest


def name_and_reason(operator: str, reason: str) -> None:
    """Refuse empty words where a name and a reason are asked for (I7).

    Raises:
        ConfigurationInvalid: one of them is empty.
    """
    for option, value in (("--operator", operator), ("--reason", reason)):
        if not value.strip():
            raise ConfigurationInvalid(f"{option} is empty: it goes into the journal")


def put(home: Path, request: OperatorRequest, *, as_json: bool) -> int:
    """Ask the watchdog, print its answer and return its exit code.

    Raises:
        NotRunning: nothing runs, or the watchdog does not answer.
    """
    if not running(home):
        # Else the link would wait for a watchdog that nobody starts.
        raise NotRunning(f"{home}: nothing runs; start it with 'warden up'")
    reply = ask(places(home).home, request)
    if as_json:
        say(
            msgspec.json.encode(
                {"exit_code": reply.exit_code, "message": reply.message, "mode": _mode(reply)}
            ).decode()
        )
    elif reply.exit_code == EXIT_DONE:
        say(reply.message)
    else:
        warn(reply.message)
    return reply.exit_code


def _mode(reply: OperatorReply) -> str | None:
    try:
        return Mode(reply.mode).name
    except ValueError:  # a later version's mode
        return None
