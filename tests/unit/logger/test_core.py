"""What the logger writes where."""

from __future__ import annotations

import json

from tests.unit.logger.samples import event, executor_status, watchdog_status
from warden.domain.roles import Role
from warden.logger.core import (
    FIGURES_EVERY_NS,
    HEAD_CHANGED_EVERY_NS,
    HEAD_EVERY_NS,
    Heard,
    Order,
    RolledBack,
    State,
    Witness,
    Write,
    decide,
)
from warden.logger.files import LogFile
from warden.wire.messages import Head
from warden.wire.telemetry import Severity

TIME = "2026-01-01T00:00:00.000Z"


def written(orders: list[Order]) -> list[Write]:
    """Return what goes to the log files, and check that nothing else is asked for."""
    assert all(isinstance(order, Write) for order in orders)
    return [order for order in orders if isinstance(order, Write)]


def told(state: State, head: Head, now_ns: int, role: Role = Role.EXECUTOR) -> list[Order]:
    """Let the logger hear one head of a role, and return all that it wants done."""
    make = executor_status if role is Role.EXECUTOR else watchdog_status
    return decide(state, Heard(role, make(heads=(head,)), TIME), now_ns)


def heads_written(state: State, rows: int, now_ns: int, digest: str = "ab") -> int:
    """Let the logger hear one executor status and return how many heads it witnesses."""
    status = executor_status(heads=(Head(journal="executor", rows=rows, hash=digest),))
    orders = decide(state, Heard(Role.EXECUTOR, status, TIME), now_ns)
    return to_witness_log(orders)


def to_witness_log(orders: list[Order]) -> int:
    """Return how many lines go to witness.log."""
    return sum(isinstance(order, Write) and order.file is LogFile.WITNESS for order in orders)


def test_every_event_goes_to_main_log_with_its_fields() -> None:
    """OB1: one JSON line holds time, level, role, kind, message, values, trace and runbook."""
    heard = Heard(Role.GATEWAY, event("endpoint.failing", Severity.DEBUG, endpoint="a"), TIME)
    (order,) = written(decide(State(), heard, 0))
    assert order.file is LogFile.MAIN
    assert json.loads(order.line) == {
        "time": TIME,
        "level": "DEBUG",
        "role": "gateway",
        "kind": "endpoint.failing",
        "message": "something happened",
        "data": {"endpoint": "a"},
        "trace_id": "cafe",
        "runbook": "network-failure",
    }


def test_errors_and_criticals_go_to_error_log_too() -> None:
    """OB1: error.log holds ERROR and CRITICAL and nothing less."""
    files = {
        severity: [
            order.file for order in written(decide(State(), Heard(Role.API, event("x.y", severity), TIME), 0))
        ]
        for severity in Severity
    }
    only_main, both = [LogFile.MAIN], [LogFile.MAIN, LogFile.ERROR]
    assert files == {
        Severity.DEBUG: only_main,
        Severity.INFO: only_main,
        Severity.WARNING: only_main,
        Severity.ERROR: both,
        Severity.CRITICAL: both,
    }


def test_trades_intents_and_decisions_are_audited() -> None:
    """OB1: trade_audit.log holds what concerns a trade, by the kind's first word and nothing like it."""
    audited = {
        kind: LogFile.TRADE_AUDIT
        in [order.file for order in written(decide(State(), Heard(Role.EXECUTOR, event(kind), TIME), 0))]
        for kind in ("trade.sent", "intent.received", "decision.refused", "trader.killed", "endpoint.stale")
    }
    assert audited == {
        "trade.sent": True,
        "intent.received": True,
        "decision.refused": True,
        "trader.killed": False,
        "endpoint.stale": False,
    }


def test_the_role_on_a_line_is_the_proven_one() -> None:
    """A process cannot write lines in another's name: the key that it spoke with says who it is."""
    (order,) = written(decide(State(), Heard(Role.TRADER, event("x.y", role=Role.WATCHDOG), TIME), 0))
    assert json.loads(order.line)["role"] == "trader"


def test_secrets_in_urls_are_never_written() -> None:
    """OB1: what follows a URL's host may be a key and is cut, in the message and in the values."""
    secret = event(
        "endpoint.failing", message="https://rpc.example/v3/KEY1 failed", url="wss://u:KEY2@h/KEY3"
    )
    (order,) = written(decide(State(), Heard(Role.GATEWAY, secret, TIME), 0))
    assert "KEY" not in order.line
    assert "rpc.example" in order.line


