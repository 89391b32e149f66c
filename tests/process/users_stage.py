"""An installed system in namespaces of its own: its users stand in a private /etc, nothing outlives it.

Run as `unshare ... python -m tests.process.users_stage HOME`, which answers lines of JSON on standard input:
["as", user, words], ["root", words] -> [exit code, output]; it ends when standard input does.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.instance import REPOSITORY

COMMAND_LIMIT_S = 300
OPERATOR = "alice"
HOME_MIB = 200
ANSWER_FD = 3


def main() -> None:
    """Prepare, then obey."""
    home = Path(sys.argv[1])
    prepare(home)
    answers = os.fdopen(ANSWER_FD, "w", encoding="utf-8")
    answers.write(json.dumps([0, "ready"]) + "\n")
    answers.flush()
    for line in sys.stdin:
        user, words, limit_s = json.loads(line)
        answers.write(json.dumps(run(user, words, limit_s)) + "\n")
        answers.flush()


def run(user: str, words: list[str], limit_s: float) -> tuple[int, str]:
    """Run a command as a user, all of whose groups count, and return its exit code and what it said."""
    entry = pwd.getpwnam(user)
    groups = [each.gr_gid for each in grp.getgrall() if user in each.gr_mem]
    command = [str(REPOSITORY / ".venv/bin/python"), *words] if words[0].startswith("-") else words
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"},
            user=entry.pw_uid,
            group=entry.pw_gid,
            extra_groups=groups,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return 124, f"{error}: {(error.stdout or b'').decode()}"
    return done.returncode, done.stdout.decode()


def prepare(home: Path) -> None:
    """A private /etc, a small disk, a way for all to the interpreter and the clone, a loopback device."""
    own = Path(tempfile.mkdtemp(prefix="etc-", dir=home.parent))
    shutil.copytree("/etc", own / "etc", symlinks=True, ignore_dangling_symlinks=True)
    mount("--bind", str(own / "etc"), "/etc")
    open_way([Path(sys.base_prefix).resolve(), REPOSITORY], own)
    home.mkdir()
    mount("-t", "tmpfs", "-o", f"size={HOME_MIB}m,mode=755", "tmpfs", str(home))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)  # noqa: S607 - of the system
    subprocess.run(["useradd", "--no-create-home", OPERATOR], check=True)  # noqa: S607 - of the system


def open_way(paths: list[Path], scratch: Path) -> None:
    """Mount what lies behind a directory that only root may pass on an open one in its place."""
    behind: dict[Path, list[Path]] = {}
    for path in paths:
        hidden = next((each for each in reversed(path.parents) if each.stat().st_mode & 0o001 == 0), None)
        if hidden is not None:
            behind.setdefault(hidden, []).append(path)
    for number, (hidden, needed) in enumerate(behind.items()):
        stashes = []
        for index, path in enumerate(needed):
            stash = scratch / f"stash-{number}-{index}"
            stash.mkdir()
            mount("--bind", str(path), str(stash))
            stashes.append((path, stash))
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(hidden))
        for path, stash in stashes:
            path.mkdir(parents=True, exist_ok=True)
            mount("--bind", str(stash), str(path))


def mount(*arguments: str) -> None:
    """Call mount, which must succeed."""
    subprocess.run(["mount", *arguments], check=True)  # noqa: S607 - of the system


if __name__ == "__main__":
    main()
