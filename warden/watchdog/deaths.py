"""A handle (pidfd) on the process of every session: its end is known at once, not after a silence.

Nothing here waits, and no thread is needed: each turn of the loop asks the kernel about all handles in one
call. A process that cannot be seen (another's /proc is hidden, no pidfd) is judged by its silence alone.
"""

from __future__ import annotations

import contextlib
import os
import select
from typing import TYPE_CHECKING, Final

import msgspec

from warden.watchdog import killing
from warden.watchdog.events import Died

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from warden.watchdog.killing import Target
    from warden.watchdog.liveness import Peer

_NONE: Final = -1


class _Watched(msgspec.Struct, frozen=True):
    """Whose process is watched; `handle` is -1 where it cannot be, or is known to be dead."""

    session: str
    handle: int


class Deaths:
    """The handles, at most one for each name."""

    def __init__(self) -> None:
        self._watched: dict[str, _Watched] = {}
        self._poll = select.poll()
        self._found: list[Died] = []

    def follow(self, peers: Iterable[Peer], target_of: Callable[[str], Target | None]) -> None:
        """Watch the process of each peer's present session.

        Args:
            peers: whoever may have beaten.
            target_of: the process that a session's first beat came from; None where it is not known.
        """
        for peer in peers:
            known = self._watched.get(peer.name)
            if peer.session and (known is None or known.session != peer.session):
                self._drop(peer.name)
                self._watched[peer.name] = self._watch(peer, target_of(peer.session))

    def died(self) -> list[Died]:
        """Return who has ended since the last call; each once."""
        found, self._found = self._found, []
        ended = {handle for handle, _ in self._poll.poll(0)}
        for name, each in list(self._watched.items()):
            if each.handle in ended:
                self._drop(name)
                self._watched[name] = _Watched(each.session, _NONE)
                found.append(Died(name, each.session))
        return found

    def close(self) -> None:
        """Let go of every handle."""
        for name in list(self._watched):
            self._drop(name)

    def _watch(self, peer: Peer, target: Target | None) -> _Watched:
        handle = _NONE
        if target is not None:
            with contextlib.suppress(OSError):  # gone, or no handle to be had: then silence tells
                handle = os.pidfd_open(target.pid)
            # Looked at while the handle is held: a number that was given to another process shows itself.
            if not killing.alive(target):
                if handle != _NONE:
                    os.close(handle)
                self._found.append(Died(peer.name, peer.session))
                handle = _NONE
        if handle != _NONE:
            self._poll.register(handle, select.POLLIN)
        return _Watched(peer.session, handle)

    def _drop(self, name: str) -> None:
        watched = self._watched.pop(name, None)
        if watched is not None and watched.handle != _NONE:
            self._poll.unregister(watched.handle)
            os.close(watched.handle)
