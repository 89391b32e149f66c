"""`warden emergency-stop`: the stop from the command line. Imports only what stops (I4)."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import shlex
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec

from warden.cli.home import find_home
from warden.cli.running import running
from warden.cli.words import say, warn
from warden.domain.errors import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, ConfigurationInvalid
from warden.domain.roles import Role
from warden.domain.stops import CleanUp, StopLevel
from warden.operator.stopping import order_stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warden.operator.stopping import StopResult

_MESSAGE_CHARS_MAX: Final = 1_000


class _WrongUsage(ConfigurationInvalid):
    """The operator must change the command's words."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _WrongUsage(f"{message}; see '{self.prog} --help'")


def run(given: Sequence[str]) -> int:
    """Stop the instance, say how far the stop is known to hold, and return the exit code.

    Raises:
        ConfigurationInvalid: wrong usage, or nothing says which instance.
    """
    try:
        words = _parser().parse_args(given)
    except SystemExit as error:  # --help
        return EXIT_USAGE if error.code else EXIT_DONE
    if not words.reason.strip():
        raise _WrongUsage("--reason is empty: say why, in a few words")
    home = find_home(words.home)
    # A terminal that goes away in the middle ends nothing of this.
    for number in (signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    result = order_stop(
        home,
        message=words.reason[:_MESSAGE_CHARS_MAX],
        operator=words.operator or _who(),
        policy=CleanUp(words.policy),
        on_level=None if words.json else _tell_aside,
    )
    with contextlib.suppress(OSError):  # nobody is there to read it: the exit code says it
        _say(home, result, json=words.json)
    return EXIT_FAILED if result.level is StopLevel.UNCONFIRMED else EXIT_DONE


def _say(home: Path, result: StopResult, *, json: bool) -> None:
    say(_json(result) if json else _text(result))
    if result.level is StopLevel.UNCONFIRMED:
        executors = [each.pid for each in running(home) if each.name == Role.EXECUTOR]
        for line in by_hand(home, result, executors):
            warn(line)


def by_hand(home: Path, result: StopResult, executors: Sequence[int]) -> list[str]:
    """Return what a person must do when the stop is not confirmed, one step a line, ready to be pasted.

    Args:
        home: the instance's home.
        result: how far the stop got.
        executors: pids of the executors that still run.
    """
    directory, latch = (shlex.quote(str(home / part)) for part in ("stop", f"stop/{result.stop_id}"))
    steps = [] if result.recorded else [f"mkdir -p {directory} && touch {latch} && sync {latch}"]
    if executors:
        steps.append(f"kill -KILL {' '.join(str(pid) for pid in executors)}")
    steps.append(f"warden status --home {shlex.quote(str(home))}")
    return [
        f"NOT CONFIRMED: {result.message}",
        "do this now by hand:",
        *(f"{number}. {step}" for number, step in enumerate(steps, 1)),
        f"{len(steps) + 1}. if that fails: switch this machine off",
    ]


def _parser() -> _Parser:
    parser = _Parser(
        prog="warden emergency-stop",
        description="Stop everything now. It works with any part dead or hung, and holds through restarts.",
        allow_abbrev=False,
    )
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why, for the journal")
    parser.add_argument("--operator", default="", metavar="NAME", help="who; default: your user's name")
    parser.add_argument(
        "--policy",
        choices=[each.value for each in CleanUp],
        default=CleanUp.CANCEL.value,
        help="what happens to pending transactions: hold leaves them, cancel (the default) replaces them, "
        "flatten closes positions too",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    parser.add_argument(
        "--home",
        type=Path,
        help="the instance's directory; else WARDEN_HOME, the directory at hand, the demo",
    )
    return parser


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return f"uid {os.getuid()}"


def _tell_aside(result: StopResult) -> None:
    """Tell of a level on a thread of its own: a terminal that is held (Ctrl-S) must not hold the stop."""
    threading.Thread(target=_tell, args=(result,), daemon=True).start()


def _tell(result: StopResult) -> None:
    line = f"{result.level.value} after {result.elapsed_ms:.0f} ms: {result.message}\n"
    with contextlib.suppress(OSError):
        os.write(2, line.encode(errors="replace"))  # past `sys.stderr`, whose lock the end would wait for


def _json(result: StopResult) -> str:
    return msgspec.json.encode(
        {
            "stop_id": result.stop_id,
            "level": result.level.value,
            "elapsed_ms": result.elapsed_ms,
            "in_flight": list(result.in_flight),
            "cleanup": result.cleanup,
            "recorded": result.recorded,
            "message": result.message,
        }
    ).decode()


def _text(result: StopResult) -> str:
    lines = [
        f"{result.level.value} after {result.elapsed_ms:.0f} ms: {result.message} (stop {result.stop_id})"
    ]
    if result.in_flight:
        lines.append(f"may still land on the chain (clean-up: {result.cleanup}):")
        lines += [f"  {each}" for each in result.in_flight]
    return "\n".join(lines)
