"""How the executor hears of stops: its socket, and the directory, which is the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.stops import STOP_ID, CleanUp, Stop, decode_stop
from warden.runtime.latch import CLEARED
from warden.wire.messages import StopSeen
from warden.wire.rows import StopRow

if TYPE_CHECKING:
    from warden.executor.sends.gate import Gate
    from warden.runtime.bus import Server
    from warden.runtime.latch import Latch

_REQUESTS_MAX: Final = 16
_HEARD_MAX: Final = 256
_UNRECORDED_TOLD_MAX: Final = 4
_TEXT_MAX: Final = 400


class StopDesk:
    """Answers stop requests and keeps track of the stops that stand."""

    def __init__(self, server: Server, latch: Latch, gate: Gate, session: str) -> None:
        self._server = server
        self._latch = latch
        self._gate = gate
        self._session = session
        self._standing: frozenset[str] = frozenset()
        self._heard: dict[str, Stop] = {}
        self._unreadable = 0

    def serve(self, in_flight: tuple[str, ...]) -> None:
        """Answer what waits on the socket: from here on the gate is closed, whatever becomes of the file."""
        for _ in range(_REQUESTS_MAX):
            request = self._server.receive()
            if request is None:
                return
            named = self._named(request.data)
            stop = decode_stop(named, request.data)
            self.keep(stop)
            seen = StopSeen(
                stop_id=named,
                executor_session=self._session,
                in_flight=in_flight,
                cleanup=self._cleanup_of(stop.policy),
            )
            self._server.send(request.identity, msgspec.json.encode(seen))

    def keep(self, stop: Stop) -> None:
        """Close the gate for a stop of which no file may stand yet."""
        if len(self._heard) < _HEARD_MAX:
            self._heard[stop.stop_id] = stop
            self._gate.stopped()
            self._gate.heard_stops = frozenset(self._heard)

    def unrecorded(self) -> tuple[Stop, ...]:
        """Return stops that were heard of and have no file: the watchdog makes them durable. Four at most."""
        missing = (stop for name, stop in self._heard.items() if name not in self._standing)
        return tuple(_bounded(stop) for _, stop in zip(range(_UNRECORDED_TOLD_MAX), missing, strict=False))

    @property
    def stopped(self) -> bool:
        """Tell whether a stop stood at the last look, or was heard of and not cleared."""
        return bool(self._standing or self._heard)

    def was_cleared(self, stop_id: str) -> bool:
        """Tell whether a recovery has moved this stop away."""
        return (self._latch.path / CLEARED / stop_id).exists()

    def look(self) -> list[StopRow]:
        """Look at the directory and return what changed since the last look, for the journal."""
        if not self._standing and not self._gate.heard_stops and self._latch.is_clear():
            return []
        self._gate.stopped()
        state = self._latch.read()
        standing = frozenset(stop.stop_id for stop in state.stops)
        rows = [StopRow(stop_id=name, lifted=False) for name in sorted(standing - self._standing)]
        rows += [StopRow(stop_id=name, lifted=True) for name in sorted(self._standing - standing)]
        self._standing = standing
        # What was only heard over the socket stands until its file has been cleared by a recovery.
        self._heard = {name: stop for name, stop in self._heard.items() if not self.was_cleared(name)}
        self._gate.heard_stops = frozenset(self._heard)
        return rows

    def _cleanup_of(self, policy: str) -> str:
        """Return what clean-up follows: what the stop allows while a watchdog is there to allow it."""
        known = policy in {each.value for each in CleanUp}
        return policy if known and self._gate.is_watched() else CleanUp.HOLD.value

    def _named(self, data: bytes) -> str:
        """Return the id that a request names; an unreadable one is a stop under a name of its own."""
        try:
            name = str(msgspec.json.decode(data)["stop_id"])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
            name = ""
        if STOP_ID.fullmatch(name):
            return name
        # One name while it stands, another after a recovery: it is not the one that was cleared.
        while self.was_cleared(self._unreadable_name()):
            self._unreadable += 1
        return self._unreadable_name()

    def _unreadable_name(self) -> str:
        return f"unreadable-{self._session[:8]}-{self._unreadable}"


def _bounded(stop: Stop) -> Stop:
    """Return the stop cut to what a heartbeat may carry; whoever wrote a file of it wrote it whole."""
    return Stop(**{name: getattr(stop, name)[:_TEXT_MAX] for name in stop.__struct_fields__})
