"""Runs another program: its output into a log, its progress to the person who waits, its end bounded."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TICK_S = 0.5
QUIET_LINE_EVERY_S = 10.0
END_WAIT_S = 5.0


def say(line: str) -> None:
    """Write one line for the person who waits."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Progress:
    """One line that changes in a terminal; elsewhere a line now and then, so that a log stays readable."""

    def __init__(self, title: str) -> None:
        """Start the clock of the step called `title`."""
        self._title = title
        self._started = time.monotonic()
        self._said = self._started
        self._live = sys.stdout.isatty()

    def show(self, detail: str) -> None:
        """Show where the step is; `detail` has no line breaks."""
        now = time.monotonic()
        if self._live:
            width = max(20, shutil.get_terminal_size().columns - 1)
            sys.stdout.write(f"\r\x1b[K{self._line(detail)[:width]}")
            sys.stdout.flush()
        elif now - self._said >= QUIET_LINE_EVERY_S:
            self._said = now
            say(self._line(detail))

    def clear(self) -> None:
        """Take the changing line away, so that other text can follow."""
        if self._live:
            sys.stdout.write("\r\x1b[K")

    def end(self, detail: str) -> None:
        """Close the step with a line that stays."""
        self.clear()
        say(self._line(detail))

    def _line(self, detail: str) -> str:
        return f"  {self._title}: {detail} ({time.monotonic() - self._started:.0f} s)"


@dataclass(frozen=True)
class Finished:
    """How a child ended.

    Attributes:
        status: Its exit status; None when it was ended because it took too long.
        output: What it wrote to both streams.
    """

    status: int | None
    output: str


@dataclass(frozen=True)
class Runner:
    """Starts children for one set-up.

    Attributes:
        environment: What each child sees.
        logs: A directory that takes each child's output.
        held: Descriptors that children keep open (the set-up's turn).
    """

    environment: Mapping[str, str]
    logs: Path
    held: tuple[int, ...]

    def run(  # the arguments are independent facts about one child
        self,
        name: str,
        command: Sequence[str | os.PathLike[str]],
        *,
        limit_s: float,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        on_tick: Callable[[], None] | None = None,
    ) -> Finished:
        """Run one program to its end.

        Args:
            name: The log's name.
            command: The program and its arguments.
            limit_s: Seconds after which it is ended.
            cwd: Its working directory.
            environment: Variables added to the runner's.
            on_line: Called with each line of its output.
            on_tick: Called about twice a second.
        """
        self.logs.mkdir(exist_ok=True)
        with (self.logs / f"{name}.log").open("wb") as log:
            child = subprocess.Popen(
                command,
                cwd=cwd,
                env={**self.environment, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self.held,
            )
            try:
                return _follow(child, log, limit_s, on_line, on_tick)
            finally:
                _end(child)


def _follow(
    child: subprocess.Popen[bytes],
    log: IO[bytes],
    limit_s: float,
    on_line: Callable[[str], None] | None,
    on_tick: Callable[[], None] | None,
) -> Finished:
    deadline = time.monotonic() + limit_s
    output = bytearray()
    told = 0
    with selectors.DefaultSelector() as selector:
        pipe = child.stdout
        if pipe is None:
            raise RuntimeError("a child started with a pipe has none")
        selector.register(pipe, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            if on_tick:
                on_tick()
            if not selector.select(TICK_S):
                continue
            block = os.read(pipe.fileno(), 65536)
            if not block:
                return Finished(child.wait(timeout=END_WAIT_S), output.decode(errors="replace"))
            log.write(block)
            output += block
            while on_line and (end := output.find(b"\n", told)) >= 0:
                on_line(output[told:end].decode(errors="replace"))
                told = end + 1
    return Finished(None, output.decode(errors="replace"))


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child's whole session: first politely, then for certain."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.returncode is not None:
            break
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            break  # every member has ended
        try:
            child.wait(timeout=END_WAIT_S)
        except subprocess.TimeoutExpired:
            continue
    if child.stdout:
        child.stdout.close()
