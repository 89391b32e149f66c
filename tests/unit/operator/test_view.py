"""The picture of the system: what is current, what is stale, and the one word on the banner."""

from __future__ import annotations

import json
from decimal import Decimal
from types import MappingProxyType

import msgspec
import pytest

from tests.console import samples
from tests.console.samples import MS, NOW_NS
from warden.domain.modes import Mode
from warden.domain.money import Wei
from warden.domain.roles import Role
from warden.operator.link import Snapshot
from warden.operator.picture import Limits, Word, age_text
from warden.operator.view import build_view, view_to_json
from warden.runtime.latch import LatchState
from warden.wire.telemetry import Event, Severity, StopLine

STOPPED = LatchState(stops=(samples.STOP,))


def view_of(snapshot: Snapshot, later_ms: int = 0) -> object:
    """Return the word on the banner `later_ms` after the samples' moment."""
    return build_view(snapshot, NOW_NS + later_ms * MS).word


def test_trading_needs_watchdog_and_an_open_gate() -> None:
    """All fresh and the gate open is TRADING; nothing needs explaining then."""
    view = build_view(samples.normal(), NOW_NS)
    assert (view.word, view.why, view.mode) == (Word.TRADING, "", Mode.AGGRESSIVE)


@pytest.mark.parametrize(
    ("mode", "word"),
    [
        (Mode.REDUCE_ONLY, Word.REDUCING),
        (Mode.OBSERVE_ONLY, Word.OBSERVING),
        (Mode.SHUTDOWN, Word.SHUT_DOWN),
    ],
)
def test_each_mode_has_its_word(mode: Mode, word: Word) -> None:
    """The words of DESIGN §6 stand for the modes."""
    snapshot = samples.snapshot((samples.watchdog(mode=mode, why="because"), samples.executor(mode=mode)))
    view = build_view(snapshot, NOW_NS)
    assert (view.word, view.why) == (word, "because")


def test_a_closed_gate_is_never_called_trading() -> None:
    """What is in force is the lesser of the mode and the gate, and the gate's reason is shown (I10)."""
    snapshot = samples.snapshot((samples.watchdog(), samples.executor(gate="no permit")))
    view = build_view(snapshot, NOW_NS)
    assert (view.word, view.why) == (Word.OBSERVING, "gate closed: no permit")


def test_a_silent_executor_is_not_called_trading() -> None:
    """The watchdog's mode alone does not say that anything trades (I10)."""
    snapshot = samples.snapshot((samples.watchdog(), samples.executor(sent_ns=NOW_NS - 3_000 * MS)))
    view = build_view(snapshot, NOW_NS)
    assert (view.word, view.why) == (Word.UNKNOWN, "executor silent for 3.0s")


def test_a_silent_watchdog_makes_it_unknown() -> None:
    """Without the authority over the mode nothing is claimed (CO3)."""
    view = build_view(samples.unknown(), NOW_NS)
    assert (view.word, view.why, view.mode) == (Word.UNKNOWN, "watchdog silent for 40s", None)


def test_nothing_heard_is_unknown() -> None:
    """At the start nothing is green: no ages, no values, UNKNOWN."""
    view = build_view(samples.nothing(), NOW_NS)
    assert (view.word, view.why) == (Word.UNKNOWN, "nothing heard from the watchdog yet")
    assert view.watchdog.stale
    assert view.money.seen.stale
    assert view.oldest.age_ms is None


def test_freshness_ends_exactly_past_the_limit() -> None:
    """At 2,000 ms a value is current, one millisecond later it is stale."""
    assert view_of(samples.normal(), 2_000) is Word.TRADING
    assert view_of(samples.normal(), 2_001) is Word.UNKNOWN


def test_the_limit_is_a_setting() -> None:
    """A longer limit keeps a value current for longer."""
    view = build_view(samples.normal(), NOW_NS + 9_000 * MS, Limits(stale_ms=10_000, head_stale_ms=60_000))
    assert view.word is Word.TRADING


def test_stop_files_say_stopped_when_every_process_is_dead() -> None:
    """A stop file is the truth, whoever lives (I4)."""
    view = build_view(samples.snapshot((), latch=STOPPED), NOW_NS)
    assert view.word is Word.STOPPED
    assert view.stops == (
        StopLine("stop-5a1c0e", "MANUAL", "pressed on the console", "ada", "2026-03-01T07:32:01.007Z"),
    )


def test_an_unreadable_stop_directory_is_a_stop() -> None:
    """Only a directory that can be read and is empty means not stopped."""
    view = build_view(samples.snapshot((), latch=LatchState(unreadable="stop directory: gone")), NOW_NS)
    assert (view.word, view.stop_dir) == (Word.STOPPED, "stop directory: gone")


