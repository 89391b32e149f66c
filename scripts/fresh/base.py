"""The bare Debian 12 that each trial starts from: made once, kept as one file."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

from scripts.check import debian
from scripts.fresh import carried
from scripts.provision.child import Progress, Runner, say
from scripts.provision.refusals import FetchFailed, MachineLacks

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = ("python3", "git", "ca-certificates")
USER = "plain"
LIMIT_S = 1800.0
DAY_S = 86_400


def ensure(directory: Path) -> Path:
    """The archive of the bare system, made with debootstrap when there is none.

    Args:
        directory: Where it is kept.

    Raises:
        MachineLacks: debootstrap is not there.
        FetchFailed: debootstrap did not succeed.
    """
    archive = directory / f"{carried.RELEASE}.tar"
    if archive.exists():
        age_days = (time.time() - archive.stat().st_mtime) / DAY_S
        say(f"bare Debian: {archive}, {age_days:.0f} days old (remove it to renew it)")
        return archive
    if (debootstrap := debian.where("debootstrap")) is None:
        raise MachineLacks("debootstrap not found: apt-get install debootstrap")
    directory.mkdir(parents=True, exist_ok=True)
    say("bare Debian: debootstrap fetches about 100 MB, 400 MB are kept in .setup/fresh")
    root = directory / "making"
    shutil.rmtree(root, ignore_errors=True)
    progress = Progress("debootstrap")
    last = ["starting"]
    runner = Runner(dict(os.environ), directory / "log", ())
    mirror = carried.mirror()
    done = runner.run(
        "debootstrap",
        [
            debootstrap,
            "--variant=minbase",
            f"--include={','.join(PACKAGES)}",
            carried.RELEASE,
            root,
            *([mirror] if mirror else []),
        ],
        limit_s=LIMIT_S,
        on_line=lambda line: last.__setitem__(0, line.removeprefix("I: ")),
        on_tick=lambda: progress.show(last[0]),
    )
    if done.status != 0:
        progress.clear()
        raise FetchFailed(f"debootstrap failed: {last[0]} ({directory / 'log' / 'debootstrap.log'})")
    subprocess.run(
        ["chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", USER],  # noqa: S607 - of coreutils
        check=True,
    )
    # Bare means bare: no package lists, no archives of packages.
    for name in ("var/lib/apt/lists", "var/cache/apt"):
        shutil.rmtree(root / name)
        (root / name).mkdir()
    fresh = archive.with_suffix(".new")
    subprocess.run(["tar", "-C", root, "-cf", fresh, "."], check=True)  # noqa: S607 - of every system
    fresh.replace(archive)
    shutil.rmtree(root)
    progress.end("kept")
    return archive
