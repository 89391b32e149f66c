"""The race: a stop meets a stream of intents, again and again; the endpoints' own record judges (I3)."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults import fault
from tests.process.race import Race
from warden.domain.stops import StopLevel

SEED = 20_261_120
TRIALS = 300
HUNG_TRIALS = 5


@fault("stop-races-sends")
@pytest.mark.timeout(600)
def test_i3_nothing_arrives_after_a_stop_that_races_it() -> None:
    """I3: after each of 300 stops at seeded moments no hash arrives but those of its list.

    The executor answers each of them; that the gate was open between them shows in what arrived.
    """
    with Race(SEED) as race:
        trials = [race.trial() for _ in range(TRIALS)]
        assert [trial for trial in trials if trial.late] == []
        assert all(trial.result.recorded for trial in trials)
        levels = Counter(trial.result.level for trial in trials)
        # A machine so busy that 250 ms bring no answer has the executor killed, which is right, too.
        assert set(levels) <= {StopLevel.CONFIRMED, StopLevel.FENCED}
        assert levels[StopLevel.CONFIRMED] >= TRIALS // 2
        assert race.arrived >= TRIALS // 2


@fault("stop-races-sends", "executor-paused")
@pytest.mark.timeout(300)
def test_i3_nothing_arrives_after_a_stop_that_fenced_a_hung_executor() -> None:
    """I3, I4: an executor that hangs amid its work is killed; only what its journal names may arrive."""
    with Race(SEED) as race:
        trials = [race.fenced_trial() for _ in range(HUNG_TRIALS)]
    assert [trial for trial in trials if trial.late] == []
    assert {trial.result.level for trial in trials} == {StopLevel.FENCED}
