"""Where things stand and how large they may be (DESIGN: Layout; STYLE)."""

from __future__ import annotations

from typing import Final

from tests.architecture.source import ROOT, functions, name, python_files, where
from warden.domain.roles import PROCESSES, Role

FILE_LINES_MAX: Final = 400
FUNCTION_LINES_MAX: Final = 70
VAGUE: Final = frozenset({"util", "utils", "helper", "helpers", "manager", "common", "misc"})


def test_every_process_is_a_package_of_the_same_shape() -> None:
    """A process has a docstring, a `__main__` to start, a `main` that wires and a `core` that decides."""
    missing = [
        f"warden/{role}/{file}"
        for role in PROCESSES
        for file in ("__init__.py", "__main__.py", "main.py", "core.py")
        # The devnet decides nothing: it is a chain with faults, there for demo and tests only.
        if not (ROOT / "warden" / role / file).is_file() and (role, file) != (Role.DEVNET, "core.py")
    ]
    assert missing == []


def test_no_file_is_longer_than_people_read() -> None:
    """400 lines at the most; the median is a quarter of that."""
    lengths = {
        name(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files("warden", "console", "scripts", "tests")
    }
    assert {file: length for file, length in lengths.items() if length > FILE_LINES_MAX} == {}


def test_functions_fit_on_a_screen() -> None:
    """70 lines at the most, docstring included."""
    long = {
        where(path, node): length
        for path in python_files("warden", "console", "scripts")
        for node in functions(path)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert long == {}


def test_names_say_what_is_inside() -> None:
    """No module is called after nothing in particular."""
    vague = [
        name(path)
        for path in python_files("warden", "console", "scripts", "tests")
        if VAGUE & set(path.stem.split("_"))
    ]
    assert vague == []
