"""Stops that only the executor keeps are written on a thread of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.instance import wait_until
from warden.domain.stops import Stop
from warden.runtime.latch import Latch
from warden.watchdog.events import StopWritten
from warden.watchdog.writing import Writing

if TYPE_CHECKING:
    from pathlib import Path

STOP = Stop(stop_id="s1", message="heard of")


@pytest.fixture
def latch(tmp_path: Path) -> Latch:
    """A stop directory without a stop."""
    made = Latch(tmp_path / "stop")
    made.create()
    return made


def written(writing: Writing) -> StopWritten:
    """Wait for the answer."""
    answers: list[StopWritten] = []

    def answered() -> bool:
        ended = writing.ended()
        answers.extend([] if ended is None else [ended])
        return bool(answers)

    wait_until(answered, "the answer")
    return answers[0]


def test_it_stands_with_who_and_why(latch: Latch) -> None:
    """ES4: what was only heard of outlives everything from now on; the answer comes once."""
    writing = Writing(latch)
    writing.begin(STOP)
    assert written(writing) == StopWritten("s1")
    assert latch.read().stops == (STOP,)
    assert writing.ended() is None


def test_what_a_recovery_has_moved_away_does_not_come_back(latch: Latch) -> None:
    """I7: a request that was under way while an operator recovered stops nothing anew."""
    latch.write(STOP)
    latch.clear("s1")
    writing = Writing(latch)
    writing.begin(STOP)
    assert written(writing) == StopWritten("s1")
    assert latch.is_clear()


@pytest.mark.parametrize("stop_id", ["../s1", "cleared", ""])
def test_a_name_that_is_no_name_is_said_and_writes_nothing(latch: Latch, stop_id: str) -> None:
    """A failure is told, whatever it is."""
    before = sorted(path.name for path in latch.path.parent.rglob("*"))
    writing = Writing(latch)
    writing.begin(Stop(stop_id=stop_id))
    answer = written(writing)
    assert answer.stop_id == stop_id
    assert answer.failure or stop_id == ""
    assert sorted(path.name for path in latch.path.parent.rglob("*")) == before


def test_a_lost_directory_is_a_failure(latch: Latch) -> None:
    """It is not made anew here: a lost one stops everything by itself."""
    latch.path.rename(latch.path.with_name("away"))
    writing = Writing(latch)
    writing.begin(STOP)
    assert written(writing).failure
    assert not latch.path.exists()
