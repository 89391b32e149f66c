"""Why nothing trades: worst first, each cause told once, and nothing claimed of who is silent (OP1a)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.console import samples
from tests.unit.operator.reports import report
from warden.domain.intents import Decision, Outcome
from warden.domain.modes import Mode
from warden.domain.money import Wei
from warden.domain.risk.refusal import Refusal
from warden.domain.roles import Role
from warden.domain.stops import CleanUp, Stop, StopReason
from warden.operator.link import Heard
from warden.operator.reasons import Reason, no_reason, reasons, refusals, unprotected
from warden.operator.view import build_view
from warden.runtime.latch import LatchState
from warden.wire.telemetry import DecisionLine, PositionLine, TraderStatus

if TYPE_CHECKING:
    from warden.operator.link import Snapshot
    from warden.operator.picture import SystemView
    from warden.wire.orders import RiskReport

LOW = Refusal(
    "limits.gas_reserve_eth", "gas below its reserve", "0.02", "0.01", "ETH", "limits.gas_reserve_eth"
)
OLD_NS = samples.NOW_NS - 60_000 * samples.MS
STOP = Stop(
    stop_id="s1",
    reason=StopReason.MANUAL,
    message="prices look wrong",
    operator="ann",
    time="2026-03-01T07:00:00Z",
    policy=CleanUp.CANCEL,
)


def trader(state: str = "running", detail: str = "") -> TraderStatus:
    """Return what a trader says of itself."""
    return TraderStatus(samples.NOW_NS, "s", "Triangular", state, 1, 0, 0, 0, detail)


def heard(*statuses: object, latch: LatchState | None = None) -> Snapshot:
    """Return a snapshot of a well system but for `statuses`."""
    told: dict[type, Any] = {
        type(each): each for each in (samples.watchdog(), samples.executor(), samples.gateway())
    }
    told |= {type(each): each for each in statuses}
    spoken = told.pop(TraderStatus, trader())
    made = samples.snapshot(told.values(), latch=latch)
    known = {**made.heard, Role.TRADER: Heard(status=spoken, as_of_ns=samples.NOW_NS)}
    return msgspec.structs.replace(made, heard=MappingProxyType(known))


def seen(snapshot: Snapshot) -> SystemView:
    """Return its picture."""
    return build_view(snapshot, samples.NOW_NS)


def told(snapshot: Snapshot, rules: RiskReport | None = None) -> list[tuple[str, str]]:
    """Return kind and message of each reason."""
    return [(each.what, each.message) for each in reasons(snapshot, seen(snapshot), rules)]


def decided(outcome: Outcome, clock: str, strategy: str = "a", rule: str = "") -> DecisionLine:
    """Return a line of a decision at `clock`."""
    return DecisionLine(f"2026-03-01T{clock}.000Z", strategy, Decision("cd" * 16, outcome, rule=rule))


def test_nothing_is_in_the_way_of_a_system_that_is_well() -> None:
    """No reason is made up."""
    assert told(heard(), report()) == []


def test_the_worst_comes_first() -> None:
    """OP1a: stop, mode, gate, rules, data, strategy, in this order."""
    snapshot = heard(
        samples.watchdog(mode=Mode.OBSERVE_ONLY, why="not armed yet; operator: warden arm"),
        samples.executor(gate="integrity: journal broken", mode=Mode.OBSERVE_ONLY),
        samples.gateway(head_age_ms=90_000),
        trader("failed", "ZeroDivisionError"),
        latch=LatchState(stops=(STOP,)),
    )
    found = told(snapshot, report(LOW))
    assert [what for what, _ in found] == ["stop", "mode", "gate", "rule", "data", "strategy"]
    assert found[0][1].startswith("s1: MANUAL by ann at 2026-03-01")
    assert found[1][1] == "OBSERVE_ONLY: not armed yet; operator: warden arm"
    assert found[-1][1] == "Triangular is failed: ZeroDivisionError"


def test_a_rule_tells_limit_observed_and_setting() -> None:
    """OP1a: the rule, its limit, what was observed, and the setting that would change it."""
    snapshot = heard()
    (reason,) = reasons(snapshot, seen(snapshot), report(LOW))
    assert reason.text() == (
        "rule: limits.gas_reserve_eth: gas below its reserve "
        "(limit 0.02 ETH, observed 0.01 ETH, setting limits.gas_reserve_eth)"
    )


def test_the_gate_does_not_repeat_what_is_named() -> None:
    """A gate that the mode or a stop closes says nothing new, nor does the rule that says so again."""
    lowered = heard(
        samples.watchdog(mode=Mode.OBSERVE_ONLY, why="w"),
        samples.executor(gate="mode: OBSERVE_ONLY does not allow to open", mode=Mode.OBSERVE_ONLY),
    )
    mode = Refusal("mode", "OBSERVE_ONLY does not allow to open")
    assert told(lowered, report(mode)) == [("mode", "OBSERVE_ONLY: w")]
    shut = heard(samples.executor(gate="permit.expired: the watchdog's permit has run out"))
    permit = Refusal("permit.expired", "the watchdog's permit has run out")
    assert told(shut, report(permit)) == [("gate", "permit.expired: the watchdog's permit has run out")]


def test_who_is_silent_is_a_reason() -> None:
    """I10: with watchdog, executor and gateway dead it says so, and takes no old word for new."""
    snapshot = heard(
        samples.watchdog(sent_ns=OLD_NS, mode=Mode.OBSERVE_ONLY, why="old"),
        samples.executor(sent_ns=OLD_NS, gate="old"),
        samples.gateway(sent_ns=OLD_NS),
    )
    found = told(snapshot)
    assert [what for what, _ in found][:3] == ["mode", "gate", "data"]
    assert found[0][1].startswith("the watchdog is silent for 60s: nobody grants leave")
    assert found[1][1] == "the executor is silent for 60s: nothing can be signed or sent"
    assert not any("old" in message for _, message in found)
    never = told(samples.snapshot(()))
    assert ("gate", "the executor was never heard: nothing can be signed or sent") in never
    assert ("strategy", "the trader was never heard: nobody proposes anything") in never


def test_endpoints_that_are_all_unwell_are_named() -> None:
    """RP5: one that works is enough; with none each is named with its state."""
    assert told(heard(samples.gateway(beta="failing"))) == []
    lines = tuple(msgspec.structs.replace(each, state="stale") for each in samples.gateway().endpoints)
    bad = msgspec.structs.replace(samples.gateway(), endpoints=lines)
    assert told(heard(bad)) == [("data", "no endpoint is well: alpha stale, beta stale, gamma stale")]


def test_paper_is_no_reason() -> None:
    """EX4: on paper trades are filled like anywhere else; it stands in the way of none."""
    assert told(msgspec.structs.replace(heard(), environment="paper")) == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), "no edge: nothing is in the way, and the strategy proposes nothing"),
        ((decided(Outcome.APPROVED, "07:00:00"),), "no edge: .* proposed nothing since 2026-03-01T07:00:00"),
        ((decided(Outcome.APPROVED, "07:59:30"),), "nothing is in the way: the last proposal.*was approved"),
        ((decided(Outcome.REFUSED, "07:59:30"),), "only single proposals are refused"),
        ((decided(Outcome.REFUSED, "07:59:30"), decided(Outcome.REDUCED, "07:59:40")), "was reduced"),
    ],
)
def test_without_a_reason_it_is_the_strategy(lines: tuple[DecisionLine, ...], said: str) -> None:
    """OP1a: `no edge` when nothing is in the way and nobody proposes; what is old says nothing of now."""
    view = seen(heard(msgspec.structs.replace(samples.executor(), recent_decisions=lines)))
    text = no_reason(view, datetime(2026, 3, 1, 8, tzinfo=UTC))
    assert re.search(said, text)


def test_what_is_wrong_with_the_strategy_is_said_in_passing() -> None:
    """OP1a: rubbish stands in nobody's way, but `no edge` alone would hide why nothing is proposed."""
    line = msgspec.structs.replace(samples.watchdog().processes[0], name=Role.TRADER, detail="Mine raised")
    view = seen(heard(msgspec.structs.replace(samples.watchdog(), processes=(line,))))
    assert no_reason(view, datetime(2026, 3, 1, 8, tzinfo=UTC)).endswith("; Mine raised")


