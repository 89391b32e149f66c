"""Writes down for people how everything stood when it shut down (FS1), on a thread of its own."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final

import msgspec

from warden.wire.codec import to_json
from warden.wire.telemetry import WatchdogStatus

if TYPE_CHECKING:
    from pathlib import Path

    from warden.watchdog.commands import PersistState

FILE: Final = "final-state.json"
_RIGHTS: Final = 0o640


class FinalState(msgspec.Struct, frozen=True):
    """The file: what shut down, why, when (UTC, ISO 8601), and the watchdog's status at that moment."""

    trigger: str
    why: str
    time: str
    status: WatchdogStatus


class FinalStateWriter:
    """Writes `final-state.json` beside the watchdog's journal; the row there tells the same, this is to read.

    Args:
        folder: where the watchdog keeps its state.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._thread: threading.Thread | None = None
        self.failure = ""

    def begin(self, command: PersistState, status: WatchdogStatus, time: str) -> None:
        """Start to write; while an earlier one is still being written, that one stands."""
        if self._thread is not None and self._thread.is_alive():
            return
        content = to_json(FinalState(command.trigger, command.why, time, status))
        self._thread = threading.Thread(target=self._write, args=(content,), name="final-state", daemon=True)
        self._thread.start()

    def _write(self, content: bytes) -> None:
        unfinished = self._path.with_suffix(".new")
        try:
            handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _RIGHTS)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._path)
        except OSError as error:
            # The journal's row says what mattered; a full disk must not end the watchdog.
            self.failure = f"{self._path}: {error.strerror}"
