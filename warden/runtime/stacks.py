"""Where a process hangs: its Python stacks by py-spy, from outside and without stopping it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

_DUMP_S: Final = 3.0
_STACK_BYTES_MAX: Final = 256 * 1024
_STARTED: Final = 19  # field 22 of /proc/PID/stat, counted from after the command's name


def dump_stack(pid: int, stack_file: Path) -> str:
    """Write down where a process hangs, as well as can be; return the file, or empty when there is none.

    Takes three seconds at most. What py-spy says instead, where it may not look, stands in the file, too.
    """
    program = Path(sys.executable).parent / "py-spy"
    try:
        # Without stopping it: a process that was stopped by a signal must not be set going by the look.
        dump = subprocess.run(
            [program, "dump", "--nonblocking", "--pid", str(pid)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_DUMP_S,
            check=False,
        )
        stack_file.parent.mkdir(parents=True, exist_ok=True)
        stack_file.write_bytes((dump.stdout + dump.stderr)[:_STACK_BYTES_MAX])
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return str(stack_file)


def started_ticks(pid: int) -> int | None:
    """Return a process's start in clock ticks since boot: with the pid it names one for ever; None: gone."""
    try:
        # After the command's name, which may hold anything.
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[_STARTED])
    except (OSError, ValueError, IndexError):
        return None
