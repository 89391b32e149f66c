"""`python -m scripts.check`: every check, pytest last, so that its summary closes the output."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

from scripts.check import debian, selection
from scripts.fresh import trial
from scripts.provision.child import say

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"
STAGES: dict[str, list[Path | str]] = {
    "ruff check": [BIN / "ruff", "check", "."],
    "ruff format": [BIN / "ruff", "format", "--check", "."],
    "mypy": [BIN / "mypy"],
    "import contracts": [BIN / "lint-imports", "--no-logo"],
}
STAGE_LIMIT_S = 900
# Most tests wait for processes: more workers than cores. A file stays with one, for what its tests share.
WORKERS = ["-n", "4", "--dist", "loadfile"]


def main() -> int:
    """Run what was asked for.

    Returns:
        0 everything passed; otherwise pytest's status, 1 when only another stage failed, 2 for wrong usage.
    """
    options, for_pytest = _options()
    if (options.only or options.user) and not options.fresh:
        sys.stderr.write("scripts/test: --only and --user belong to --fresh\n")
        return 2
    if options.fresh:
        return trial.main(only=options.only, user=options.user)
    if options.system:
        debian.install_lacking()
    failed = [name for name, command in STAGES.items() if not _passes(name, command)]
    say("-- pytest")
    told = [selection.WITH_SYSTEM] if options.system else []
    told += [f"{selection.FAILED_STAGES}={', '.join(failed)}"] if failed else []
    shared = [] if {"-n", "--pdb", "-x", "-s"} & set(for_pytest) else WORKERS
    command = [str(BIN / "python"), "-m", "pytest", "-p", "scripts.check.selection"]
    return _become([*command, *shared, *told, *for_pytest])


def _become(command: list[str]) -> NoReturn:
    """Let pytest take this process's place, so that signals and its status are its own."""
    os.execv(command[0], command)  # noqa: S606 - a list, no shell


def _options() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="scripts/test",
        description="Checks everything: ruff, mypy, import contracts, pytest.",
        epilog="Everything else goes to pytest: scripts/test tests/unit -k money",
        allow_abbrev=False,
    )
    parser.add_argument("--system", action="store_true", help="also what needs root or a tool of the system")
    parser.add_argument(
        "--fresh", action="store_true", help="try the README's commands in a bare Debian (as root)"
    )
    parser.add_argument("--only", choices=trial.COMMANDS, help="with --fresh: one of the two commands")
    parser.add_argument("--user", choices=trial.USERS, help="with --fresh: one of the two users")
    return parser.parse_known_args()


def _passes(name: str, command: list[Path | str]) -> bool:
    say(f"-- {name}")
    started = time.monotonic()
    try:
        status = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=STAGE_LIMIT_S, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        say(f"-- {name}: ended after {STAGE_LIMIT_S} s")
        return False
    result = "passed" if status == 0 else f"FAILED with status {status}"
    say(f"-- {name}: {result} ({time.monotonic() - started:.0f} s)")
    return status == 0


if __name__ == "__main__":
    sys.exit(main())
