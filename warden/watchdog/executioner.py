"""Starts the kill helper, one per target and deed, and reaps it; nothing here waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.watchdog import killing
from warden.watchdog.commands import Deed, Kill
from warden.watchdog.events import KillEnded, Outcome

if TYPE_CHECKING:
    from pathlib import Path

_HELPER_NS: Final = 20_000_000_000
_IDENTIFIED_MAX: Final = 256
_STACKS_KEPT: Final = 50


@dataclass(slots=True)
class _Running:
    command: Kill
    process: Any
    answer: Any
    give_up_ns: int


class Executioner:
    """Ends processes of this home, each only if it still is the one whose beats came.

    Args:
        home: as the processes were given it.
        stacks: directory for stack dumps.
    """

    def __init__(self, home: Path, stacks: Path) -> None:
        self._home = home
        self._stacks = stacks
        self._targets: dict[str, killing.Target | None] = {}
        self._running: dict[tuple[str, Deed], _Running] = {}
        self._leaving: list[Any] = []
        self._done: list[KillEnded] = []

    def met(self, name: str, session: str, pid: int, sent_ns: int | None = None) -> bool:
        """Remember which process a session is, at its first beat; tell whether it is one of this home.

        `sent_ns` is when that beat was sent, CLOCK_BOOTTIME: a process that started later did not send it.
        """
        if session not in self._targets:
            if len(self._targets) >= _IDENTIFIED_MAX:
                del self._targets[next(iter(self._targets))]
            self._targets[session] = killing.identify(pid, name, self._home, by_ns=sent_ns)
        return self._targets[session] is not None

    def target(self, session: str) -> killing.Target | None:
        """Return the process of a session; None where it is not known to be one of this home."""
        return self._targets.get(session)

    def begin(self, command: Kill, now_ns: int) -> None:
        """Start the helper for one process; its end comes from `ended`."""
        target = self._targets.get(command.session)
        if (command.session, command.deed) in self._running:
            return
        if target is None:
            how = f"process {command.pid} is not a {command.name} of this home: left alone"
            self._done.append(_ended(command, killing.failed(command.deed), how))
            return
        if not killing.alive(target):
            self._done.append(_ended(command, Outcome.GONE, "had ended already"))
            return
        # Imported when first needed: most watchdogs never kill anything.
        from multiprocess import get_context  # noqa: PLC0415

        context = get_context("spawn")
        answer, theirs = context.Pipe(duplex=False)
        process = context.Process(
            target=killing.helper,
            args=(killing.packed(target), str(self._stack_file(command)), command.deed.value, theirs),
            name=f"{command.deed}-{command.name}",
            daemon=False,
        )
        try:
            process.start()
        except OSError as error:
            how = f"no helper could be started: {error}"
            self._done.append(_ended(command, killing.failed(command.deed), how))
            answer.close()
            return
        finally:
            theirs.close()
        self._running[command.session, command.deed] = _Running(command, process, answer, now_ns + _HELPER_NS)

    def ended(self, now_ns: int) -> list[KillEnded]:
        """Return what has ended since the last call; reaps the helpers."""
        done, self._done = self._done, []
        for key, running in list(self._running.items()):
            result = self._result(running, now_ns)
            if result is None:
                continue
            del self._running[key]
            running.answer.close()
            self._leaving.append(running.process)
            done.append(_ended(running.command, result.outcome, result.how, result.stack))
        # Asking whether one lives reaps it.
        self._leaving = [process for process in self._leaving if process.is_alive()]
        return done

    def _result(self, running: _Running, now_ns: int) -> killing.Result | None:
        failed = killing.failed(running.command.deed)
        if running.answer.poll(0):
            try:
                result = msgspec.json.decode(running.answer.recv_bytes(), type=killing.Result)
            except (EOFError, OSError, msgspec.DecodeError) as error:
                result = killing.Result(outcome=failed, how=f"the helper broke: {type(error).__name__}")
            return result
        if now_ns >= running.give_up_ns:
            running.process.kill()
            return killing.Result(outcome=failed, how="the helper did not answer in 20 s")
        return None

    def _stack_file(self, command: Kill) -> Path:
        """Return where the stack goes; the oldest of fifty makes room."""
        if self._stacks.is_dir():
            kept = sorted(self._stacks.iterdir(), key=lambda path: path.stat().st_mtime)
            for old in kept[: max(0, len(kept) - _STACKS_KEPT + 1)]:
                old.unlink(missing_ok=True)
        return self._stacks / f"{command.name}-{command.pid}-{command.session[:8]}.txt"


def _ended(command: Kill, outcome: Outcome, how: str, stack: str = "") -> KillEnded:
    return KillEnded(
        name=command.name,
        session=command.session,
        pid=command.pid,
        outcome=outcome,
        how=how,
        stack=stack,
        deed=command.deed,
    )
