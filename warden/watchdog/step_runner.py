"""Runs an operator's stop steps: apart, and each as a process group that is killed whole."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.stop_steps import HEAD_START_S, OVERALL_S, OwnStep
from warden.watchdog.steps import StepEnded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NS: Final = 1_000_000_000
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
_TAIL_BYTES: Final = 2_000
_READ_BYTES: Final = 65_536
_POLL_MS: Final = 100
_PR_SET_PDEATHSIG: Final = 1


class Running(msgspec.Struct, frozen=True):
    """What the runner is told: steps in order, where, until when (BOOTTIME), and what they may know."""

    steps: tuple[OwnStep, ...]
    home: str
    until_ns: int
    told: dict[str, str] = {}


@dataclass(slots=True, kw_only=True)
class _Step:
    own: OwnStep
    process: subprocess.Popen[bytes]
    handle: int
    began_ns: int
    kill_ns: int
    killed: bool = False
    mute: bool = False  # nobody holds its output open any more
    tail: bytearray = field(default_factory=bytearray)


def helper(order: bytes, answer: Any) -> None:  # noqa: ANN401 - multiprocess has no types
    """Be the runner: sends a `StepEnded` as JSON for each step as it ends."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(OVERALL_S + 5)  # its steps die with it
    run(msgspec.json.decode(order, type=Running), lambda ended: answer.send_bytes(msgspec.json.encode(ended)))
    answer.close()


def run(order: Running, tell: Callable[[StepEnded], None]) -> None:
    """Run the steps to their ends; each begins when the one before has ended or had its head start."""
    waiting = list(order.steps)
    running: list[_Step] = []
    next_ns = 0
    while waiting or running:
        now_ns = _now_ns()
        if waiting and now_ns >= order.until_ns:
            for own in waiting:
                tell(StepEnded(own.name, "not-started", said=f"the {OVERALL_S} s of all were over"))
            waiting.clear()
        if waiting and (now_ns >= next_ns or not running):
            begun = _begin(waiting.pop(0), order, tell)
            next_ns = now_ns + HEAD_START_S * _NS
            if begun is not None:
                running.append(begun)
        _look(running, tell)


def environment(told: Mapping[str, str], home: str) -> dict[str, str]:
    """Return all that a step gets as environment: nothing that could be a secret."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        **kept,
        "WARDEN_HOME": home,
        **{f"WARDEN_STOP_{name.upper()}": text for name, text in told.items()},
    }


def _begin(own: OwnStep, order: Running, tell: Callable[[StepEnded], None]) -> _Step | None:
    now_ns = _now_ns()
    try:
        process = subprocess.Popen(
            own.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=order.home,
            env=environment(order.told, order.home),
            start_new_session=True,
            preexec_fn=_die_with_runner,  # noqa: PLW1509 - this process has no threads
        )
        handle = os.pidfd_open(process.pid)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        tell(StepEnded(own.name, "failed", said=f"could not be started: {why}"))
        return None
    if process.stdout is not None:
        os.set_blocking(process.stdout.fileno(), False)
    kill_ns = min(now_ns + own.limit_s * _NS, order.until_ns)
    return _Step(own=own, process=process, handle=handle, began_ns=now_ns, kill_ns=kill_ns)


def _look(running: list[_Step], tell: Callable[[StepEnded], None]) -> None:
    """Wait a moment for the end of one of them, take what they wrote, and kill those at their limit."""
    poll = select.poll()
    for each in running:
        poll.register(each.handle, select.POLLIN)
        if each.process.stdout is not None and not each.mute:
            poll.register(each.process.stdout.fileno(), select.POLLIN)
    ended = {handle for handle, _ in poll.poll(_POLL_MS)}
    now_ns = _now_ns()
    for each in list(running):
        _read(each)
        if each.handle not in ended:
            if now_ns >= each.kill_ns:
                each.killed = True
                _kill_group(each)
            continue
        # The leader is not reaped yet: so long nobody else can have its group's number.
        _kill_group(each)
        code = each.process.wait()
        _read(each)
        os.close(each.handle)
        if each.process.stdout is not None:
            each.process.stdout.close()
        running.remove(each)
        outcome = "killed" if each.killed else "done" if code == 0 else "failed"
        said = each.tail.decode("utf-8", "replace")
        tell(StepEnded(each.own.name, outcome, (now_ns - each.began_ns) // 1_000_000, code, said))


def _read(step: _Step) -> None:
    if step.process.stdout is None or step.mute:
        return
    try:
        read = os.read(step.process.stdout.fileno(), _READ_BYTES)
    except BlockingIOError:
        return
    step.mute = not read
    step.tail += read
    del step.tail[:-_TAIL_BYTES]


def _kill_group(step: _Step) -> None:
    try:
        os.killpg(step.process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # nobody is left, or only what made itself another user's: the runner's alarm bounds that


def _die_with_runner() -> None:
    """In the child: should the runner be killed, so is the step."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
