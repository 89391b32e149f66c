"""Compression of rotated files, off the loop."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest

from warden.logger.compressor import Compressor, compress

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_by_its_compressed_self(tmp_path: Path) -> None:
    """OB1: content and time survive, and nothing unfinished is left."""
    source = tmp_path / "main.1.log"
    source.write_bytes(b"line\n" * 10_000)
    os.utime(source, (1_000, 1_000))
    packed = compress(source)
    assert [each.name for each in tmp_path.iterdir()] == ["main.1.log.gz"]
    assert gzip.decompress(packed.read_bytes()) == b"line\n" * 10_000
    assert packed.stat().st_mtime == 1_000


def test_a_failure_leaves_the_original(tmp_path: Path) -> None:
    """A rotated file that cannot be compressed stays readable."""
    source = tmp_path / "main.1.log"
    source.write_bytes(b"line\n")
    (tmp_path / "main.1.log.gz").mkdir()
    with pytest.raises(OSError, match="directory"):
        compress(source)
    assert source.read_bytes() == b"line\n"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["main.1.log", "main.1.log.gz"]


def test_the_thread_finishes_what_waits(tmp_path: Path) -> None:
    """At an orderly end everything that was handed in is compressed; what is not there is counted."""
    names = [tmp_path / f"main.{number}.log" for number in range(5)]
    for name in names:
        name.write_bytes(b"line\n")
    compressor = Compressor()
    for name in names:
        compressor.submit(str(name))
    compressor.submit(str(tmp_path / "missing.log"))
    compressor.close(timeout_s=60)
    assert sorted(each.name for each in tmp_path.iterdir()) == [f"main.{n}.log.gz" for n in range(5)]
    assert compressor.failed == 1
