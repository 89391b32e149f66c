"""The real executor, one of whose transactions finds no connection anywhere: everything else is its own.

`python -m tests.process.losing warden.executor --home HOME` runs as the executor does. Once there is a file
`HOME/lose`, the next swap waits until others were signed after it, and has no connection then.
"""

from __future__ import annotations

import sys
import threading
import time
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.process.crashing import Crasher, _replace
from warden.domain.modes import Action
from warden.domain.roles import Role
from warden.executor.main import main
from warden.executor.sends.leg import Leg, Legs
from warden.runtime.process import run

if TYPE_CHECKING:
    from warden.executor.protocol.commands import Send
    from warden.executor.protocol.events import LegDone

ORDER_FILE: Final = "lose"
LATER: Final = 2
WAIT_S: Final = 20.0


class Loser:
    """Loses one transaction when it is told to."""

    def __init__(self, home: Path) -> None:
        self._order = home / ORDER_FILE
        self._handed: list[str] = []
        self._lost = ""
        self._lock = threading.Lock()

    def install(self) -> None:
        """Stand before every send."""
        send, carry_out = Legs.send, Leg._carry_out

        @wraps(send)
        def sent(legs: Legs, order: Send) -> None:
            if order.ticket.action is Action.OPEN and order.tx_hash not in self._handed:
                self._handed.append(order.tx_hash)
            send(legs, order)

        @wraps(carry_out)
        def carried_out(leg: Leg, order: Send) -> LegDone:
            if self._is_lost(order):
                self._await_later(order.tx_hash)
                leg._disconnect()
            return carry_out(leg, order)

        _replace(Legs, "send", sent)
        _replace(Leg, "_carry_out", carried_out)

    def _is_lost(self, order: Send) -> bool:
        with self._lock:
            if order.ticket.action is Action.OPEN and self._order.exists():
                self._order.unlink()
                self._lost = order.tx_hash
            return order.tx_hash == self._lost

    def _await_later(self, tx_hash: str) -> None:
        end = time.monotonic() + WAIT_S
        while len(self._handed) - self._handed.index(tx_hash) <= LATER and time.monotonic() < end:
            time.sleep(0.01)


if __name__ == "__main__":
    words = sys.argv[sys.argv.index("warden.executor") + 1 :]
    where = Path(words[words.index("--home") + 1])
    Loser(where).install()
    Crasher(where).install()
    raise SystemExit(run(Role.EXECUTOR, main, words))
