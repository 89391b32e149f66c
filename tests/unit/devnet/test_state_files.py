"""Which of the two state files is believed."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

from warden.devnet.state_files import StateFiles, write_atomically

if TYPE_CHECKING:
    from pathlib import Path


def _state(height: int) -> bytes:
    blocks = [{"header": {"number": hex(number), "timestamp": hex(1000 + number)}} for number in (2, 0, 1)]
    return json.dumps({"best_block_number": height, "blocks": blocks, "accounts": {}}).encode()


def test_the_highest_whole_file_is_believed(tmp_path: Path) -> None:
    """None, then one, then the higher of two, then the one that is not torn."""
    files = StateFiles(tmp_path)
    assert files.newest() is None
    files.save_dump("0x" + gzip.compress(_state(5)).hex())
    stored = files.newest()
    assert stored is not None
    assert (stored.path, stored.height, stored.genesis_time_s) == (files.periodic, 5, 1000)
    files.at_exit.write_bytes(_state(9))
    newer = files.newest()
    assert newer is not None
    assert (newer.path, newer.height) == (files.at_exit, 9)
    files.at_exit.write_bytes(_state(9)[:-1])
    left = files.newest()
    assert left is not None
    assert left.path == files.periodic


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """The old content, then the new one, and nothing beside it."""
    path = tmp_path / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
