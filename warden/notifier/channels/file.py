"""The file channel: `logs/alerts.log`, JSON lines, rotated by size. It reaches whoever tails the file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from warden.wire.codec import to_json
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from pathlib import Path

    from warden.notifier.alerts import Alert

_ROTATE_AT_BYTES: Final = 20_000_000
_KEEP: Final = 5


class FileChannel:
    """Appends each alert to `path`; opened for each, since alerts are rare and files get moved."""

    name = "file"
    minimum = Severity.INFO

    def __init__(self, path: Path, rotate_at_bytes: int = _ROTATE_AT_BYTES) -> None:
        self._path = path
        self._rotate_at_bytes = rotate_at_bytes

    def send(self, alert: Alert) -> None:
        """Append one line, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        data = to_json(alert) + b"\n"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            before = os.fstat(handle).st_size
            written = os.write(handle, data)
            if written != len(data):
                os.ftruncate(handle, before)
                raise OSError(f"{self._path}: only {written} of {len(data)} bytes could be written")
        finally:
            os.close(handle)
        if before + len(data) > self._rotate_at_bytes:
            self._rotate()

    def _rotate(self) -> None:
        for number in range(_KEEP - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