def test_a_stop_with_an_open_gate_is_stopping_then_not_stopped() -> None:
    """A gate that is still open 2 s after the stop was seen is never called STOPPED (I3, I10)."""
    first = samples.snapshot((samples.watchdog(), samples.executor()), latch=STOPPED)
    assert build_view(first, NOW_NS).word is Word.STOPPING
    late = samples.snapshot(
        (samples.watchdog(), samples.executor(sent_ns=NOW_NS + 2_000 * MS)), latch=STOPPED
    )
    view = build_view(late, NOW_NS + 2_000 * MS)
    assert view.word is Word.NOT_STOPPED
    assert "gate is still open" in view.why


def test_a_stop_that_only_the_watchdog_sees_counts() -> None:
    """Another directory than ours may hold it: the safer of the two is shown."""
    told = msgspec.structs.replace(
        samples.watchdog(), stops=(StopLine("elsewhere", "MANUAL", "a bare file", "", ""),)
    )
    view = build_view(samples.snapshot((told, samples.executor())), NOW_NS)
    assert (view.word, view.why) == (Word.STOPPED, "the watchdog reports: MANUAL · a bare file")


def test_worst_processes_come_first() -> None:
    """Hung and lost processes lead the list; the rest keep their order."""
    names = [line.name for line in build_view(samples.stale(), NOW_NS).processes]
    assert names[:2] == ["gateway", "executor"]
    assert names[2:] == ["devnet", "watchdog", "logger", "notifier", "api", "trader"]


def test_process_ages_grow_while_the_watchdog_is_silent() -> None:
    """An age that the watchdog told is as old as its word besides; its states are no longer believed."""
    view = build_view(samples.unknown(), NOW_NS)
    by_name = {line.name: line for line in view.processes}
    assert by_name["watchdog"].state == "silent"
    assert (by_name["executor"].age_ms, by_name["executor"].state) == (0, "unknown")
    assert by_name["trader"].stale


def test_oldest_process_is_named() -> None:
    """The second of the three ages says whose it is."""
    view = build_view(samples.stale(), NOW_NS)
    assert (view.oldest_name, view.oldest.age_ms, view.oldest.stale) == ("gateway", 30_000, True)


def test_the_head_ages_with_the_gateway_word() -> None:
    """The chain's head is as old as the gateway said plus the age of that word."""
    view = build_view(samples.stale(), NOW_NS)
    assert (view.endpoints.head_seen.age_ms, view.endpoints.head_seen.stale) == (30_420, True)


def test_slow_chains_have_older_heads() -> None:
    """On a chain of 12 s blocks a head of 20 s is current: three blocks are the limit."""
    snapshot = msgspec.structs.replace(
        samples.snapshot((samples.gateway(head_age_ms=20_000),)), block_ms=12_000
    )
    assert not build_view(snapshot, NOW_NS).endpoints.head_seen.stale


def test_exposure_is_rounded_against_the_operator() -> None:
    """A share of capital is rounded up: a limit is met early rather than late."""
    book = msgspec.structs.replace(
        samples.executor(), capital_wei=Wei(3), exposure_wei=Wei(1), exposure_limit_bps=6_666
    )
    money = build_view(samples.snapshot((book,)), NOW_NS).money
    assert (money.percent, money.limit_percent) == (Decimal("33.34"), Decimal("66.66"))
    assert money.used_bps == 5_002


@pytest.mark.parametrize("capital", [None, Wei(0), Wei(-1)])
def test_no_capital_is_no_percentage(capital: Wei | None) -> None:
    """Unknown, lost and impossible capital give no share, and never a division (ES2)."""
    book = msgspec.structs.replace(samples.executor(), capital_wei=capital)
    money = build_view(samples.snapshot((book,)), NOW_NS).money
    assert (money.percent, money.used_bps, money.limit_percent) == (None, None, Decimal(50))


def test_a_lost_capital_with_nothing_at_stake_is_zero_percent() -> None:
    """ES2: zero is a figure; only what is at stake without a capital has no share."""
    book = msgspec.structs.replace(samples.executor(), capital_wei=Wei(0), exposure_wei=Wei(0))
    money = build_view(samples.snapshot((book,)), NOW_NS).money
    assert (money.percent, money.capital_wei) == (Decimal(0), 0)


@pytest.mark.parametrize(
    ("price", "usd"),
    [("2500", Decimal("781.07")), ("", None), ("NaN", None), ("-1", None), ("x", None), ("Infinity", None)],
)
def test_usd_needs_a_usable_price(price: str, usd: Decimal | None) -> None:
    """Without a price there is no USD figure; with one it is rounded down."""
    book = msgspec.structs.replace(samples.executor(), price_usd=price)
    assert build_view(samples.snapshot((book,)), NOW_NS).money.net_usd == usd


