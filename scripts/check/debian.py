"""Programs of the system that tests marked `system` use, and the Debian packages that bring them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from scripts.provision.child import say

PACKAGE_OF = {
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "mkfs.ext4": "e2fsprogs",
    "mount": "mount",
    "nft": "nftables",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "strace": "strace",
    "tc": "iproute2",
    "tmux": "tmux",
    "unshare": "util-linux",
    "useradd": "passwd",
}
INSTALL_LIMIT_S = 900


def where(tool: str) -> str | None:
    """The path of a program, or None; also looks where administrators' programs lie."""
    return shutil.which(tool) or shutil.which(tool, path="/usr/local/sbin:/usr/sbin:/sbin")


def lacking() -> list[str]:
    """The Debian packages whose programs this machine lacks, sorted."""
    return sorted({package for tool, package in PACKAGE_OF.items() if where(tool) is None})


def install_lacking() -> None:
    """Install what is lacking when root on a Debian; otherwise name it, and let its tests fail."""
    packages = lacking()
    if not packages:
        return
    if os.geteuid() != 0 or where("apt-get") is None:
        sys.stderr.write(
            f"scripts/test: lacking, so their tests will fail: apt-get install {' '.join(packages)}\n"
        )
        return
    say(f"Installing Debian packages that tests marked system use: {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *packages]):
        try:
            done = subprocess.run(
                ["apt-get", *command],  # noqa: S607 - found on the PATH above
                env=environment,
                stdin=subprocess.DEVNULL,
                timeout=INSTALL_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"scripts/test: apt-get {command[0]} took longer than {INSTALL_LIMIT_S} s\n")
            return
        if done.returncode != 0:
            sys.stderr.write(
                f"scripts/test: apt-get {command[0]} failed (status {done.returncode}), see above\n"
            )
