"""What becomes an alert, what is folded, what is withheld."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.unit.notifier.samples import TIME, S, at, event, status
from warden.domain.roles import Role
from warden.notifier.core import (
    FOLD_NS,
    KEPT_MAX,
    Command,
    Deliver,
    Heard,
    Remember,
    State,
    Tell,
    Tick,
    Trouble,
    begin,
    decide,
)
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from warden.notifier.alerts import Alert
    from warden.wire.telemetry import Event


def hear(state: State, what: Event, boot_ns: int = 0, role: Role | None = None) -> list[Command]:
    """Let the notifier hear an event from its own role or from `role`."""
    return decide(state, Heard(role or what.role, what), at(boot_ns))


def delivered(commands: list[Command]) -> list[Alert]:
    """Return what goes to the channels."""
    return [command.alert for command in commands if isinstance(command, Deliver)]


def fresh() -> State:
    """Return the state of a notifier that has just begun and never looks at silence in this test."""
    return begin((), at(0))


def test_warning_and_above_become_alerts() -> None:
    """AL1, AL6: DEBUG and INFO alert nobody; WARNING, ERROR and CRITICAL do."""
    counts = {severity.value: len(delivered(hear(fresh(), event("x.y", severity)))) for severity in Severity}
    assert counts == {"debug": 0, "info": 0, "warning": 1, "error": 1, "critical": 1}


def test_an_alert_says_what_why_and_what_to_do() -> None:
    """AL2: id, time, severity, title, message, root cause, action, metadata; not acknowledged yet."""
    what = event("endpoint.failing", Severity.ERROR, message="rpc-1 timed out", endpoint="rpc-1")
    (alert,) = delivered(hear(fresh(), what))
    assert alert.alert_id == "A000001"
    assert alert.time == TIME
    assert alert.severity is Severity.ERROR
    assert alert.title == "An RPC endpoint fails"
    assert alert.message == "rpc-1 timed out"
    assert alert.root_cause.startswith("Its server is away")
    assert alert.recommended_action == "open runbooks/network-failure.md, section 'one endpoint fails'"
    assert alert.metadata == {"endpoint": "rpc-1"}
    assert (alert.acknowledged_by, alert.acknowledged_at) == ("", "")


def test_an_unknown_kind_still_becomes_an_alert() -> None:
    """A kind without a rule is never lost: it gets the generic title and runbook."""
    (alert,) = delivered(hear(fresh(), event("never.heard-of")))
    assert alert.title == "Something needs a look"
    assert alert.runbook == "degraded-health#an-alert-without-a-rule"


def test_a_blocked_trade_alerts_nobody() -> None:
    """AL6: a decision of the gate is routine, whatever severity it claims."""
    assert hear(fresh(), event("decision.refused", Severity.ERROR, role=Role.EXECUTOR)) == []


def test_the_source_is_the_proven_speaker() -> None:
    """A trader that claims to be the watchdog is shown as the trader."""
    (alert,) = delivered(hear(fresh(), event("stop.seen", role=Role.WATCHDOG), role=Role.TRADER))
    assert alert.source is Role.TRADER


def test_duplicates_are_folded_with_a_count() -> None:
    """AL3: the same again goes out once; the count rises, and the first time is kept."""
    state = fresh()
    sent = [delivered(hear(state, event("x.y"), n * S)) for n in range(5)]
    assert [len(each) for each in sent] == [1, 0, 0, 0, 0]
    assert [each.count for each in state.alerts.values()] == [5]
    assert state.last_number == 1


def test_folding_ends_so_that_a_lasting_trouble_is_said_again() -> None:
    """AL3: what still happens a quarter of an hour later is a new alert."""
    state = fresh()
    hear(state, event("x.y"), 0)
    assert delivered(hear(state, event("x.y"), FOLD_NS - 1)) == []
    assert len(delivered(hear(state, event("x.y"), FOLD_NS))) == 1


def test_counts_are_remembered_at_powers_of_two() -> None:
    """A storm of equal events costs a handful of rows."""
    state = fresh()
    rows = [isinstance(command, Remember) for n in range(1_024) for command in hear(state, event("x.y"), n)]
    assert rows.count(True) == 11


def test_ten_of_a_kind_in_a_minute_then_no_more() -> None:
    """AL3: per type 10 in 60 s go out, the others are counted on the last one."""
    state = fresh()
    sent = [len(delivered(hear(state, event("x.y", message=str(n)), n * S))) for n in range(15)]
    assert sent == [1] * 10 + [0] * 5
    assert list(state.alerts.values())[-1].count == 6
    assert state.withheld == Counter({"x.y": 5})


def test_ten_in_all_in_a_quarter_of_an_hour() -> None:
    """AL3: overall 10 in 15 min go out; another kind is still shown, but not sent."""
    state = fresh()
    for n in range(10):
        hear(state, event(f"kind.{n}"), n * S)
    commands = hear(state, event("other.kind"), 10 * S)
    assert delivered(commands) == []
    assert list(state.alerts.values())[-1].kind == "other.kind"


def test_what_was_withheld_is_summed_up_when_there_is_room() -> None:
    """AL3: silence is never mistaken for calm: the summary says how many of what."""
    state = fresh()
    for n in range(13):
        hear(state, event("x.y", message=str(n)), n)
    assert delivered(decide(state, Tick(), at(14 * 60 * S))) == []
    state.silence.ears.clear()
    (summary,) = delivered(decide(state, Tick(), at(16 * 60 * S)))
    assert summary.kind == "alerts.withheld"
    assert summary.message == "3 alerts were withheld: x.y 3"
    assert decide(state, Tick(), at(17 * 60 * S)) == []


def test_critical_always_passes() -> None:
    """AL3: full windows and equal texts hold back no CRITICAL."""
    state = fresh()
    for n in range(20):
        hear(state, event(f"kind.{n}"), n)
    sent = [delivered(hear(state, event("x.y", Severity.CRITICAL), 20 + n)) for n in range(30)]
    assert [alert.count for (alert,) in sent] == list(range(1, 31))


def test_the_trader_cannot_ring_at_will() -> None:
    """A strategy that floods with CRITICAL is throttled like anybody else: it is not trusted."""
    state = fresh()
    floods = [event("x.y", Severity.CRITICAL, role=Role.TRADER, message=str(n)) for n in range(100)]
    assert sum(len(delivered(hear(state, each, n))) for n, each in enumerate(floods)) == 10


def test_memory_is_bounded_whatever_comes() -> None:
    """Endless new kinds and texts leave a bounded number of alerts, folds and counts."""
    state = fresh()
    for n in range(5_000):
        hear(state, event(f"kind.{n}", Severity.CRITICAL, message=str(n)), n)
        hear(state, event(f"flood.{n}", role=Role.TRADER, message=str(n)), n)
    assert len(state.alerts) == KEPT_MAX
    assert len(state.folds) <= KEPT_MAX
    assert len(state.by_kind) <= KEPT_MAX
    assert len(state.withheld) <= 201


def test_a_silent_watchdog_is_critical_and_its_return_is_said() -> None:
    """Who watches the watchdog: 3 s without a word is CRITICAL, said once; its return is an INFO alert."""
    state = fresh()
    decide(state, Heard(Role.WATCHDOG, status(0)), at(0))
    for tenth in range(1, 30):
        assert decide(state, Tick(), at(tenth * S // 10)) == []
    tell, remember, deliver = decide(state, Tick(), at(3 * S))
    assert isinstance(tell, Tell)
    assert isinstance(remember, Remember)
    assert isinstance(deliver, Deliver)
    assert tell.event.kind == "watchdog.silent"
    assert deliver.alert.severity is Severity.CRITICAL
    assert deliver.alert.runbook == "process-lost#watchdog"
    assert "nobody watches; the gate closes by itself" in deliver.alert.message
    assert decide(state, Tick(), at(3 * S + 1)) == []
    back = decide(state, Heard(Role.WATCHDOG, status(4 * S)), at(4 * S))
    assert [(each.kind, each.severity) for each in delivered(back)] == [("watchdog.returned", Severity.INFO)]


def test_a_loss_that_the_watchdog_reported_is_not_said_twice() -> None:
    """AL6: one cause, one alert: the watchdog's own report stands for the executor's silence."""
    state = fresh()
    state.silence.ears.pop(Role.WATCHDOG)
    decide(state, Heard(Role.EXECUTOR, status(0)), at(0))
    lost = event("executor.lost", Severity.ERROR, role=Role.WATCHDOG)
    (alert,) = delivered(hear(state, lost, 2 * S))
    assert alert.runbook == "process-lost#executor"
    kinds = [
        each.kind for n in range(40) for each in delivered(decide(state, Tick(), at((2 * S) + n * S // 5)))
    ]
    assert kinds == []
    assert decide(state, Heard(Role.EXECUTOR, status(12 * S)), at(12 * S)) == []


@pytest.mark.parametrize(("why", "severity"), [("refused", Severity.ERROR), ("", Severity.INFO)])
def test_a_channel_that_fails_is_itself_reported(why: str, severity: Severity) -> None:
    """AL5: trouble of a channel is an alert on the others, and its end is said."""
    commands = decide(fresh(), Trouble("channel.failing", "channel file", why), at(0))
    assert [alert.severity for alert in delivered(commands)] == [severity]


def test_alerts_of_before_are_there_after_a_restart() -> None:
    """AL5: rebuilt from rows, the later form of an alert replaces the earlier, and ids go on."""
    before = fresh()
    commands = [each for n in range(7) for each in hear(before, event("x.y", message=str(n % 2)), n)]
    rows = [each.alert for each in commands if isinstance(each, Remember)]
    after = begin(rows, at(0))
    assert {each.alert_id: each.count for each in after.alerts.values()} == {"A000001": 4, "A000002": 2}
    assert after.unacknowledged == 2
    (new,) = delivered(hear(after, event("x.z")))
    assert new.alert_id == "A000003"
