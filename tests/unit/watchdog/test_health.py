"""The watchdog's judgement of health: what observes, what stops, and what keeps an operator from arming."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.unit.watchdog.scene import MS, S, Scene
from warden.domain.health import Health
from warden.domain.modes import Environment
from warden.domain.risk.emergency_gauges import EmergencyLimits
from warden.domain.roles import Role
from warden.watchdog.capital import CapitalTerms
from warden.watchdog.commands import WriteStop
from warden.watchdog.events import MachineSeen, Paused
from warden.watchdog.health_terms import HealthTerms
from warden.wire.messages import Arm, Head, Recover, Vitals

ANN = Arm("ann", "looked into it")


def seen(**changes: Any) -> MachineSeen:  # noqa: ANN401 - its fields
    """Return a look at a machine that is well."""
    values: dict[str, Any] = {
        "cpu_percent": 12.0,
        "memory_percent": 40.0,
        "memory_free_mb": 5_000,
        "load_percent": 30.0,
        "disk_percent": 50.0,
        "disk_free_mb": 9_000,
        "disk_where": "/x",
        "links": 1,
    }
    return MachineSeen(**(values | changes))


class Patient(Scene):
    """A scene whose processes tell how they fare; blocks come and both journals grow while `living`."""

    def __init__(self, environment: Environment = Environment.DEVNET, **changes: Any) -> None:  # noqa: ANN401 - of Rules
        super().__init__(environment, **changes)
        self.block_ns: int | None = self.now_ns
        self.durable = 1
        self.living = True
        self.errors = 0

    def run(self, for_ms: int) -> None:
        """Let time pass, a second at a time, telling how things are."""
        for _ in range(max(1, for_ms // 1_000)):
            if self.living:
                self.block_ns = self.now_ns
                self.durable += 1
            age_ms = None if self.block_ns is None else (self.now_ns - self.block_ns) // MS
            vitals = {"vitals": Vitals(data_age_ms=age_ms, sources=3, sources_max=3)}
            self.beats[Role.GATEWAY] = self.beats[Role.GATEWAY] | vitals
            self.beats[Role.EXECUTOR] = {
                **self.beats[Role.EXECUTOR],
                "heads": (Head("executor", self.durable, "cd" * 32),),
                "vitals": Vitals(errors=self.errors),
            }
            super().run(min(for_ms, 1_000))

    def up(self) -> Patient:
        """Let everything come up and be armed by itself; return the scene."""
        self.run(3_000)
        assert self.mode == "AGGRESSIVE", self.core.why(self.now_ns)
        return self

    def status(self, name: str) -> Health:
        """Return the status of one component."""
        return next(each.status for each in self.core.health.lines if each.name == name)

    def found(self, name: str) -> str:
        """Return what was found of one component."""
        return next(each.found for each in self.core.health.lines if each.name == name)

    def serve_stops(self) -> None:
        """Be the thread that writes stops, and the directory that they then stand in."""
        for stop in self.core.stops.standing:
            self.stops.setdefault(stop.stop_id, stop)
        for command in self.commands:
            if isinstance(command, WriteStop):
                self.stops[command.stop.stop_id] = command.stop


def test_a_system_that_is_well_scores_one() -> None:
    """HM2: every process and every component has its line, and all are HEALTHY."""
    patient = Patient().up()
    patient.tell(seen())
    patient.run(35_000)
    health = patient.core.health
    assert (health.score, health.status) == (10_000, Health.HEALTHY), health.lines
    names = {each.name for each in health.lines}
    assert names >= {*patient.rules.names, "execution-queue", "market-data", "ledger.executor", "errors"}
    assert names >= {"ledger.watchdog", "endpoints", "capital", "machine.cpu", "machine.disk", "machine.load"}
    assert patient.status("execution-queue") is Health.HEALTHY
    assert patient.found("execution-queue") == "IDLE"


def test_too_many_errors_observe_until_an_operator_arms() -> None:
    """HM3: more than ten a minute: OBSERVE_ONLY; arming is refused while it lasts, and says of what."""
    patient = Patient().up()
    patient.errors = 10
    patient.run(2_000)
    assert (patient.mode, patient.status("errors")) == ("AGGRESSIVE", Health.DEGRADED)
    patient.errors = 11
    patient.run(2_000)
    assert (patient.mode, patient.status("errors")) == ("OBSERVE_ONLY", Health.UNHEALTHY)
    assert patient.core.health.status is Health.UNHEALTHY
    assert patient.notices("health.unhealthy")[0].severity.value == "critical"
    reply = patient.ask(ANN)
    assert (reply.exit_code, reply.message.split(":")[0]) == (4, "errors is UNHEALTHY")
    patient.run(61_000)
    assert (patient.mode, patient.status("errors")) == ("OBSERVE_ONLY", Health.HEALTHY)
    assert patient.ask(ANN).exit_code == 0
    assert patient.mode == "AGGRESSIVE"


def test_what_a_strategy_gets_wrong_is_not_the_systems_error() -> None:
    """HM3: however many errors a trader tells, the others go on; nor do the watchdog's judgements count."""
    patient = Patient().up()
    for role in (Role.TRADER, Role.WATCHDOG):
        patient.beats[role] = {"vitals": Vitals(errors=1)}
    patient.run(1_000)
    for role in (Role.TRADER, Role.WATCHDOG):
        patient.beats[role] = {"vitals": Vitals(errors=5_000)}
    patient.run(2_000)
    assert (patient.mode, patient.found("errors")) == ("AGGRESSIVE", "0 in the last minute")


