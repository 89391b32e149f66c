"""Writes stops that the executor heard of or demands, on a thread: a sync may take seconds, the loop none."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from warden.runtime.latch import CLEARED
from warden.watchdog.events import StopWritten

if TYPE_CHECKING:
    from warden.domain.stops import Stop
    from warden.runtime.latch import Latch


class Writing:
    """At most one thread at a time; what comes meanwhile is asked for again by whoever wants it."""

    def __init__(self, latch: Latch) -> None:
        self._latch = latch
        self._thread: threading.Thread | None = None
        self._result: StopWritten | None = None

    def begin(self, stop: Stop) -> None:
        """Start to write, unless another is being written."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, args=(stop,), name="writing", daemon=True)
            self._thread.start()

    def ended(self) -> StopWritten | None:
        """Return what came of it, once."""
        if self._thread is None or self._thread.is_alive():
            return None
        self._thread = None
        result, self._result = self._result, None
        return result

    def _write(self, stop: Stop) -> None:
        failure = ""
        try:
            # One that a recovery has moved away meanwhile does not come back by itself.
            if not (self._latch.path / CLEARED / stop.stop_id).exists():
                self._latch.write(stop)
        except (OSError, ValueError) as error:
            failure = str(error)
        self._result = StopWritten(stop.stop_id, failure)
