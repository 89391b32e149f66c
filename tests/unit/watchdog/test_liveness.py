"""Who is alive: judged by beats and by silence, to the nanosecond."""

from __future__ import annotations

import pytest

from tests.unit.watchdog.scene import BOOT, LOST_MS, MS, S
from warden.domain.roles import Role
from warden.watchdog.events import BeatCame
from warden.watchdog.liveness import LAST_WORD_NS, START_NS, Condition, Liveness, What
from warden.wire.messages import Beat, ProcessState

_LIVELOCK_NS = 10 * S


def _liveness() -> Liveness:
    return Liveness((Role.TRADER, Role.EXECUTOR), BOOT, LOST_MS * MS, _LIVELOCK_NS)


def _beat(
    liveness: Liveness,
    now_ns: int,
    *,
    session: str = "a",
    seq: int = 1,
    state: ProcessState = ProcessState.READY,
    work: tuple[int, int] = (0, 0),
    sent_ns: int | None = None,
    boot_id: str = BOOT,
    proven: Role = Role.TRADER,
) -> list[What] | None:
    """Let a trader beat; return what changed, None when the beat was dropped. `work` is offered, handled."""
    beat = Beat(
        role=Role.TRADER,
        pid=7,
        session=session,
        boot_id=boot_id,
        seq=seq,
        sent_ns=now_ns if sent_ns is None else sent_ns,
        state=state,
        offered=work[0],
        handled=work[1],
    )
    changes = liveness.beat(BeatCame(b"id", proven, beat), now_ns)
    return None if changes is None else [change.what for change in changes]


def _judged(liveness: Liveness, now_ns: int) -> list[What]:
    return [change.what for change in liveness.judge(now_ns)]


def test_lost_after_exactly_lost_after_and_not_a_nanosecond_before() -> None:
    """HM4: silence of `lost_after` is loss; one nanosecond less is none; it is told once."""
    liveness = _liveness()
    assert _beat(liveness, 0) == [What.APPEARED]
    assert _judged(liveness, LOST_MS * MS - 1) == []
    assert _judged(liveness, LOST_MS * MS) == [What.LOST]
    assert _judged(liveness, LOST_MS * MS + 1) == []


def test_silence_after_the_word_that_it_stops_is_an_end_in_order() -> None:
    """A process that said STOPPING has ended, it was not lost."""
    liveness = _liveness()
    _beat(liveness, 0)
    _beat(liveness, 1, seq=2, state=ProcessState.STOPPING)
    assert not liveness.peers[Role.TRADER].fresh()
    assert _judged(liveness, LOST_MS * MS + 1) == [What.ENDED]


def test_one_that_was_never_seen_is_not_lost() -> None:
    """At start nobody has beaten yet; that is waiting, not a death."""
    liveness = _liveness()
    assert _judged(liveness, 100 * S) == []
    assert liveness.peers[Role.TRADER].condition is Condition.UNSEEN
    assert liveness.peers[Role.TRADER].age_ms(100 * S) is None


@pytest.mark.parametrize(
    ("why", "beat"),
    [
        ("role", {"proven": Role.EXECUTOR}),
        ("boot", {"boot_id": "another"}),
        ("sequence", {"seq": 5}),
        ("early", {"sent_ns": 10 * S + LOST_MS * MS}),
        ("late", {"sent_ns": 10 * S - LOST_MS * MS}),
    ],
)
def test_a_beat_that_proves_nothing_is_dropped_and_counted(why: str, beat: dict[str, object]) -> None:
    """A wrong role, another boot, a repeated number and a beat from long ago keep nobody alive."""
    liveness = _liveness()
    _beat(liveness, 9 * S, seq=5)
    assert _beat(liveness, 10 * S, **({"seq": 6} | beat)) is None  # type: ignore[arg-type] # the cases name real arguments
    assert liveness.dropped == {why: 1}
    assert liveness.peers[Role.TRADER].received_ns == 9 * S


def test_another_session_without_a_word_is_a_replacement_and_the_old_one_never_counts_again() -> None:
    """A killed process and its successor are two; beats of the first come too late for ever."""
    liveness = _liveness()
    _beat(liveness, 0)
    assert _beat(liveness, 1 * S, session="b") == [What.REPLACED, What.APPEARED]
    assert _beat(liveness, 2 * S, session="a", seq=99) is None
    assert liveness.dropped == {"retired": 1}


def test_another_session_after_an_orderly_end_is_no_replacement() -> None:
    """A restart in order says so."""
    liveness = _liveness()
    _beat(liveness, 0, state=ProcessState.STOPPING)
    assert _beat(liveness, 1 * S, session="b") == [What.ENDED, What.APPEARED]


