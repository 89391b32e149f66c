"""The disk's floor, by numbers, and on this machine's own disk."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warden.runtime.clock import NS_PER_S, SystemClock
from warden.runtime.disk import DiskFloor, floor_bytes

BLOCK = 4_096
GIB = 2**30


class Disk:
    """A file system and a clock that a test sets."""

    def __init__(
        self, *, total_bytes: int, free_bytes: int, files: int = 10**6, files_free: int = 10**5
    ) -> None:
        self.now_ns = 0
        self.asked = 0
        self.error: OSError | None = None
        self.total_bytes, self.free_bytes = total_bytes, free_bytes
        self.files, self.files_free = files, files_free

    def boot_ns(self) -> int:
        """As a clock does."""
        return self.now_ns

    def wall(self) -> datetime:
        """As a clock does."""
        return datetime(2026, 1, 1, tzinfo=UTC)

    def statvfs(self, _path: Path) -> os.statvfs_result:
        """As `os.statvfs` does; root's own reserve counts as free in `f_bfree` only."""
        self.asked += 1
        if self.error is not None:
            raise self.error
        blocks, free = self.total_bytes // BLOCK, self.free_bytes // BLOCK
        return os.statvfs_result(
            (1_048_576, BLOCK, blocks, blocks, free, self.files, self.files_free, self.files_free, 0, 255)
        )

    def floor(self) -> DiskFloor:
        """The check on it."""
        return DiskFloor(Path("/state"), self, self.statvfs)


@pytest.mark.parametrize(
    ("total_bytes", "floor"),
    [(0, 0), (10 * GIB, GIB // 2), (20 * GIB, GIB), (20 * GIB + 20, GIB), (4_000 * GIB, GIB)],
)
def test_the_floor_is_a_twentieth_and_a_gibibyte_at_most(total_bytes: int, floor: int) -> None:
    """min(5 %, 1 GiB) of the file system (DESIGN: Journals)."""
    assert floor_bytes(total_bytes) == floor


def test_below_the_floor_it_says_how_much_is_free_and_needed() -> None:
    """FS2: a line for people; at the floor itself there is room enough."""
    disk = Disk(total_bytes=100 * GIB, free_bytes=GIB)
    assert disk.floor().reason() == ""
    disk.free_bytes = GIB - BLOCK
    assert disk.floor().reason() == "disk of /state: 1024.0 MiB free, 1024.0 are needed"
    disk.free_bytes = GIB // 4
    assert disk.floor().reason() == "disk of /state: 256.0 MiB free, 1024.0 are needed"


def test_room_for_files_is_needed_too() -> None:
    """A disk with space and no inode takes no new file; one without such a limit is not asked."""
    disk = Disk(total_bytes=100 * GIB, free_bytes=50 * GIB, files_free=63)
    assert disk.floor().reason() == "disk of /state: room for 63 more files, 64 are needed"
    disk.files = disk.files_free = 0
    assert disk.floor().reason() == ""


def test_what_cannot_be_asked_counts_as_full() -> None:
    """The answer is for a gate."""
    disk = Disk(total_bytes=100 * GIB, free_bytes=50 * GIB)
    disk.error = OSError(5, "Input/output error")
    assert disk.floor().reason() == "disk of /state: Input/output error"


def test_the_kernel_is_asked_once_a_second_at_most() -> None:
    """Cheap enough for every check before a send; a change is seen within the second."""
    disk = Disk(total_bytes=100 * GIB, free_bytes=50 * GIB)
    floor = disk.floor()
    assert [floor.reason() for _ in range(100)] == [""] * 100
    disk.free_bytes = 0
    disk.now_ns = NS_PER_S - 1
    assert (floor.reason(), disk.asked) == ("", 1)
    disk.now_ns = NS_PER_S
    assert floor.reason() != ""
    assert disk.asked == 2


def test_it_reads_this_machines_disk(tmp_path: Path) -> None:
    """The real call; a path that is not there is no room."""
    assert "No such file" in DiskFloor(tmp_path / "absent", SystemClock()).reason()
    found = os.statvfs(tmp_path)
    enough = found.f_bavail * found.f_frsize >= floor_bytes(found.f_blocks * found.f_frsize)
    assert (DiskFloor(tmp_path, SystemClock()).reason() == "") is enough
