"""What operators order about money, by the real commands on a system that trades (CB4, PS1, PS4a, EX9, ES5).

One system for all: each test leaves it trading, with no lever pulled and the breaker closed.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.instance import wait_until
from tests.process.cli_runs import Done, warden
from tests.process.operator_at_work import let_trade
from tests.process.system import System
from warden.domain.errors import WardenError
from warden.domain.risk.events import (
    BaselinesReset,
    BreakerForced,
    BreakerOrder,
    CapitalMoved,
    LeverSet,
    Moved,
    RiskEvent,
)
from warden.domain.risk.lever_table import NUMBERS
from warden.domain.roles import Role
from warden.domain.stops import Stop
from warden.operator.orders import risk_report
from warden.runtime.journal import read
from warden.wire.codec import from_json
from warden.wire.rows import DecisionRow, ExecutorRow, RiskRow
from warden.wire.telemetry import ExecutorStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.domain.intents import Decision

pytestmark = pytest.mark.timeout(600)

WHO = ("--operator", "ann", "--reason", "a test")
# Below what the strategy bites off, which is 0.1 ETH.
BELOW = "0.05"


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """A system that trades several times a second, and its executor tells what the rules say."""
    with System() as made:
        made.start_all()
        made.wait_trading(2)
        yield made


def asked(system: System, *words: str) -> Done:
    """Run a command on the instance."""
    return warden(*words, "--home", str(system.home))


def ordered(system: System, *words: str) -> str:
    """Run a command that changes something, by name and with a reason; return what was answered."""
    done = asked(system, *words, *WHO, "--json")
    assert done.code == 0, done
    message: str = msgspec.json.decode(done.out)["message"]
    return message


def refused(system: System, *words: str) -> str:
    """Run one that the executor refuses; return its line."""
    done = asked(system, *words, *WHO)
    assert (done.code, done.out) == (4, ""), done
    return done.err


def told(system: System, *words: str) -> Any:  # noqa: ANN401 - whatever --json prints
    """Return what a command prints for scripts."""
    done = asked(system, *words, "--json")
    assert done.code == 0, done
    return msgspec.json.decode(done.out)


def limits(system: System) -> dict[str, dict[str, Any]]:
    """Return the limits by name."""
    return {each["name"]: each for each in told(system, "limit")["limits"]}


def levers(system: System) -> list[tuple[str, ...]]:
    """Return the levers that are pulled, with who and why."""
    return [
        (each["lever"], each["value"], each["operator"], each["reason"])
        for each in told(system, "lever")["levers"]
    ]


def events(system: System, kind: type) -> list[RiskEvent]:
    """Return what the executor has journalled of one kind."""
    rows: Iterator[ExecutorRow] = (
        from_json(row.body, ExecutorRow) for row in read(system.places.journal(Role.EXECUTOR))
    )
    return [row.event for row in rows if isinstance(row, RiskRow) and isinstance(row.event, kind)]


def last_decision(system: System, rule: str) -> Decision:
    """Wait until a proposal is refused by a rule; return that decision."""

    def found(system: System) -> list[Decision]:
        lines = system.latest[ExecutorStatus].recent_decisions
        return [line.decision for line in lines if line.decision.rule == rule]

    system.latest.pop(ExecutorStatus, None)
    system.wait(lambda system: ExecutorStatus in system.latest and found(system), f"a refusal by {rule}")
    return found(system)[0]


def next_folded(system: System, first: Decision) -> Decision:
    """Wait for an equal refusal that follows the first within its minute, so that no row names it."""

    def found() -> list[Decision]:
        lines = system.latest[ExecutorStatus].recent_decisions
        equal = [line.decision for line in lines if line.decision.rule == first.rule]
        return [each for each in equal if each.intent_id not in in_rows]

    rows: Iterator[ExecutorRow] = (
        from_json(row.body, ExecutorRow) for row in read(system.places.journal(Role.EXECUTOR))
    )
    in_rows = {row.decision.intent_id for row in rows if isinstance(row, DecisionRow)} | {first.intent_id}
    system.wait(lambda _: found(), "another refusal by the same rule")
    return found()[0]


def reason(system: System, rule: str) -> dict[str, Any]:
    """Wait until `why` gives a rule of that beginning; on a busy machine a lapse may stand beside it."""
    found: list[dict[str, Any]] = []

    def given() -> bool:
        found[:] = [each for each in told(system, "why")["reasons"] if each["rule"].startswith(rule)]
        return bool(found)

    wait_until(given, f"a reason of {rule}")
    return found[0]


def trades_on(system: System) -> None:
    """Wait until another trade lands."""
    before = system.trades
    try:
        system.wait(lambda system: system.trades > before, "another trade")
    except AssertionError as error:
        raise AssertionError(f"{error}: {asked(system, 'why')} {asked(system, 'status')}") from error


def test_a_limit_is_lowered_at_once_and_let_go_of(system: System) -> None:
    """PS1, OP1a: lowered while it trades; refused, told why, with the setting; beyond warden.toml never."""
    known = limits(system)
    assert {f"limits.{name}" for name in NUMBERS} <= known.keys()
    assert known["limits.max_trade_eth"]["limit"] == known["limits.max_trade_eth"]["configured"] == "10"
    assert refused(system, "limit", "max_trade_eth", "11")
    ordered(system, "limit", "limits.max_trade_eth", BELOW)
    assert limits(system)["limits.max_trade_eth"]["limit"] == BELOW
    assert levers(system) == [("max_trade_eth", BELOW, "ann", "a test")]
    decision = last_decision(system, "limits.max_trade_eth")
    assert (decision.limit, decision.observed, decision.unit) == (BELOW, "0.1", "ETH")
    refusals = told(system, "why")["refusals"]
    assert "limits.max_trade_eth" in {each["decision"]["setting"] for each in refusals}
    ordered(system, "limit", "max_trade_eth", "--off")
    assert refused(system, "limit", "max_trade_eth", "--off")
    assert levers(system) == []
    trades_on(system)
    pulled = [event for event in events(system, LeverSet) if isinstance(event, LeverSet)]
    assert [(each.lever, each.value, each.operator, each.reason) for each in pulled] == [
        ("max_trade_eth", BELOW, "ann", "a test"),
        ("max_trade_eth", "", "ann", "a test"),
    ]


def test_a_token_is_blocked_and_the_life_of_trades_told(system: System) -> None:
    """PS4a, OP1a, OB3: no trade touches it any more; the trade before is told whole, by any of its ids."""
    trades_on(system)
    line = next(line for line in system.latest[ExecutorStatus].recent_trades if line.state == "mined")
    (life,) = told(system, "why", line.tx_hash)["trades"]
    assert (life["trace_id"], life["intent_ids"]) == (line.trace_id, [line.intent_id])
    kinds = [step["kind"] for step in life["steps"]]
    assert kinds[-1] in {"outcome", "leg"}
    assert {"signed", "leg", "outcome"} <= set(kinds)
    assert told(system, "why", line.intent_id[:12])["trades"][0]["trace_id"] == line.trace_id

    weth = next(step["path"][0] for step in life["steps"] if step["kind"] == "signed")
    ordered(system, "lever", "block_token", weth)
    assert levers(system) == [("block_token", weth.lower(), "ann", "a test")]
    decision = last_decision(system, "lever.block_token")
    assert "blocked by ann: a test" in decision.message
    # Equal refusals are folded in the journal; of this very one the executor knows why all the same.
    folded = next_folded(system, decision)
    life = told(system, "why", folded.intent_id)
    assert (life["trades"], life["decisions"][0]["decision"]["rule"]) == ([], "lever.block_token")
    ordered(system, "lever", "block_token", "--off", weth)
    assert refused(system, "lever", "unblock_token", weth)
    trades_on(system)


def test_what_is_not_there_cannot_be_closed_or_cancelled(system: System) -> None:
    """PS5: an unknown position and an unknown transaction are refused aloud."""
    assert "there is no position p-1" in refused(system, "lever", "close_position", "p-1")
    assert "is pending as 0x12" in refused(system, "lever", "cancel_transaction", "0x" + "12" * 32)
    assert levers(system) == []


def test_the_breaker_by_hand(system: System) -> None:
    """CB4: opened it stays open, and why says so first; closed it trades on; both journalled by name."""
    before = told(system, "breaker")
    assert before["state"] == "CLOSED"
    ordered(system, "breaker", "open")
    opened = told(system, "breaker")
    assert (opened["state"], opened["forced"], opened["until"]) == ("OPEN", before["forced"] + 1, "")
    assert (opened["operator"], opened["reason"]) == ("ann", "a test")
    assert "opened by ann: a test" in reason(system, "breaker")["message"]
    ordered(system, "breaker", "close")
    trades_on(system)
    assert told(system, "breaker")["state"] == "CLOSED"
    made = [event for event in events(system, BreakerForced) if isinstance(event, BreakerForced)]
    assert [each.order for each in made] == [BreakerOrder.OPEN, BreakerOrder.CLOSE]
    assert {(each.operator, each.reason) for each in made} == {("ann", "a test")}


def test_capital_is_booked_to_the_wei(system: System) -> None:
    """EX9, PL3, PL5: accounts sum to the pool before and after; what it does not hold is refused."""
    for pool in told(system, "capital")["pools"]:
        assert int(pool["total_wei"]) == sum(map(int, pool["accounts"].values()))
    (pool,) = told(system, "capital")["pools"]
    name = pool["pool"]
    assert refused(system, "capital", "withdraw", "1000000")
    assert refused(system, "capital", "pay-debt", "1000000", "--pool", name)
    assert refused(system, "capital", "deposit", "1", "--pool", "nobody")
    # Out before in, so that at no time more is booked than the wallet holds.
    ordered(system, "capital", "withdraw", "0.100000000000000001", "--pool", name)
    ordered(system, "capital", "deposit", "0.100000000000000001", "--pool", name)
    made = [event for event in events(system, CapitalMoved) if isinstance(event, CapitalMoved)]
    assert [(each.move, int(each.amount_wei), each.pool, each.operator) for each in made] == [
        (Moved.WITHDRAWAL, 10**17 + 1, name, "ann"),
        (Moved.DEPOSIT, 10**17 + 1, name, "ann"),
    ]
    (pool,) = told(system, "capital")["pools"]
    assert int(pool["total_wei"]) == sum(map(int, pool["accounts"].values()))
    trades_on(system)


def test_recovered_and_begun_anew(system: System) -> None:
    """ES5: --reset begins baselines anew once the stop is cleared; nothing else does.

    The stops are files: an executor that a busy machine keeps from answering in time would be killed.
    """
    system.latch.write(Stop(stop_id="first", operator="ann"))
    assert told(system, "why")["reasons"][0]["what"] == "stop"
    let_trade(system)
    assert events(system, BaselinesReset) == []
    system.latch.write(Stop(stop_id="second", operator="ann"))

    def recovered() -> bool:
        system.pass_time(0.2)
        return asked(system, "recover", "--reset", *WHO).code == 0

    wait_until(recovered, "recovery with a reset", timeout_s=90)
    assert events(system, BaselinesReset)[-1] == BaselinesReset("ann", "a test")
    let_trade(system)
    trades_on(system)
    probation = limits(system)["limits.max_trade_eth"]
    assert (probation["limit"], probation["configured"]) == ("2.5", "10")


def test_orders_outlive_a_crash(system: System) -> None:
    """CB4, PS1: a lever and an opened breaker are in force again after the executor was killed."""
    ordered(system, "limit", "max_positions", "3")
    ordered(system, "breaker", "open")
    before = (levers(system), told(system, "breaker")["forced"])
    system.signal(Role.EXECUTOR, signal.SIGKILL)
    system.processes.pop(Role.EXECUTOR).wait()
    why = asked(system, "why")
    assert (why.code, "executor" in why.out) == (0, True)
    system.start(Role.EXECUTOR)

    def answers() -> bool:
        try:
            return risk_report(system.home, timeout_ms=1_000).breaker.state == "OPEN"
        except WardenError:
            return False

    wait_until(answers, "a report of the executor that came back")
    assert (levers(system), told(system, "breaker")["forced"]) == before
    let_trade(system)
    assert "opened by ann: a test" in reason(system, "breaker")["message"]
    ordered(system, "breaker", "close")
    ordered(system, "limit", "max_positions", "--off")
    trades_on(system)
