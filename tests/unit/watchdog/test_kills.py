"""Whom to end, and again if that failed."""

from __future__ import annotations

from warden.domain.roles import Role
from warden.watchdog.commands import Command, Kill, Notice
from warden.watchdog.events import KillEnded, Outcome
from warden.watchdog.kills import Kills
from warden.watchdog.outbox import Outbox
from warden.wire.telemetry import Severity

_S = 1_000_000_000


def _kills() -> tuple[Kills, Outbox]:
    out = Outbox(0)
    return Kills(out), out


def _begun(commands: list[Command]) -> int:
    return sum(isinstance(command, Kill) for command in commands)


def _ended(outcome: Outcome) -> KillEnded:
    return KillEnded(name=Role.TRADER, session="a", pid=7, outcome=outcome, how="somehow")


def test_one_at_a_time_for_one_target() -> None:
    """A second order for the same process is the same order."""
    kills, out = _kills()
    kills.order(Role.TRADER, "a", 7, 0)
    kills.order(Role.TRADER, "a", 7, 0)
    kills.step(0)
    kills.step(1)
    assert _begun(out.take()) == 1


def test_what_failed_is_tried_again_three_times_in_all() -> None:
    """Ten seconds apart, each failure told as critical, then given up on."""
    kills, out = _kills()
    kills.order(Role.TRADER, "a", 7, 0)
    begun, told = 0, []
    for second in range(60):
        kills.step(second * _S)
        commands = out.take()
        begun += _begun(commands)
        if _begun(commands):
            kills.ended(_ended(Outcome.NOT_KILLED), second * _S)
            told += [command.severity for command in out.take() if isinstance(command, Notice)]
    assert (begun, told) == (3, [Severity.CRITICAL] * 3)


def test_what_ended_is_not_tried_again() -> None:
    """Killed, or gone before: both are ends."""
    for outcome in (Outcome.KILLED, Outcome.GONE):
        kills, out = _kills()
        kills.order(Role.TRADER, "a", 7, 0)
        kills.step(0)
        kills.ended(_ended(outcome), 0)
        out.take()
        kills.step(60 * _S)
        assert out.take() == []


def test_an_answer_about_nobody_is_nothing() -> None:
    """A late answer about a target that was given up on changes nothing."""
    kills, out = _kills()
    kills.ended(_ended(Outcome.KILLED), 0)
    assert out.take() == []
