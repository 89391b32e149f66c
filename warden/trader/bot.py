"""Keeps a bot's program: starts it with the watchdog's leave, counts its calls, ends it with that (EX12).

The process is the trader: it holds the session under which the program's transactions are taken. The program
gets the gateway's URL and nothing else of Warden's: no key, no socket, no secret.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import zmq

from warden.domain.errors import EndpointFailed, EndpointRefused, WardenError
from warden.domain.roles import Role, strategy_of
from warden.runtime.clock import NS_PER_MS, NS_PER_S
from warden.runtime.rpc import JsonRpc
from warden.runtime.venue import served_url
from warden.trader import bounds
from warden.trader.bot_core import TERM_NS, BotCore, Do, Lost
from warden.wire.messages import ProcessState, TraderLeave
from warden.wire.telemetry import Severity, TraderStatus

if TYPE_CHECKING:
    from warden.runtime.process import Frame
    from warden.runtime.settings import StrategySettings

_STATUS_NS: Final = 500 * NS_PER_MS
_COUNT_EVERY_S: Final = 0.5
_ASK_WITHIN_S: Final = 2.0
_LAST_WORDS_S: Final = 0.2
# What a program may know of where it runs; never what Warden's own processes are told.
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE")
URL_VARIABLE: Final = "WARDEN_RPC_URL"
BEAT_VARIABLE: Final = "WARDEN_HEARTBEAT_URL"
PATH: Final = "/bot"


class BotLost(WardenError):
    """The program's author must mend it: it has ended, or hangs."""


class Counter:
    """Asks the gateway how often the program has called, on a thread of its own."""

    def __init__(self, frame: Frame) -> None:
        self._places = frame.places
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._newest: int | None = None
        self.url = ""
        self._thread = threading.Thread(target=self._run, name="counter", daemon=True)
        self._thread.start()

    def take(self) -> int | None:
        """Return the newest count that was not taken yet."""
        with self._lock:
            newest, self._newest = self._newest, None
            return newest

    def close(self) -> None:
        """End the thread; one that waits ends with the process."""
        self._stop.set()

    def _run(self) -> None:
        rpc: JsonRpc | None = None
        seen = False
        while not self._stop.wait(_COUNT_EVERY_S):
            try:
                url = served_url(self._places, Role.GATEWAY)
                if url is None:
                    continue
                if rpc is None or url != self.url:
                    rpc, self.url = JsonRpc(url, timeout_s=_ASK_WITHIN_S), url
                told = rpc.call("warden_bot")
                if not seen:
                    # Once: a program that is started before there is a chain has nothing to look at.
                    rpc.call("eth_blockNumber")
                    seen = True
                with self._lock:
                    self._newest = int(told["calls"]) + int(told["beats"])
            except (EndpointFailed, EndpointRefused, OSError, ValueError, KeyError, TypeError):
                if rpc is not None:
                    rpc.close()
                rpc = None  # no count is what the core goes by


class Program:
    """The program as a process, in a session of its own so that all of it can be ended."""

    def __init__(self, command: tuple[str, ...], url: str, frame: Frame) -> None:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "warden.trader.leash", *command],
            stdin=subprocess.DEVNULL,
            cwd=frame.places.home,
            env=environment | {URL_VARIABLE: url + PATH, BEAT_VARIABLE: f"{url}/heartbeat"},
            start_new_session=True,
            close_fds=True,
        )

    @property
    def pid(self) -> int:
        """Its process id, which is its group's, too."""
        return self._process.pid

    def ended(self) -> str:
        """Return how it has ended, empty while it runs."""
        code = self._process.poll()
        if code is None:
            return ""
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def signal(self, number: int) -> None:
        """Send a signal to it and all that it started."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return  # nobody is left

    def end(self, within_s: float) -> None:
        """End all of it: asked first, then killed."""
        self.signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):  # it is killed in the next line, either way
            self._process.wait(within_s)
        self.signal(signal.SIGKILL)
        self._process.wait()


class Keeper:
    """The main thread: bus, program and heartbeat in one loop."""

    def __init__(self, frame: Frame, wanted: StrategySettings) -> None:
        self._frame = frame
        self._command = wanted.command
        self._name = strategy_of(frame.name) or frame.settings.bot.name
        self._core = BotCore(frame.session, wanted.silent_after_s * NS_PER_S)
        self._counter = Counter(frame)
        self._program: Program | None = None
        self._status_due_ns = 0
        self._poller: Any = zmq.Poller()  # takes sockets and descriptors; its stubs know only one of them
        for each in (frame.beat_socket, frame.signalled):
            self._poller.register(each, zmq.POLLIN)

    def run(self) -> None:
        """Loop until the frame ends.

        Raises:
            BotLost: the program ended by itself, or hangs.
        """
        frame = self._frame
        try:
            while not frame.ending:
                self._turn(frame.clock.boot_ns())
                self._poller.poll(frame.beat_due_ms())
        finally:
            self._counter.close()
            if self._program is not None:
                self._program.end(TERM_NS / NS_PER_S)

    def _turn(self, now_ns: int) -> None:
        frame, core = self._frame, self._core
        for leave in frame.leaves():
            if isinstance(leave, TraderLeave):
                core.grant(leave, now_ns)
        count = self._counter.take()
        if count is not None:
            core.counted(count, now_ns)
        if self._program is not None and (how := self._program.ended()):
            # What it left behind must not go on without it.
            self._program.signal(signal.SIGKILL)
            self._program = None
            self._carry_out(core.exited(how))
        self._carry_out(core.tick(now_ns))
        bounds.cut_output()
        state, detail = core.state(now_ns)
        frame.beat(state, progress=core.progress, offered=core.progress, handled=core.progress, detail=detail)
        if now_ns >= self._status_due_ns:
            self._status_due_ns = now_ns + _STATUS_NS
            frame.publish(self._status(now_ns))

    def _carry_out(self, what: Do | Lost | None) -> None:
        frame = self._frame
        if isinstance(what, Lost):
            message = f"{self._name}: {what.why}"
            frame.event(Severity.ERROR, "bot.lost", message, runbook="strategy-raised")
            # Not "stopping": an orderly end would let the next process in without counting it.
            frame.beat(ProcessState.DEGRADED, detail=message, now=True)
            time.sleep(_LAST_WORDS_S)  # closing the bus drops what has not left yet
            raise BotLost(f"{message}: mend it")
        if what is Do.START:
            self._program = Program(self._command, self._counter.url, frame)
            text = f"{self._name} runs as process {self._program.pid}"
            frame.event(Severity.INFO, "bot.started", text, pid=self._program.pid)
        elif what is not None and self._program is not None:
            number = signal.SIGTERM if what is Do.TERM else signal.SIGKILL
            self._program.signal(number)
            text = f"the watchdog's leave is gone: {self._name} is ended ({what})"
            frame.event(Severity.WARNING, "bot.ended", text)

    def _status(self, now_ns: int) -> TraderStatus:
        _, detail = self._core.state(now_ns)
        return TraderStatus(
            sent_ns=now_ns,
            session=self._frame.session,
            strategy=self._name,
            state=self._core.word,
            block=0,
            proposals=0,
            approved=0,
            refused=0,
            detail=detail,
        )
