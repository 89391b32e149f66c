"""The watchdog's loop: sockets, clock and files around the core. Nothing in it waits but the poll."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec
import zmq

from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.domain.stops import encode_stop
from warden.runtime.clock import NS_PER_MS, NS_PER_S, wall_text
from warden.runtime.emergency_terms import emergency_limits
from warden.runtime.latch import LatchState
from warden.runtime.settings_strategies import traders
from warden.runtime.slots import SLOTS
from warden.watchdog.aftermath import Aftermath
from warden.watchdog.capital import CapitalTerms
from warden.watchdog.check_terms import check_terms
from warden.watchdog.clearing import Clearing
from warden.watchdog.commands import (
    ClearStops,
    Command,
    ForwardStop,
    Grant,
    Kill,
    Notice,
    PersistState,
    Reply,
    Show,
    WriteRow,
    WriteStop,
)
from warden.watchdog.core import Core
from warden.watchdog.deaths import Deaths
from warden.watchdog.events import (
    BeatCame,
    Broke,
    CapitalCame,
    ChecksAsked,
    ChecksCame,
    JournalFailed,
    JournalSynced,
    OperatorAsked,
    Paused,
    StopAcknowledged,
    StopsSeen,
    StopWanted,
    Tick,
    WatchdogEvent,
)
from warden.watchdog.executioner import Executioner
from warden.watchdog.final_state import FinalStateWriter
from warden.watchdog.health_terms import health_terms
from warden.watchdog.leave import Terms
from warden.watchdog.machine import Machine
from warden.watchdog.measures import Measures
from warden.watchdog.probation import Course
from warden.watchdog.record import Record
from warden.watchdog.rules import Rules
from warden.watchdog.status import status
from warden.watchdog.supervision import Supervision
from warden.watchdog.writing import Writing
from warden.wire.addresses import BEATS, CAPITAL, CONTROL, STOP
from warden.wire.capital import TokensWanted, WalletReport
from warden.wire.checks import AskChecks, CheckReport, ProcessBroke
from warden.wire.codec import Undecodable, decode, encode
from warden.wire.messages import Beat, OperatorRequest, ProcessState, StopSeen
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.domain.stops import Stop
    from warden.runtime.process import Frame
    from warden.runtime.settings import Settings
    from warden.wire.telemetry import WatchdogStatus

_POLL_MS: Final = 50
_STATUS_NS: Final = 250 * NS_PER_MS
_PAUSE_NS: Final = 1_000 * NS_PER_MS
_BEATS_A_TURN: Final = 256
_REQUESTS_A_TURN: Final = 16
_WANTED_MAX: Final = 4
_TRADER_RESTARTS: Final = {Environment.LIVE: 0}
_TRADER_RESTARTS_ELSE: Final = 3


def rules_from(
    settings: Settings, boot_id: str, session: str, wall_after: Callable[[int], str] = str
) -> Rules:
    """Return what the core goes by; `wall_after` gives the wall time so many nanoseconds from now.

    Raises:
        ConfigurationInvalid: `arm_on_start` is no word that is known.
    """
    watchdog, live = settings.watchdog, settings.environment is Environment.LIVE
    word = watchdog.arm_on_start or ("never" if live else "if_clean")
    if word not in {"never", "if_clean"}:
        raise ConfigurationInvalid(f"watchdog.arm_on_start is {word!r}: use 'never' or 'if_clean'")
    restarts = watchdog.trader_restarts
    if restarts < 0:
        restarts = _TRADER_RESTARTS.get(settings.environment, _TRADER_RESTARTS_ELSE)
    return Rules(
        environment=settings.environment,
        lost_after_ns=watchdog.lost_after_ms * NS_PER_MS,
        beat_ns=watchdog.beat_interval_ms * NS_PER_MS,
        block_time_s=settings.chain.block_time_s,
        arm_on_start=word == "if_clean",
        trader_restarts=restarts,
        two_approve=settings.recovery.approval == "two",
        check_terms=check_terms(settings),
        traders=traders(settings),
        capital=CapitalTerms(
            read=settings.environment is not Environment.PAPER,
            limits=emergency_limits(settings),
            unknown_after_ns=settings.wallet.unknown_after_s * NS_PER_S,
        ),
        health=health_terms(settings),
        course=Course(
            percent=settings.recovery.probation_percent,
            length_ns=settings.recovery.probation_s * NS_PER_S,
            wall_after=wall_after,
        ),
        terms=Terms(
            boot_id=boot_id,
            session=session,
            # A permit has a rhythm of its own where beats come seldom.
            interval_ns=min(watchdog.beat_interval_ms, watchdog.permit_life_ms // 3) * NS_PER_MS,
            life_ns=watchdog.permit_life_ms * NS_PER_MS,
            new_session=lambda: secrets.token_hex(16),
            exits_ns=settings.exits.without_watchdog_s * NS_PER_S,
        ),
    )


class Watchdog:
    """One turn of the loop after another."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        rules = rules_from(frame.settings, frame.boot_id, frame.session, self._wall_after)
        self._beats = frame.bus.serve(BEATS)
        self._capital = frame.bus.serve(CAPITAL)
        self._control = frame.bus.serve(CONTROL)
        self._stop = frame.bus.connect(STOP)
        self._record = Record(frame.places.journal(frame.role), frame.clock)
        self._clearing = Clearing(frame.latch)
        self._writing = Writing(frame.latch)
        self._final_state = FinalStateWriter(frame.places.state)
        self._executioner = Executioner(frame.places.home, frame.places.logs / "stacks")
        self._deaths = Deaths()
        self._measures = Measures(frame.clock)
        where = frame.places
        self._machine = Machine((where.state, where.logs), rules.health.machine_every_ns, frame.clock)
        _reserve_stops(frame)
        now_ns = frame.clock.boot_ns()
        self._core = Core(rules, rows=self._record.rows, last=self._record.last, now_ns=now_ns)
        for frozen in self._record.last.frozen:
            if not self._executioner.met(frozen.name, frozen.session, frozen.pid):
                how = "had ended before the watchdog started"
                self._core.freezing.over(frozen.name, frozen.session, how)
        self._aftermath = Aftermath(frame, self._core, self._record.last.stop_ids, self._status)
        self._supervision = Supervision(frame.places, self._core)
        self._turned_ns = now_ns
        self._status_due_ns = 0
        self._turns = 0
        self._undecodable = 0
        self._wanted: tuple[Stop, ...] = ()
        self._poller = zmq.Poller()
        for readable in (
            self._beats.socket,
            self._capital.socket,
            self._control.socket,
            self._stop.socket,
            frame.signalled,
        ):
            self._poller.register(readable, zmq.POLLIN)
        if self._record.wake is not None:
            self._poller.register(self._record.wake, zmq.POLLIN)

    def run(self) -> None:
        """Turn until the process is to end, then leave the journal in order.

        Raises:
            JournalBroken: the last rows did not become durable.
        """
        while not self._frame.ending:
            self._turn()
            due_ms = self._core.leave.due_ms(self._frame.clock.boot_ns())
            self._poller.poll(max(1, min(_POLL_MS, due_ms, self._frame.beat_due_ms())))
        self._carry_out(self._core.end())
        self._deaths.close()
        self._aftermath.close()
        self._record.close()

    def _turn(self) -> None:
        self._turns += 1
        now_ns = self._now()
        if now_ns - self._turned_ns >= _PAUSE_NS:
            self._step(Paused(now_ns - self._turned_ns))
        self._turned_ns = now_ns
        self._take_journal()
        self._take_beats()
        # After the beats: what a process said last comes before its end.
        self._take_deaths()
        self._take_capital()
        self._take_requests()
        self._take_acknowledgements()
        for ended in self._executioner.ended(self._now()):
            self._step(ended)
        for result in (self._clearing.ended(), self._writing.ended()):
            if result is not None:
                self._step(result)
        self._take_signals()
        self._core.checks.own.wall(int(self._frame.clock.wall().timestamp() * NS_PER_S), self._now())
        # The stop directory last, so that no permit is granted on an older look.
        self._look()
        self._step(Tick())
        self._supervision.turn(self._now())
        self._aftermath.turn(self._now())
        self._tell()

    def _look(self) -> None:
        state = LatchState() if self._frame.latch.is_clear() else self._frame.latch.read()
        self._step(StopsSeen(state.stops, state.unreadable))

    def _take_signals(self) -> None:
        """Have a stop that a signal ordered written down, until it stands."""
        if ordered := self._frame.stop_by_signal():
            self._wanted = (*self._wanted[-_WANTED_MAX + 1 :], ordered)
        standing = {stop.stop_id for stop in self._core.stops.standing}
        self._wanted = tuple(stop for stop in self._wanted if stop.stop_id not in standing)
        if self._wanted:
            self._step(StopWanted(self._wanted))

    def _take_journal(self) -> None:
        self._record.acknowledge()
        self._step(JournalSynced(self._record.head))
        if failure := self._record.failure():
            self._step(JournalFailed(failure))

    def _take_beats(self) -> None:
        for _ in range(_BEATS_A_TURN):
            incoming = self._beats.receive()
            if incoming is None:
                return
            try:
                said: Beat | CheckReport | ProcessBroke = decode(
                    incoming.data, Beat | CheckReport | ProcessBroke
                )
            except Undecodable:
                self._undecodable += 1
                continue
            match said:
                case CheckReport():
                    self._step(ChecksCame(incoming.name, said))
                case ProcessBroke():
                    self._step(Broke(incoming.name, said.why))
                case Beat():
                    if said.sender == incoming.name:
                        self._executioner.met(incoming.name, said.session, said.pid, said.sent_ns)
                    self._step(BeatCame(incoming.identity, incoming.name, said))

    def _take_deaths(self) -> None:
        self._deaths.follow(self._core.liveness.peers.values(), self._executioner.target)
        for died in self._deaths.died():
            self._step(died)

    def _take_capital(self) -> None:
        for _ in range(_REQUESTS_A_TURN):
            incoming = self._capital.receive()
            if incoming is None:
                return
            try:
                report: WalletReport = decode(incoming.data, WalletReport)
            except Undecodable:
                self._undecodable += 1
                continue
            self._step(CapitalCame(report))
            self._capital.send(incoming.identity, encode(TokensWanted(self._core.capital.tokens)))

    def _take_requests(self) -> None:
        for _ in range(_REQUESTS_A_TURN):
            incoming = self._control.receive()
            if incoming is None:
                return
            request: Any = None
            try:
                request = decode(incoming.data, OperatorRequest | AskChecks)
            except Undecodable:
                self._undecodable += 1
            if isinstance(request, AskChecks):
                self._step(ChecksAsked(incoming.identity, request.fresh))
            else:
                self._look()  # it may be about a stop of a moment ago
                self._step(OperatorAsked(incoming.identity, request))

    def _take_acknowledgements(self) -> None:
        for _ in range(_REQUESTS_A_TURN):
            data = self._stop.receive()
            if data is None:
                return
            try:
                seen = msgspec.json.decode(data, type=StopSeen)
            except (msgspec.DecodeError, UnicodeDecodeError):
                self._undecodable += 1
                continue
            self._step(StopAcknowledged(seen.stop_id, seen.executor_session, seen.in_flight))

    def _tell(self) -> None:
        """Beat, and publish how things stand."""
        broken, unreadable = self._record.failure(), self._core.stops.unreadable
        self._frame.beat(
            ProcessState.DEGRADED if broken or unreadable else ProcessState.READY,
            progress=self._turns,
            clean=self._record.last.clean,
            heads=(self._record.head,),
            detail=broken or unreadable,
        )
        now_ns = self._now()
        if now_ns < self._status_due_ns:
            return
        self._status_due_ns = now_ns + _STATUS_NS
        pids = {name: peer.pid for name, peer in self._core.liveness.peers.items() if peer.alive}
        for event in (self._measures.take(pids), self._machine.look()):
            if event is not None:
                self._step(event)
        self._frame.publish(self._status())

    def _status(self) -> WatchdogStatus:
        return status(self._core, self._record.head, self._measures.of, self._now())

    def _wall_after(self, for_ns: int) -> str:
        end = self._frame.clock.wall() + timedelta(microseconds=for_ns // 1_000)
        return end.isoformat(timespec="seconds")

    def _now(self) -> int:
        return self._frame.clock.boot_ns()

    def _step(self, event: WatchdogEvent) -> None:
        self._carry_out(self._core.step(event, self._now()))

    def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Grant(identity=identity, leave=leave):
                    # A peer that is gone beats again and is answered then.
                    self._beats.send(identity, encode(leave))
                case Reply(identity=identity, reply=said) | Show(identity=identity, table=said):
                    self._control.send(identity, encode(said))
                case WriteRow():
                    self._record.append(command)
                case Notice():
                    self._aftermath.saw(command)
                    self._frame.event(
                        command.severity,
                        command.kind,
                        command.message,
                        runbook=command.runbook,
                        **command.data,
                    )
                case ForwardStop(stop=stop):
                    self._stop.send(encode_stop(stop))
                case WriteStop(stop=stop):
                    self._writing.begin(stop)
                case ClearStops(stop_ids=stop_ids):
                    self._clearing.begin(stop_ids)
                case PersistState() | Kill():
                    self._work_beside(command)

    def _work_beside(self, command: Kill | PersistState) -> None:
        """Begin what takes time, off the loop."""
        now_ns = self._now()
        if isinstance(command, Kill):
            self._executioner.begin(command, now_ns)
        else:
            told = status(self._core, self._record.head, self._measures.of, now_ns)
            self._final_state.begin(command, told, wall_text(self._frame.clock))


def _reserve_stops(frame: Frame) -> None:
    """Fill up what is reserved for stops on a full disk; without it they need room like anything else."""
    try:
        standing = frame.latch.reserve()
        trouble = "" if standing == SLOTS else f"{standing} of {SLOTS} could be made: the disk is full"
    except OSError as error:
        trouble = f"{error.filename}: {error.strerror}"
    if trouble:
        frame.event(
            Severity.WARNING, "stop.unreserved", f"room for stops: {trouble}", runbook="degraded-health#disk"
        )


def main(frame: Frame) -> None:
    """Run the watchdog until its end."""
    Watchdog(frame).run()
