"""Each part's own judgement: processes by what they use, errors by the minute, the machine's lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.watchdog.scene import S, Scene
from tests.unit.watchdog.test_health import seen
from warden.domain.health import Health
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.watchdog.events import Measured
from warden.watchdog.health_machine import MachineHealth
from warden.watchdog.health_processes import process_line
from warden.watchdog.health_terms import HealthTerms
from warden.watchdog.health_usage import ErrorRate, Figures, Usage
from warden.watchdog.liveness import Condition, Peer
from warden.wire.messages import ProcessState, Vitals

TERMS = HealthTerms()
WELL = Figures(lag_ms=1.0, lag_ms_max=9, cpu_percent=3.0, pss_mb=60.0, threads=9, files=40, files_max=1_000)


def judged(figures: Figures = WELL, name: str = "executor", **changes: object) -> tuple[Health, str, str]:
    """Return status, what was found and the limit of a process that is ready but for `changes`."""
    peer = Peer(name=name, condition=Condition.ALIVE, state=ProcessState.READY, received_ns=90 * S)
    for key, value in changes.items():
        setattr(peer, key, value)
    found = process_line(peer, figures, TERMS, watched_ns=0, now_ns=100 * S)
    return found.status, found.found, found.limit


def test_one_that_is_well_says_what_it_uses() -> None:
    """HM1: lag on average and at most, CPU, memory, threads, files."""
    assert judged() == (Health.HEALTHY, "ready; lag 1/9 ms, CPU 3 %, 60 MB, 9 threads, 40 files", "")
    assert judged(Figures()) == (Health.HEALTHY, "ready", "")


@pytest.mark.parametrize(
    ("changes", "status", "found"),
    [
        ({"condition": Condition.LOST}, Health.CRITICAL, "has not beaten for 10 s"),
        ({"gone_ns": 99 * S}, Health.CRITICAL, "its process has ended"),
        ({"condition": Condition.ENDED}, Health.CRITICAL, "ended in order 10 s ago"),
        ({"condition": Condition.UNSEEN}, Health.CRITICAL, "was never heard"),
        ({"condition": Condition.LIVELOCKED}, Health.UNHEALTHY, "handles nothing of what it is offered"),
        ({"condition": Condition.FROZEN}, Health.DEGRADED, "held still by an operator"),
        ({"state": ProcessState.STARTING, "detail": "loads"}, Health.DEGRADED, "starting: loads"),
        ({"state": ProcessState.DEGRADED, "detail": "no disk"}, Health.DEGRADED, "degraded: no disk"),
        ({"state": ProcessState.STOPPING}, Health.DEGRADED, "stopping"),
    ],
)
def test_life_comes_before_figures(changes: dict[str, object], status: Health, found: str) -> None:
    """HM1: of one that is not alive and ready its figures say nothing."""
    assert judged(WELL, "executor", **changes)[:2] == (status, found)


@pytest.mark.parametrize(
    ("figures", "status", "limit"),
    [
        (Figures(lag_ms=250.0, lag_ms_max=900), Health.HEALTHY, ""),
        (Figures(lag_ms=250.5, lag_ms_max=900), Health.DEGRADED, "250 ms on average"),
        (Figures(lag_ms=1_000.5, lag_ms_max=2_000), Health.UNHEALTHY, "250 ms on average"),
        (Figures(cpu_percent=90.0), Health.HEALTHY, ""),
        (Figures(cpu_percent=91.0), Health.DEGRADED, "90 %"),
        (Figures(pss_mb=513.0), Health.DEGRADED, "512 MB"),
        (Figures(threads=257), Health.DEGRADED, "256 threads"),
        (Figures(files=799, files_max=1_000), Health.HEALTHY, ""),
        (Figures(files=800, files_max=1_000), Health.DEGRADED, "80 %"),
        (Figures(files=950, files_max=1_000), Health.UNHEALTHY, "80 %"),
        (Figures(cpu_percent=99.0, files=950, files_max=1_000), Health.UNHEALTHY, "80 %"),
    ],
)
def test_each_figure_has_its_limit(figures: Figures, status: Health, limit: str) -> None:
    """HM1: the worst side of a process is what is told, with the limit that it is held against."""
    assert judged(figures)[0::2] == (status, limit)


def test_the_traders_memory_has_its_own_limit() -> None:
    """HM1: what strategy.memory_mb allows it is no sign of illness."""
    assert judged(Figures(pss_mb=900.0), name="trader-arb")[0] is Health.HEALTHY
    assert judged(Figures(pss_mb=1_025.0), name="trader-arb")[0] is Health.DEGRADED


def test_a_window_is_an_average_and_forgets_what_is_over() -> None:
    """HM1: lag and CPU of one window; a process that has fallen silent has no figures."""
    usage = Usage()
    for lag_ms in (0, 10, 50):
        usage.beat(Vitals(lag_ms=lag_ms, files=40, files_max=100))
    for cpu_percent in (10.0, 30.0):
        usage.measured(Measured("executor", 60.0, cpu_percent, 9))
    assert usage.close() == Figures(20.0, 50, 20.0, 60.0, 9, 40, 100)
    usage.beat(Vitals(lag_ms=4, files=41, files_max=100))
    assert usage.close() == Figures(4.0, 4, 30.0, 60.0, 9, 41, 100)
    assert usage.close() == usage.figures == Figures()


def test_errors_are_counted_by_the_minute_and_by_their_rise() -> None:
    """HM3: what a process had told before it was first heard is old; what its successor has told is new."""
    rate = ErrorRate()
    rate.beat("gateway", "a", 500, 0)
    assert rate.count(0) == 0
    rate.beat("gateway", "a", 503, S)
    rate.beat("gateway", "a", 504, S)
    rate.beat("gateway", "b", 2, 30 * S)
    assert rate.count(30 * S) == 6
    assert rate.count(60 * S) == 6
    assert rate.count(61 * S) == 2
    assert rate.count(90 * S) == 0


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=40))
def test_the_rate_is_the_sum_of_the_last_minute(steps: list[tuple[int, int]]) -> None:
    """HM3: against a plain list of moments; whole seconds count."""
    rate, total, told, second = ErrorRate(), 0, list[int](), 0
    rate.beat("gateway", "a", 0, 0)
    for pause_s, errors in steps:
        second, total = second + pause_s, total + errors
        told += [second] * errors
        rate.beat("gateway", "a", total, second * S)
        assert rate.count(second * S) == sum(each > second - 60 for each in told)


def test_a_part_of_the_machine_has_its_line_with_limits() -> None:
    """HM1: five lines; before the first look there are none."""
    machine = MachineHealth(TERMS)
    assert list(machine.lines()) == []
    machine.look(seen(latency_us=180), 0)
    lines = {each.name: each for each in machine.lines()}
    assert list(lines) == [f"machine.{name}" for name in ("cpu", "memory", "disk", "load", "network")]
    assert (lines["machine.disk"].found, lines["machine.disk"].limit) == (
        "50 % used, 9000 MB free (/x)",
        "80/95 %",
    )
    assert lines["machine.cpu"].latency_us == 180
    assert lines["machine.network"].found == "1 link up, 0 kB/s in, 0 kB/s out, 0.0 % bad packets"
    assert machine.figures()["load_percent"] == 30.0


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"disk_percent": 79.9}, Health.HEALTHY),
        ({"disk_percent": 80.0}, Health.DEGRADED),
        ({"disk_percent": 95.0}, Health.CRITICAL),
        ({"disk_silent_ns": 9 * S}, Health.HEALTHY),
        ({"disk_silent_ns": 10 * S}, Health.CRITICAL),
        ({"disk_error": "the disk of /x does not answer"}, Health.CRITICAL),
        ({"disk_percent": None}, Health.HEALTHY),
    ],
)
def test_the_disk_by_how_full_it_is_and_if_it_answers(changes: dict[str, object], status: Health) -> None:
    """HM1: full, silent or refused is CRITICAL."""
    machine = MachineHealth(TERMS)
    machine.look(seen(**changes), 0)
    assert {each.name: each.status for each in machine.lines()}["machine.disk"] is status


@pytest.mark.parametrize(
    ("sources", "status"),
    [
        ((3, 3), Health.HEALTHY),
        ((1, 1), Health.HEALTHY),
        ((2, 3), Health.DEGRADED),
        ((1, 3), Health.UNHEALTHY),
        ((0, 3), Health.CRITICAL),
        ((0, 0), Health.DEGRADED),
    ],
)
def test_endpoints_by_how_many_are_left(sources: tuple[int, int], status: Health) -> None:
    """HM2: the only one that is configured is not the last of several."""
    scene = Scene(Environment.DEVNET)
    scene.beats[Role.GATEWAY] = {"vitals": Vitals(sources=sources[0], sources_max=sources[1])}
    scene.run(2_000)
    assert next(each for each in scene.core.health.lines if each.name == "endpoints").status is status


def test_capital_on_paper_is_nothing_to_worry_about() -> None:
    """HM2: there is no wallet to read; elsewhere it is DEGRADED until it is read."""
    scene = Scene(Environment.PAPER)
    scene.run(1_000)
    lines = {each.name: each.status for each in scene.core.health.lines}
    assert lines["capital"] is Health.HEALTHY
    scene = Scene(Environment.DEVNET)
    scene.wallet = None
    scene.run(2_000)
    lines = {each.name: each.status for each in scene.core.health.lines}
    assert lines["capital"] is Health.DEGRADED