@pytest.mark.parametrize(("name", "after_s"), [("market-data", 300), ("ledger.executor", 600)])
def test_data_or_a_ledger_that_is_too_old_observes(name: str, after_s: int) -> None:
    """HM3: no block for five minutes, or no durable row for ten: OBSERVE_ONLY, exactly then."""
    patient = Patient().up()
    patient.run(10_000)
    patient.living = False
    if name == "market-data":
        patient.run(1_000)
    else:
        patient.block_ns = None
        patient.beats[Role.GATEWAY] = {}
    patient.core.health.components.moments.data_ns = None if name != "market-data" else patient.block_ns
    patient.run((after_s - 3) * 1_000)
    assert (patient.mode, patient.status(name)) == ("AGGRESSIVE", Health.DEGRADED)
    patient.run(6_000)
    assert (patient.mode, patient.status(name)) == ("OBSERVE_ONLY", Health.UNHEALTHY)
    assert name in patient.ask(ANN).message
    patient.living = True
    patient.run(3_000)
    assert (patient.mode, patient.status(name)) == ("OBSERVE_ONLY", Health.HEALTHY)
    assert patient.ask(ANN).exit_code == 0


def test_a_queue_that_stands_still_is_stalled() -> None:
    """HM3: IDLE with nothing queued, PROCESSING while it moves, STALLED after 30 s without one handled."""
    patient = Patient(health=HealthTerms(queue_stalled_ns=5 * S)).up()
    patient.beats[Role.EXECUTOR] = {"offered": 3, "handled": 1}
    patient.run(3_000)
    assert (patient.found("execution-queue"), patient.mode) == ("PROCESSING", "AGGRESSIVE")
    patient.run(4_000)
    assert (patient.found("execution-queue"), patient.mode) == ("STALLED", "OBSERVE_ONLY")
    assert "execution-queue is UNHEALTHY: STALLED" in patient.core.why(patient.now_ns)
    assert "execution-queue" in patient.ask(ANN).message
    patient.beats[Role.EXECUTOR] = {"offered": 3, "handled": 3}
    patient.run(2_000)
    assert (patient.found("execution-queue"), patient.mode) == ("IDLE", "OBSERVE_ONLY")


def test_what_nobody_told_yet_is_no_broken_limit() -> None:
    """HM3: a start without blocks is a start: DEGRADED, and no trip that an operator has to lift."""
    patient = Patient()
    patient.living, patient.block_ns = False, None
    patient.run(400_000)
    assert patient.status("market-data") is Health.DEGRADED
    assert "unhealthy" not in patient.core.authority.standing


def two_gone(patient: Patient) -> None:
    """Let what executes and what sees the chain both end for good."""
    patient.silence(Role.EXECUTOR, Role.GATEWAY)


