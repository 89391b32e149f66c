"""The stop's own thread: one at a time, told from any thread, never in silence when it breaks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from console.stopper import Phase, Stopper
from tests.faults import fault
from tests.instance import wait_until
from warden.domain.stops import StopLevel
from warden.operator.stopping import StopResult

if TYPE_CHECKING:
    from collections.abc import Callable


def result(level: StopLevel, stop_id: str = "stop-1") -> StopResult:
    """Return a result at `level`."""
    return StopResult(
        stop_id=stop_id,
        level=level,
        recorded=level is not StopLevel.UNCONFIRMED,
        elapsed_ms=1.0,
        in_flight=(),
        cleanup="hold",
        message="m",
    )


class Carrying:
    """A stop that goes on until it is let go, and ends at the levels that it was given."""

    def __init__(self, *levels: StopLevel) -> None:
        self.levels = list(levels)
        self.ids: list[str | None] = []
        self.go = threading.Event()

    def __call__(self, *, on_level: Callable[[StopResult], None], stop_id: str | None) -> StopResult:
        """Rise to RECORDED, wait, end."""
        self.ids.append(stop_id)
        on_level(result(StopLevel.RECORDED))
        self.go.wait(60)
        return result(self.levels.pop(0))


def stopper_of(carrying: Carrying, *, stands: bool = False) -> Stopper:
    """Return a stopper that orders `carrying`."""
    return Stopper(carrying, lambda _: stands, lambda: 7)


def test_the_level_rises_while_it_runs() -> None:
    """The order tells RECORDED before the end and the end with its time."""
    carrying = Carrying(StopLevel.CONFIRMED)
    stopper = stopper_of(carrying)
    assert stopper.press()
    wait_until(lambda: stopper.order.result is not None, "level")
    rising = stopper.order
    assert (rising.phase, rising.result) == (Phase.RUNNING, result(StopLevel.RECORDED))
    carrying.go.set()
    stopper.wait()
    assert (stopper.order.phase, stopper.order.result, stopper.order.done_ns) == (
        Phase.DONE,
        result(StopLevel.CONFIRMED),
        7,
    )


@fault("console-hung")
def test_a_second_press_starts_no_second_stop() -> None:
    """Ten presses from ten threads while one runs are one stop."""
    carrying = Carrying(StopLevel.CONFIRMED)
    stopper = stopper_of(carrying)
    started: list[bool] = []
    threads = [threading.Thread(target=lambda: started.append(stopper.press())) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    carrying.go.set()
    stopper.wait()
    assert sorted(started) == [False] * 9 + [True]
    assert len(carrying.ids) == 1


@pytest.mark.parametrize(
    ("level", "stands", "second"),
    [
        (StopLevel.UNCONFIRMED, False, "stop-1"),
        (StopLevel.CONFIRMED, True, "stop-1"),
        (StopLevel.CONFIRMED, False, None),
    ],
)
def test_a_later_press_tries_again(level: StopLevel, stands: bool, second: str | None) -> None:  # noqa: FBT001 - a parameter of the table
    """What was not confirmed or still stands is ordered again under its id; what was lifted is a new stop."""
    carrying = Carrying(level, StopLevel.CONFIRMED)
    carrying.go.set()
    stopper = stopper_of(carrying, stands=stands)
    stopper.press()
    stopper.wait()
    assert stopper.press()
    stopper.wait()
    assert carrying.ids == [None, second]
    assert stopper.order.presses == 2


def test_a_stop_that_breaks_is_unconfirmed() -> None:
    """Whatever goes wrong inside, the operator is told to act by hand."""

    def broken(*, on_level: Callable[[StopResult], None], stop_id: str | None) -> StopResult:
        raise OSError(f"no disk {on_level} {stop_id}"[:7])

    stopper = Stopper(broken, lambda _: False, lambda: 0)
    stopper.press()
    stopper.wait()
    told = stopper.order.result
    assert told is not None
    assert (told.level, told.message) == (StopLevel.UNCONFIRMED, "the stop itself broke: OSError: no disk")


def test_without_a_thread_it_stops_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the machine gives no thread any more, the stop runs where the key was read."""
    carrying = Carrying(StopLevel.NOT_RUNNING)
    carrying.go.set()
    stopper = stopper_of(carrying)

    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    assert stopper.press()
    assert stopper.order.result == result(StopLevel.NOT_RUNNING)
