"""Real processes that hold themselves up where a test chose: everything but that is their own.

`python -m tests.process.held warden.ROLE --home HOME` runs as the role does. Once `HOME/hold` has one of
these words, the next pass of that place is held, and the file is taken away:

    between   executor: paused (SIGSTOP) after the gate's last look and before the first byte of a swap, whose
              hash then stands in `HOME/held`
    thread    executor: its main thread sleeps for ever, every other thread lives
    idle      trader: its loop turns and beats, and takes no market any more
"""

from __future__ import annotations

import importlib
import signal
import sys
import threading
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.process.crashing import _replace
from warden.domain.modes import Action
from warden.domain.roles import Role
from warden.executor.core import ExecutorCore
from warden.executor.sends.gate import Gate
from warden.executor.sends.leg import Leg
from warden.runtime.process import run
from warden.trader.feed import Feed

if TYPE_CHECKING:
    from warden.domain.risk.refusal import Refusal
    from warden.executor.protocol.commands import Command, Send
    from warden.executor.protocol.events import Event, LegDone
    from warden.executor.protocol.terms import Now, Ticket
    from warden.trader.feed import Seen

ORDER_FILE: Final = "hold"
HELD_FILE: Final = "held"
BETWEEN, THREAD, IDLE = "between", "thread", "idle"


class Holder:
    """Holds its process up when it is told to."""

    def __init__(self, home: Path) -> None:
        self._order = home / ORDER_FILE
        self._one_leg_at_a_time = threading.Lock()
        self._leg = threading.local()
        self._begun: set[str] = set()
        self._idle = False

    def install(self, role: Role) -> None:
        """Stand at the role's places."""
        if role is Role.EXECUTOR:
            self._between_look_and_write()
            self._in_the_main_thread()
        elif role is Role.TRADER:
            self._at_the_feed()

    def _is_told(self, word: str, what: str = "") -> bool:
        """Tell whether this is the place, once; what is held there is written down."""
        if not self._order.exists() or self._order.read_text(encoding="ascii") != word:
            return False
        self._order.with_name(HELD_FILE).write_text(what, encoding="ascii")
        self._order.unlink()
        return True

    def _between_look_and_write(self) -> None:
        carry_out, refusal = Leg._carry_out, Gate.refusal

        @wraps(carry_out)
        def carried_out(leg: Leg, order: Send) -> LegDone:
            self._leg.tx_hash = order.tx_hash
            try:
                return carry_out(leg, order)
            finally:
                self._leg.tx_hash = ""

        @wraps(refusal)
        def looked(gate: Gate, ticket: Ticket) -> Refusal | None:
            tx_hash = getattr(self._leg, "tx_hash", "")
            if not tx_hash or ticket.action is not Action.OPEN:
                return refusal(gate, ticket)
            # The other legs look after the pause, as they would if they were slower.
            with self._one_leg_at_a_time:
                found = refusal(gate, ticket)
                if found is None and tx_hash not in self._begun and self._is_told(BETWEEN, tx_hash):
                    # To this thread: of one to the process it might hear after it has written.
                    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
                self._begun.add(tx_hash)
                return found

        _replace(Leg, "_carry_out", carried_out)
        _replace(Gate, "refusal", looked)

    def _in_the_main_thread(self) -> None:
        handle = ExecutorCore.handle

        @wraps(handle)
        def handled(core: ExecutorCore, event: Event, now: Now) -> list[Command]:
            while self._is_told(THREAD):
                threading.Event().wait()
            return handle(core, event, now)

        _replace(ExecutorCore, "handle", handled)

    def _at_the_feed(self) -> None:
        take = Feed.take

        @wraps(take)
        def taken(feed: Feed) -> Seen | None:
            self._idle = self._idle or self._is_told(IDLE)
            seen = take(feed)
            return None if self._idle else seen

        _replace(Feed, "take", taken)


def main() -> int:
    """Be the role that the command line names."""
    module = next(word for word in sys.argv if word.startswith("warden."))
    role = Role(module.removeprefix("warden."))
    words = sys.argv[sys.argv.index(module) + 1 :]
    Holder(Path(words[words.index("--home") + 1])).install(role)
    return run(role, importlib.import_module(f"{module}.main").main, words)


if __name__ == "__main__":
    raise SystemExit(main())
