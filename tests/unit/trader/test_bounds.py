"""What a strategy may use up, in processes of their own: a bound once set holds for the rest of a process."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.instance import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

MB = 1024 * 1024


def run(code: str, out: Path) -> list[str]:
    """Run code whose output goes to a file as a trader's does; return what it said on standard error."""
    with out.open("ab") as file:
        done = subprocess.run(
            [sys.executable, "-c", f"import sys\nfrom warden.trader import bounds\n{code}"],
            cwd=REPOSITORY,
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=True,
        )
    return done.stderr.split()


def test_memory_is_refused_at_the_bound_and_there_is_some_for_last_words(tmp_path: Path) -> None:
    """A leak ends in a MemoryError near the bound, and what is said then has room."""
    code = """
bounds.bound(256)
kept = []
early = bounds.memory_is_used_up(256)
try:
    while True:
        kept.append(bytearray(1024 * 1024))
except MemoryError:
    bounds.allow_last_words()
    more = bytearray(32 * 1024 * 1024)
    print(early, len(kept), bounds.memory_is_used_up(256), file=sys.stderr)
"""
    early, taken_mb, late = run(code, tmp_path / "out")
    assert (early, late) == ("False", "True")
    assert 128 < int(taken_mb) < 256


def test_it_is_used_up_before_the_kernel_says_no(tmp_path: Path) -> None:
    """A slow leak is noticed while there is still memory to say so."""
    code = """
bounds.bound(256)
kept = []
while not bounds.memory_is_used_up(256):
    kept.append(bytearray(1024 * 1024))
print(len(kept), file=sys.stderr)
"""
    (taken_mb,) = run(code, tmp_path / "out")
    assert 128 < int(taken_mb) < 240


def test_output_is_cut_when_it_is_large(tmp_path: Path) -> None:
    """Below 8 MB nothing is touched; above, the file begins anew with what follows."""
    code = """
sys.stdout.write("x" * (7 * 1024 * 1024)); sys.stdout.flush()
small = bounds.cut_output()
sys.stdout.write("x" * (2 * 1024 * 1024)); sys.stdout.flush()
print(small, bounds.cut_output(), file=sys.stderr)
print("after")
"""
    assert run(code, tmp_path / "out") == ["0", str(9 * MB)]
    assert (tmp_path / "out").read_text(encoding="utf-8") == "after\n"


def test_no_file_grows_beyond_its_bound(tmp_path: Path) -> None:
    """A flood within one call fails in the strategy's own code, and once it is cut there is room again."""
    code = """
bounds.bound(256)
try:
    for _ in range(100):
        print("x" * 1024 * 1024)
except OSError as error:
    print(error.errno, bounds.cut_output() <= bounds.FILE_BYTES_MAX, file=sys.stderr)
"""
    assert run(code, tmp_path / "out") == ["27", "True"]
    assert (tmp_path / "out").stat().st_size <= 64 * MB


def test_a_tighter_limit_of_the_operators_stands(tmp_path: Path) -> None:
    """What `ulimit` forbids is not given back."""
    code = """
import resource
resource.setrlimit(resource.RLIMIT_DATA, (200 * 1024 * 1024,) * 2)
bounds.bound(1024)
print(*resource.getrlimit(resource.RLIMIT_DATA), file=sys.stderr)
"""
    assert run(code, tmp_path / "out") == [str(200 * MB)] * 2