def test_figures_are_written_at_a_low_rate() -> None:
    """OB1: performance.log gets a line per process of the watchdog's list, and again only when due."""
    state = State()
    heard = Heard(Role.WATCHDOG, watchdog_status(), TIME)
    first = written(decide(state, heard, 1_000))
    again = decide(state, heard, FIGURES_EVERY_NS)
    later = written(decide(state, heard, 1_000 + FIGURES_EVERY_NS))
    assert [order.file for order in first] == [LogFile.PERFORMANCE] * 2
    assert json.loads(first[0].line)["pss_mb"] == 41.5
    assert again == []
    assert len(later) == 2


def test_wei_are_written_exactly() -> None:
    """An amount above 64 bits keeps every digit, as text."""
    (order,) = written(decide(State(), Heard(Role.EXECUTOR, executor_status(net_wei=10**30 + 1), TIME), 0))
    assert json.loads(order.line)["net_wei"] == str(10**30 + 1)


def test_an_unchanged_head_is_witnessed_once_a_minute() -> None:
    """I9: the same head is written down again after a minute, not before."""
    state = State()
    assert heads_written(state, 5, 0) == 1
    assert heads_written(state, 5, HEAD_EVERY_NS - 1) == 0
    assert heads_written(state, 5, HEAD_EVERY_NS) == 1


def test_a_changed_head_is_witnessed_at_most_every_ten_seconds() -> None:
    """I9: changes are written down, bounded in rate; a rollback is a change like any other."""
    state = State()
    assert heads_written(state, 5, 0) == 1
    assert heads_written(state, 6, HEAD_CHANGED_EVERY_NS - 1) == 0
    assert heads_written(state, 7, HEAD_CHANGED_EVERY_NS) == 1
    assert heads_written(state, 7, 2 * HEAD_CHANGED_EVERY_NS, digest="cd") == 1
    assert heads_written(state, 3, 3 * HEAD_CHANGED_EVERY_NS) == 1


def test_heads_of_many_names_are_bounded() -> None:
    """A speaker that invents journals fills neither the memory nor the file."""
    status = executor_status(heads=tuple(Head(journal=f"j{n}", rows=1, hash="ab") for n in range(500)))
    orders = decide(State(), Heard(Role.EXECUTOR, status, TIME), 0)
    assert to_witness_log(orders) == 64


def test_a_changed_head_goes_to_the_witness_journal_an_unchanged_one_does_not() -> None:
    """I9: what is read back grows with the journals, not with time, on the authority's own word."""
    state = State()
    first, second = (Head(journal="executor", rows=rows, hash="ab") for rows in (5, 6))
    assert Witness(first) in told(state, first, 0)
    assert Witness(first) not in told(state, first, HEAD_EVERY_NS)
    assert Witness(second) in told(state, second, 2 * HEAD_EVERY_NS)
    by_another = told(State(), first, 0, Role.WATCHDOG)
    assert not any(isinstance(order, Witness) for order in by_another)


def test_its_own_head_is_left_to_others() -> None:
    """A row of the witness journal for each row of the witness journal would never end."""
    assert to_witness_log(told(State(), Head(journal="logger", rows=5, hash="ab"), 0, Role.WATCHDOG)) == 0


def test_a_journal_that_goes_back_is_told_at_once() -> None:
    """I9: fewer rows, or another row under the same number; also against what an earlier run saw."""
    before = Head(journal="executor", rows=9, hash="ab")
    for now in (Head(journal="executor", rows=8, hash="cd"), Head(journal="executor", rows=9, hash="cd")):
        state = State(seen={"executor": before})
        assert told(state, now, 0)[1] == RolledBack(before=before, now=now)
        assert [order for order in told(state, now, 1) if isinstance(order, RolledBack)] == []


def test_an_older_head_at_second_hand_is_no_rollback() -> None:
    """The watchdog's copy of the executor's head may be older than the executor's own word."""
    state = State(seen={"executor": Head(journal="executor", rows=9, hash="ab")})
    orders = told(state, Head(journal="executor", rows=8, hash="cd"), 0, Role.WATCHDOG)
    orders += told(state, Head(journal="executor", rows=10, hash="ef"), 1)
    assert not any(isinstance(order, RolledBack) for order in orders)
