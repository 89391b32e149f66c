"""What is on the screen at one moment: the system's picture and this console's own stop. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from console.stopper import Phase, StopOrder
from warden.domain.stops import StopLevel
from warden.operator.picture import SystemView, Word

if TYPE_CHECKING:
    from warden.operator.link import Snapshot


class Picture(msgspec.Struct, frozen=True):
    """Everything that a pane may draw from.

    Attributes:
        word, why: of the banner, this console's own stop considered.
        order: the last stop ordered here.
        wall: UTC for people, HH:MM:SS.
        tick: counts the drawings, so that a terminal that stands still is seen to.
        notice: what the console has to say for a while, one line.
        stop_dir: for the instructions by hand.
    """

    view: SystemView
    word: Word
    why: str
    order: StopOrder
    wall: str
    tick: int
    readonly: bool
    home: str
    stop_dir: str
    notice: str = ""

    @property
    def fresh(self) -> bool:
        """Tell whether what stands on the screen is current enough to decide on (CO4)."""
        view = self.view
        return not (view.watchdog.stale or view.money.seen.stale)


def banner(view: SystemView, snapshot: Snapshot, order: StopOrder) -> tuple[Word, str]:
    """Return word and reason: this console's stop first, then what the system shows."""
    result = order.result
    if order.phase is Phase.RUNNING:
        return (
            Word.STOPPING,
            "" if result is None else f"RECORDED after {result.elapsed_ms:.1f} ms: confirming",
        )
    if result is None:
        return view.word, view.why
    stands = any(stop.stop_id == result.stop_id for stop in snapshot.latch.stops)
    unseen = snapshot.taken_ns < order.done_ns
    if result.level is StopLevel.UNCONFIRMED:
        if not stands and result.recorded and not unseen:
            # Its file was there and is gone: an operator has lifted it since.
            return view.word, view.why
        return Word.NOT_STOPPED, result.message
    if stands or unseen:
        word = view.word if view.word is Word.NOT_STOPPED and not unseen else Word.STOPPED
        return word, _told(order)
    return view.word, view.why


def _told(order: StopOrder) -> str:
    result = order.result
    if result is None:
        return ""
    flight = f"{len(result.in_flight)} in flight" if result.in_flight else "nothing in flight"
    return (
        f"{result.level.value} in {result.elapsed_ms:.1f} ms · {flight} · clean-up {result.cleanup or 'hold'}"
    )
