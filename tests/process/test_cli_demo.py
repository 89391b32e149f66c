"""The demo as a person runs it: it trades, and whatever ends it, nothing is left behind."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.instance import wait_until
from tests.process.cli_runs import environment, gone, kill_all, new_home, one_line, warden
from warden.cli.running import everything, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)

LANDED = re.compile(r"trade landed: 0x[0-9a-f]{64} in block \d+, net [+-]\d+\.\d{6} ETH")
TRADES = re.compile(r"^\d\d:\d\d:\d\d TRADING block \d+ · trades [1-9]\d* · net \+\d", re.MULTILINE)
ROLES_AND_MORE = 9


def demo_command(at: Path, *words: str) -> list[str]:
    """Return the demo's command line, for an instance of its own at `at`."""
    return [sys.executable, "-P", "-m", "warden.cli.demo", "--at", str(at), *words]


class Lines:
    """What a process writes, collected as it comes by a thread of its own; `text` is all of it so far."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._parts: list[bytes] = []
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        """All that was written so far."""
        return b"".join(self._parts).decode("utf-8", "replace")

    def close(self) -> None:
        """Wait for the writer's end, then give the handle back."""
        self._thread.join(10)
        os.close(self._handle)

    def _collect(self) -> None:
        while True:
            try:
                part = os.read(self._handle, 65_536)
            except OSError:  # a terminal whose other end is closed
                return
            if not part:
                return
            self._parts.append(part)


@contextmanager
def demo(at: Path, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Lines]]:
    """Yield a demo without a terminal, and what it says."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        demo_command(at, *words),
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.STDOUT,
        env=environment(WARDEN_ENVIRONMENT="live"),
        cwd="/",
    )
    os.close(writer)
    lines = Lines(reader)
    try:
        yield process, lines
    finally:
        process.kill()
        process.wait()
        kill_all(at)
        lines.close()


def test_the_demo_trades_and_ctrl_c_ends_all_of_it() -> None:
    """OP1: a real arbitrage lands and is shown; a second demo is refused; Ctrl-C leaves nothing behind."""
    with new_home(None) as parent, demo(parent / "demo") as (process, lines):
        at = parent / "demo"
        wait_until(lambda: LANDED.search(lines.text) is not None, "landed trade", timeout_s=180)
        wait_until(lambda: TRADES.search(lines.text) is not None, "line with the trade", timeout_s=60)
        second = subprocess.run(
            demo_command(at), capture_output=True, stdin=subprocess.DEVNULL, env=environment(), check=False
        )
        assert second.returncode == 2
        assert len(second.stderr.splitlines()) == 1
        assert f"pid {process.pid}".encode() in second.stderr
        refused = warden("up", "--home", str(at))
        assert refused.code == 2
        one_line(refused, "running already")
        family = everything(at)
        assert "anvil" in {each.name for each in family}
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
        assert gone(family)
        assert everything(at) == []
        assert "nothing is left" in lines.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_all_of_it(number: signal.Signals) -> None:
    """SIGTERM, and SIGHUP of a lost terminal, end the demo in order, even while it is still starting."""
    with new_home(None) as parent, demo(parent / "demo") as (process, _):
        at = parent / "demo"
        wait_until(lambda: len(running(at)) >= ROLES_AND_MORE, "all processes", timeout_s=120)
        family = everything(at)
        process.send_signal(number)
        assert process.wait(timeout=90) == 0
        assert gone(family)
        assert everything(at) == []


def test_a_killed_demo_leaves_nothing_and_the_next_one_starts() -> None:
    """Even SIGKILL of the demo ends supervisord and all processes; a new demo keeps the old one beside it."""
    with new_home(None) as parent:
        at = parent / "demo"
        with demo(at) as (process, _):
            wait_until(lambda: len(running(at)) >= ROLES_AND_MORE, "all processes", timeout_s=120)
            family = everything(at)
            process.kill()
            wait_until(lambda: gone(family), "end of everything", timeout_s=120)
        with demo(at, "--seconds", "1") as (process, lines):
            assert process.wait(timeout=120) == 0
            assert everything(at) == []
            assert "nothing is left" in lines.text
        assert (parent / "demo.last" / "warden.toml").is_file()


def test_on_a_terminal_the_console_opens_and_quitting_it_ends_all() -> None:
    """With a terminal the demo shows the console; quitting that ends everything it started."""
    with new_home(None) as parent:
        at = parent / "demo"
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            demo_command(at),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(TERM="xterm-256color", LINES="40", COLUMNS="120"),
            cwd="/",
            start_new_session=True,
        )
        os.close(theirs)
        screen = Lines(ours)
        try:
            wait_until(lambda: "\x1b[?1049h" in screen.text, "alternate screen", timeout_s=180)
            wait_until(lambda: "TRADING" in screen.text, "banner", timeout_s=120)
            family = everything(at)
            os.write(ours, b"\x11")  # ctrl+q
            wait_until(lambda: process.poll() is not None, "end of the demo", timeout_s=90)
            assert process.returncode == 0
            assert gone(family)
            assert everything(at) == []
        finally:
            process.kill()
            process.wait()
            kill_all(at)
            screen.close()


def test_a_lost_terminal_ends_all() -> None:
    """When the terminal goes away (a closed window, a cut SSH line), the demo and all of it end."""
    with new_home(None) as parent:
        at = parent / "demo"
        child, ours = pty.fork()
        if child == 0:
            os.execve(sys.executable, demo_command(at), environment(TERM="xterm-256color"))  # noqa: S606 - no shell wanted
        try:
            screen = b""
            while b"\x1b[?1049h" not in screen:
                screen += os.read(ours, 65_536)
            family = everything(at)
            assert family
        finally:
            os.close(ours)
        _, status = os.waitpid(child, 0)
        assert os.WIFEXITED(status)
        assert gone(family)
        assert everything(at) == []
