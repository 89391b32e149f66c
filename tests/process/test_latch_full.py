"""The stop on a disk that is full to the last byte, and to the last file: real file systems."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from tests.faults import fault
from tests.needs import need_root
from tests.process.small_disk import fill, small_disk
from warden.domain.stops import Stop, encode_stop
from warden.runtime.latch import Latch
from warden.runtime.slots import SLOTS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.system


def stop(number: int) -> Stop:
    """A stop of ordinary length."""
    return Stop(stop_id=f"stop-{number}", message="why " * 20, operator="anna", time="2026-01-01T00:00:00Z")


@fault("disk-full")
@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_a_full_disk_takes_eight_stops(tmp_path: Path, kind: str) -> None:
    """Each written whole and synced, where a byte more does not fit; slots come back with space (ES4)."""
    need_root()
    with small_disk(tmp_path, kind, 2**22) as disk:
        latch = Latch(disk / "home" / "stop")
        latch.create()
        ballast = fill(disk)
        with pytest.raises(OSError, match="No space") as caught:
            (disk / "more").write_bytes(b"x" * 4_096)
        assert caught.value.errno == errno.ENOSPC
        for number in range(SLOTS):
            latch.write(stop(number))
        assert latch.read().stops == tuple(stop(number) for number in range(SLOTS))
        for number in range(SLOTS):
            assert (latch.path / f"stop-{number}").read_bytes() == encode_stop(stop(number))
        assert latch.reserve() < SLOTS
        ballast.unlink()
        assert latch.reserve() == SLOTS
        latch.write(stop(SLOTS))
        assert len(latch.read().stops) == SLOTS + 1


@fault("disk-full")
def test_a_disk_without_room_for_a_file_takes_stops_too(tmp_path: Path) -> None:
    """No inode is left, so that not even the name can be made: a slot has one (ES4)."""
    need_root()
    with small_disk(tmp_path, "ext4", 2**22) as disk:
        latch = Latch(disk / "stop")
        latch.create()
        with pytest.raises(OSError, match="No space"):
            touch_many(disk)
        latch.write(stop(1))
        assert latch.read().stops == (stop(1),)


def touch_many(disk: Path) -> None:
    """Make empty files until there is an error."""
    for number in range(10**6):
        (disk / f"file-{number}").touch()
