"""The tests themselves: each says what it shows, and checks it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from tests.architecture.source import dotted, functions, python_files, text_files, where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# How far each family of promises goes; the names are stable, new ones are added at the end.
_LAST_OF_EACH: Final = "CB4 ES6 PS5 SL2 PL5 AL7 HM5 FS4 RP8 EX12 RK2 BT4 OB5 CO4 OP5 I10"
LAST: Final = {
    each.rstrip("0123456789"): int(each.lstrip("CBESPLAHMFRXKTOI")) for each in _LAST_OF_EACH.split()
}
WITH_LETTER: Final = frozenset({"ES1a", "PS4a", "AL6a", "OP1a"})
ID: Final = re.compile(r"\b(" + "|".join(LAST) + r")(\d{1,3})([a-z]?)\b")
# What a test says whose whole point is that a call passes.
NOT_RAISING: Final = "# raises nothing"
# What fails a test by itself, besides `assert`.
CHECKS: Final = frozenset(
    {"pytest.raises", "pytest.fail", "pytest.warns", "raises", "wait_until", "snap_compare"}
)


def source_of(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return a function as it is written, comments included."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(lines[node.lineno - 1 : node.end_lineno])


def all_tests() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield every test function with its file."""
    for path in python_files("tests"):
        if path.name.startswith("test_"):
            for node in functions(path):
                if node.name.startswith("test_"):
                    yield path, node


def checking_functions() -> set[str]:
    """Return the names of functions below tests/ that check something, directly or through one another."""
    bodies: dict[str, list[ast.AST]] = {}
    for path in python_files("tests"):
        for node in functions(path):
            bodies.setdefault(node.name, []).append(node)
    known = set(CHECKS)
    while True:
        found = {name for name, nodes in bodies.items() if any(checks(node, known) for node in nodes)}
        if found <= known:
            return known
        known |= found


def leaves(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler of a named error ends the test as passed."""
    return handler.type is not None and isinstance(handler.body[-1], ast.Return)


def checks(node: ast.AST, known: set[str]) -> bool:
    """Tell whether a function asserts, or calls one that does."""
    for each in ast.walk(node):
        if isinstance(each, ast.Assert):
            return True
        if isinstance(each, ast.Try) and each.handlers and all(leaves(handler) for handler in each.handlers):
            return True  # any error but the named ones fails it
        if isinstance(each, ast.Raise) and each.exc is not None and "AssertionError" in ast.unparse(each.exc):
            return True
        if isinstance(each, ast.Call):
            called = dotted(each.func)
            if called in known or called.rpartition(".")[2] in known:
                return True
    return False


def test_every_test_says_what_it_shows() -> None:
    """A docstring, so that a failing test tells what is broken before anybody reads its code."""
    assert [where(path, node) for path, node in all_tests() if not ast.get_docstring(node)] == []


def test_every_test_checks_something() -> None:
    """A test without a check passes whatever happens."""
    known = checking_functions()
    offences = [
        where(path, node)
        for path, node in all_tests()
        if not checks(node, known) and NOT_RAISING not in source_of(path, node)
    ]
    assert offences == []


def test_the_promises_that_are_named_exist() -> None:
    """An id such as RP7 or I2 in code, tests or docs is one that was given, not a slip of the keyboard."""
    offences = []
    for path, text in text_files():
        if path.suffix not in {".py", ".md"} or "locks" in path.parts:
            continue
        for match in ID.finditer(text):
            family, number, letter = match.groups()
            known = match.group() in WITH_LETTER if letter else 1 <= int(number) <= LAST[family]
            if not known:
                offences.append(f"{path.name}: {match.group()}")
    assert offences == []
