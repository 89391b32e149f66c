"""The health score: what counts once, what counts twice, and how far one part alone may bring it down."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warden.domain.health import (
    PARTS,
    CheckLine,
    Group,
    Health,
    fails,
    line,
    overall,
    part_of,
    rank,
    score_bps,
    score_text,
    worst,
)

STOP_BELOW = 3_000
statuses = st.sampled_from(Health)


def lines(**changes: Health) -> list[CheckLine]:
    """Return every component, HEALTHY but for those named (`_` for a dot, `__` for a dash)."""
    named = {name.replace("__", "-").replace("_", "."): status for name, status in changes.items()}
    assert named.keys() <= PARTS.keys()
    return [line(name, named.get(name, Health.HEALTHY), "as found") for name in PARTS]


def score(**changes: Health) -> int:
    """Return the score of all components, HEALTHY but for those named."""
    return score_bps(lines(**changes))


def test_what_is_well_scores_one() -> None:
    """HM2: the whole is 1 when every component is HEALTHY, and then nothing is to be mended."""
    assert score() == 10_000
    assert {each.mend for each in lines()} == {""}


@pytest.mark.parametrize("name", PARTS)
def test_no_single_component_stops_everything(name: str) -> None:
    """HM2: one thing that is gone is not below 0.3 by itself: it has an effect of its own already."""
    alone = [line(name, Health.CRITICAL, "gone")]
    assert STOP_BELOW <= score_bps(alone) == alone[0].leaves_bps < 10_000
    assert alone[0].mend == part_of(name).mend != ""


def test_two_that_matter_stop_everything() -> None:
    """HM2: what executes and what sees the chain both gone is below 0.3, though the machine is well."""
    assert score(executor=Health.CRITICAL) == 4_000
    assert score(executor=Health.CRITICAL, gateway=Health.CRITICAL) == 1_600 < STOP_BELOW
    assert score(execution__queue=Health.CRITICAL, machine_memory=Health.CRITICAL) < STOP_BELOW
    assert score(ledger_watchdog=Health.UNHEALTHY, market__data=Health.UNHEALTHY) == 3_025


def test_a_busy_machine_stops_nothing() -> None:
    """HM1: with nothing but the machine short of everything the score says DEGRADED, and nothing stops."""
    busy = {
        name.replace(".", "_"): Health.CRITICAL for name, part in PARTS.items() if part.group is Group.MACHINE
    }
    assert score(**busy) == 6_000
    assert overall(6_000, STOP_BELOW, unhealthy=False) is Health.DEGRADED
    assert overall(score(machine_cpu=Health.CRITICAL), STOP_BELOW, unhealthy=False) is Health.HEALTHY


def test_one_failure_counts_once_wherever_it_shows() -> None:
    """HM2: without a gateway there is no data, no endpoint and no capital either; that is one failure."""
    shown = {"market__data": Health.CRITICAL, "endpoints": Health.CRITICAL, "capital": Health.CRITICAL}
    assert score(gateway=Health.CRITICAL, **shown) == score(gateway=Health.CRITICAL) == 4_000


def test_of_several_traders_the_mean_counts() -> None:
    """HM2: one of five strategies that is out takes away a fifth of what the only one would."""
    out = [line(f"trader-s{number}", Health.CRITICAL, "lost") for number in range(1)]
    well = [line(f"trader-s{number}", Health.HEALTHY, "ready") for number in range(1, 5)]
    assert score_bps(out) == 6_500
    assert score_bps([*out, *well]) == score_bps([*well, *out]) == 10_000 - 700


@given(st.lists(st.tuples(st.sampled_from(list(PARTS)), statuses), max_size=30))
def test_it_lies_between_zero_and_one_in_any_order(found: list[tuple[str, Health]]) -> None:
    """HM2: deterministic: the order of the components changes nothing, and a worse status never helps."""
    made = [line(name, status, "") for name, status in found]
    assert 0 <= score_bps(made) == score_bps(made[::-1]) <= 10_000
    worse = [line(name, Health.CRITICAL, "") for name, _ in found]
    assert score_bps(worse) <= score_bps(made)


@given(statuses, statuses)
def test_worst_is_by_rank(one: Health, other: Health) -> None:
    """HM2: four statuses in one order."""
    assert rank(worst([one, other])) == max(rank(one), rank(other))
    assert worst([]) is Health.HEALTHY


def test_the_whole_in_one_word() -> None:
    """HM2, HM3: below the stop's limit CRITICAL, with a named limit broken UNHEALTHY, below 0.7 DEGRADED."""
    words = [overall(score, STOP_BELOW, unhealthy=False) for score in (2_999, 3_000, 6_999, 7_000, 10_000)]
    assert words == [Health.CRITICAL, Health.DEGRADED, Health.DEGRADED, Health.HEALTHY, Health.HEALTHY]
    assert overall(10_000, STOP_BELOW, unhealthy=True) is Health.UNHEALTHY


def test_a_score_is_never_flattered() -> None:
    """HM2: shown with two places, rounded down: what is just below a limit does not read as on it."""
    assert [score_text(score) for score in (10_000, 9_999, 6_999, 305, 0)] == [
        "1.00",
        "0.99",
        "0.69",
        "0.03",
        "0.00",
    ]


def test_busy_is_not_wrong() -> None:
    """HM2: what a health check fails on is UNHEALTHY or worse, a busy processor apart."""
    for name in PARTS:
        failing = [fails(line(name, status, "")) for status in Health]
        busy = name in {"machine.cpu", "machine.load"}
        assert failing == ([False] * 4 if busy else [False, False, True, True])


def test_what_is_no_component_is_refused() -> None:
    """A name that nobody declared has no weight: it is a defect, not a component without one."""
    with pytest.raises(KeyError):
        part_of("machine.moon")


def test_the_page_says_what_the_table_says() -> None:
    """HM2: docs/health.md names every component with its group and weight, in the table's order."""
    page = (Path(__file__).parents[3] / "docs" / "health.md").read_text(encoding="utf-8")
    rows = [f"| `{name}` | {part.group} | {part.weight_bps / 10_000:.2f} |" for name, part in PARTS.items()]
    assert "\n".join(rows) in page
    combined = (
        score(executor=Health.CRITICAL),
        score(executor=Health.CRITICAL, gateway=Health.CRITICAL),
        score(machine_memory=Health.CRITICAL),
        score(machine_memory=Health.CRITICAL, execution__queue=Health.UNHEALTHY),
        score(machine_cpu=Health.CRITICAL),
    )
    assert [score_text(each) for each in combined] == ["0.40", "0.16", "0.60", "0.33", "0.85"]
