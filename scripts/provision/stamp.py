"""The record of what was set up, by which a later run sees in a moment that there is nothing to do."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tomllib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.provision.place import Place

# Raised when set-up itself changes in a way that older results don't satisfy.
FORMAT = 1
# A set that contains another one, version by version (a test holds this).
CONTAINS = {"dev": ("warden",)}


@dataclass(frozen=True)
class Stamp:
    """What a finished set-up was made from.

    Attributes:
        root: The clone's path; launchers hold it, so a moved clone is set up again.
        python: `major.minor` of the interpreter.
        project: Hash of what the project's metadata says.
        npm: Hash of the npm lock.
        packages: For each installed set of Python packages, the hash of its lock.
        names: The distributions that those locks name.
        version: `FORMAT` at the time.
    """

    root: str
    python: str
    project: str
    npm: str
    packages: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    version: int = FORMAT

    def satisfies(self, wanted: Stamp) -> bool:
        """Whether what this one records includes everything that `wanted` asks for."""
        common = all(
            getattr(self, name) == getattr(wanted, name)
            for name in ("root", "python", "project", "npm", "version")
        )
        return common and all(self.packages.get(name) == digest for name, digest in wanted.packages.items())


def wanted(place: Place, packages: str) -> Stamp:
    """The stamp that a set-up of `packages` would leave, read from the clone's files.

    Args:
        place: The clone.
        packages: `warden`, `dev` or another lock's name.
    """
    names = [packages, *CONTAINS.get(packages, ())]
    return Stamp(
        root=str(place.root),
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        project=_digest(json.dumps(project_table(place), sort_keys=True).encode()),
        npm=_digest(
            b"".join((place.npm_source / name).read_bytes() for name in ("package.json", "package-lock.json"))
        ),
        packages={name: _digest(place.lock_file(name).read_bytes()) for name in names},
        names=locked_names(place.lock_file(packages)),
    )


def project_table(place: Place) -> dict[str, Any]:
    """The `[project]` table of `pyproject.toml`."""
    with (place.root / "pyproject.toml").open("rb") as file:
        table: dict[str, Any] = tomllib.load(file)["project"]
    return table


def locked_names(lock: Path) -> list[str]:
    """The distributions that a lock file names, as pip writes their names, sorted."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text(), flags=re.MULTILINE)
    return sorted({re.sub(r"[-_.]+", "-", name).lower() for name in found})


def read(place: Place) -> Stamp | None:
    """The stamp of the last finished set-up; None when there is none or it can't be read."""
    try:
        return Stamp(**json.loads(place.stamp.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def is_ready(place: Place, packages: str) -> bool:
    """Whether nothing is left to do: the stamp fits, and what it promises is still there."""
    made = read(place)
    present = all(
        os.access(path, os.X_OK) for path in (place.python, place.venv / "bin" / "warden", place.anvil)
    )
    return (
        present
        and not place.unfinished.exists()
        and made is not None
        and made.satisfies(wanted(place, packages))
    )


def write(place: Place, stamp: Stamp) -> None:
    """Put the stamp in its place in one step, on the disk before it counts."""
    fresh = place.stamp.with_suffix(".new")
    with fresh.open("w") as file:
        json.dump(asdict(stamp), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(place.stamp)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