def test_a_silent_trader_is_quoted() -> None:
    """Why it ended is what it said last: that its memory was used up, for one."""
    line = msgspec.structs.replace(
        samples.watchdog().processes[0], name=Role.TRADER, detail="Mine used up its memory", age_ms=60_000
    )
    said = dict(told(heard(msgspec.structs.replace(samples.watchdog(), processes=(line,)))))
    assert said["strategy"].endswith("nobody proposes anything; it last said: Mine used up its memory")


def test_the_last_refusals_of_each_strategy() -> None:
    """OP1a: newest first, one of each rule, three of a strategy; a noisy one does not hide another's."""
    noisy = [decided(Outcome.REFUSED, f"07:00:{second:02d}", "a", f"r{second % 5}") for second in range(30)]
    quiet = decided(Outcome.REFUSED, "06:00:00", "b", "r9")
    found = refusals((*noisy, quiet, decided(Outcome.APPROVED, "07:01:00")))
    assert [(line.strategy, line.decision.rule) for line in found] == [
        ("a", "r4"),
        ("a", "r3"),
        ("a", "r2"),
        ("b", "r9"),
    ]
    assert found[0].time == "2026-03-01T07:00:29.000Z"


def test_a_reason_without_figures_is_plain() -> None:
    """The mend stands at the end of the line."""
    assert Reason("stop", "s1", "an operator lifts it").text() == "stop: s1; an operator lifts it"


def held(position_id: str, value: int | None, why: str = "", strategy: str = "dip") -> PositionLine:
    """Return a position that cost 100 wei."""
    known = None if value is None else Wei(value)
    return PositionLine(
        "a/b", Wei(100), "", not why, id=position_id, strategy=strategy, value_wei=known, why=why
    )


def test_positions_that_nothing_protects_are_named_and_block_nothing() -> None:
    """SL1: each with its strategy and why, worst first; of an executor that is silent nothing is claimed."""
    lines = (
        held("up", 120, "its exits keep failing"),
        held("down", 60, "exits may not leave now: mode", "mom"),
        held("well", 10),
        held("dark", None, "its exit value cannot be told: no reserves"),
    )
    executor = msgspec.structs.replace(samples.executor(), positions=lines)
    snapshot = heard(executor)
    view = seen(snapshot)
    assert [each.message for each in unprotected(view)] == [
        "dark of dip is UNPROTECTED: its exit value cannot be told: no reserves",
        "down of mom is UNPROTECTED: exits may not leave now: mode",
        "up of dip is UNPROTECTED: its exits keep failing",
    ]
    assert [each.message[:4] for each in unprotected(view, "mom")] == ["down"]
    assert told(snapshot, report()) == []
    silent = heard(msgspec.structs.replace(executor, sent_ns=OLD_NS))
    silent = msgspec.structs.replace(
        silent,
        heard=MappingProxyType({**silent.heard, Role.EXECUTOR: Heard(status=executor, as_of_ns=OLD_NS)}),
    )
    assert unprotected(seen(silent)) == ()
