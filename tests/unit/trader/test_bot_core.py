"""The keeper of a bot's program, as a script of events: it runs with the leave, and no longer."""

from __future__ import annotations

import pytest

from warden.trader.bot_core import LEAVE_LAPSES_NS, TERM_NS, BotCore, Do, Lost
from warden.wire.messages import ProcessState, TraderLeave

S = 1_000_000_000
SILENT_NS = 20 * S
LEAVE = TraderLeave("me", "session", 2, 100)


class Scene:
    """A keeper with a clock of the test's own; beats come with leaves, and the gateway counts."""

    def __init__(self) -> None:
        self.core = BotCore("me", SILENT_NS)
        self.now_ns = 100 * S
        self.calls = 0

    def second(self, *, leave: bool = True, calls: int | None = 0) -> Do | Lost | None:
        """Let a second pass; `calls` is None while the gateway is away."""
        self.now_ns += S
        if leave:
            self.core.grant(LEAVE, self.now_ns)
        if calls is not None:
            self.calls += calls
            self.core.counted(self.calls, self.now_ns)
        return self.core.tick(self.now_ns)

    def running(self) -> Scene:
        """Bring it to where its program runs."""
        assert self.second() is Do.START
        return self


def test_nothing_runs_without_a_leave_of_its_own() -> None:
    """EX12: not before the watchdog has given a session, and none of another process's."""
    scene = Scene()
    assert scene.second(leave=False) is None
    scene.core.grant(TraderLeave("another", "session", 2, 100), scene.now_ns)
    scene.core.grant(TraderLeave("me", "", 2, 100), scene.now_ns)
    assert scene.second(leave=False) is None
    assert (scene.core.word, scene.core.starts) == ("waiting", 0)
    scene.running()
    assert (scene.core.word, scene.core.starts) == ("running", 1)


def test_it_waits_for_a_gateway_that_counts() -> None:
    """HM1: a program whose calls nobody counts could hang unseen."""
    scene = Scene()
    assert scene.second(calls=None) is None
    assert scene.core.state(scene.now_ns)[0] is ProcessState.STARTING
    scene.running()
    assert scene.core.state(scene.now_ns)[0] is ProcessState.READY


def test_without_the_leave_it_is_asked_to_end_and_then_killed() -> None:
    """EX12: TERM, then KILL once, and with a new leave it starts anew."""
    scene = Scene().running()
    said = [scene.second(leave=False, calls=1) for _ in range((LEAVE_LAPSES_NS + TERM_NS) // S + 3)]
    assert [each for each in said if each] == [Do.TERM, Do.KILL]
    assert said.index(Do.TERM) == LEAVE_LAPSES_NS // S
    assert scene.core.exited("signal 9") is None
    assert scene.second(leave=False) is None
    assert scene.second() is Do.START


def test_one_that_ends_by_itself_is_lost() -> None:
    """ES: as a trader that was killed, whatever its exit code was."""
    scene = Scene().running()
    lost = scene.core.exited("exit code 0")
    assert isinstance(lost, Lost)
    assert "exit code 0" in lost.why


def test_one_that_is_silent_is_lost_and_one_that_calls_is_not() -> None:
    """HM1: progress is counted, not the life of a process."""
    scene = Scene().running()
    for _ in range(30):
        assert scene.second(calls=1) is None
    assert scene.core.progress == 30
    said = [scene.second() for _ in range(SILENT_NS // S + 1)]
    assert said[:-1] == [None] * (SILENT_NS // S)
    assert isinstance(said[-1], Lost)


def test_while_nobody_counts_it_is_not_silent() -> None:
    """HM1: a gateway that is away, or came back and counts from nothing, is not the program's fault."""
    scene = Scene().running()
    for _ in range(60):
        assert scene.second(calls=None) is None
    assert scene.core.state(scene.now_ns)[0] is ProcessState.DEGRADED
    scene.calls = 0
    for _ in range(SILENT_NS // S):
        assert scene.second() is None


@pytest.mark.parametrize("calls", [5, 0])
def test_progress_only_rises(calls: int) -> None:
    """HM1: a gateway that starts anew counts from nothing."""
    scene = Scene().running()
    scene.second(calls=7)
    before = scene.core.progress
    scene.core.counted(calls, scene.now_ns)
    assert scene.core.progress == before + 1
