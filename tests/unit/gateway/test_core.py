"""Which endpoint is asked next: a script of events in, an order out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warden.gateway.core import (
    BACKOFF_S,
    FORGIVEN_AFTER_NS,
    GOOD_PROBES_TO_RETURN,
    PROBE_EVERY_NS,
    Core,
    Rules,
)
from warden.gateway.errors import Failure, Kind
from warden.gateway.events import (
    Agreed,
    Changed,
    Event,
    Outvoted,
    Probed,
    ProbeFailed,
    ProbeNow,
    ReadFailed,
    State,
)

S = 1_000_000_000
RULES = Rules(chain_id=1, genesis="0xaa", slow_ms=500.0, lag_blocks_max=5, head_age_ms_max=30_000)
REFUSED = Failure(Kind.REFUSED, "connection refused")
TIMEOUT = Failure(Kind.TIMEOUT, "no answer in time")


def good(name: str, head: int = 100, *, latency_ms: float = 5.0) -> Probed:
    """A probe that shows the right chain."""
    return Probed(name=name, latency_ms=latency_ms, head=head, chain_id=1, genesis="0xaa")


def healthy(*names: str, now_ns: int = S) -> Core:
    """A core whose endpoints have all shown the right chain."""
    core = Core(names, RULES)
    for name in names:
        core.handle(good(name), now_ns)
    return core


def state(core: Core, name: str, now_ns: int) -> str:
    """An endpoint's state as the status shows it."""
    return next(line.state for line in core.lines(now_ns) if line.name == name)


def test_none_is_asked_before_it_has_proved_its_chain() -> None:
    """An endpoint nobody has looked at yet might be on any chain (RP2)."""
    core = Core(["a", "b"], RULES)
    assert core.route(S) == []
    assert state(core, "a", S) == State.UNKNOWN
    core.handle(Probed(name="a", latency_ms=1, head=5), S)
    assert core.route(S) == []
    core.handle(good("b"), S)
    assert core.route(S) == ["b"]


def test_looking_ends_when_each_has_been_heard_of() -> None:
    """Well or ill: until then a start is a start, and nothing is wrong."""
    core = Core(["a", "b"], RULES)
    assert not core.looked(S)
    core.handle(good("a"), S)
    assert not core.looked(S)
    core.handle(ProbeFailed("b", REFUSED), S)
    assert core.looked(S)


def test_healthy_endpoints_are_asked_in_the_operators_order() -> None:
    """The order of the configuration is the order of preference (RP1)."""
    assert healthy("c", "a", "b").route(S) == ["c", "a", "b"]


@pytest.mark.parametrize(
    "probe",
    [
        Probed(name="a", latency_ms=1, head=100, chain_id=2, genesis="0xaa"),
        Probed(name="a", latency_ms=1, head=100, chain_id=1, genesis="0xbb"),
    ],
)
def test_another_chain_is_never_asked(probe: Probed) -> None:
    """Chain id and block 0 both count; it comes back when it shows the right ones (RP2)."""
    core = healthy("a", "b")
    commands = core.handle(probe, 2 * S)
    assert core.route(2 * S) == ["b"]
    assert [each.after for each in commands if isinstance(each, Changed)] == [State.WRONG_CHAIN]
    assert core.chain_check_due("a", 2 * S)
    core.handle(good("a"), 3 * S)
    assert core.route(3 * S) == ["a", "b"]


def test_an_answer_for_another_chain_puts_an_endpoint_out_at_once() -> None:
    """It need not wait for the next check."""
    core = healthy("a", "b")
    core.handle(ReadFailed("a", Failure(Kind.WRONG_CHAIN, "another")), 2 * S)
    assert core.route(2 * S) == ["b"]
    assert state(core, "a", 100 * S) == State.WRONG_CHAIN


def test_a_failed_read_asks_others_first_for_a_while() -> None:
    """The endpoint is looked at once, is still there if nobody else is, and comes back by itself."""
    core = healthy("a", "b")
    commands = core.handle(ReadFailed("a", TIMEOUT), 2 * S)
    assert ProbeNow("a") in commands
    assert core.route(2 * S) == ["b", "a"]
    assert core.usable(2 * S)
    again = core.handle(ReadFailed("a", TIMEOUT), 2 * S + 1)
    assert ProbeNow("a") not in again
    assert core.route(2 * S + BACKOFF_S[0] * S) == ["a", "b"]


def test_a_bad_question_puts_no_endpoint_aside() -> None:
    """Missing data and internal errors are asked elsewhere but not held against anybody."""
    core = healthy("a", "b")
    for kind in (Kind.MISSING_DATA, Kind.INTERNAL, Kind.METHOD_NOT_FOUND, Kind.TOO_LARGE):
        assert core.handle(ReadFailed("a", Failure(kind, kind.value)), 2 * S) == []
    assert core.route(2 * S) == ["a", "b"]


