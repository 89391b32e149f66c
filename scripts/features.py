"""`python -m scripts.features [--check]`: makes docs/features.md from docs/features.toml and the tests.

The page says for each promise what it is, how far it is kept, and which tests name it in their docstrings.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.pages import write_or_compare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parents[1]
DATA: Final = ROOT / "docs" / "features.toml"
PAGE: Final = ROOT / "docs" / "features.md"
TESTS: Final = ROOT / "tests"

STATES: Final = ("shown", "partly", "later")
PROMISE_WORDS_MAX: Final = 13
# These speak about the ids themselves and show none of them kept.
ABOUT_IDS: Final = frozenset({"architecture/test_tests.py", "architecture/test_features.py"})

_HEAD: Final = """\
# Features

Made from `docs/features.toml` and the tests' docstrings by `python -m scripts.features`;
a test keeps it current.

- **shown**: at least one test names it, and the promise is no wider than what exists.
- **partly**: at least one test names it; what is still missing is said.
- **later**: nothing that a test shows yet.

Now {shown} are shown, {partly} partly, {later} come later. Test files stand below `tests/`.
"""


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise: `state` is one of STATES, `lacks` says what is missing where it is `partly`."""

    id: str
    state: str
    text: str
    lacks: str = ""

    @property
    def family(self) -> str:
        """The letters before the number."""
        return _family(self.id)


@dataclass(frozen=True, slots=True)
class Naming:
    """A test that names a promise: `file` below tests/; `name` empty where the whole file does."""

    file: str
    name: str


def promises(data: Path = DATA) -> tuple[dict[str, str], list[Promise]]:
    """Return the families' titles by their letters, and every promise in order."""
    document = tomllib.loads(data.read_text(encoding="utf-8"))
    rows = [
        Promise(each, row["state"], row["promise"], row.get("lacks", ""))
        for each, row in document["promises"].items()
    ]
    return document["families"], rows


def namings(families: Sequence[str], tests: Path = TESTS) -> dict[str, list[Naming]]:
    """Return for each id that a docstring below `tests` names, whether it exists or not, who names it."""
    pattern = re.compile(rf"\b(?:{'|'.join(families)})\d{{1,3}}[a-z]?\b")
    found: dict[str, list[Naming]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        file = path.relative_to(tests).as_posix()
        if file in ABOUT_IDS:
            continue
        for name, docstring in _docstrings(path):
            for each in dict.fromkeys(pattern.findall(docstring)):
                found.setdefault(each, []).append(Naming(file, name))
    return found


def faults(families: Mapping[str, str], rows: Sequence[Promise], named: Mapping[str, object]) -> list[str]:
    """Return what contradicts itself, one line each; empty when data and tests agree."""
    told = [f"{each}: a test names it, and there is no such promise" for each in named]
    told = [line for line in told if line.split(":", 1)[0] not in {row.id for row in rows}]
    for row in rows:
        if row.family not in families:
            told.append(f"{row.id}: its family has no title")
        if row.state not in STATES:
            told.append(f"{row.id}: state {row.state!r}: use one of {', '.join(STATES)}")
        if row.state != "later" and row.id not in named:
            told.append(f"{row.id}: {row.state}, and no test names it")
        if row.state == "later" and row.id in named:
            told.append(f"{row.id}: later, and yet a test names it: shown or partly?")
        if bool(row.lacks) != (row.state == "partly"):
            told.append(f"{row.id}: {row.state}: `lacks` belongs to partly, and only there")
        if len(row.text.split()) > PROMISE_WORDS_MAX:
            told.append(f"{row.id}: more than {PROMISE_WORDS_MAX} words")
    return told


def page(families: Mapping[str, str], rows: Sequence[Promise], named: Mapping[str, Sequence[Naming]]) -> str:
    """Return docs/features.md."""
    counts = {state: sum(row.state == state for row in rows) for state in STATES}
    parts = [_HEAD.format(**counts)]
    for family, title in families.items():
        parts.append(f"\n## {title}\n\n| id | promise | state | shown by |\n|---|---|---|---|\n")
        parts += [_line(row, named.get(row.id, ())) for row in rows if row.family == family]
    return "".join(parts)


def made() -> tuple[list[str], str]:
    """Return what is wrong with the data, and the page."""
    families, rows = promises()
    named = namings(list(families))
    return faults(families, rows, named), page(families, rows, named)


def _line(row: Promise, by: Sequence[Naming]) -> str:
    files: dict[str, list[str]] = {}
    for each in by:
        files.setdefault(each.file, []).append(each.name)
    shown = "<br>".join(f"`{file}`{_names(names)}" for file, names in files.items())
    state = f"{row.state}; missing: {row.lacks}" if row.lacks else row.state
    return f"| {row.id} | {row.text} | {state} | {shown} |\n"


def _names(names: Sequence[str]) -> str:
    """Return the functions of one file; a file that names the id as a whole needs none."""
    return "" if "" in names else " :: " + ", ".join(f"`{name}`" for name in names)


def _docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each docstring of a file with its function's or class's name, empty for the file itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = "" if isinstance(node, ast.Module) else node.name
            yield name, ast.get_docstring(node) or ""


def _family(identifier: str) -> str:
    return identifier.rstrip("abcdefghijklmnopqrstuvwxyz").rstrip("0123456789")


if __name__ == "__main__":
    sys.exit(write_or_compare(sys.argv[1:], "scripts.features", PAGE, made))
