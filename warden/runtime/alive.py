"""Tells systemd that supervisord's own loop goes round, so that a hung one is restarted (`WatchdogSec`).

supervisord loads this itself (`[rpcinterface:alive]` in supervisord.conf): the word comes from the very loop
that it vouches for, by its main process, so that no program below it can speak in its stead.
"""

from __future__ import annotations

import os
import socket
from typing import Any, Final

from supervisor import events

_VARIABLE: Final = "NOTIFY_SOCKET"
READY: Final = b"READY=1"
ALIVE: Final = b"WATCHDOG=1"
ENDING: Final = b"STOPPING=1"
# A reload makes everything anew in the same process; the variable is gone by then.
_known: list[str] = []


class Alive:
    """What supervisord keeps of us: it has no methods that anybody may call."""


def make_alive(_supervisord: Any) -> Alive:  # noqa: ANN401 - supervisor ships no types
    """Speak to systemd from now on, each five seconds; without systemd do nothing. Called by supervisord."""
    named = os.environ.pop(_VARIABLE, "")  # its programs do not inherit it
    if named and not _known:
        _known.append(named)
    if _known:
        events.subscribe(events.SupervisorRunningEvent, lambda _event: notify(_known[0], READY))
        events.subscribe(events.Tick5Event, lambda _event: notify(_known[0], ALIVE))
        events.subscribe(events.SupervisorStoppingEvent, lambda _event: notify(_known[0], ENDING))
    return Alive()


def notify(path: str, word: bytes) -> bool:
    """Send a word to systemd's socket and tell whether it left; never waits. `@` begins an abstract name."""
    address = f"\0{path[1:]}" if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(word, address)
        except OSError:
            return False  # said again in five seconds; systemd acts on silence
    return True
