"""A small file system of a test's own, to be filled to the last byte."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from typing import TYPE_CHECKING

from tests.needs import need_tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def small_disk(tmp_path: Path, kind: str, size_bytes: int) -> Iterator[Path]:
    """Mount one, `tmpfs` or `ext4` in a file, and take it away at the end. Needs root."""
    at = tmp_path / "disk"
    at.mkdir()
    if kind == "tmpfs":
        source, options = "tmpfs", f"size={size_bytes},mode=700"
    else:
        image = tmp_path / "image"
        with image.open("wb") as file:
            file.truncate(size_bytes)
        subprocess.run([need_tool("mkfs.ext4"), "-q", "-m", "0", image], check=True, timeout=60)
        source, options = str(image), "loop"
    mount, umount = need_tool("mount"), need_tool("umount")
    subprocess.run([mount, "-t", kind, "-o", options, source, at], check=True, timeout=60)
    try:
        yield at
    finally:
        subprocess.run([umount, "--lazy", at], check=True, timeout=60)


def fill(disk: Path) -> Path:
    """Fill it until no byte more goes in, and return the file that does."""
    path = disk / "ballast"
    with path.open("wb", buffering=0) as file:
        for piece in (2**16, 2**12, 1):
            _write_until_full(file.fileno(), b"x" * piece)
        os.fsync(file.fileno())
    return path


def _write_until_full(handle: int, piece: bytes) -> None:
    while True:
        try:
            os.write(handle, piece)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return
