"""When own stop steps begin: in order, once for each standstill, never waiting for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from warden.domain.stop_steps import OVERALL_S, OwnStep
from warden.domain.stops import Stop
from warden.watchdog.commands import Notice, WriteRow
from warden.watchdog.outbox import Outbox
from warden.watchdog.steps import Batch, StepEnded, Steps
from warden.wire.telemetry import Severity

_S = 1_000_000_000
_PAGE = OwnStep("page", ("/bin/true",), 25, 5)
_MOVE = OwnStep("move", ("/bin/true",), 50, 10)
_LAST = OwnStep("last", ("/bin/true",), 80, 3)
_ONE = (Stop("s1"),)


def _steps(*own: OwnStep, before: tuple[str, ...] = ()) -> tuple[Steps, Outbox]:
    out = Outbox(0)
    return Steps(own, before, out), out


def _names(batches: list[Batch]) -> list[list[str]]:
    return [[each.name for each in batch.steps] for batch in batches]


def test_early_ones_begin_at_once_and_the_others_after_the_clean_up() -> None:
    """ES3: by priority, whatever the order in which they were written down."""
    steps, out = _steps(_LAST, _MOVE, _PAGE)
    assert _names(steps.step(_ONE, 10 * _S, cleaning=True)) == [["page"]]
    assert steps.step(_ONE, 12 * _S, cleaning=True) == []
    assert _names(steps.step(_ONE, 13 * _S, cleaning=False)) == [["move", "last"]]
    assert steps.step(_ONE, 14 * _S, cleaning=False) == []
    begun = [row.body["steps"] for row in out.take() if isinstance(row, WriteRow)]
    assert begun == [["page"], ["move", "last"]]


def test_a_clean_up_that_takes_long_leaves_them_their_time() -> None:
    """ES3: one overall limit: they begin when the longest of them needs what is left of the 30 s."""
    steps, _ = _steps(_MOVE, _LAST)
    assert steps.step(_ONE, 0, cleaning=True) == []
    assert steps.step(_ONE, 20 * _S - 1, cleaning=True) == []
    (batch,) = steps.step(_ONE, 20 * _S, cleaning=True)
    assert batch.until_ns == OVERALL_S * _S


def test_once_for_each_standstill() -> None:
    """A second stop beside the first runs nothing again; after a recovery the next stop does."""
    steps, _ = _steps(_PAGE)
    assert steps.step((), 0, cleaning=False) == []
    assert len(steps.step(_ONE, 1, cleaning=False)) == 1
    assert steps.step((*_ONE, Stop("s2")), 2, cleaning=False) == []
    assert steps.step((Stop("s2"),), 3, cleaning=False) == []
    assert steps.step((), 4, cleaning=False) == []
    (batch,) = steps.step((Stop("s3"),), 5, cleaning=False)
    assert batch.stops == (Stop("s3"),)


def test_a_restart_runs_nothing_twice() -> None:
    """At most once: what stood when the run before was last heard of has had its steps; a new one has not."""
    steps, _ = _steps(_PAGE, before=("s1",))
    assert steps.step(_ONE, 0, cleaning=False) == []
    assert steps.step((*_ONE, Stop("s2")), 1, cleaning=False) == []
    both, _ = _steps(_PAGE, before=("s1",))
    assert both.step((*_ONE, Stop("s2")), 0, cleaning=False) == []
    fresh, _ = _steps(_PAGE, before=("s0",))
    assert len(fresh.step(_ONE, 0, cleaning=False)) == 1


def test_a_recovery_in_between_takes_back_what_had_not_begun() -> None:
    """Nothing of a stop begins once it is lifted."""
    steps, _ = _steps(_MOVE)
    assert steps.step(_ONE, 0, cleaning=True) == []
    assert steps.step((), 1, cleaning=False) == []
    assert steps.step((), 40 * _S, cleaning=False) == []


def test_what_did_not_end_well_is_told_loudly() -> None:
    """Every end is a row; what is not done is an ERROR with its last words on one line."""
    steps, out = _steps(_PAGE)
    steps.ended(StepEnded("page", "done", 12, 0, "sent"))
    steps.ended(StepEnded("page", "failed", 3, 1, "no\nroute " + "x" * 9_000))
    steps.ended(StepEnded("page", "killed", 5_000, -9))
    commands = out.take()
    rows = [each.body["outcome"] for each in commands if isinstance(each, WriteRow)]
    notices = [each for each in commands if isinstance(each, Notice)]
    assert rows == ["done", "failed", "killed"]
    assert [(each.severity, each.kind) for each in notices] == [
        (Severity.INFO, "stop-step.done"),
        (Severity.ERROR, "stop-step.failed"),
        (Severity.ERROR, "stop-step.failed"),
    ]
    assert "\n" not in notices[1].message
    assert len(notices[1].message) < 600


_A_STEP = st.builds(
    OwnStep,
    name=st.uuids().map(str),
    command=st.just(("/bin/true",)),
    priority=st.integers(21, 89),
    limit_s=st.integers(1, 30),
)


@given(own=st.lists(_A_STEP, max_size=16), cleaning_s=st.integers(0, 200))
def test_every_step_begins_once_in_order_within_the_limit(own: list[OwnStep], cleaning_s: int) -> None:
    """ES3: however long a clean-up takes, each begins exactly once, ordered, and never past the 30 s."""
    steps, _ = _steps(*own)
    begun: list[tuple[int, OwnStep]] = []
    for second in range(200):
        batches = steps.step(_ONE, second * _S, cleaning=second < cleaning_s)
        begun += [(second, each) for batch in batches for each in batch.steps]
    assert sorted(each.name for _, each in begun) == sorted(each.name for each in own)
    assert [each.priority for _, each in begun] == sorted(each.priority for each in own)
    assert all(second <= OVERALL_S for second, _ in begun)
