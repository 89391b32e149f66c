"""First process of a trial's namespaces: mounts what a running Debian has, reaps, and ends with the trial."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from scripts.fresh import drive

DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}


def main() -> int:
    """Run the trial described by the JSON in the first argument.

    Returns:
        0 when it held. Whatever is still running then is ended by the kernel, for this is its init.
    """
    told = json.loads(sys.argv[1])
    root = Path(told["root"])
    _mount(root)
    trial = os.fork()
    if trial == 0:
        status = 1
        try:
            status = drive.run(root, told["user"], told["command"], told["variables"])
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    while True:
        pid, wait_status = os.wait()
        if pid == trial:
            return os.waitstatus_to_exitcode(wait_status)


def _mount(root: Path) -> None:
    for kind, options, name in (
        ("proc", "nosuid,nodev,noexec", "proc"),
        ("sysfs", "ro,nosuid,nodev,noexec", "sys"),
        ("tmpfs", "mode=755,size=1m", "dev"),
    ):
        _run_mount(kind, options, root / name)
    for name, (major, minor) in DEVICES.items():
        path = root / "dev" / name
        os.mknod(path, stat.S_IFCHR, os.makedev(major, minor))
        path.chmod(0o666)
    for name, target in LINKS.items():
        (root / "dev" / name).symlink_to(target)
    for name in ("shm", "pts"):
        (root / "dev" / name).mkdir()
    _run_mount("tmpfs", "mode=1777,nosuid,nodev", root / "dev" / "shm")
    _run_mount("devpts", "newinstance,ptmxmode=0666,mode=620", root / "dev" / "pts")


def _run_mount(kind: str, options: str, target: Path) -> None:
    subprocess.run(["mount", "-t", kind, "-o", options, kind, target], check=True)  # noqa: S607 - of every system


if __name__ == "__main__":
    sys.exit(main())