def test_new_sessions_in_a_flood_are_dropped() -> None:
    """A role that names a new session with each beat fills no journal."""
    liveness = _liveness()
    for number in range(1_000):
        _beat(liveness, S + number * MS, session=f"s{number}")
    assert liveness.dropped == {"churn": 990}


def test_one_that_was_never_ready_may_be_silent_while_it_loads() -> None:
    """A strategy's imports may take longer than `lost_after`; it has no leave in that time."""
    liveness = _liveness()
    _beat(liveness, 0, state=ProcessState.STARTING)
    assert _judged(liveness, START_NS - 1) == []
    assert _judged(liveness, START_NS) == [What.LOST]


def test_it_comes_back_in_the_same_session() -> None:
    """A process that was paused beats again; its unbroken time counts from there."""
    liveness = _liveness()
    _beat(liveness, 0)
    liveness.judge(3 * S)
    assert _beat(liveness, 4 * S, seq=2) == [What.RETURNED]
    assert liveness.peers[Role.TRADER].unbroken_ns == 4 * S


def test_livelocked_is_work_offered_and_none_handled_for_the_whole_time() -> None:
    """HM1: it beats, work waits, nothing is done: livelocked at the bound, not before, until it moves."""
    liveness = _liveness()
    for second in range(10):
        _beat(liveness, second * S, seq=second + 1, work=(5 if second else 0, 0))
    _beat(liveness, 10 * S - 1, seq=20, work=(9, 0))
    assert _judged(liveness, 10 * S - 1) == []
    assert _judged(liveness, 10 * S) == [What.LIVELOCKED]
    assert not liveness.peers[Role.TRADER].fresh()
    _beat(liveness, 10 * S + 1, seq=21, work=(9, 1))
    assert _judged(liveness, 10 * S + 1) == [What.MOVES_AGAIN]


def test_an_idle_process_is_not_livelocked() -> None:
    """A strategy with nothing to do handles nothing, and that is well."""
    liveness = _liveness()
    for second in range(30):
        _beat(liveness, second * S, seq=second + 1, work=(4, 4))
        assert _judged(liveness, second * S) == []


def test_whoever_was_not_watched_is_not_judged_by_that_time() -> None:
    """After a pause of the watchdog itself silence counts from its return."""
    liveness = _liveness()
    _beat(liveness, 0)
    liveness.resumed(60 * S)
    assert _judged(liveness, 60 * S + LOST_MS * MS - 1) == []
    assert _judged(liveness, 60 * S + LOST_MS * MS) == [What.LOST]


def test_an_end_that_the_kernel_tells_is_no_matter_of_silence() -> None:
    """HM4: nothing is given to it from then on; its last word may come a moment later, then it is lost."""
    liveness = _liveness()
    _beat(liveness, 0)
    trader = liveness.peers[Role.TRADER]
    assert trader.ready()
    liveness.died(Role.TRADER, "a", 1)
    assert not trader.fresh()
    liveness.died(Role.TRADER, "a", 2)  # said again: the first counts
    assert _judged(liveness, LAST_WORD_NS) == []
    assert _judged(liveness, 1 + LAST_WORD_NS) == [What.LOST]
    assert _judged(liveness, 2 * LAST_WORD_NS) == []
    # What it had still on its way makes nobody alive again; another process does.
    assert _beat(liveness, 2 * LAST_WORD_NS, seq=2) is None
    assert _beat(liveness, 2 * LAST_WORD_NS, session="b") == [What.APPEARED]
    assert trader.ready()


def test_a_last_word_that_comes_after_the_end_is_heard() -> None:
    """HM4: it ended in order, whichever of the two the watchdog hears of first."""
    liveness = _liveness()
    _beat(liveness, 0)
    liveness.died(Role.TRADER, "a", 1)
    assert _beat(liveness, 2, seq=2, state=ProcessState.STOPPING) == []
    assert _judged(liveness, 1 + LAST_WORD_NS) == [What.ENDED]


def test_the_end_of_a_session_that_is_over_says_nothing_of_the_next() -> None:
    """HM4: a handle that was looked at late."""
    liveness = _liveness()
    _beat(liveness, 0)
    _beat(liveness, 200 * MS, session="b")
    liveness.died(Role.TRADER, "a", 200 * MS)
    assert liveness.peers[Role.TRADER].ready()


def test_one_that_dies_while_it_still_loads_is_lost_at_once() -> None:
    """HM4: its silence would have been allowed for much longer."""
    liveness = _liveness()
    _beat(liveness, 0, state=ProcessState.STARTING)
    liveness.died(Role.TRADER, "a", 1)
    assert _judged(liveness, 1 + LAST_WORD_NS) == [What.LOST]
