"""Run as a script: tie the process to its parent's life, then become the command that is given.

`python -I -S leash.py PARENT_PID COMMAND...`: the kernel sends SIGTERM to the command when the parent ends,
however it ends. A `preexec_fn` would do the same but runs Python between fork and exec of a process with
threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Take the parent's pid and the command from the command line; never returns."""
    parent_pid = int(sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        sys.exit(f"prctl failed: {os.strerror(ctypes.get_errno())}")
    # The parent may have ended before the call above: then nobody would send the signal.
    if os.getppid() != parent_pid:
        sys.exit("the parent ended first")
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 # no shell: the command is the caller's own list


if __name__ == "__main__":
    main()
