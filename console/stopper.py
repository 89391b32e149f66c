"""The stop order of this console: one thread of its own per press, outside the event loop's reach.

The press is the first thing that happens and drawing is the last: this module knows nothing of the screen,
which looks at `order` when it next draws.
"""

from __future__ import annotations

import threading
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from warden.domain.stops import StopLevel
from warden.operator.stopping import StopResult

if TYPE_CHECKING:
    from collections.abc import Callable

# A stop gives up after 2.5 s by itself.
_WAIT_S: Final = 10.0


class Phase(StrEnum):
    """Where this console's stop stands."""

    NONE = "none"
    RUNNING = "running"
    DONE = "done"


class StopOrder(msgspec.Struct, frozen=True):
    """The last stop that this console ordered.

    Attributes:
        result: the level reached so far; None before the file is synced.
        done_ns: CLOCK_BOOTTIME at its end.
        presses: how many there were, for the screen to notice a new one.
    """

    phase: Phase = Phase.NONE
    result: StopResult | None = None
    done_ns: int = 0
    presses: int = 0


class Carry(Protocol):
    """Carries a stop out; `order_stop` with home and operator filled in."""

    def __call__(self, *, on_level: Callable[[StopResult], None], stop_id: str | None) -> StopResult:
        """Return how far the stop is known to hold, after 2.5 s at most."""
        ...


class Stopper:
    """Starts the stop at a press; a press while one is running changes nothing.

    Args:
        carry: carries it out.
        stands: tells whether the stop of this id still stands, by one look at the directory.
        now_ns: CLOCK_BOOTTIME.
    """

    def __init__(self, carry: Carry, stands: Callable[[str], bool], now_ns: Callable[[], int]) -> None:
        self._carry = carry
        self._stands = stands
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.order = StopOrder()

    def press(self) -> bool:
        """Start the stop, from any thread; False when one was already running."""
        with self._lock:
            last = self.order
            if last.phase is Phase.RUNNING:
                return False
            self.order = StopOrder(phase=Phase.RUNNING, result=None, presses=last.presses + 1)
        stop_id = self._again(last.result)
        thread = threading.Thread(target=self._run, args=(stop_id,), name="stop")
        try:
            thread.start()
        except RuntimeError:
            # No thread can be had: better a screen that stands still for two seconds than no stop.
            self._run(stop_id)
        else:
            self._thread = thread
        return True

    def wait(self) -> None:
        """Let a stop that is under way come to its end, within its bound."""
        if self._thread is not None:
            self._thread.join(_WAIT_S)

    def _again(self, last: StopResult | None) -> str | None:
        """Return the id to order again: of what was not confirmed or still stands (idempotent by id)."""
        if last is None or not last.stop_id:
            return None
        unconfirmed = last.level is StopLevel.UNCONFIRMED
        return last.stop_id if unconfirmed or self._stands(last.stop_id) else None

    def _run(self, stop_id: str | None) -> None:
        try:
            result = self._carry(on_level=self._rise, stop_id=stop_id)
        except Exception as error:  # noqa: BLE001 - whatever broke, the operator must be told to act by hand
            result = StopResult(
                stop_id=stop_id or "",
                level=StopLevel.UNCONFIRMED,
                recorded=False,
                elapsed_ms=0.0,
                in_flight=(),
                cleanup="",
                message=f"the stop itself broke: {type(error).__name__}: {error}",
            )
        self.order = msgspec.structs.replace(
            self.order, phase=Phase.DONE, result=result, done_ns=self._now_ns()
        )

    def _rise(self, result: StopResult) -> None:
        self.order = msgspec.structs.replace(self.order, result=result)
