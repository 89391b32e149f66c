"""Reserved stop slots: how they stand, and what a stop by a slot is. On full disks: tests/process."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from warden.domain.stops import Stop, encode_stop
from warden.runtime import latch as module
from warden.runtime.latch import Latch
from warden.runtime.slots import SLOT_BYTES, SLOTS, Slots

if TYPE_CHECKING:
    from pathlib import Path

STOP = Stop(stop_id="one", reason="MANUAL", message="why", operator="anna", time="t")


@pytest.fixture
def latch(tmp_path: Path) -> Latch:
    """A stop directory as set-up makes it."""
    made = Latch(tmp_path / "stop")
    made.create()
    return made


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every write into a stop file of its own fail as on a full disk, after the name has appeared."""

    def no_space(_stop: Stop) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "encode_stop", no_space)


def slots_of(latch: Latch) -> list[str]:
    """The names in the directory of slots."""
    return sorted(each.name for each in latch.path.with_name("stop.reserve").iterdir())


def test_they_stand_beside_the_stop_directory_with_real_blocks(latch: Latch) -> None:
    """Not inside, where any file means stopped; each has its blocks already."""
    assert latch.is_clear()
    assert slots_of(latch) == [f"slot-{number}" for number in range(SLOTS)]
    for name in slots_of(latch):
        found = (latch.path.with_name("stop.reserve") / name).stat()
        assert found.st_size == SLOT_BYTES
        assert found.st_blocks * 512 >= SLOT_BYTES


def test_what_is_missing_or_hollow_is_made_again(latch: Latch) -> None:
    """Topped up at the watchdog's start; what stands is left alone."""
    directory = latch.path.with_name("stop.reserve")
    (directory / "slot-2").unlink()
    (directory / "slot-3").write_bytes(b"")
    with (directory / "slot-4").open("wb") as file:
        file.truncate(SLOT_BYTES)  # a hole: full size, no block
    kept = (directory / "slot-5").stat().st_ino
    assert latch.reserve() == SLOTS
    test_they_stand_beside_the_stop_directory_with_real_blocks(latch)
    assert (directory / "slot-5").stat().st_ino == kept


def test_they_have_the_rights_of_the_stop_directory(tmp_path: Path) -> None:
    """Whoever may stop may use a slot, and nobody else (DESIGN: Users)."""
    (tmp_path / "stop").mkdir()
    (tmp_path / "stop").chmod(0o2770)
    assert Slots(tmp_path / "stop").reserve() == SLOTS
    directory = tmp_path / "stop.reserve"
    assert directory.stat().st_mode & 0o7777 == 0o2770
    assert {each.stat().st_mode & 0o777 for each in directory.iterdir()} == {0o664}


@pytest.mark.usefixtures("full")
def test_a_stop_by_a_slot_is_a_stop_like_any_other(latch: Latch) -> None:
    """The frozen format's bytes and no padding; the next stop takes the next slot (ES4)."""
    latch.write(STOP)
    assert (latch.path / "one").read_bytes() == encode_stop(STOP)
    assert (latch.path / "one").stat().st_mode & 0o777 == 0o644
    assert latch.read().stops == (STOP,)
    assert len(slots_of(latch)) == SLOTS - 1
    for number in range(1, SLOTS):
        latch.write(Stop(stop_id=f"s{number}"))
    assert slots_of(latch) == []
    assert len(latch.read().stops) == SLOTS


@pytest.mark.usefixtures("full")
def test_without_a_slot_the_error_is_seen_and_the_name_stops_all_the_same(latch: Latch) -> None:
    """The ninth: not durable, said so, and in force while the machine runs."""
    for number in range(SLOTS):
        latch.write(Stop(stop_id=f"s{number}"))
    with pytest.raises(OSError, match="No space left"):
        latch.write(STOP)
    assert STOP.stop_id in [stop.stop_id for stop in latch.read().stops]


@pytest.mark.usefixtures("full")
def test_the_same_stop_again_takes_no_second_slot(latch: Latch) -> None:
    """Idempotent by id, also on a full disk."""
    latch.write(STOP)
    latch.write(STOP)
    assert len(slots_of(latch)) == SLOTS - 1
    assert latch.read().stops == (STOP,)


@pytest.mark.parametrize("character", ["x", "ü", "\n", "\U0001f6d1"])
@pytest.mark.usefixtures("full")
def test_a_long_message_is_cut_to_fit(latch: Latch, character: str) -> None:
    """A slot has 4 KiB; who and why are cut, never left out, and the rest is whole."""
    latch.write(Stop(stop_id="one", message=character * 100_000, operator=character * 9_000, time="t"))
    (stop,) = latch.read().stops
    assert (latch.path / "one").stat().st_size <= SLOT_BYTES
    assert (stop.time, set(stop.message), set(stop.operator)) == ("t", {character}, {character})


def test_another_error_takes_no_slot(latch: Latch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slot helps against a full disk only."""

    def broken(_stop: Stop) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(module, "encode_stop", broken)
    with pytest.raises(OSError, match="Input/output"):
        latch.write(STOP)
    assert len(slots_of(latch)) == SLOTS
