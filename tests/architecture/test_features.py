"""docs/features.md: current, honest about what no test shows, and agreeing with the README."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from scripts.features import PAGE, Naming, Promise, faults, namings, page, promises
from tests.architecture.source import ROOT
from tests.architecture.test_tests import LAST, WITH_LETTER

if TYPE_CHECKING:
    from pathlib import Path

REMADE: Final = "run python -m scripts.features"


def readme_rows() -> list[tuple[list[str], list[str]]]:
    """Return the ids and the named places of each row of the README's table of promises."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (.+?) \| (.+?) \|$", text.partition("| shown by |")[2], re.MULTILINE)
    return [
        (re.findall(r"\b[A-Z]{1,2}\d{1,3}[a-z]?\b", said), re.findall(r"`([\w./-]+)", by))
        for said, by in table
        if not said.startswith("---")
    ]


def test_the_page_is_current() -> None:
    """Whoever adds a test that names a promise makes the page anew."""
    families, rows = promises()
    assert PAGE.read_text(encoding="utf-8") == page(families, rows, namings(list(families))), REMADE


def test_no_promise_is_called_kept_without_a_test() -> None:
    """What is shown, even partly, has a test; what comes later has none; no test invents an id."""
    families, rows = promises()
    assert faults(families, rows, namings(list(families))) == []


def test_every_promise_has_its_row() -> None:
    """No row is forgotten, doubled or made up, and they stand in order."""
    expected = {f"{family}{number}" for family, last in LAST.items() for number in range(1, last + 1)}
    families, rows = promises()
    assert {row.id for row in rows} == expected | WITH_LETTER
    assert list(dict.fromkeys(row.family for row in rows)) == list(families) == list(LAST)


def test_each_contradiction_is_told() -> None:
    """The rules above find what they are there for (with ids that are none, or they would count here)."""
    rows = [
        Promise("ZZ1", "shown", "no test"),
        Promise("ZZ2", "later", "a test"),
        Promise("ZZ3", "partly", "nothing said to lack"),
        Promise("ZZ4", "done", "a state that is none"),
        Promise("YY1", "later", "a family that is none"),
        Promise("ZZ5", "later", "word " * 15),
    ]
    told = faults({"ZZ": "a family"}, rows, {"ZZ2": [], "ZZ3": [], "ZZ4": [], "ZZ99": []})
    assert [each.split(":")[0] for each in told] == ["ZZ99", "ZZ1", "ZZ2", "ZZ3", "ZZ4", "YY1", "ZZ5"]


def test_docstrings_alone_name_promises(tmp_path: Path) -> None:
    """Of files, classes and functions; in comments, names and longer words an id is none."""
    (tmp_path / "unit").mkdir()
    (tmp_path / "unit" / "test_x.py").write_text(
        '"""The file (Q4)."""\n'
        "# ZZ1\n"
        'class TestX:\n    """Of a class: ZZ2."""\n'
        'async def test_a() -> None:\n    """ZZ3, ZZ3a and Q4, not XZZ5 or ZZ6b7."""\n    said = "ZZ8"\n'
    )
    (tmp_path / "unit" / "samples.py").write_text('"""ZZ4."""\n')
    file = "unit/test_x.py"
    assert namings(["ZZ", "Q"], tmp_path) == {
        "Q4": [Naming(file, ""), Naming(file, "test_a")],
        "ZZ2": [Naming(file, "TestX")],
        "ZZ3": [Naming(file, "test_a")],
        "ZZ3a": [Naming(file, "test_a")],
    }


def test_the_readme_names_what_is_there() -> None:
    """Each file or directory that its table names exists."""
    rows = readme_rows()
    assert len(rows) >= 5
    assert [place for _, places in rows for place in places if not (ROOT / place).exists()] == []


def test_the_readme_claims_no_more_than_the_tests_show() -> None:
    """Each id of its table is named by a test in one of the places beside it."""
    named = namings(list(LAST))
    unshown = [
        f"{each}: {', '.join(places)}"
        for ids, places in readme_rows()
        for each in ids
        if not any(f"tests/{by.file}".startswith(place) for by in named.get(each, ()) for place in places)
    ]
    assert unshown == []