def test_a_score_below_three_tenths_that_lasts_is_a_durable_stop() -> None:
    """ES1, HM3: HEALTH, written by the watchdog itself, once; a warning comes before, and it must last."""
    patient = Patient().up()
    patient.take()
    two_gone(patient)
    patient.run(61_000)
    health = patient.core.health
    assert (health.score, health.status) == (1_600, Health.CRITICAL)
    assert [row["stop_id"] for row in patient.rows("health.stop")] == []
    patient.run(4_000)
    (row,) = patient.rows("health.stop")
    patient.serve_stops()
    (stop,) = patient.stops.values()
    assert (stop.reason, stop.operator, stop.policy) == ("HEALTH", "watchdog", "cancel")
    assert stop.stop_id == row["stop_id"]
    assert "score 0.16, limit 0.30: executor is CRITICAL" in stop.message
    patient.run(70_000)
    assert len(patient.rows("health.stop")) == 1
    assert patient.core.stops.stopped


def test_a_short_fall_stops_nothing() -> None:
    """ES1: both are back within the minute: no stop; what they left standing is another matter."""
    patient = Patient().up()
    two_gone(patient)
    patient.run(40_000)
    assert patient.core.health.score < 3_000
    patient.respawn(Role.EXECUTOR)
    patient.respawn(Role.GATEWAY)
    patient.run(70_000)
    assert patient.core.health.score == 10_000
    assert patient.rows("health.stop") == []


def test_recovery_from_it_is_refused_until_the_score_is_back() -> None:
    """ES5, HM3: an operator cannot wave it away; once mended the stop is cleared, and trading begins."""
    patient = Patient().up()
    two_gone(patient)
    patient.run(70_000)
    patient.serve_stops()
    patient.run(1_000)
    reply = patient.ask(Recover("ann", "hurry"))
    assert (reply.exit_code, "0.16 is below 0.30" in reply.message) == (4, True)
    patient.respawn(Role.EXECUTOR)
    patient.respawn(Role.GATEWAY)
    patient.run(3_000)
    assert patient.ask(Recover("ann", "both are back"), for_ms=9_000).exit_code == 0
    assert (patient.mode, patient.stops) == ("AGGRESSIVE", {})
    patient.take()
    patient.run(70_000)
    patient.serve_stops()
    assert (patient.mode, patient.stops) == ("AGGRESSIVE", {})


def test_what_was_never_armed_is_not_stopped() -> None:
    """ES1: with nothing armed there is nothing to stop: arming is what is refused."""
    patient = Patient(Environment.LIVE)
    patient.run(2_000)
    two_gone(patient)
    patient.run(80_000)
    assert patient.core.health.score < 3_000
    assert patient.rows("health.stop") == []
    assert patient.ask(ANN).exit_code == 4


def test_switched_off_it_says_what_it_would_have_done() -> None:
    """ES1a: no stop, but an ERROR, once."""
    terms = CapitalTerms(read=True, limits=EmergencyLimits(enabled=False), unknown_after_ns=10 * S)
    patient = Patient(capital=terms).up()
    two_gone(patient)
    patient.run(90_000)
    assert patient.rows("health.stop") == []
    (told,) = patient.notices("emergency.not-stopped")
    assert "this would stop everything" in told.message


def test_near_the_limit_it_warns() -> None:
    """ES1a: at 90 % of the limit, once, and before anything stops."""
    terms = CapitalTerms(read=True, limits=EmergencyLimits(health_bps=3_700), unknown_after_ns=10 * S)
    patient = Patient(capital=terms).up()
    patient.silence(Role.EXECUTOR)
    patient.run(70_000)
    assert patient.core.health.score == 4_000
    (told,) = patient.notices("health.near-limit")
    assert "score 0.40, limit 0.37: executor is CRITICAL" in told.message
    assert patient.rows("health.stop") == []


