"""The `warden` command's entry: errors become one line and an exit code, never a traceback."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Final

from warden.cli.words import warn
from warden.domain.errors import EXIT_FAILED, WardenError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_EXIT_INTERRUPTED: Final = 130
# A closed pipe, and a terminal that is gone.
_NOBODY_READS: Final = frozenset({errno.EPIPE, errno.EIO})
_STOP: Final = "emergency-stop"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code (DESIGN §11).

    Args:
        arguments: for tests; the command line otherwise.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(lambda: _run(given))


def guarded(command: Callable[[], int]) -> int:
    """Return a command's exit code; whatever it raises becomes one line and a code."""
    try:
        code = command()
        sys.stdout.flush()
    except WardenError as error:
        warn(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        warn("interrupted")
        return _EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a person gets one line; what it was stands in it
        if isinstance(error, OSError) and error.errno in _NOBODY_READS:
            # Whoever read our output has gone; nothing more may be written, at exit neither.
            nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            return EXIT_FAILED
        warn(f"broke: {type(error).__name__}: {error} (at {_where(error)}); please report this")
        return EXIT_FAILED
    return code


def _run(given: list[str]) -> int:
    if given[:1] == [_STOP]:
        # The stop does not wait for the other commands' libraries to load.
        from warden.cli.emergency_stop import run  # noqa: PLC0415

        return run(given[1:])
    from warden.cli.app import run_app  # noqa: PLC0415

    return run_app(given)


def _where(error: BaseException) -> str:
    """Return the innermost place of an error, file and line."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "nowhere"
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119 - a name only
