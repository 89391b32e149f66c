"""The one word on the banner, and why it is not better. Pure; worst case first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.modes import SCREEN_WORD, Mode
from warden.domain.roles import Role
from warden.operator.picture import Limits, Seen, Word, age_text
from warden.wire.telemetry import ExecutorStatus, StopLine, WatchdogStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from warden.operator.link import Snapshot

_NS_PER_MS: Final = 1_000_000
_BY_MODE: Final = "mode:"


def judge(
    snapshot: Snapshot, seen: Mapping[str, Seen], now_ns: int, limits: Limits
) -> tuple[Word, str, Mode | None]:
    """Return the banner's word, why it is not better, and the watchdog's mode if that is known now."""
    watchdog: WatchdogStatus | None = snapshot.status(Role.WATCHDOG)
    executor: ExecutorStatus | None = snapshot.status(Role.EXECUTOR)
    if seen[Role.WATCHDOG].stale:
        watchdog = None
    if seen[Role.EXECUTOR].stale:
        executor = None
    mode = None if watchdog is None else _mode(watchdog.mode)
    if snapshot.latch.stopped:
        word, why = _stopped(snapshot, executor, now_ns, limits)
    elif watchdog is None or mode is None:
        word, why = Word.UNKNOWN, _silent("watchdog", seen[Role.WATCHDOG])
    elif watchdog.stops or watchdog.stop_dir:
        # It sees what we do not: another directory than ours, or ours a moment ago.
        why = watchdog.stop_dir or _stop_text(watchdog.stops[0])
        word, why = Word.STOPPED, f"the watchdog reports: {why}"
    elif executor is None and mode > Mode.OBSERVE_ONLY:
        word, why = Word.UNKNOWN, _silent("executor", seen[Role.EXECUTOR])
    else:
        word, why = _in_force(mode, watchdog, executor)
    return word, why, mode


def _in_force(mode: Mode, watchdog: WatchdogStatus, executor: ExecutorStatus | None) -> tuple[Word, str]:
    """Judge what is in force: the lesser of what is allowed and what the gate lets through."""
    if executor is None:
        return Word(SCREEN_WORD[mode]), watchdog.why
    # A gate that only the mode closes to new trades says what the mode's word says already.
    closed = executor.gate and not executor.gate.startswith(_BY_MODE)
    gate = f"gate closed: {executor.gate}" if closed else ""
    in_force = min(mode, _mode(executor.mode) or Mode.SHUTDOWN)
    if closed:
        in_force = min(in_force, Mode.OBSERVE_ONLY)
    if in_force < mode:
        return Word(SCREEN_WORD[max(in_force, Mode.OBSERVE_ONLY)]), gate or watchdog.why or "not in force yet"
    return Word(SCREEN_WORD[in_force]), watchdog.why or gate


def _stopped(
    snapshot: Snapshot, executor: ExecutorStatus | None, now_ns: int, limits: Limits
) -> tuple[Word, str]:
    """Judge a stop that stands: an executor whose gate is still open makes it STOPPING, then NOT STOPPED."""
    latch = snapshot.latch
    text = latch.unreadable or "; ".join(
        _stop_text(StopLine(stop.stop_id, stop.reason, stop.message, stop.operator, stop.time))
        for stop in latch.stops[:2]
    )
    if executor is None or executor.gate:
        return Word.STOPPED, text
    since_ns = snapshot.stopped_since_ns if snapshot.stopped_since_ns is not None else now_ns
    if executor.sent_ns - since_ns > limits.stale_ms * _NS_PER_MS:
        return Word.NOT_STOPPED, f"the executor's gate is still open: {text}"
    return Word.STOPPING, text


def _stop_text(stop: StopLine) -> str:
    parts = [stop.reason, stop.message, f"by {stop.operator}" if stop.operator else "", stop.time[:19]]
    return " · ".join(part for part in parts if part)


def _silent(who: str, seen: Seen) -> str:
    if seen.age_ms is None:
        return f"nothing heard from the {who} yet"
    return f"{who} silent for {age_text(seen.age_ms)}"


def _mode(number: int) -> Mode | None:
    try:
        return Mode(number)
    except ValueError:
        return None
