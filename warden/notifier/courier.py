"""Carries alerts to one channel on a thread of its own: bounded, in order, retried with backoff.

No channel can hold up another, the loop, or the end of the process.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from warden.notifier.alerts import rank
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from warden.notifier.alerts import Alert
    from warden.notifier.channels import Channel

WAITING_MAX: Final = 256
_BACKOFF_S: Final = 1.0
_BACKOFF_S_MAX: Final = 60.0


class Courier:
    """One channel's queue and thread.

    Attributes:
        delivered, dropped: alerts so far; what does not fit drops the oldest that is not CRITICAL.
        trouble: why the last try failed, empty when it did not.
    """

    def __init__(self, channel: Channel, backoff_s: float = _BACKOFF_S) -> None:
        self.channel = channel
        self.delivered = 0
        self.dropped = 0
        self.trouble = ""
        self._backoff_s = backoff_s
        self._waiting: deque[Alert] = deque()
        self._change = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"channel-{channel.name}", daemon=True)
        self._thread.start()

    def offer(self, alert: Alert) -> None:
        """Take an alert if the channel wants its severity; returns at once."""
        if rank(alert.severity) < rank(self.channel.minimum):
            return
        with self._change:
            if len(self._waiting) >= WAITING_MAX:
                self._make_room()
            self._waiting.append(alert)
            self._change.notify()

    def close(self, timeout_s: float = 2.0) -> None:
        """Deliver what waits, each tried once, for `timeout_s` seconds at most."""
        with self._change:
            self._closing = True
            self._change.notify()
        self._thread.join(timeout_s)

    def _make_room(self) -> None:
        self.dropped += 1
        for number, alert in enumerate(self._waiting):
            if alert.severity is not Severity.CRITICAL:
                del self._waiting[number]
                return
        self._waiting.popleft()

    def _run(self) -> None:
        backoff_s = self._backoff_s
        while (alert := self._next()) is not None:
            if self._deliver(alert):
                backoff_s = self._backoff_s
                continue
            with self._change:
                if self._closing:
                    self.dropped += 1
                    continue
                self._waiting.appendleft(alert)
                # Woken early only by the end: a new alert does not make a dead server live.
                self._change.wait_for(self._is_closing, backoff_s)
            backoff_s = min(2 * backoff_s, _BACKOFF_S_MAX)

    def _is_closing(self) -> bool:
        return self._closing

    def _next(self) -> Alert | None:
        with self._change:
            while not self._waiting:
                if self._closing:
                    return None
                self._change.wait()
            return self._waiting.popleft()

    def _deliver(self, alert: Alert) -> bool:
        try:
            self.channel.send(alert)
        except Exception as error:  # noqa: BLE001 - a channel may be anybody's code: any failure is its failure
            self.trouble = f"{type(error).__name__}: {error}"[:200]
            return False
        self.delivered += 1
        self.trouble = ""
        return True
