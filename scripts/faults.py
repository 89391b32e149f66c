"""`python -m scripts.faults [--check]`: makes docs/faults.md from docs/faults.toml and the tests' marks.

The page says for each fault what is promised, what comes of it, and which tests bring it about.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.features import promises
from scripts.pages import write_or_compare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parents[1]
DATA: Final = ROOT / "docs" / "faults.toml"
PAGE: Final = ROOT / "docs" / "faults.md"
TESTS: Final = ROOT / "tests"

MARK: Final = "fault"
ORDINARY, SYSTEM, BENCH = "scripts/test", "scripts/test --system", "scripts/bench faults"

_HEAD: Final = """\
# What may break, and what comes of it

Made from `docs/faults.toml` and the tests marked with a fault by `python -m scripts.faults`; a test keeps it
current, and fails for a fault that nothing brings about.

Each fault is real: real processes, real sockets, real system calls, a real chain. Files stand below `tests/`.
{ordinary} of {all} faults are brought about by `scripts/test`, as an ordinary user; what is marked **S**
needs root or a tool of the system (`scripts/test --system`), **B** takes minutes (`scripts/bench faults`).
`scripts/bench detect` measures how long it takes until a loss is known.
"""
_SIGNS: Final = {ORDINARY: "", SYSTEM: " **S**", BENCH: " **B**"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its name, group, what breaks, the promises that are kept, and what is seen then."""

    name: str
    group: str
    text: str
    promise: str
    result: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A test that brings a fault about: `file` below tests/, and what runs it."""

    file: str
    test: str
    where: str


def declared(data: Path = DATA) -> tuple[dict[str, str], list[Fault]]:
    """Return the groups' titles, and every fault in order."""
    document = tomllib.loads(data.read_text(encoding="utf-8"))
    rows = [
        Fault(name, row["group"], row["fault"], row["promise"], row["result"])
        for name, row in document["faults"].items()
    ]
    return document["groups"], rows


def marks(tests: Path = TESTS) -> dict[str, list[Shown]]:
    """Return for each fault that a test below `tests` is marked with, declared or not, which do."""
    found: dict[str, list[Shown]] = {}
    for path in sorted(tests.rglob("*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        file = path.relative_to(tests).as_posix()
        whole = any(map(_marks_all_as_system, module.body))
        for node in module.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            where = _where(file, system=whole or any(map(_is_system, node.decorator_list)))
            for name in _marked(node):
                found.setdefault(name, []).append(Shown(file, node.name, where))
    return found


def wrong(
    groups: Mapping[str, str], rows: Sequence[Fault], shown: Mapping[str, object], known: set[str]
) -> list[str]:
    """Return what contradicts itself, one line each; empty when data and tests agree.

    Args:
        groups: titles by name.
        rows: what is declared.
        shown: by fault, who brings it about.
        known: the promises that there are.
    """
    names = {row.name for row in rows}
    told = [
        f"{name}: a test is marked with it, and it is not declared" for name in shown if name not in names
    ]
    for row in rows:
        if row.group not in groups:
            told.append(f"{row.name}: there is no group {row.group!r}")
        if row.name not in shown:
            told.append(f"{row.name}: declared, and no test is marked with it")
        told += [
            f"{row.name}: there is no promise {each}" for each in row.promise.split(", ") if each not in known
        ]
    return told


def page(groups: Mapping[str, str], rows: Sequence[Fault], shown: Mapping[str, Sequence[Shown]]) -> str:
    """Return docs/faults.md."""
    ordinary = sum(any(each.where == ORDINARY for each in shown.get(row.name, ())) for row in rows)
    parts = [_HEAD.format(ordinary=ordinary, all=len(rows))]
    for group, title in groups.items():
        parts.append(f"\n## {title}\n\n| fault | promise | result | shown by |\n|---|---|---|---|\n")
        parts += [
            f"| {row.text} | {row.promise} | {row.result} | {_by(shown.get(row.name, ()))} |\n"
            for row in rows
            if row.group == group
        ]
    return "".join(parts)


def made() -> tuple[list[str], str]:
    """Return what is wrong with the data, and the page."""
    (groups, rows), shown = declared(), marks()
    told = wrong(groups, rows, shown, {row.id for row in promises()[1]})
    return told, page(groups, rows, shown)


def _by(shown: Sequence[Shown]) -> str:
    files: dict[str, list[str]] = {}
    for each in shown:
        files.setdefault(each.file, []).append(f"`{each.test}`{_SIGNS[each.where]}")
    return "<br>".join(f"`{file}` :: {', '.join(tests)}" for file, tests in files.items())


def _where(file: str, *, system: bool) -> str:
    if file.startswith("bench/"):
        return BENCH
    return SYSTEM if system else ORDINARY


def _marked(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for each in node.decorator_list:
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == MARK:
            yield from (str(ast.literal_eval(word)) for word in each.args)


def _is_system(node: ast.expr) -> bool:
    return any(isinstance(each, ast.Attribute) and each.attr == "system" for each in ast.walk(node))


def _marks_all_as_system(node: ast.stmt) -> bool:
    """Tell whether this is `pytestmark = ...` with the mark in it."""
    if not isinstance(node, ast.Assign):
        return False
    names = {target.id for target in node.targets if isinstance(target, ast.Name)}
    return "pytestmark" in names and _is_system(node.value)


if __name__ == "__main__":
    sys.exit(write_or_compare(sys.argv[1:], "scripts.faults", PAGE, made))
