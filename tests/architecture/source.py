"""The repository's own files, parsed once."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
_NOT_OURS: Final = frozenset({".git", ".venv", ".setup", ".warden", "__pycache__", "node_modules"})


@cache
def python_files(*tops: str) -> tuple[Path, ...]:
    """Return every Python file below the named directories, sorted."""
    return tuple(sorted(path for top in tops for path in (ROOT / top).rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name(path: Path) -> str:
    """Return a path as people write it, from the repository's root."""
    return path.relative_to(ROOT).as_posix()


def where(path: Path, node: ast.AST) -> str:
    """Return a place as editors open it."""
    return f"{name(path)}:{getattr(node, 'lineno', 1)}"


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` of an attribute or name, empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    """Yield every call in a file with the dotted name that it is made by."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function in a file, methods and inner ones included."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@cache
def text_files() -> tuple[tuple[Path, str], ...]:
    """Return every file that is or is about to be committed, with its text; binary files are left out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607 - git is where it is
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    found = []
    for relative in sorted(each for each in listed.split("\0") if each):
        path = ROOT / relative
        if not path.is_file() or _NOT_OURS & set(path.parts[len(ROOT.parts) :]):
            continue
        try:
            found.append((path, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return tuple(found)
