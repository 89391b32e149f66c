"""Putting an operator's request to the watchdog or the executor, for the commands that do nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from warden.cli.running import running
from warden.cli.words import say, warn
from warden.domain.errors import EXIT_DONE, ConfigurationInvalid, NotRunning, WardenError
from warden.domain.modes import Mode
from warden.operator.link import ask
from warden.operator.orders import order, risk_report
from warden.runtime.places import places
from warden.wire.messages import OperatorReply

if TYPE_CHECKING:
    from pathlib import Path

    from warden.wire.messages import OperatorRequest
    from warden.wire.orders import OrderRequest, RiskReport


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
    return told(asked(home, request), as_json=as_json, with_mode=True)


def asked(home: Path, request: OperatorRequest) -> OperatorReply:
    """Ask the watchdog and return its answer.

    Raises:
        NotRunning: nothing runs, or the watchdog does not answer.
    """
    _refuse_without(home)
    return ask(places(home).home, request)


def put_order(home: Path, request: OrderRequest, *, as_json: bool) -> int:
    """Put an order to the executor, print its answer and return its exit code.

    Raises:
        NotRunning: nothing runs, or the executor does not answer.
    """
    return told(ordered(home, request), as_json=as_json)


def ordered(home: Path, request: OrderRequest) -> OperatorReply:
    """Put an order to the executor and return its answer.

    Raises:
        NotRunning: nothing runs, or the executor does not answer.
    """
    _refuse_without(home)
    reply = order(places(home).home, request)
    if not isinstance(reply, OperatorReply):
        raise WardenError("the executor's answer is to another question: is it of this version?")
    return reply


def report_of(home: Path) -> RiskReport:
    """Return what the executor's risk rules say now.

    Raises:
        NotRunning: nothing runs, or the executor does not answer.
        WardenError: it cannot tell now.
    """
    _refuse_without(home)
    return risk_report(places(home).home)


def told(reply: OperatorReply, *, as_json: bool, with_mode: bool = False) -> int:
    """Print an answer and return its exit code."""
    if as_json:
        mode = {"mode": _mode(reply)} if with_mode else {}
        say(msgspec.json.encode({"exit_code": reply.exit_code, "message": reply.message, **mode}).decode())
    elif reply.exit_code == EXIT_DONE:
        say(reply.message)
    else:
        warn(reply.message)
    return reply.exit_code


def _refuse_without(home: Path) -> None:
    if not running(home):
        # Else the link would wait for somebody whom nobody starts.
        raise NotRunning(f"{home}: nothing runs; start it with 'warden up'")


def _mode(reply: OperatorReply) -> str | None:
    try:
        return Mode(reply.mode).name
    except ValueError:  # a later version's mode
        return None