def test_a_refused_connection_must_prove_its_chain_anew() -> None:
    """Whoever listens there next may be another node (RP2)."""
    core = healthy("a", "b")
    core.handle(ReadFailed("a", REFUSED), 2 * S)
    assert core.route(2 * S) == ["b"]
    assert core.chain_check_due("a", 2 * S)


def test_a_failed_probe_makes_it_the_last_and_it_returns_step_by_step() -> None:
    """Blacklisting with backoff, gradual re-admission (RP2)."""
    core = healthy("a", "b", "c")
    core.handle(ProbeFailed("a", TIMEOUT), 2 * S)
    assert core.route(2 * S) == ["b", "c", "a"]
    now_ns = 3 * S
    for _ in range(GOOD_PROBES_TO_RETURN - 1):
        core.handle(good("a"), now_ns)
        assert core.route(now_ns) == ["b", "c", "a"]
        assert state(core, "a", now_ns) == State.FAILING
        now_ns += S
    core.handle(good("a"), now_ns)
    assert core.route(now_ns) == ["a", "b", "c"]


def test_backoff_grows_to_its_bound_and_is_forgiven() -> None:
    """1, 2, 4 … 30 s between probes of a failing endpoint, and the first again after a good minute."""
    core = healthy("a", "b")
    now_ns, pauses = 2 * S, []
    for _ in range(len(BACKOFF_S) + 2):
        core.handle(ProbeFailed("a", TIMEOUT), now_ns)
        pauses.append((core.probe_due_ns("a", now_ns) - now_ns) // S)
        now_ns = core.probe_due_ns("a", now_ns)
        core.handle(good("b", head=100 + now_ns // S), now_ns)
    assert pauses == [*BACKOFF_S, BACKOFF_S[-1], BACKOFF_S[-1]]
    core.handle(good("a"), now_ns + FORGIVEN_AFTER_NS)
    core.handle(ProbeFailed("a", TIMEOUT), now_ns + FORGIVEN_AFTER_NS)
    core.handle(good("b", head=1000), now_ns + FORGIVEN_AFTER_NS)
    due_ns = core.probe_due_ns("a", now_ns + FORGIVEN_AFTER_NS)
    assert due_ns - (now_ns + FORGIVEN_AFTER_NS) == BACKOFF_S[0] * S


def test_with_none_usable_each_is_tried_each_second() -> None:
    """Patience with one endpoint costs nothing; with all of them it costs the system."""
    core = healthy("a")
    now_ns = 2 * S
    for _ in range(5):
        core.handle(ProbeFailed("a", REFUSED), now_ns)
    assert not core.usable(now_ns)
    assert core.probe_due_ns("a", now_ns) == now_ns + PROBE_EVERY_NS


def test_retry_after_is_kept_even_when_nobody_else_is_there() -> None:
    """An endpoint that asked to be left alone is neither read nor probed until then (RP3)."""
    core = healthy("a")
    core.handle(ReadFailed("a", Failure(Kind.RATE_LIMIT, "rate limited", 7.0)), 2 * S)
    assert core.route(2 * S) == []
    assert core.probe_due_ns("a", 2 * S) == 9 * S
    assert "not asked for 7 s" in core.lines(2 * S)[0].detail
    core.handle(good("a"), 9 * S)
    assert core.route(9 * S) == ["a"]


def test_retry_after_is_bounded() -> None:
    """An endpoint can't ask for a year."""
    core = healthy("a")
    core.handle(ReadFailed("a", Failure(Kind.RATE_LIMIT, "rate limited", 1e12)), 2 * S)
    assert core.probe_due_ns("a", 2 * S) == 122 * S


def test_a_slow_endpoint_is_asked_after_faster_ones() -> None:
    """By an average that one odd probe does not move (RP3)."""
    core = healthy("a", "b")
    core.handle(good("a", latency_ms=1_000), 2 * S)
    assert core.route(2 * S) == ["a", "b"]
    for second in range(3, 8):
        core.handle(good("a", latency_ms=1_000), second * S)
        core.handle(good("b"), second * S)
    assert core.route(8 * S) == ["b", "a"]
    assert state(core, "a", 8 * S) == State.SLOW


def test_one_that_makes_a_head_up_outdates_nobody() -> None:
    """ES2, RP5: of three, one alone is millions of blocks ahead: it is not asked, and the others are."""
    core = healthy("a", "b", "c")
    for at in (1, 2, 3):
        core.handle(good("a", 10_000_000), at * S)
        for name in ("b", "c"):
            core.handle(good(name, 100 + at), at * S)
    assert core.route(3 * S) == ["b", "c"]
    assert core.head == 103
    assert "blocks ahead of all others" in core.lines(3 * S)[0].detail


def test_two_that_stand_still_do_not_hold_up_the_third_for_long() -> None:
    """RP2: when their heads are too old, the one that goes on is right."""
    core = healthy("a", "b", "c")
    for at in range(1, 60):
        core.handle(good("a", 100 + at), at * S)
        for name in ("b", "c"):
            core.handle(good(name), at * S)
    assert core.route(59 * S) == ["a"]


def test_who_is_outvoted_is_asked_no_more_until_it_agrees_three_times() -> None:
    """ES2: named with what it said; one agreement is not enough, and another lie begins anew."""
    core = healthy("a", "b", "c")
    commands = core.handle(Outvoted("a", "a says 1, b says 2"), 2 * S)
    assert [(each.name, each.after) for each in commands if isinstance(each, Changed)] == [("a", State.LYING)]
    assert (core.route(2 * S), core.liars()) == (["b", "c"], ["a"])
    assert core.lines(2 * S)[0].detail == "a says 1, b says 2"
    for event in (Agreed("a"), Agreed("a"), Outvoted("a", "again"), Agreed("a"), Agreed("a")):
        core.handle(event, 2 * S)
        assert core.route(2 * S) == ["b", "c"]
    core.handle(Agreed("a"), 2 * S)
    assert (core.route(2 * S), core.liars()) == (["a", "b", "c"], [])


def test_a_lagging_endpoint_is_stale_when_it_lags_twice() -> None:
    """Both sides of the limit; once may be the moment at which it was asked (RP5)."""
    core = healthy("a", "b")
    core.handle(good("b", head=200), 2 * S)
    core.handle(good("a", head=195), 2 * S)
    core.handle(good("a", head=195), 3 * S)
    assert core.route(3 * S) == ["a", "b"]
    core.handle(good("a", head=194), 4 * S)
    assert core.route(4 * S) == ["a", "b"]
    core.handle(good("a", head=194), 5 * S)
    assert core.route(5 * S) == ["b"]
    assert state(core, "a", 5 * S) == State.STALE
    core.handle(good("a", head=200), 6 * S)
    assert core.route(6 * S) == ["a", "b"]


def test_a_head_that_stands_still_is_refused_everywhere() -> None:
    """When every endpoint is stale nobody is asked (RP5)."""
    core = healthy("a", "b")
    for second in range(2, 33):
        for name in ("a", "b"):
            core.handle(good(name), second * S)
    assert core.route(31 * S) == ["a", "b"]
    assert core.route(32 * S) == []
    assert [line.state for line in core.lines(32 * S)] == [State.STALE, State.STALE]
    assert core.head_age_ms(32 * S) == 31_000


def test_a_wrong_chains_head_does_not_count() -> None:
    """Another chain may be higher by millions of blocks; nobody lags behind that."""
    core = healthy("a", "b")
    core.handle(Probed(name="b", latency_ms=1, head=10**7, chain_id=2), 2 * S)
    core.handle(good("a", head=101), 2 * S)
    core.handle(good("a", head=102), 3 * S)
    assert core.head == 102
    assert core.route(3 * S) == ["a"]


def test_each_change_is_told_once() -> None:
    """People hear of a change, not of every failure (AL6)."""
    core = Core(["a"], RULES)
    told = [
        each
        for second in range(1, 20)
        for each in core.handle(ProbeFailed("a", REFUSED) if second > 5 else good("a"), second * S)
        if isinstance(each, Changed)
    ]
    assert [(each.before, each.after) for each in told] == [
        (State.UNKNOWN, State.OK),
        (State.OK, State.FAILING),
    ]


EVENTS = st.one_of(
    st.builds(
        Probed,
        name=st.sampled_from("abc"),
        latency_ms=st.floats(0, 5_000),
        head=st.integers(0, 10_000),
        chain_id=st.sampled_from([None, 1, 1, 1, 2]),
        genesis=st.sampled_from([None, "0xaa", "0xaa", "0xbb"]),
    ),
    st.builds(
        ProbeFailed,
        name=st.sampled_from("abc"),
        failure=st.builds(Failure, st.sampled_from(Kind), st.just("x"), st.floats(0, 1e9)),
    ),
    st.builds(
        ReadFailed,
        name=st.sampled_from("abc"),
        failure=st.builds(Failure, st.sampled_from(Kind), st.just("x"), st.floats(0, 1e9)),
    ),
)


@given(st.lists(st.tuples(EVENTS, st.integers(0, 40 * S)), max_size=60))
def test_whatever_happens_only_the_right_chain_is_asked(script: list[tuple[Event, int]]) -> None:
    """Over any events: whoever is asked showed the right chain last and is not stale (RP2, RP5).

    Each is asked once at most, and its next probe is no further away than the longest pause.
    """
    core = Core(["a", "b", "c"], RULES)
    right: dict[str, bool] = {}
    now_ns = S
    for event, pause_ns in script:
        now_ns += pause_ns
        core.handle(event, now_ns)
        if isinstance(event, Probed) and event.chain_id is not None:
            right[event.name] = event.chain_id == 1 and event.genesis in {None, "0xaa"}
        route = core.route(now_ns)
        assert len(set(route)) == len(route)
        assert all(right.get(name, False) for name in route)
        shown = {line.name: line.state for line in core.lines(now_ns)}
        assert not {shown[name] for name in route} & {State.STALE, State.WRONG_CHAIN, State.UNKNOWN}
        for name in "abc":
            assert core.probe_due_ns(name, now_ns) <= now_ns + 120 * S
