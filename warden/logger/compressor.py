"""Compresses rotated files on a thread of its own: 100 MB take seconds, longer than a beat may wait."""

from __future__ import annotations

import gzip
import os
import queue
import shutil
import threading
from pathlib import Path
from typing import Final

_WAITING_MAX: Final = 64
_LEVEL: Final = 6


class Compressor:
    """One thread with a bounded queue; what does not fit, or fails, stays as it was, only larger."""

    def __init__(self) -> None:
        self.failed = 0
        self._waiting: queue.Queue[Path | None] = queue.Queue(_WAITING_MAX)
        self._thread = threading.Thread(target=self._run, name="compressor", daemon=True)
        self._thread.start()

    def submit(self, path: str) -> None:
        """Take a rotated file; returns at once."""
        try:
            self._waiting.put_nowait(Path(path))
        except queue.Full:
            self.failed += 1

    def close(self, timeout_s: float = 2.0) -> None:
        """Finish what waits, for `timeout_s` seconds at most."""
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            return  # the thread dies with the process, and the files stay uncompressed
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (path := self._waiting.get()) is not None:
            try:
                compress(path)
            except OSError:
                self.failed += 1


def compress(path: Path) -> Path:
    """Replace `path` by `path.gz`, whole or not at all, and return the new path.

    The unfinished file's name begins with a dot, so that no retention rule counts it; the finished one keeps
    the time of the old, by which the oldest is found.

    Raises:
        OSError: the disk refuses; `path` is then untouched.
    """
    target = path.with_name(path.name + ".gz")
    unfinished = path.with_name(f".{path.name}.gz.new")
    try:
        status = path.stat()
        with path.open("rb") as source, gzip.open(unfinished, "wb", compresslevel=_LEVEL) as packed:
            shutil.copyfileobj(source, packed, 256 * 1024)
        os.utime(unfinished, ns=(status.st_atime_ns, status.st_mtime_ns))
        unfinished.replace(target)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    path.unlink(missing_ok=True)
    return target
