"""The real executor, which kills itself at a step that a test chose: everything but the kill is its own.

`python -m tests.process.crashing warden.executor --home HOME` runs as the executor does. Once `HOME/crash-at`
holds a point's name, or a pattern (`*in-first-leg`), the first time that such a point is reached is the end:
SIGKILL, as at a power cut, with whatever other threads were doing.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from fnmatch import fnmatch
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from warden.domain.modes import Action
from warden.domain.roles import Role
from warden.executor.core import ExecutorCore
from warden.executor.main import main
from warden.executor.protocol.events import Event, HeadRead, LegDone
from warden.executor.sends.leg import Leg, Legs
from warden.executor.stops import StopDesk
from warden.runtime.journal import Journal
from warden.runtime.process import run

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from warden.executor.protocol.commands import Command, Send
    from warden.executor.protocol.terms import Now, Ticket

ORDER_FILE: Final = "crash-at"
LEGS: Final = 3

# The step of a send or of a stop -> what is true at that moment.
POINTS: Final = {
    "before-row": "signed, and nothing of it is in the journal",
    "row-unsynced": "its row is handed in and not yet synced",
    "row-synced": "its row is durable, and the loop does not know it yet",
    "before-first-leg": "its row is durable, and no leg has begun",
    "half-written": "half of the bytes have left for one endpoint",
    "in-first-leg": "all bytes have left for one endpoint, which has not answered",
    "after-one-leg": "one endpoint has answered",
    "after-all-legs": "all have answered; not all of it is in the journal",
    "receipt-read": "its receipt was read, and nothing of it is in the journal",
    "outcome-unsynced": "its outcome is handed in and not yet synced",
    "outcome-synced": "its outcome is durable, and nobody was told",
    "cancel-before-row": "a cancelling transaction is signed and not in the journal",
    "cancel-before-first-leg": "a cancelling transaction is durable, and no leg of it has begun",
    "cancel-in-first-leg": "all bytes of a cancelling transaction have left for one endpoint",
    "bump-before-row": "the same call for higher fees is signed and not in the journal",
    "bump-before-first-leg": "the same call for higher fees is durable, and no leg of it has begun",
    "bump-in-first-leg": "all bytes of the same call for higher fees have left for one endpoint",
    "fill-before-row": "what fills a gap is signed and not in the journal",
    "fill-before-first-leg": "what fills a gap is durable, and no leg of it has begun",
    "fill-in-first-leg": "all bytes of what fills a gap have left for one endpoint",
    "exit-before-row": "an exit of Warden's own is signed and not in the journal",
    "exit-in-first-leg": "all bytes of an exit have left for one endpoint",
    "exit-bump-in-first-leg": "all bytes of an exit for higher fees have left for one endpoint",
    "cleanup-before-first-leg": "a stop's clean-up is durable, and no leg of it has begun",
    "cleanup-in-first-leg": "all bytes of a stop's clean-up have left for one endpoint",
    "stop-heard": "a stop was read from the socket and not acknowledged",
    "stop-answered": "a stop was acknowledged",
}


class Crasher:
    """Dies at the point that the order file names."""

    def __init__(self, home: Path) -> None:
        self._order = home / ORDER_FILE
        self._legs: Counter[str] = Counter()
        # By hash, of what was signed in this run; and what each leg is at.
        self._kinds: dict[str, str] = {}
        self._writing: dict[str, str] = {}

    def at(self, point: str) -> None:
        """Die here if this is the point."""
        try:
            ordered = self._order.read_text(encoding="ascii")
        except FileNotFoundError:
            return
        if fnmatch(point, ordered):
            os.kill(os.getpid(), signal.SIGKILL)

    def ordered(self, point: str) -> bool:
        """Tell whether this is the point, without dying."""
        return self._order.exists() and fnmatch(point, self._order.read_text(encoding="ascii"))

    def install(self) -> None:
        """Stand at every point."""
        self._at_the_journal()
        self._at_the_legs()
        self._at_the_core()
        self._at_the_stop_desk()

    def _at_the_journal(self) -> None:
        append, commit = Journal.append, Journal._commit

        @wraps(append)
        def appended(journal: Journal, kind: str, body: bytes, *, urgent: bool = True) -> int:
            if kind == "signed.1":
                points = _kind_of_row(body)
                self._kinds[_hash_of_row(body)] = points
                self.at(f"{points}before-row")
            return append(journal, kind, body, urgent=urgent)

        @wraps(commit)
        def committed(journal: Journal, group: list[tuple[int, int, str, bytes]]) -> None:
            names = {"signed.1": "row", "outcome.1": "outcome"}
            parts = {names[kind] for _, _, kind, _ in group if kind in names}
            for part in parts:
                self.at(f"{part}-unsynced")
            commit(journal, group)
            for part in parts:
                self.at(f"{part}-synced")

        _replace(Journal, "append", appended)
        _replace(Journal, "_commit", committed)

    def _at_the_legs(self) -> None:
        send, write, answer, carry_out = Legs.send, Leg._write, Leg._answer, Leg._carry_out

        @wraps(carry_out)
        def carried_out(leg: Leg, order: Send) -> LegDone:
            self._writing[leg.name] = order.tx_hash
            return carry_out(leg, order)

        @wraps(send)
        def sent(legs: Legs, order: Send) -> None:
            self.at(f"{self._kind(order.tx_hash, order.ticket)}before-first-leg")
            send(legs, order)

        @wraps(write)
        def written(leg: Leg, connection: socket.socket, request: bytes, ticket: Ticket) -> None:
            if self.ordered("half-written"):
                connection.send(request[: len(request) // 2])
                self.at("half-written")
            write(leg, connection, request, ticket)
            self.at(f"{self._kind(self._writing.get(leg.name, ''), ticket)}in-first-leg")

        @wraps(answer)
        def answered(leg: Leg, connection: socket.socket, tx_hash: str) -> tuple[str, str]:
            result = answer(leg, connection, tx_hash)
            self.at("after-one-leg")
            return result

        _replace(Legs, "send", sent)
        _replace(Leg, "_write", written)
        _replace(Leg, "_answer", answered)
        _replace(Leg, "_carry_out", carried_out)

    def _kind(self, tx_hash: str, ticket: Ticket) -> str:
        """Return how the points of this transaction's legs begin."""
        if ticket.cleanup_nonce is not None:
            return "cleanup-"
        other = "cancel-" if ticket.action is Action.CANCEL else ""
        return self._kinds.get(tx_hash, other)

    def _at_the_core(self) -> None:
        handle = ExecutorCore.handle

        @wraps(handle)
        def handled(core: ExecutorCore, event: Event, now: Now) -> list[Command]:
            if isinstance(event, LegDone):
                self._legs[event.tx_hash] += 1
                if self._legs[event.tx_hash] == LEGS:
                    self.at("after-all-legs")
            if isinstance(event, HeadRead) and any(
                event.receipts.get(entry.signed.tx_hash) for entry in core.book.open()
            ):
                self.at("receipt-read")
            return handle(core, event, now)

        _replace(ExecutorCore, "handle", handled)

    def _at_the_stop_desk(self) -> None:
        serve, named = StopDesk.serve, StopDesk._named

        @wraps(named)
        def heard(desk: StopDesk, data: bytes) -> str:
            self.at("stop-heard")
            return named(desk, data)

        @wraps(serve)
        def served(desk: StopDesk, *arguments: Any, **named_arguments: Any) -> None:  # noqa: ANN401 - whatever it takes
            before = desk._gate.heard_stops
            serve(desk, *arguments, **named_arguments)
            if desk._gate.heard_stops - before:
                self.at("stop-answered")

        _replace(StopDesk, "_named", heard)
        _replace(StopDesk, "serve", served)


def _kind_of_row(body: bytes) -> str:
    """Return how the points of a signed transaction begin."""
    row = json.loads(body)
    if row["purpose"] == "cancel":
        return "cancel-" if row.get("replaces") else "fill-"
    kind = "exit-" if row["purpose"] == "exit" else ""
    return f"{kind}bump-" if row.get("replaces") else kind


def _hash_of_row(body: bytes) -> str:
    return str(json.loads(body)["tx_hash"])


def _replace(owner: type, name: str, value: Callable[..., Any]) -> None:
    """Put a wrapper in a method's place; a method that is no longer there is an error, not a silent pass."""
    if not hasattr(owner, name):
        raise AttributeError(f"{owner.__name__} has no {name} to stand at")
    setattr(owner, name, value)


if __name__ == "__main__":
    words = sys.argv[sys.argv.index("warden.executor") + 1 :]
    Crasher(Path(words[words.index("--home") + 1])).install()
    raise SystemExit(run(Role.EXECUTOR, main, words))
