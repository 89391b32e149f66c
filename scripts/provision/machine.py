"""What the machine must offer. Everything is looked at before the first byte is fetched."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.provision.refusals import MachineLacks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scripts.provision.place import Place

ARCHITECTURE = "x86_64"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
CA_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
MB = 1_000_000
# Files of the environment and of the npm packages; measured 13,000, with room.
INODES_NEEDED = 25_000


def refuse_architecture(machine: str, system: str) -> None:
    """Refuse a machine for which the chain node has no binary in the lock.

    Args:
        machine: As `uname -m` gives it.
        system: As `uname -s` gives it.

    Raises:
        MachineLacks: Not 64-bit x86 Linux.
    """
    if (system, machine) != ("Linux", ARCHITECTURE):
        raise MachineLacks(
            f"this is {system} on {machine}; the local chain node (anvil) that demo and tests need is locked "
            f"for Linux on {ARCHITECTURE} only: use such a machine"
        )


def refuse_directory(place: Place) -> None:
    """Refuse a clone that can't be written, or from which nothing can be executed.

    Raises:
        MachineLacks: Read-only, owned by another user, or mounted noexec.
    """
    for directory in (place.root, place.setup):
        try:
            directory.mkdir(exist_ok=True)
            probe = directory / f".writable-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as problem:
            if problem.errno == errno.ENOSPC:
                raise MachineLacks(f"no space left on the disk of {directory}: free some") from problem
            raise MachineLacks(
                f"cannot write in {directory} ({problem.strerror}): use a clone that belongs to you "
                f"(here: user {os.geteuid()}), on a disk that is not read-only"
            ) from problem
    if os.statvfs(place.root).f_flag & os.ST_NOEXEC:
        raise MachineLacks(
            f"{place.root} lies on a disk mounted noexec, so no program can be started from it: "
            "clone to another place, or mount it with exec"
        )


def refuse_disk(directory: Path, needed_mb: int) -> None:
    """Refuse when the disk has less room than set-up will take.

    Args:
        directory: Where it will be written.
        needed_mb: Megabytes (10^6 bytes) that must be free.

    Raises:
        MachineLacks: Too few bytes or too few inodes are free.
    """
    free_mb = shutil.disk_usage(directory).free // MB
    if free_mb < needed_mb:
        raise MachineLacks(
            f"{directory} has {free_mb} MB free and set-up needs {needed_mb} MB: free "
            f"{needed_mb - free_mb} MB or clone to another disk"
        )
    inodes = os.statvfs(directory)
    if inodes.f_files and inodes.f_favail < INODES_NEEDED:
        raise MachineLacks(
            f"{directory} has {inodes.f_favail} free inodes and set-up needs {INODES_NEEDED}: "
            "remove some files"
        )


def refuse_tools(environment: Mapping[str, str]) -> None:
    """Refuse a machine without apt.

    Raises:
        MachineLacks: `apt-get` or `dpkg-deb` is not on the PATH.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool, path=environment.get("PATH")) is None:
            raise MachineLacks(f"{tool} not found: set-up needs Debian 12 or later, or a system built on it")


def certificates(environment: Mapping[str, str]) -> Path | None:
    """The bundle that pip is to trust: what the variables name, else the system's; None without any."""
    named = [Path(environment[name]) for name in CA_VARIABLES if environment.get(name)]
    return next((bundle for bundle in [*named, CA_BUNDLE] if bundle.is_file()), None)
