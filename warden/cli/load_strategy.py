"""`python -m warden.cli.load_strategy`: loads a strategy and ends; run apart: it is a stranger's code.

Standard input holds JSON: use, path (or null), parameters. Exit code 2 and one line when it cannot be loaded.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from warden.domain.errors import EXIT_DONE, ConfigurationInvalid
from warden.strategies.load import load_strategy


class Wanted(msgspec.Struct, frozen=True):
    """Which strategy; `path` is a directory to look in first."""

    use: str
    path: str | None
    parameters: dict[str, str | int | bool]


def main() -> int:
    """Load what standard input names and return the exit code."""
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Wanted)
    try:
        load_strategy(wanted.use, None if wanted.path is None else Path(wanted.path), wanted.parameters)
    except ConfigurationInvalid as error:
        sys.stderr.write("\n" + " ".join(str(error).split()) + "\n")
        return error.exit_code
    return EXIT_DONE


if __name__ == "__main__":
    raise SystemExit(main())