def test_losses_in_usd_round_away_from_zero() -> None:
    """A loss is not made smaller by rounding."""
    book = msgspec.structs.replace(samples.executor(), net_wei=Wei(-1), price_usd="2500")
    assert build_view(samples.snapshot((book,)), NOW_NS).money.net_usd == Decimal("-0.01")


def test_worst_endpoints_come_first() -> None:
    """A failing endpoint leads the list."""
    lines = build_view(samples.alarmed(), NOW_NS).endpoints.lines
    assert [line.name for line in lines] == ["beta", "alpha", "gamma"]


def test_events_stand_in_for_a_silent_notifier() -> None:
    """Alarming events are shown as they were heard while nobody makes alerts of them."""
    events = tuple(
        Event(
            time=f"2026-03-01T07:30:0{place}.000Z", role=Role.WATCHDOG, severity=level, kind=kind, message="m"
        )
        for place, (level, kind) in enumerate(
            [(Severity.ERROR, "trader.lost"), (Severity.INFO, "x"), (Severity.CRITICAL, "y.z")]
        )
    )
    view = build_view(samples.snapshot((), events=events), NOW_NS)
    assert [alert.title for alert in view.alerts.recent] == ["y.z", "trader.lost"]
    assert view.alerts.unacknowledged is None


@pytest.mark.parametrize(
    ("age_ms", "text"),
    [
        (None, "-"),
        (0, "0.0s"),
        (1_990, "1.9s"),
        (12_000, "12s"),
        (119_999, "119s"),
        (120_000, "2m"),
        (7_200_000, "2h"),
        (200_000_000, "2d"),
    ],
)
def test_ages_for_people(age_ms: int | None, text: str) -> None:
    """Ages are short and never rounded up to look younger units."""
    assert age_text(age_ms) == text


def test_json_has_the_names_that_scripts_rely_on() -> None:
    """Every name of DESIGN §11 is there with its type, and the whole is plain JSON."""
    told = json.loads(json.dumps(view_to_json(build_view(samples.normal(), NOW_NS))))
    assert (told["environment"], told["mode"], told["breaker"], told["stops"]) == (
        "devnet",
        "TRADING",
        "CLOSED",
        [],
    )
    assert {"name", "pid", "state", "age_ms", "progress", "pss_mb", "cpu_percent"} <= set(
        told["processes"][0]
    )
    assert {"name", "state", "latency_ms", "head", "lag_blocks"} <= set(told["endpoints"][0])
    assert (told["exposure"]["percent"], told["exposure"]["limit_percent"]) == (18.0, 50.0)
    assert (told["pnl"]["trades"], told["pnl"]["net_wei"], told["pnl"]["net_usd"]) == (
        42,
        312_431 * 10**12,
        "781.07",
    )
    assert told["positions"] == []
    assert told["alerts"]["unacknowledged"] == 1
    assert {head["name"]: head["rows"] for head in told["journals"]} == {"executor": 371, "watchdog": 118}


def test_json_of_a_stop_names_it() -> None:
    """Stops carry id, reason, message, operator and time."""
    told = view_to_json(build_view(samples.stopped(), NOW_NS))
    assert told["mode"] == "STOPPED"
    assert told["stops"] == [
        {
            "id": "stop-5a1c0e",
            "reason": "MANUAL",
            "message": "pressed on the console",
            "operator": "ada",
            "time": "2026-03-01T07:32:01.007Z",
        }
    ]


def test_json_gives_no_stale_value() -> None:
    """A script cannot take a stale value for current: it is null, and says how old it is (I10)."""
    told = view_to_json(build_view(samples.stale(), NOW_NS))
    assert told["exposure"] == {"percent": None, "limit_percent": None, "age_ms": 12_000, "stale": True}
    assert told["pnl"]["net_wei"] is None
    assert told["breaker"] == "UNKNOWN"
    assert told["endpoints"] == []
    assert told["chain"]["stale"] is True


def test_an_unknown_mode_number_is_not_guessed() -> None:
    """A mode that this version does not know is UNKNOWN, not the nearest one."""
    odd = msgspec.structs.replace(samples.watchdog(), mode=9)
    assert view_of(samples.snapshot((odd, samples.executor()))) is Word.UNKNOWN


def test_an_empty_snapshot_has_no_status() -> None:
    """A role that was never heard has no status."""
    assert Snapshot(heard=MappingProxyType({})).status(Role.TRADER) is None
