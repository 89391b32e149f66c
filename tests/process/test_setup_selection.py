"""`scripts/test`: what it leaves out it names, and a failed stage fails the whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import benchmarks
from scripts.check import debian, selection
from tests import needs

REPOSITORY = Path(__file__).resolve().parents[2]
LIMIT_S = 120
TESTS = """
import pytest

def test_plain(): pass

@pytest.mark.system
def test_of_the_system(): pass
"""


def _pytest(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (directory / "pytest.ini").write_text("[pytest]\nmarkers = system: needs more\n")
    (directory / "test_it.py").write_text(TESTS)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "scripts.check.selection",
            "-p",
            "no:cacheprovider",
            "-c",
            "pytest.ini",
            *options,
        ],
        cwd=directory,
        env={**kept, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_system_tests_are_left_out_and_counted(tmp_path: Path) -> None:
    """Without --system they are not run, and one line says how many and why."""
    done = _pytest(tmp_path)
    assert done.returncode == 0
    assert "1 passed, 1 deselected" in done.stdout.splitlines()[-1]
    assert "1 tests marked system were not run: they need root or a tool of the system" in done.stdout


def test_system_tests_run_when_asked(tmp_path: Path) -> None:
    """With --system all run."""
    done = _pytest(tmp_path, selection.WITH_SYSTEM)
    assert "2 passed" in done.stdout.splitlines()[-1]
    assert "were not run" not in done.stdout


def test_a_failed_stage_fails_the_whole(tmp_path: Path) -> None:
    """Passing tests do not hide a failed stage: it is named before the summary, and the status is not 0."""
    done = _pytest(tmp_path, f"{selection.FAILED_STAGES}=mypy")
    assert done.returncode == 1
    assert "FAILED before the tests: mypy" in done.stdout
    assert "1 passed" in done.stdout.splitlines()[-1]


def test_a_lacking_tool_fails_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that needs a program that is not there fails, and says what to install."""
    monkeypatch.setitem(debian.PACKAGE_OF, "no-such-tool", "its-package")
    with pytest.raises(pytest.fail.Exception, match="needs no-such-tool: apt-get install its-package"):
        needs.need_tool("no-such-tool")
    assert "its-package" in debian.lacking()


def test_an_unknown_benchmark_is_refused() -> None:
    """One line names it and the ones there are; without a name they are listed."""
    command = [sys.executable, "-m", "scripts.benchmarks"]
    done = subprocess.run([*command, "nothing"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("scripts/bench: no benchmark 'nothing'; there are: ")
    assert len(done.stderr.splitlines()) == 1
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in listed.splitlines()[1:]] == list(benchmarks.names())
