"""A real instance in a directory of its own, for tests: its processes are started and ended by pid."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from warden.domain.roles import role_of, strategy_of
from warden.runtime import settings_load
from warden.runtime.bus import Bus
from warden.runtime.keys import Keyring
from warden.runtime.latch import Latch
from warden.runtime.places import Places, create
from warden.runtime.settings_strategies import traders

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.domain.stops import Stop

DEVNET_ENDS_WITHIN_S = 30.0
REPOSITORY = Path(__file__).resolve().parent.parent

# Every port 0, so that two runs side by side pass.
DEVNET_TOML = """\
environment = "devnet"
[gateway]
port = 0
[api]
port = 0
"""


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    """Wait until `condition` holds; fail the test with `what` when it does not within a generous bound."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"within {timeout_s} s there was no {what}")
        time.sleep(0.02)


class Instance:
    """An instance's home under /tmp (socket paths are short), and the processes that were started in it."""

    def __init__(self, toml: str = DEVNET_TOML) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="warden-test-"))
        self.config = self.home / settings_load.FILE_NAME
        self.config.write_text(toml, encoding="utf-8")
        self.settings = settings_load.load(self.config)
        self.places: Places = create(self.home, traders=traders(self.settings))
        Keyring(self.places.keys).ensure(traders(self.settings))
        self.latch = Latch(self.places.stop)
        self.latch.create()
        settings_load.freeze(self.settings, self.places)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def written_stop(self, what: str) -> Stop:
        """Wait for the one stop that stands: a file stops a moment before its words are in it."""
        wait_until(lambda: any(stop.operator for stop in self.latch.read().stops), what)
        (stop,) = self.latch.read().stops
        return stop

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start one process of Warden as supervisord would, by its name."""
        whose = ["--strategy", strategy_of(name)] if strategy_of(name) else []
        process = subprocess.Popen(
            [sys.executable, "-m", f"warden.{role_of(name)}", "--home", str(self.home), *whose, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=REPOSITORY,
        )
        self.processes[name] = process
        return process

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a process that was started here."""
        self.processes[name].send_signal(number)

    def kill(self, name: str) -> None:
        """Kill a process as `kill -9` does, and wait until it is gone."""
        _kill(self.processes.pop(name))

    def end(self, name: str, *, timeout_s: float = 30.0) -> int:
        """End a process in order and return its exit code."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def bus(self, name: str) -> Bus:
        """Return a bus of the test's own under a process's name; the caller closes it."""
        return Bus(name, self.places)

    def output(self, name: str) -> str:
        """Return what a process wrote for people."""
        path = self.places.logs / f"{name}.out"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def close(self) -> None:
        """End every process and remove the home."""
        devnet = self.processes.pop("devnet", None)
        for process in self.processes.values():
            _kill(process)
        if devnet is not None:
            # In order, so that its chain node has written its last state before the home goes.
            devnet.terminate()
            try:
                devnet.wait(DEVNET_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                _kill(devnet)
        shutil.rmtree(self.home, ignore_errors=True)
        if not self.places.run.is_relative_to(self.home):
            shutil.rmtree(self.places.run, ignore_errors=True)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGCONT)
        process.kill()
    process.wait()
