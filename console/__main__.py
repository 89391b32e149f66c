"""`python -m console --home DIR`: what `warden console` runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from console.start import run


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, run the console to its end and return its exit code."""
    parser = argparse.ArgumentParser(prog="console", description="Warden's console")
    parser.add_argument("--home", type=Path, required=True, help="the instance's home directory")
    parser.add_argument("--readonly", action="store_true", help="look and stop, never arm or recover")
    chosen = parser.parse_args(arguments)
    return run(chosen.home, readonly=chosen.readonly)


if __name__ == "__main__":
    sys.exit(main())
