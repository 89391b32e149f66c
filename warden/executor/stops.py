"""How the executor hears of stops: its socket, and the directory, which is the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.stops import STOP_ID, CleanUp, decode_stop
from warden.runtime.latch import CLEARED
from warden.wire.messages import StopSeen
from warden.wire.rows import StopRow

if TYPE_CHECKING:
    from warden.executor.gate import Gate
    from warden.runtime.bus import Server
    from warden.runtime.latch import Latch

_REQUESTS_MAX: Final = 16
_HEARD_MAX: Final = 256


class StopDesk:
    """Answers stop requests and keeps track of the stops that stand."""

    def __init__(self, server: Server, latch: Latch, gate: Gate, session: str) -> None:
        self._server = server
        self._latch = latch
        self._gate = gate
        self._session = session
        self._standing: frozenset[str] = frozenset()

    def serve(self, in_flight: tuple[str, ...]) -> None:
        """Answer what waits on the socket: from here on the gate is closed, whatever becomes of the file."""
        for _ in range(_REQUESTS_MAX):
            request = self._server.receive()
            if request is None:
                return
            stop = decode_stop("", request.data)
            named = self._named(request.data)
            if len(self._gate.heard_stops) < _HEARD_MAX:
                self._gate.heard_stops |= {named}
            seen = StopSeen(
                stop_id=named,
                executor_session=self._session,
                in_flight=in_flight,
                cleanup=self._cleanup_of(stop.policy),
            )
            self._server.send(request.identity, msgspec.json.encode(seen))

    def look(self) -> list[StopRow]:
        """Look at the directory and return what changed since the last look, for the journal."""
        if not self._standing and not self._gate.heard_stops and self._latch.is_clear():
            return []
        state = self._latch.read()
        standing = frozenset(stop.stop_id for stop in state.stops)
        rows = [StopRow(stop_id=name, lifted=False) for name in sorted(standing - self._standing)]
        rows += [StopRow(stop_id=name, lifted=True) for name in sorted(self._standing - standing)]
        self._standing = standing
        # What was only heard over the socket stands until its file has been cleared by a recovery.
        self._gate.heard_stops = frozenset(
            name for name in self._gate.heard_stops if not (self._latch.path / CLEARED / name).exists()
        )
        return rows

    def _cleanup_of(self, policy: str) -> str:
        """Return what clean-up follows: what the stop allows while a watchdog is there to allow it."""
        known = policy in {each.value for each in CleanUp}
        return policy if known and self._gate.is_watched() else CleanUp.HOLD.value

    @staticmethod
    def _named(data: bytes) -> str:
        """Return the id that a request names; an unreadable one is a stop under a name of its own."""
        try:
            name = str(msgspec.json.decode(data)["stop_id"])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
            return "unreadable-request"
        return name if STOP_ID.fullmatch(name) else "unreadable-request"
