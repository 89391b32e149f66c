"""What must not stand in the repository: addresses to fetch from, one machine's paths, unsaid reasons."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.architecture.source import name, python_files, text_files, tree, where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A locked file is named by its hash; where it is fetched from is the machine's business.
FETCHED: Final = re.compile(
    r"https?://[^\s\"'<>)]+(?:\.(?:whl|tgz|tar\.gz|tar\.xz)|/simple/?)(?=[\s\"'<>)#?]|$)", re.MULTILINE
)
CHOSEN: Final = re.compile(r"^[^#\n]*(?:index-url|index_url|registry)\s*[=:]\s*[\"']?https?://", re.MULTILINE)
# Directories that exist on one machine only. Written in two parts, or this file would be found.
SOMEWHERE: Final = re.compile(r"(?<![\w.])/(?:" + "wo" + r"rk|root)/(?=\w)")
REASON: Final = re.compile(r"#\s*(?:noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\]) *(?:-|#|—) *\w")
REASON_LINES: Final = 4
WAIVER: Final = re.compile(r"#\s*(?:noqa|type: ignore)")


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """Return where a pattern stands in a file of the repository."""
    return [
        f"{name(path)}:{text.count(chr(10), 0, match.start()) + 1}"
        for path, text in text_files()
        for match in pattern.finditer(text)
    ]


@pytest.mark.parametrize("pattern", [FETCHED, CHOSEN, SOMEWHERE], ids=["fetched", "chosen", "somewhere"])
def test_nothing_names_where_a_machine_keeps_or_fetches_things(pattern: re.Pattern[str]) -> None:
    """Locks carry hashes and no addresses; paths are relative to the clone or the instance."""
    assert lines_with(pattern) == []


def test_the_patterns_find_what_they_are_there_for() -> None:
    """Each rule above finds an example, and passes over what is harmless."""
    assert FETCHED.search("resolved: " + "https://" + "example.org/a/b-1.0.tgz")
    assert FETCHED.search("https://" + "example.org/mirror/simple")
    assert not FETCHED.search("https://example.org/simple-guide.html")
    assert CHOSEN.search("--index" + "-url=https://example.org/x")
    assert SOMEWHERE.search("cd /wo" + "rk/clone")
    assert not SOMEWHERE.search("https://example.org/wo" + "rk/clone".replace("/", "-"))


def broad_handlers(path: Path) -> Iterator[ast.ExceptHandler]:
    """Yield handlers that catch everything."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler):
            caught = "" if node.type is None else ast.unparse(node.type)
            if not caught or re.search(r"\b(Base)?Exception\b", caught):
                yield node


def raises_again(node: ast.ExceptHandler) -> bool:
    """Tell whether a handler ends by letting go on what it caught."""
    return isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None


def test_whoever_catches_everything_says_why() -> None:
    """A broad `except` has a reason on its line, or lets go on what it caught."""
    offences = [
        where(path, node)
        for path in python_files("warden", "console", "scripts", "tests")
        for node in broad_handlers(path)
        if not REASON.search(path.read_text(encoding="utf-8").splitlines()[node.lineno - 1])
        and not raises_again(node)
    ]
    assert offences == []


def test_no_error_is_passed_over_in_silence() -> None:
    """`except ...: pass` hides what happened; handle it, or say with `suppress` that it can't matter."""
    offences = [
        where(path, node)
        for path in python_files("warden", "console", "scripts")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and all(isinstance(each, ast.Pass) for each in node.body)
    ]
    assert offences == []


def test_every_waiver_has_a_reason() -> None:
    """A `noqa` or `type: ignore` names its rule and says why, beside it or in a comment just above."""
    offences = []
    for path in python_files("warden", "console", "scripts", "tests"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            above = lines[max(0, number - 1 - REASON_LINES) : number - 1]
            told = REASON.search(line) or any(each.strip().startswith("# ") for each in above)
            if WAIVER.search(line) and not told and '"' not in line:
                offences.append(f"{name(path)}:{number}")
    assert offences == []


def test_invariants_raise() -> None:
    """`assert` is stripped by -O: outside tests an invariant raises."""
    offences = [
        where(path, node)
        for path in python_files("warden", "console", "scripts")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assert)
    ]
    assert offences == []
