"""Runs the trials: each user and command has a bare Debian of its own, with the last commit of this clone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.fresh import base, carried
from scripts.provision import machine
from scripts.provision.child import say
from scripts.provision.refusals import MachineLacks, SetupError

COMMANDS = ("demo", "test")
USERS = ("root", "plain")
ROOT = Path(__file__).resolve().parents[2]
NEEDED_MB = 3_000
LIMIT_S = 2 * 3600


def main(*, only: str | None, user: str | None) -> int:
    """Run the trials that were asked for, one after the other.

    Args:
        only: `demo` or `test`; both when None.
        user: `root` or `plain`; both when None.

    Returns:
        0 all held; 1 one did not; 2 this machine can't run them.
    """
    try:
        results = _run([only] if only else list(COMMANDS), [user] if user else list(USERS))
    except SetupError as refused:
        sys.stderr.write(f"scripts/test --fresh: {refused}\n")
        return refused.exit_code
    for title, (status, seconds) in results.items():
        say(f"{'held  ' if status == 0 else 'FAILED'}  {title}  ({seconds:.0f} s)")
    return 0 if all(status == 0 for status, _ in results.values()) else 1


def _run(commands: list[str], users: list[str]) -> dict[str, tuple[int, float]]:
    if os.geteuid() != 0:
        raise MachineLacks("needs root: it mounts, changes root and makes namespaces")
    if shutil.which("unshare") is None:
        raise MachineLacks("unshare not found: apt-get install util-linux")
    directory = ROOT / ".setup" / "fresh"
    directory.mkdir(parents=True, exist_ok=True)
    machine.refuse_disk(directory, NEEDED_MB)
    archive = base.ensure(directory)
    results = {}
    with tempfile.TemporaryDirectory(dir=directory, prefix="trial-") as scratch:
        bundle = _bundle(Path(scratch))
        for user in users:
            for command in commands:
                title = f"scripts/{command} as {'root' if user == 'root' else 'an ordinary user'}"
                say(f"== {title}, on a bare Debian")
                started = time.monotonic()
                status = _one(Path(scratch) / "root", archive, bundle, user, command)
                results[title] = (status, time.monotonic() - started)
    return results


def _bundle(directory: Path) -> Path:
    """The last commit, in one file that git can clone from."""
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
    changed = subprocess.run(
        [*git, "status", "--porcelain"], capture_output=True, text=True, check=True
    ).stdout
    if changed:
        say(f"note: {len(changed.splitlines())} uncommitted changes of this clone are not tried")
    bundle = directory / "warden.bundle"
    subprocess.run([*git, "bundle", "create", "--quiet", bundle, "HEAD"], check=True)
    return bundle


def _one(root: Path, archive: Path, bundle: Path, user: str, command: str) -> int:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    subprocess.run(["tar", "-C", root, "-xf", archive], check=True)  # noqa: S607 - of every system
    carried.carry(root)
    shutil.copyfile(bundle, root / "srv" / bundle.name)
    (root / "srv" / bundle.name).chmod(0o644)
    told = {"root": str(root), "user": user, "command": command, "variables": carried.variables(root)}
    separate = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
    try:
        done = subprocess.run(
            [*separate, sys.executable, "-m", "scripts.fresh.inside", json.dumps(told)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        say(f"   not ended after {LIMIT_S} s")
        return 1
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return done.returncode
