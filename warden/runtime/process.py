"""The frame that every process stands in: one instance, orderly end, own output, heartbeat, telemetry.

A process's `main.py` gives `run` a function that takes the `Frame`; configuration errors end with one line
and exit code 2, which supervisord does not restart.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import secrets
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loguru import logger

from warden.domain.errors import EXIT_DONE, EXIT_FAILED, ConfigurationInvalid, WardenError
from warden.domain.roles import Role, strategy_of, trader_of
from warden.domain.stops import CleanUp, Stop
from warden.runtime import logs
from warden.runtime.bus import Bus
from warden.runtime.clock import NS_PER_MS, Clock, SystemClock, read_boot_id, wall_text
from warden.runtime.latch import Latch
from warden.runtime.places import Places, places
from warden.runtime.settings import Settings, read_frozen
from warden.runtime.vitals import OwnVitals
from warden.wire.addresses import BEATS
from warden.wire.checks import CheckReport, ProcessBroke, RunChecks
from warden.wire.codec import Undecodable, decode, encode
from warden.wire.messages import Beat, Head, ProcessState, WatchdogToProcess
from warden.wire.telemetry import Event, Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    import msgspec

    from warden.domain.health import CheckLine
    from warden.wire.checks import Books
    from warden.wire.messages import CleanupPermit, Permit, TraderLeave

_PR_SET_PDEATHSIG: Final = 1
_PARENT_VARIABLE: Final = "WARDEN_SUPERVISORD"
_FILES_MIN: Final = 256
_LAST_WORDS_NS: Final = 1_000 * NS_PER_MS
_LAST_WORDS_PAUSE_S: Final = 0.05
_LEAVES_MAX: Final = 64
# However seldom it beats, a loop turns as often as this, and news is told before the next beat is due.
_WAIT_MS_MAX: Final = 250
_SELDOM_MS: Final = 1_000
_NEWS_EVERY_NS: Final = 100 * NS_PER_MS
_ERRORS: Final = frozenset({Severity.ERROR, Severity.CRITICAL})
# Whoever can close the gate by itself, or write the stop down.
_STOPPED_BY_SIGNAL: Final = frozenset({Role.EXECUTOR, Role.WATCHDOG})


class Frame:
    """One process's own view: who it is, its places and settings, and its voice on the bus.

    Everything here belongs to the process's main thread.
    """

    def __init__(self, where: Places, settings: Settings, bus: Bus, clock: Clock) -> None:
        self.role = bus.role
        self.name = bus.name
        # Said beside the role where the role has several processes.
        self._own_name = self.name if strategy_of(self.name) else ""
        self.places = where
        self.settings = settings
        self.bus = bus
        self.clock = clock
        self.latch = Latch(where.stop)
        self.session = secrets.token_hex(16)
        self.boot_id = read_boot_id()
        self.publisher = bus.publisher()
        self._vitals = OwnVitals(clock)
        self.ending = False
        self._beats = bus.connect(BEATS)
        self._beat_seq = 0
        self._beat_due_ns = 0
        self._told: tuple[object, ...] = ()
        self._told_ns = 0
        self.checks_asked = 0  # the number of the watchdog's newest request for checks
        # Readable when a signal has come, so that a poll ends at once.
        self.signalled, self._signal_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self._signal_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        self._stop_signals = 0
        if self.role in _STOPPED_BY_SIGNAL:
            signal.signal(signal.SIGUSR1, self._count_stop)

    def stop_by_signal(self) -> Stop | None:
        """Return the stop that SIGUSR1 ordered since the last call, or None (ES1)."""
        if not self._stop_signals:
            return None
        self._stop_signals = 0
        return Stop(
            stop_id=f"signal-{self.role}-{self.clock.boot_ns()}",
            message=f"SIGUSR1 to the {self.role}, process {os.getpid()}",
            operator="signal",
            policy=CleanUp.CANCEL.value,
            time=wall_text(self.clock),
        )

    @property
    def beat_socket(self) -> object:
        """The socket on which the watchdog's answers come; for a poller."""
        return self._beats.socket

    def beat_due_ms(self) -> int:
        """Return for how many milliseconds a loop may wait: until the next beat is due, 250 at most."""
        due_ms = -(-(self._beat_due_ns - self.clock.boot_ns()) // NS_PER_MS)
        return max(0, min(due_ms, _WAIT_MS_MAX))

    def beat(
        self,
        state: ProcessState,
        *,
        progress: int = 0,
        offered: int = 0,
        handled: int = 0,
        positions: int = 0,
        tokens: tuple[str, ...] = (),
        open_nonces: tuple[int, ...] = (),
        clean: bool = True,
        heads: tuple[Head, ...] = (),
        stops: tuple[Stop, ...] = (),
        detail: str = "",
        position_ids: tuple[str, ...] = (),
        data_age_ms: int | None = None,
        sources: tuple[int, int] = (0, 0),
        now: bool = False,
    ) -> bool:
        """Send a heartbeat if one is due, or `now`; call it from the loop that it vouches for.

        Returns:
            Whether one was sent to a watchdog that is there.
        """
        sent_ns = self.clock.boot_ns()
        told = (state, positions, tokens, open_nonces, stops, position_ids)
        now = now or self._is_news(told, sent_ns)
        if sent_ns < self._beat_due_ns and not now:
            return False
        vitals = self._vitals.take(0 if now else self._beat_due_ns, data_age_ms, sources)
        self._told, self._told_ns = told, sent_ns
        self._beat_due_ns = sent_ns + self.settings.watchdog.beat_interval_ms * NS_PER_MS
        self._beat_seq += 1
        return self._beats.send(
            encode(
                Beat(
                    role=self.role,
                    name=self._own_name,
                    pid=os.getpid(),
                    session=self.session,
                    boot_id=self.boot_id,
                    seq=self._beat_seq,
                    sent_ns=sent_ns,
                    state=state,
                    progress=progress,
                    offered=offered,
                    handled=handled,
                    positions=positions,
                    tokens=tokens,
                    open_nonces=open_nonces,
                    clean=clean,
                    heads=heads,
                    stops=stops,
                    position_ids=position_ids,
                    detail=detail[:200],
                    vitals=vitals,
                )
            )
        )

    def _is_news(self, told: tuple[object, ...], now_ns: int) -> bool:
        """Tell whether a beat says what the watchdog must not wait for, where beats come seldom (HM4)."""
        seldom = self.settings.watchdog.beat_interval_ms > _SELDOM_MS
        return seldom and told != self._told and now_ns - self._told_ns >= _NEWS_EVERY_NS

    def leaves(self) -> list[Permit | CleanupPermit | TraderLeave]:
        """Return what the watchdog has granted since the last call, oldest first, 64 at most."""
        granted: list[Permit | CleanupPermit | TraderLeave] = []
        while len(granted) < _LEAVES_MAX and (data := self._beats.receive()) is not None:
            try:
                said: Permit | CleanupPermit | TraderLeave | RunChecks = decode(data, WatchdogToProcess)
            except Undecodable as error:
                self.event(Severity.WARNING, "bus.undecodable", f"from the watchdog: {error}")
                continue
            if isinstance(said, RunChecks):
                self.checks_asked = max(self.checks_asked, said.number)
            else:
                granted.append(said)
        return granted

    def answer_checks(self, lines: tuple[CheckLine, ...], *, number: int, books: Books | None = None) -> bool:
        """Tell the watchdog how the checks of this process stand; False when it is not there."""
        report = CheckReport(session=self.session, lines=lines, number=number, books=books)
        return self._beats.send(encode(report))

    def broke(self, error: BaseException) -> None:
        """Tell the watchdog that this process ends by an exception that nothing caught.

        Waits for a watchdog to be there, a second at most: at its start it has no connection yet.
        """
        why = logs.redact(f"{type(error).__name__}: {error}")[:500]
        words = encode(ProcessBroke(session=self.session, why=why))
        end_ns = self.clock.boot_ns() + _LAST_WORDS_NS
        while not self._beats.send(words) and self.clock.boot_ns() < end_ns:
            time.sleep(_LAST_WORDS_PAUSE_S)
        time.sleep(_LAST_WORDS_PAUSE_S)  # what is not out when the socket closes is lost

    def publish(self, status: msgspec.Struct) -> None:
        """Tell whoever listens how things stand."""
        self.publisher.publish(status)

    def event(
        self,
        severity: Severity,
        kind: str,
        message: str,
        *,
        trace_id: str = "",
        runbook: str = "",
        **data: object,
    ) -> None:
        """Write a line to this process's log and tell logger, notifier and console."""
        bound = logger.bind(kind=kind, **data, **({"trace_id": trace_id} if trace_id else {}))
        bound.log(severity.value.upper(), "{}", message)
        if severity in _ERRORS:
            self._vitals.erred()
        self.publisher.publish(
            Event(
                time=wall_text(self.clock),
                role=self.role,
                name=self._own_name,
                severity=severity,
                kind=kind,
                message=logs.redact(message)[:2_000],
                data={key: logs.redact(str(value))[:500] for key, value in data.items()},
                trace_id=trace_id,
                runbook=runbook,
            )
        )

    def _end(self, _number: int, _stack: object) -> None:
        self.ending = True

    def _count_stop(self, _number: int, _stack: object) -> None:
        self._stop_signals += 1


def die_with_parent(number: int = signal.SIGTERM) -> None:
    """Ask the kernel for signal `number` when the parent ends, so that nothing is orphaned.

    supervisord may have ended while this process was still loading: then nobody would send the signal any
    more, so supervisord.conf names it in the environment.
    """
    # Taken out: what this process itself starts has this process as its parent.
    parent = int(os.environ.pop(_PARENT_VARIABLE, "") or os.getppid())
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def run(role: Role, main: Callable[[Frame], None], arguments: list[str] | None = None) -> int:
    """Run a process to its end and return its exit code: 0 orderly, 1 broken, 2 configuration.

    Args:
        role: which process this is.
        main: its loop; returns when `frame.ending`.
        arguments: for tests; the command line otherwise.
    """
    name, home = _told(role, arguments)
    where = places(home, name)
    try:
        die_with_parent()
        _own_output(where, name)
        _raise_file_limit()
        logs.configure(name, where.logs)
        settings = read_frozen(where)
        with Bus(name, where) as bus:
            frame = Frame(where, settings, bus, SystemClock())
            frame.event(Severity.INFO, "process.started", f"{name} started", pid=os.getpid())
            try:
                main(frame)
            except ConfigurationInvalid:
                raise
            except Exception as broken:
                frame.broke(broken)
                raise
            frame.beat(ProcessState.STOPPING, now=True)
            frame.event(Severity.INFO, "process.ended", f"{name} ended in order", pid=os.getpid())
    except WardenError as error:
        logger.bind(kind="process.refused").critical("{}", str(error))
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the last line of defence says what it was, then ends
        logger.bind(kind="process.broken").opt(exception=error).critical("{} broke", name)
        return EXIT_FAILED
    return EXIT_DONE


def _told(role: Role, arguments: list[str] | None) -> tuple[str, Path]:
    """Return the name and the home that the command line gives this process."""
    parser = argparse.ArgumentParser(prog=f"warden.{role}")
    parser.add_argument("--home", type=Path, required=True)
    if role is Role.TRADER:
        parser.add_argument("--strategy", default="", help="whose, where there are several")
    told = parser.parse_args(arguments)
    return trader_of(told.strategy) if role is Role.TRADER else role, told.home


def _own_output(where: Places, name: str) -> None:
    """Point stdout and stderr at a file of our own: a stuck supervisord then blocks nobody."""
    try:
        where.logs.mkdir(parents=True, exist_ok=True)
        handle = os.open(
            where.logs / f"{name}.out", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640
        )
    except OSError as error:
        raise ConfigurationInvalid(f"cannot write to {where.logs}: {error.strerror}") from error
    for target in (1, 2):
        os.dup2(handle, target)
    os.close(handle)


def _raise_file_limit() -> None:
    """ZeroMQ aborts the process when it runs out of file descriptors: refuse before that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < _FILES_MIN:
        raise ConfigurationInvalid(
            f"the limit of open files is {hard}, at least {_FILES_MIN} are needed: ulimit -n"
        )
