"""Becomes a bot's program after seeing to it that it ends when the process that started it does.

`python -m warden.trader.leash PROGRAM ARGUMENT ...`: the kernel keeps the order to kill over the exec.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_NOT_FOUND: Final = 127


def main(arguments: list[str]) -> int:
    """Become the program; return the exit code of one that cannot be started."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.stderr.write("the kernel does not take the order to end it with its parent\n")
        return _NOT_FOUND
    if os.getppid() == 1:
        return _NOT_FOUND  # whoever started it is gone already
    try:
        os.execvp(arguments[0], arguments)  # noqa: S606 - what the operator configured, as it is written
    except OSError as error:
        sys.stderr.write(f"strategy.command {arguments[0]}: {error.strerror}\n")
    return _NOT_FOUND


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
