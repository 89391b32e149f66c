"""Runs a program in another time: `python -m tests.process.elsewhen SHIFT_S BOOT_ID COMMAND...`, as root.

SHIFT_S moves CLOCK_BOOTTIME and CLOCK_MONOTONIC (a time namespace of its own); with a BOOT_ID other than "-"
the kernel's is another one (a file is mounted over it). The process becomes the command: no shell, no child.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

CLONE_NEWTIME: Final = 0x80
CLONE_NEWNS: Final = 0x20000
BOOT_ID: Final = "/proc/sys/kernel/random/boot_id"
AS_IT_IS: Final = "-"


def main() -> None:
    """Leave for the other time, and become the command.

    Raises:
        OSError: the kernel does not let us.
    """
    shift_s, boot_id, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    libc = ctypes.CDLL(None, use_errno=True)
    if boot_id != AS_IT_IS:
        _checked(libc.unshare(CLONE_NEWNS))
        _mount("--make-rprivate", "/")
        with tempfile.NamedTemporaryFile("w", delete=False) as file:
            file.write(f"{boot_id}\n")
        _mount("--bind", file.name, BOOT_ID)
        Path(file.name).unlink()
    _checked(libc.unshare(CLONE_NEWTIME))
    Path("/proc/self/timens_offsets").write_text(
        f"monotonic {shift_s} 0\nboottime {shift_s} 0\n", encoding="ascii"
    )
    # The namespace is for children; by this we go there ourselves, so that the pid stays what was started.
    handle = os.open("/proc/self/ns/time_for_children", os.O_RDONLY | os.O_CLOEXEC)
    _checked(libc.setns(handle, CLONE_NEWTIME))
    os.close(handle)
    os.execv(command[0], command)  # noqa: S606 - a list, no shell


def _checked(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)  # noqa: S607 - of the system


if __name__ == "__main__":
    main()
