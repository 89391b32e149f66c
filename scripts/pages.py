"""Pages that are made from the tests: written, or compared with what they should be."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def write_or_compare(
    arguments: Sequence[str], module: str, path: Path, make: Callable[[], tuple[list[str], str]]
) -> int:
    """Write the page, or with `--check` compare it.

    Args:
        arguments: of the command line.
        module: that makes the page, as `python -m` takes it.
        path: of the page.
        make: returns what is wrong with the data, a line each, and the page.

    Returns:
        0 written or current, 1 not current or data and tests contradict each other, 2 wrong usage.
    """
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write(f"usage: python -m {module} [--check]\n")
        return 2
    wrong, made = make()
    if wrong:
        sys.stderr.write("".join(f"{line}\n" for line in wrong))
        return 1
    if not arguments:
        path.write_text(made, encoding="utf-8")
    elif not path.exists() or path.read_text(encoding="utf-8") != made:
        sys.stderr.write(f"docs/{path.name} is not current: run python -m {module}\n")
        return 1
    return 0
