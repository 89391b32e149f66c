"""`python -m scripts.benchmarks NAME [options]`: runs one benchmark of `tests/bench`, or lists them."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from typing import NoReturn

from scripts.provision.child import say

DIRECTORY = Path(__file__).resolve().parents[1] / "tests" / "bench"


def names() -> dict[str, str]:
    """Each benchmark's name with the first line of what it says of itself."""
    files = [path for path in sorted(DIRECTORY.glob("*.py")) if not path.stem.startswith("_")]
    return {
        path.stem: (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0] for path in files
    }


def main() -> int:
    """Run or list.

    Returns:
        The benchmark's status; 2 for a name that there is none of.
    """
    known = names()
    if len(sys.argv) == 1 or sys.argv[1] in ("-h", "--help"):
        say("scripts/bench NAME [--json], where NAME is one of:")
        for name, title in known.items():
            say(f"  {name:12s} {title}")
        return 0
    name = sys.argv[1]
    if name not in known:
        sys.stderr.write(
            f"scripts/bench: no benchmark {name!r}; there are: {', '.join(known) or 'none yet'}\n"
        )
        return 2
    command = [sys.executable, "-m", f"tests.bench.{name}", *sys.argv[2:]]
    return _become(command)


def _become(command: list[str]) -> NoReturn:
    os.execv(command[0], command)  # noqa: S606 - a list, no shell


if __name__ == "__main__":
    sys.exit(main())
