"""Stop files are moved on a thread of their own, and the answer comes once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.instance import wait_until
from warden.domain.stops import Stop
from warden.runtime.latch import Latch
from warden.watchdog.clearing import Clearing
from warden.watchdog.events import StopsCleared

if TYPE_CHECKING:
    from pathlib import Path


def _answer(clearing: Clearing) -> StopsCleared:
    answers: list[StopsCleared] = []

    def answered() -> bool:
        ended = clearing.ended()
        answers.extend([] if ended is None else [ended])
        return bool(answers)

    wait_until(answered, "the answer")
    return answers[0]


def test_it_moves_the_files_and_says_which(tmp_path: Path) -> None:
    """Cleared files are kept beside; the answer is given once."""
    latch = Latch(tmp_path / "stop")
    latch.create()
    for stop_id in ("s1", "s2"):
        latch.write(Stop(stop_id=stop_id))
    clearing = Clearing(latch)
    clearing.begin(("s1", "s2"))
    assert _answer(clearing) == StopsCleared(("s1", "s2"))
    assert clearing.ended() is None
    assert latch.is_clear()


def test_it_stops_at_the_first_that_cannot_be_moved(tmp_path: Path) -> None:
    """What was moved before it is named, and why it ended there."""
    latch = Latch(tmp_path / "stop")
    latch.create()
    latch.write(Stop(stop_id="s1"))
    clearing = Clearing(latch)
    clearing.begin(("s1", "missing", "s3"))
    answer = _answer(clearing)
    assert answer.cleared == ("s1",)
    assert answer.failure.startswith("missing: ")
