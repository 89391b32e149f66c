"""Receives in a thread of its own and keeps the latest snapshot: drawing waits for no bus and no disk."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from warden.operator.link import Link, Snapshot

_EVERY_S: Final = 0.1
_END_S: Final = 5.0


class Feed(Protocol):
    """Where the screen's snapshots come from: the receiver, or a recording."""

    @property
    def latest(self) -> Snapshot:
        """Return the newest snapshot, at once."""
        ...


class Receiver:
    """Polls a link, which from `start` on belongs to its thread.

    Should the thread end for whatever reason, the last snapshot grows old and the screen says so.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._receive, name="receiver", daemon=True)
        self._latest = link.poll()

    @property
    def latest(self) -> Snapshot:
        """Return the newest snapshot, at once."""
        return self._latest

    def start(self) -> None:
        """Begin to receive."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; the link is closed with it."""
        self._ending.set()
        self._thread.join(_END_S)

    def _receive(self) -> None:
        with self._link:
            while not self._ending.wait(_EVERY_S):
                self._latest = self._link.poll()
