"""Makes the virtual environment and brings it to what a lock says."""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import TYPE_CHECKING

from scripts.provision import project, stamp, why
from scripts.provision.child import Progress
from scripts.provision.refusals import MachineLacks, SetupError

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.provision.child import Finished, Runner
    from scripts.provision.place import Place

SOURCE = "the Python package index"
MAKE_LIMIT_S = 120.0
INSTALL_LIMIT_S = 3600.0


def ensure(place: Place, runner: Runner, packages: str, previous: stamp.Stamp | None) -> None:
    """Bring `place.venv` to the lock called `packages`, with the project in it.

    An environment whose last change was cut short is made anew; one that works is brought up to date.

    Args:
        place: The clone.
        runner: Starts pip.
        packages: `warden` or `dev`.
        previous: What was set up before; packages that only its lock named are removed.

    Raises:
        SetupError: Something could not be made, fetched or installed.
    """
    if place.unfinished.exists() or not _works(place, runner):
        shutil.rmtree(place.venv, ignore_errors=True)
    place.unfinished.touch()
    if not place.python.exists():
        _make(place, runner)
    install(place, runner, packages, place.python, Progress("Python packages"))
    wheel = project.editable_wheel(place, place.scratch)
    _expect(
        pip(
            place,
            runner,
            "pip-project",
            ["install", "--no-index", "--no-deps", "--force-reinstall", str(wheel)],
        ),
        "the project itself",
        runner.logs / "pip-project.log",
    )
    gone = (
        sorted(set(previous.names) - set(stamp.locked_names(place.lock_file(packages)))) if previous else []
    )
    if gone:
        pip(place, runner, "pip-remove", ["uninstall", "--yes", *gone])
    checked = pip(place, runner, "pip-check", ["check"])
    if checked.status != 0:
        first = checked.output.strip().splitlines() or ["no output"]
        raise SetupError(
            f"locks/{packages}.txt does not give what pyproject.toml asks for: {first[0]}; scripts/lock"
        )
    place.unfinished.unlink()


def install(
    place: Place, runner: Runner, packages: str, python: Path, progress: Progress, *more: str
) -> None:
    """Install the lock called `packages` for `python`, every file by its hash, nothing built here.

    Args:
        place: The clone.
        runner: Starts pip.
        packages: The lock's name.
        python: The interpreter to install for.
        progress: Shown to the person who waits.
        more: Further options of `pip install`.
    """
    # Some lines of a lock are for other systems; pip says which it passes over.
    names = set(stamp.locked_names(place.lock_file(packages)))
    seen: list[str] = []
    phase = ["fetching"]

    def on_line(line: str) -> None:
        if match := re.match(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)", line):
            seen.append(match[1])
        elif match := re.match(r"Ignoring ([a-z0-9-]+): markers", line):
            names.discard(match[1])
        elif line.startswith("Installing collected"):
            phase[0] = "installing"

    def on_tick() -> None:
        where = f"{len(seen)} of {len(names)}, {fetched_mb(place)} MB, {seen[-1] if seen else 'starting'}"
        progress.show(where if phase[0] == "fetching" else f"installing {len(names)}")

    hashed = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", str(place.lock_file(packages))]
    done = pip(
        place,
        runner,
        f"pip-{packages}",
        ["install", "--progress-bar", "off", "--retries", "3", *hashed, *more],
        python=python,
        on_line=on_line,
        on_tick=on_tick,
    )
    if done.status != 0:
        progress.clear()
        raise why.refusal(done, SOURCE, runner.logs / f"pip-{packages}.log")
    progress.end(f"{len(names)} in place")


def pip(  # what pip is told, and what is told about it
    place: Place,
    runner: Runner,
    log: str,
    arguments: list[str],
    *,
    python: Path | None = None,
    **told: object,
) -> Finished:
    """Run the clone's pip for `python` (the environment's when None)."""
    return runner.run(
        log,
        [python or place.python, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments],
        limit_s=INSTALL_LIMIT_S,
        environment={"PYTHONPATH": str(place.pip)},
        **told,  # type: ignore[arg-type]  # the callbacks of Runner.run, passed on by name
    )


def fetched_mb(place: Place) -> int:
    """Megabytes that lie in the cache and in the scratch directory, whichever holds more."""
    return max(_size_mb(place.cache), _size_mb(place.scratch))


def _size_mb(directory: Path) -> int:
    size = 0
    for folder, _, files in os.walk(directory):
        for name in files:
            try:
                size += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - twice as fast, every half second
            except FileNotFoundError:
                continue  # a temporary file that has just gone
    return size // 1_000_000


def _works(place: Place, runner: Runner) -> bool:
    """Whether there is an environment of this clone, for this Python, whose interpreter starts."""
    if not os.access(place.python, os.X_OK):
        return False
    said = runner.run(
        "python",
        [place.python, "-I", "-c", "import sys; print(sys.prefix, *sys.version_info[:2], sep='\\n')"],
        limit_s=MAKE_LIMIT_S,
    )
    version = [str(part) for part in sys.version_info[:2]]
    return said.status == 0 and said.output.split("\n")[:3] == [str(place.venv), *version]


def _make(place: Place, runner: Runner) -> None:
    made = runner.run(
        "venv", [sys.executable, "-m", "venv", "--without-pip", "--clear", place.venv], limit_s=MAKE_LIMIT_S
    )
    if made.status != 0:
        reason = (made.output.strip().splitlines() or ["no output"])[-1]
        raise MachineLacks(f"{sys.executable} -m venv failed: {reason} ({runner.logs / 'venv.log'})")


def _expect(finished: Finished, source: str, log: Path) -> None:
    if finished.status != 0:
        raise why.refusal(finished, source, log)
