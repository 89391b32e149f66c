"""What supervisord's word means: loops and ends are told once, and its own silence."""

from __future__ import annotations

import msgspec

from warden.domain.roles import Role
from warden.watchdog.commands import Notice
from warden.watchdog.crash_loops import SILENT_LOOKS, STARTS, WINDOW_NS, CrashLoops, Program
from warden.watchdog.outbox import Outbox
from warden.wire.telemetry import Severity

_S = 1_000_000_000
_UP = Program("gateway", "RUNNING", 10, 1_000, 0)


def _loops() -> tuple[CrashLoops, Outbox]:
    out = Outbox(0)
    return CrashLoops((Role.GATEWAY, Role.LOGGER, "trader-arb"), out), out


def _told(out: Outbox) -> list[tuple[Severity, str]]:
    return [(each.severity, each.kind) for each in out.take() if isinstance(each, Notice)]


def test_three_further_starts_within_a_minute_are_a_loop_told_once() -> None:
    """The first start is none; each other process counts; calm ends it."""
    loops, out = _loops()
    for number in range(STARTS):
        loops.answered([msgspec.structs.replace(_UP, started_s=1_000 + number)], number * 5 * _S)
        assert _told(out) == []
        assert loops.restless is bool(number)
    last = msgspec.structs.replace(_UP, pid=0, state="EXITED", started_s=1_015, exit_code=1)
    loops.answered([last], 15 * _S)
    assert _told(out) == [(Severity.CRITICAL, "gateway.crash-loop")]
    last = msgspec.structs.replace(_UP, started_s=1_020)
    loops.answered([last], 20 * _S)
    assert _told(out) == []
    loops.answered([last], 20 * _S + WINDOW_NS + 1)
    assert _told(out) == [(Severity.INFO, "gateway.stays-up")]


def test_restarts_that_are_far_apart_are_no_loop() -> None:
    """Three in an hour are three, not a loop; the same process seen again is no start."""
    loops, out = _loops()
    for number in range(10):
        for look in range(3):
            at_ns = number * WINDOW_NS + look * _S
            loops.answered([msgspec.structs.replace(_UP, started_s=1_000 + number)], at_ns)
    assert _told(out) == []


def test_one_that_is_not_started_any_more_is_told() -> None:
    """FATAL and a wrong configuration, not an orderly end; a trader's by its role, a logger's less loudly."""
    for program, severity, kind in (
        (Program("gateway", "FATAL", 0, 5, 0, "spawn error"), Severity.CRITICAL, "gateway.given-up"),
        (Program("trader-arb", "EXITED", 0, 5, 2), Severity.CRITICAL, "trader.given-up"),
        (Program("logger", "EXITED", 0, 5, 2), Severity.ERROR, "logger.given-up"),
    ):
        loops, out = _loops()
        loops.answered([program], 0)
        loops.answered([program], _S)
        assert _told(out) == [(severity, kind)]
        loops.answered([msgspec.structs.replace(program, state="RUNNING", pid=5)], 2 * _S)
        loops.answered([program], 3 * _S)
        assert _told(out) == [(severity, kind)]
    loops, out = _loops()
    ends = (("EXITED", 0), ("EXITED", -1), ("EXITED", 1), ("STOPPED", 2), ("STARTING", 2))
    for state, code in ends:
        loops.answered([Program("gateway", state, 0, 5, code)], 0)
    assert _told(out) == []


def test_what_cannot_be_started_is_a_loop_at_once() -> None:
    """BACKOFF is supervisord's own word for it."""
    loops, out = _loops()
    loops.answered([Program("logger", "BACKOFF", 0, 5, 0, "unknown error (EAGAIN)")], 0)
    (notice,) = [each for each in out.take() if isinstance(each, Notice)]
    assert (notice.severity, notice.kind) == (Severity.ERROR, "logger.crash-loop")
    assert "EAGAIN" in notice.message


def test_strangers_are_passed_over() -> None:
    """A program that is none of this instance's, and the only trader's where there are several."""
    loops, out = _loops()
    loops.answered([Program("trader", "FATAL", 0, 5, 0), Program("nobody", "FATAL", 0, 5, 0)], 0)
    assert _told(out) == []


def test_its_silence_counts_once_it_has_spoken() -> None:
    """Under another supervisor there is none; one that falls silent is told once, and so is its return."""
    loops, out = _loops()
    for _ in range(10):
        loops.failed("supervisord does not answer: ConnectionRefusedError")
    assert _told(out) == []
    loops.answered([_UP], 0)
    for _ in range(SILENT_LOOKS - 1):
        loops.failed("supervisord does not answer: timed out")
    assert _told(out) == []
    for _ in range(5):
        loops.failed("supervisord does not answer: timed out")
    assert _told(out) == [(Severity.ERROR, "supervisord.silent")]
    loops.answered([_UP], _S)
    assert _told(out) == [(Severity.INFO, "supervisord.returned")]
