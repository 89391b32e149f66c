"""The banner's word: this console's own stop first, then what the system shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from console.model import banner
from console.stopper import Phase, StopOrder
from tests.console import samples
from tests.console.samples import NOW_NS
from tests.console.test_stopper import result
from warden.domain.stops import StopLevel
from warden.operator.picture import Word
from warden.operator.view import build_view
from warden.runtime.latch import LatchState

if TYPE_CHECKING:
    from warden.operator.link import Snapshot


def word_of(snapshot: Snapshot, order: StopOrder) -> Word:
    """Return the banner's word."""
    return banner(build_view(snapshot, NOW_NS), snapshot, order)[0]


def done(level: StopLevel, stop_id: str = samples.STOP.stop_id) -> StopOrder:
    """Return an order that ended at `level` just now."""
    return StopOrder(phase=Phase.DONE, result=result(level, stop_id), done_ns=NOW_NS, presses=1)


def taken(snapshot: Snapshot, after_ns: int) -> Snapshot:
    """Return the snapshot as taken `after_ns` after the order's end."""
    return msgspec.structs.replace(snapshot, taken_ns=NOW_NS + after_ns)


def test_without_a_stop_of_ours_the_system_speaks() -> None:
    """Nothing pressed: the picture's own word."""
    assert word_of(samples.normal(), StopOrder()) is Word.TRADING
    assert word_of(samples.stopped(), StopOrder()) is Word.STOPPED


def test_a_running_stop_is_stopping() -> None:
    """From the press on it says STOPPING, and RECORDED once the file is synced."""
    running = StopOrder(phase=Phase.RUNNING, presses=1)
    assert banner(build_view(samples.normal(), NOW_NS), samples.normal(), running) == (Word.STOPPING, "")
    recorded = msgspec.structs.replace(running, result=result(StopLevel.RECORDED))
    assert "RECORDED" in banner(build_view(samples.normal(), NOW_NS), samples.normal(), recorded)[1]


@pytest.mark.parametrize("level", [StopLevel.CONFIRMED, StopLevel.FENCED, StopLevel.NOT_RUNNING])
def test_a_confirmed_stop_is_stopped_at_once(level: StopLevel) -> None:
    """Though no snapshot shows it yet."""
    assert word_of(taken(samples.normal(), -1), done(level)) is Word.STOPPED


def test_a_lifted_stop_is_over() -> None:
    """Once a later look at the directory shows that it was cleared, the system speaks again."""
    assert word_of(taken(samples.normal(), 1), done(StopLevel.CONFIRMED)) is Word.TRADING


def test_an_unconfirmed_stop_stays_not_stopped() -> None:
    """Until it is pressed again it says so, whether its file stands or was never made."""
    assert word_of(taken(samples.stopped(), 1), done(StopLevel.UNCONFIRMED)) is Word.NOT_STOPPED
    assert word_of(taken(samples.normal(), 1), done(StopLevel.UNCONFIRMED)) is Word.NOT_STOPPED


def test_an_unconfirmed_stop_that_was_lifted_is_over() -> None:
    """Its file was synced and is gone: an operator has recovered."""
    order = done(StopLevel.UNCONFIRMED)
    assert order.result is not None
    order = msgspec.structs.replace(order, result=msgspec.structs.replace(order.result, recorded=True))
    assert word_of(taken(samples.normal(), 1), order) is Word.TRADING


def test_an_open_gate_outweighs_a_confirmation() -> None:
    """An executor that says later that its gate is open is believed (I3, I10)."""
    snapshot = msgspec.structs.replace(
        samples.snapshot((samples.watchdog(), samples.executor()), latch=LatchState(stops=(samples.STOP,))),
        stopped_since_ns=NOW_NS - 5_000 * samples.MS,
    )
    assert word_of(taken(snapshot, 1), done(StopLevel.CONFIRMED)) is Word.NOT_STOPPED
