"""docs/faults.md: current, with a test for each fault that is declared, and no mark that means nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.faults import BENCH, ORDINARY, PAGE, SYSTEM, Fault, Shown, declared, marks, page, wrong
from scripts.features import promises

if TYPE_CHECKING:
    from pathlib import Path


def test_the_page_is_current() -> None:
    """Whoever marks a test with a fault makes the page anew."""
    groups, rows = declared()
    assert PAGE.read_text(encoding="utf-8") == page(groups, rows, marks()), "run python -m scripts.faults"


def test_no_fault_is_declared_without_a_test_and_none_shown_undeclared() -> None:
    """Each is brought about, for promises that exist."""
    groups, rows = declared()
    assert wrong(groups, rows, marks(), {row.id for row in promises()[1]}) == []


def test_each_contradiction_is_told() -> None:
    """The rules above find what they are there for."""
    rows = [
        Fault("a", "process", "shown", "HM4, I2", "well"),
        Fault("b", "process", "not shown", "HM4", "?"),
        Fault("c", "nowhere", "no such group", "HM4", "?"),
        Fault("d", "process", "no such promise", "HM4, no promise", "?"),
    ]
    shown = {name: [Shown("x", "y", ORDINARY)] for name in "acde"}
    told = wrong({"process": "?"}, rows, shown, {"HM4", "I2"})
    assert [each.split(":")[0] for each in told] == ["e", "b", "c", "d"]


def test_marks_are_read_without_running_anything(tmp_path: Path) -> None:
    """Of functions of the file itself, with what runs them: its own mark, its file's, or its directory."""
    (tmp_path / "bench").mkdir()
    (tmp_path / "test_a.py").write_text(
        'raise RuntimeError("never run")\n'
        '@fault("one", "two")\ndef test_a(): ...\n'
        '@pytest.mark.system\n@fault("two")\nasync def test_b(): ...\n'
        '@other("three")\ndef test_c(): ...\n'
    )
    (tmp_path / "test_b.py").write_text(
        'pytestmark = [pytest.mark.timeout(1), pytest.mark.system]\n@fault("one")\ndef test_d(): ...\n'
    )
    (tmp_path / "bench" / "faults.py").write_text('@fault("four")\ndef trial(): ...\n')
    assert marks(tmp_path) == {
        "four": [Shown("bench/faults.py", "trial", BENCH)],
        "one": [Shown("test_a.py", "test_a", ORDINARY), Shown("test_b.py", "test_d", SYSTEM)],
        "two": [Shown("test_a.py", "test_a", ORDINARY), Shown("test_a.py", "test_b", SYSTEM)],
    }


def test_the_page_says_how_each_is_run() -> None:
    """A sign for what needs root, another for what takes minutes; nothing for the rest."""
    rows = [Fault("a", "g", "text", "HM4", "result"), Fault("b", "g", "other", "HM4", "result")]
    shown = {
        "a": [Shown("x.py", "one", ORDINARY), Shown("x.py", "two", SYSTEM), Shown("z.py", "three", BENCH)],
        "b": [Shown("x.py", "two", SYSTEM)],
    }
    made = page({"g": "Group"}, rows, shown)
    assert "| text | HM4 | result | `x.py` :: `one`, `two` **S**<br>`z.py` :: `three` **B** |" in made
    assert "1 of 2 faults" in made
