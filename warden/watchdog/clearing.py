"""Moves stop files away on a thread of its own: a sync may take seconds, the loop never waits for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from warden.watchdog.events import StopsCleared

if TYPE_CHECKING:
    from warden.runtime.latch import Latch


class Clearing:
    """At most one thread at a time; a disk that never answers holds only that thread."""

    def __init__(self, latch: Latch) -> None:
        self._latch = latch
        self._thread: threading.Thread | None = None
        self._result: StopsCleared | None = None

    def begin(self, stop_ids: tuple[str, ...]) -> None:
        """Start to clear; the answer comes from `ended`."""
        if self._thread is not None:
            self._result = StopsCleared((), "an earlier clearing still waits for the disk")
            return
        self._thread = threading.Thread(target=self._clear, args=(stop_ids,), name="clearing", daemon=True)
        self._thread.start()

    def ended(self) -> StopsCleared | None:
        """Return the answer once."""
        if self._thread is not None and not self._thread.is_alive():
            self._thread = None
        result = self._result
        if result is not None and self._thread is None:
            self._result = None
            return result
        return None

    def _clear(self, stop_ids: tuple[str, ...]) -> None:
        cleared = []
        failure = ""
        for stop_id in stop_ids:
            try:
                self._latch.clear(stop_id)
            except OSError as error:
                failure = f"{stop_id}: {error.strerror}"
                break
            cleared.append(stop_id)
        self._result = StopsCleared(tuple(cleared), failure)
