"""`python3 -m scripts.provision warden|dev`: makes a clone ready to run, or to be tested."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

from scripts.provision import chain_node, debian_pip, environment, machine, plan, stamp
from scripts.provision.child import Runner, say
from scripts.provision.place import Place
from scripts.provision.refusals import SetupError
from scripts.provision.turn import turn

WAIT_S = 1800.0
INTERRUPTED = 130
# Settings of a person's own pip that would send packages elsewhere or refuse ours.
FOREIGN = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_USER",
    "PIP_REQUIRE_VIRTUALENV",
)


def main(arguments: list[str] | None = None) -> int:
    """Set up the clone that this file lies in.

    Returns:
        0 done or nothing to do; 1 failed, another try may succeed; 2 wrong usage or an unfit machine.
    """
    options = _options(arguments)
    place = Place(Path(__file__).resolve().parents[2])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        if not stamp.is_ready(place, options.packages):
            _set_up(place, options.packages, options.wait_s)
    except SetupError as refused:
        sys.stderr.write(f"warden set-up: {refused}\n")
        return refused.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("\nwarden set-up: interrupted; run it again, it goes on from here\n")
        return INTERRUPTED
    except OSError as problem:
        where = f" {problem.filename}" if problem.filename else ""
        sys.stderr.write(f"warden set-up: {problem.strerror}:{where}\n")
        return 1
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/setup",
        description="Makes this clone ready: .venv and .setup. A second run has nothing to do.",
    )
    parser.add_argument(
        "packages",
        nargs="?",
        choices=["warden", "dev"],
        default="dev",
        help="to run it, or to develop it too",
    )
    parser.add_argument(
        "--wait-s",
        type=float,
        default=WAIT_S,
        help="seconds to wait for another set-up of this clone (%(default)g)",
    )
    return parser.parse_args(arguments)


def _set_up(place: Place, packages: str, wait_s: float) -> None:
    system = os.uname()
    machine.refuse_architecture(system.machine, system.sysname)
    machine.refuse_directory(place)
    machine.refuse_tools(os.environ)
    with turn(place.setup / "lock", wait_s, say) as held:
        if not stamp.is_ready(place, packages):
            _work(place, packages, held)


def _work(place: Place, asked: str, held: int) -> None:
    shutil.rmtree(place.scratch, ignore_errors=True)
    place.scratch.mkdir()
    runner = Runner(_environment(place), place.logs, (held,))
    have = stamp.read(place)
    # A clone that was made ready to develop stays so: one set at a time keeps the environment consistent.
    packages = "dev" if have is not None and "dev" in have.packages else asked
    want = stamp.wanted(place, packages)
    python = place.unfinished.exists() or have is None or not have.satisfies(replace(want, npm=have.npm))
    npm = not chain_node.is_ready(place)
    node = npm and not chain_node.has_npm(place, runner)
    parts = plan.parts(
        place, packages, pip=not debian_pip.is_ready(place, runner), python=python, npm=npm, node=node
    )
    for line in plan.announcement(place, packages, parts):
        say(line)
    machine.refuse_disk(place.root, plan.needed_mb(parts))
    debian_pip.ensure(place, runner)
    if python:
        environment.ensure(place, runner, packages, have)
        stamp.write(place, replace(want, npm="not yet"))
    chain_node.ensure(place, runner, use_system_npm=not node)
    stamp.write(place, want)
    shutil.rmtree(place.scratch, ignore_errors=True)
    shutil.rmtree(place.cache, ignore_errors=True)
    say(f"warden set-up ({packages}): ready on Python {platform.python_version()}")


def _environment(place: Place) -> dict[str, str]:
    """What children see: this process's variables, without those that would lead pip astray."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return {
        **kept,
        "DEBIAN_FRONTEND": "noninteractive",
        "LC_ALL": "C.UTF-8",
        "NPM_CONFIG_CACHE": str(place.cache / "npm"),
        "PIP_CACHE_DIR": str(place.cache / "pip"),
        "PIP_CERT": str(machine.certificates(kept) or place.certificates),
        "TMPDIR": str(place.scratch),
    }


if __name__ == "__main__":
    sys.exit(main())