def test_the_whole_is_told_when_it_gets_worse_and_when_it_is_well_again() -> None:
    """HM2, AL6: below 0.7 for ten seconds a WARNING that names the worst; above it again a line."""
    patient = Patient().up()
    patient.run(2_000)
    assert patient.notices("health.degraded") == []
    patient.take()
    patient.silence(Role.TRADER)
    patient.run(8_000)
    assert patient.core.health.score == 6_500
    assert patient.notices("health.degraded") == []
    patient.run(6_000)
    (told,) = patient.notices("health.degraded")
    assert told.runbook == "degraded-health"
    assert told.message.startswith("the system is DEGRADED, score 0.65: trader is CRITICAL")
    assert patient.rows("health.changed")[0]["found"]["trader"].startswith("CRITICAL")
    patient.silence(Role.EXECUTOR)
    patient.run(15_000)
    assert patient.core.health.score < 3_000
    assert len(patient.notices("health.degraded")) == 2
    patient.respawn(Role.EXECUTOR)
    patient.run(13_000)
    assert patient.core.health.score == 6_500
    assert len(patient.notices("health.degraded")) == 2
    patient.respawn(Role.TRADER)
    patient.run(13_000)
    assert len(patient.notices("health.restored")) == 1


def test_a_start_that_takes_long_is_told_after_a_minute() -> None:
    """AL6: what is only starting alerts nobody; what does not come up does."""
    patient = Patient()
    patient.silence(*patient.rules.names)
    patient.run(58_000)
    assert patient.notices("health.degraded") == []
    patient.run(5_000)
    assert len(patient.notices("health.degraded")) == 1


def test_a_critical_machine_is_told_and_nothing_is_stopped() -> None:
    """HM1: two looks in a row beyond 90 %: an ERROR with its runbook section; the mode stays."""
    patient = Patient().up()
    patient.tell(seen(memory_percent=95.0))
    patient.run(1_000)
    assert patient.status("machine.memory") is Health.HEALTHY
    patient.tell(seen(memory_percent=95.0))
    patient.tell(seen(memory_percent=95.0))
    patient.run(1_000)
    assert patient.status("machine.memory") is Health.CRITICAL
    (told,) = patient.notices("health.machine")
    assert (told.severity.value, told.runbook) == ("error", "degraded-health#memory")
    assert (patient.mode, patient.core.health.score) == ("AGGRESSIVE", 6_000)


def test_a_standstill_of_the_watchdog_is_not_held_against_others() -> None:
    """HM3: after an hour's suspend nothing is an hour old before it could have been seen again."""
    patient = Patient().up()
    patient.run(5_000)
    patient.now_ns += 3_600 * S
    patient.tell(Paused(3_600 * S))
    patient.living = False
    patient.turn()
    patient.core.health.step(patient.now_ns)
    assert patient.status("market-data") is Health.HEALTHY
    assert patient.status("ledger.executor") is Health.HEALTHY
    assert "unhealthy" not in patient.core.authority.standing


def test_everything_that_is_found_travels_and_is_journalled() -> None:
    """HM4: one row for all processes a minute, with what each said."""
    patient = Patient().up()
    patient.tell(seen())
    patient.take()
    patient.run(130_000)
    rows = patient.rows("beats")
    assert len(rows) == 2
    assert rows[0]["score_bps"] == 10_000
    assert [each[0] for each in rows[0]["processes"]] == list(patient.rules.names)
    assert rows[0]["machine"]["memory_percent"] == 40.0
    msgspec.json.encode(rows)


def test_each_hour_is_summed_up() -> None:
    """HM5: averages, extremes and how long each was up; what is left at the end is written down too."""
    patient = Patient(health=HealthTerms(components_every_ns=60 * S)).up()
    patient.take()
    patient.run(600_000)
    patient.silence(Role.API)
    patient.run(3_000_000)
    (report,) = patient.rows("health.report")
    assert (report["whole"], report["samples"]) == (True, 60)
    up = {each["name"]: each["up_percent"] for each in report["processes"]}
    assert (up["executor"], round(up["api"])) == (100.0, 17)
    assert {each["name"]: each["worst"] for each in report["components"]} == {"api": "CRITICAL"}
    (told,) = patient.notices("health.report")
    assert "api 16.6 %" in told.message or "api 18.3 %" in told.message, told.message
    patient.run(120_000)
    patient.commands += patient.core.end()
    assert [each["whole"] for each in patient.rows("health.report")] == [True, False]
