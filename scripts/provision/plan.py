"""Says before anything is fetched what it will be, how large, and where it goes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scripts.provision.place import Place

# Beyond what is installed: caches of what is being fetched, the lists of Debian, room to unpack.
PIP_FETCH_MB, PIP_WORK_MB = 12, 100


@dataclass(frozen=True)
class Part:
    """One thing to fetch.

    Attributes:
        title: What it is.
        fetch_mb: Megabytes (10^6) that come over the network.
        disk_mb: Megabytes that stay on the disk.
        work_mb: Megabytes of disk needed only meanwhile.
    """

    title: str
    fetch_mb: int
    disk_mb: int
    work_mb: int


def parts(place: Place, packages: str, *, pip: bool, python: bool, npm: bool, node: bool) -> list[Part]:
    """What is still to be fetched, with the sizes that `scripts/lock` measured.

    Args:
        place: The clone.
        packages: The lock's name.
        pip: Whether pip is missing.
        python: Whether the Python packages are missing or others.
        npm: Whether the npm packages are missing or others.
        node: Whether npm itself is missing.
    """
    sizes = json.loads((place.root / "locks" / "sizes.json").read_bytes())
    found = []
    if pip:
        found.append(
            Part("pip, from the Debian archive (lists and one package)", PIP_FETCH_MB, 10, PIP_WORK_MB)
        )
    if python:
        size = sizes[packages]
        title = f"{size['count']} Python packages into .venv"
        found.append(Part(title, size["fetch_mb"], size["disk_mb"], 2 * size["fetch_mb"]))
    if npm and node:
        size = sizes["node"]
        found.append(
            Part("Node.js, to run npm once; removed again", size["fetch_mb"], 0, 2 * size["disk_mb"])
        )
    if npm:
        size = sizes["npm"]
        title = "the chain node (anvil) and Uniswap V2 contracts, from npm, into .setup"
        found.append(Part(title, size["fetch_mb"], size["disk_mb"], 2 * size["fetch_mb"]))
    return found


def needed_mb(wanted: list[Part]) -> int:
    """Megabytes of free disk that carrying out these parts takes at most."""
    return sum(part.disk_mb + part.work_mb for part in wanted)


def announcement(place: Place, packages: str, wanted: list[Part]) -> list[str]:
    """The lines that tell a person what is about to happen."""
    fetch_mb = sum(part.fetch_mb for part in wanted)
    stays_mb = sum(part.disk_mb for part in wanted)
    return [
        f"warden set-up ({packages}) in {place.root} fetches up to {fetch_mb} MB:",
        *(f"  {part.fetch_mb:4d} MB  {part.title}" for part in wanted),
        f"Only this directory is written: {stays_mb} MB stay, up to {needed_mb(wanted)} MB meanwhile.",
        "To undo it: rm -r .venv .setup",
    ]
