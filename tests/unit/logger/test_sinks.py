"""The files, on a real disk and on one that is full."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest
from loguru import logger

from warden.logger.core import Write
from warden.logger.files import Keep, LogFile
from warden.logger.sinks import Sinks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECOND_NS = 10**9
SMALL = {LogFile.MAIN: Keep(1_000, 3), LogFile.ERROR: Keep(1_000, 3)}


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    """Loguru's handlers are the process's: begin and end without any."""
    logger.remove()
    yield
    logger.remove()


# Loguru lets go of a file whose last flush failed without closing it: Python says so; it is harmless.
unclosed = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")


def leave(_path: str) -> None:
    """Compress nothing."""


def test_a_line_goes_to_its_file_only(tmp_path: Path) -> None:
    """Lines come out as they went in, braces and markup included, in the file they were meant for."""
    line = '{"message":"<red>{0}</red> {x} é"}'
    sinks = Sinks(tmp_path, leave, SMALL)
    assert sinks.write(Write(LogFile.ERROR, line), 0)
    sinks.close()
    assert (tmp_path / "error.log").read_text(encoding="utf-8") == line + "\n"
    assert not (tmp_path / "main.log").exists()
    assert (sinks.lines, sinks.dropped) == (1, 0)


def test_our_lines_do_not_reach_the_processs_own_log(tmp_path: Path) -> None:
    """The handlers of `runtime.logs` begin at INFO and see none of what the logger writes for others."""
    own: list[str] = []
    logger.add(lambda message: own.append(str(message)), level="INFO", format="{message}")
    sinks = Sinks(tmp_path, leave, SMALL)
    sinks.write(Write(LogFile.MAIN, "theirs"), 0)
    logger.info("mine")
    sinks.close()
    assert own == ["mine\n"]
    assert (tmp_path / "main.log").read_text(encoding="utf-8") == "theirs\n"


def test_files_are_rotated_handed_to_compression_and_bounded_in_number(tmp_path: Path) -> None:
    """OB1: at its size a file is rotated, and only so many older ones stay."""
    rotated: list[str] = []
    sinks = Sinks(tmp_path, rotated.append, SMALL)
    for number in range(100):
        sinks.write(Write(LogFile.MAIN, f"{number:0>99}"), 0)
    sinks.close()
    files = list(tmp_path.glob("main*"))
    assert len(files) == 1 + SMALL[LogFile.MAIN].files
    assert len(rotated) == 9
    assert max(each.stat().st_size for each in files) <= 1_000


@unclosed
def test_a_full_disk_costs_lines_that_are_counted(tmp_path: Path) -> None:
    """A write that fails raises nothing, is counted, and is said; the other files go on."""
    (tmp_path / "main.log").symlink_to("/dev/full")
    sinks = Sinks(tmp_path, leave, SMALL)
    assert not sinks.write(Write(LogFile.MAIN, "lost"), 0)
    assert sinks.write(Write(LogFile.ERROR, "kept"), 0)
    assert sinks.detail() == "main.log: No space left on device"
    assert (sinks.lines, sinks.dropped) == (1, 1)
    sinks.close()
    gc.collect()


@unclosed
def test_after_a_failure_the_disk_is_left_alone_for_a_moment(tmp_path: Path) -> None:
    """A disk that answers each write late cannot take the loop's time line by line."""
    (tmp_path / "main.log").symlink_to("/dev/full")
    sinks = Sinks(tmp_path, leave, SMALL)
    sinks.write(Write(LogFile.MAIN, "lost"), 0)
    (tmp_path / "main.log").unlink()
    assert not sinks.write(Write(LogFile.MAIN, "too early"), SECOND_NS // 2 - 1)
    assert sinks.dropped == 2
    sinks.close()
    gc.collect()


def test_writing_goes_on_when_the_disk_has_space_again(tmp_path: Path) -> None:
    """The trouble ends by itself: a directory that was missing is there, and the detail is empty again."""
    blocked = tmp_path / "logs"
    blocked.write_text("a file where the directory should be", encoding="utf-8")
    sinks = Sinks(blocked, leave, SMALL)
    assert not sinks.write(Write(LogFile.MAIN, "lost"), 0)
    assert sinks.detail() != ""
    blocked.unlink()
    assert sinks.write(Write(LogFile.MAIN, "kept"), SECOND_NS)
    assert sinks.detail() == ""
    sinks.close()
    assert (blocked / "main.log").read_text(encoding="utf-8") == "kept\n"
