"""The executor's process: sockets, threads and the clock around the core.

The stop socket is served first at start and first in every turn of the loop; nothing in the loop waits for
disk, network or a lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import zmq
from eth_utils.address import to_checksum_address

from warden import __version__
from warden.domain.errors import ConfigurationInvalid, InvariantBroken
from warden.domain.modes import Action, Environment
from warden.domain.roles import Role
from warden.executor.beginnings import Unlocking, fold, terms_of
from warden.executor.chain import ChainReader, ReadFailed
from warden.executor.core import ExecutorCore
from warden.executor.doors import Doors
from warden.executor.gate import Gate, Ticket
from warden.executor.ledger import Ledger
from warden.executor.leg import PUBLIC, Legs
from warden.executor.protocol import (
    CleanupAllowed,
    CleanupOver,
    Command,
    DemandStop,
    Event,
    HeadRead,
    Now,
    Record,
    Reply,
    Respond,
    Send,
    Sign,
    Simulate,
    SimulationFailed,
    StopCleared,
    Tell,
    Terms,
    Tick,
)
from warden.executor.recorder import Recorder
from warden.executor.risk_terms import limits_of
from warden.executor.signing import sign
from warden.executor.status import picture
from warden.executor.stops import StopDesk
from warden.runtime.clock import NS_PER_MS, SteadyUtc, wall_text
from warden.runtime.disk import DiskFloor
from warden.runtime.inotify import DirectoryWatch
from warden.runtime.venue import load_venue, served_url
from warden.runtime.wallet import wallet_address
from warden.wire.addresses import STOP
from warden.wire.messages import CleanupPermit, Head, ProcessState, TraderLeave
from warden.wire.rows import EndedRow, StartedRow, WitnessRow
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from warden.runtime.process import Frame

# Between two looks at the stop directory: seldom while the kernel tells of changes, often while it does not.
_TURN_TOLD_MS: Final = 100
_TURN_MS: Final = 20
_PUBLISH_NS: Final = 500 * NS_PER_MS
_TICK_NS: Final = 250 * NS_PER_MS
_SNAPSHOT_ROWS: Final = 2_000
_IDENTIFY_NS: Final = 1_000 * NS_PER_MS
_HEAD_MS_MIN: Final = 100
_WITNESS_NS: Final = 60_000 * NS_PER_MS
_NONCES_MAX: Final = 64
_OPEN_FOR_NS: Final = 1_000 * NS_PER_MS


def main(frame: Frame) -> None:
    """Serve stops at once, then everything else, until the frame ends."""
    Executor(frame).run()


class Executor:
    """The process's parts and its loop."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._clock = frame.clock
        self._gate = Gate(frame.latch, frame.clock, boot_id=frame.boot_id, session=frame.session)
        # Served before anything else is looked at: a stop is heard from the first moment on.
        stop_server = frame.bus.serve(STOP)
        self._desk = StopDesk(stop_server, frame.latch, self._gate, frame.session)
        # On paper nothing is signed: the key stays where it is, and there is nothing to send with.
        self._sends = frame.settings.environment is not Environment.PAPER
        self._unlocking = Unlocking(frame.settings, frame.places) if self._sends else None
        self._account: LocalAccount | None = None
        self._wallet = to_checksum_address(wallet_address(frame.settings, frame.places))
        journal = frame.places.journal(Role.EXECUTOR)
        # The limits count from the start on: an old row and a new one are judged alike.
        self._ledger = Ledger(limits_of(frame.settings))
        self._book = self._ledger.book
        self._recorder = Recorder(journal, frame.clock, self._book, self._halt)
        self._snapshot_row = self._recorder.rows - fold(journal, self._ledger)
        self._utc = SteadyUtc(frame.clock, self._recorder.last_ns)
        self._clean = self._book.empty or self._book.ended_in_order
        self._core: ExecutorCore | None = None
        self._terms: Terms | None = None
        self._reader: ChainReader | None = None
        self._legs: Legs | None = None
        self._doors = Doors(frame.bus, self._gate, self._say_undecodable)
        self._due_ns: dict[str, int] = {}
        self._detail = "waiting for the venue"
        self._refused_permit = ""
        self._cleaning = False
        self._witnessed = 0
        self._gate_word = ""
        self._poller = zmq.Poller()
        for source in (stop_server.socket, *self._doors.sockets, frame.beat_socket):
            self._poller.register(source, zmq.POLLIN)
        self._floor = DiskFloor(frame.places.state, frame.clock)
        self._stop_watch = DirectoryWatch(frame.places.stop)
        for handle in (frame.signalled, self._recorder.wake, self._stop_watch.handle):
            self._poller.register(handle, zmq.POLLIN)

    def run(self) -> None:
        """Turn until the frame ends, then end in order."""
        started = StartedRow(session=self._frame.session, version=__version__, wallet=self._wallet)
        self._recorder.record(Record(row=started))
        while not self._frame.ending:
            told = self._stop_watch.watching
            self._poller.poll(min(_TURN_TOLD_MS, self._frame.beat_due_ms()) if told else _TURN_MS)
            self._turn()
        self._end()

    # --- one turn

    def _turn(self) -> None:
        self._desk.serve(self._in_flight())
        if ordered := self._frame.stop_by_signal():
            self._desk.keep(ordered)
        self._stop_watch.drain()
        for row in self._desk.look():
            self._recorder.record(Record(row=row))
            word = "lifted" if row.lifted else "seen"
            self._frame.event(Severity.INFO, f"gate.stop-{word}", f"stop {row.stop_id} {word}")
            if self._core is not None and row.lifted and self._desk.was_cleared(row.stop_id):
                self._handle(self._core, StopCleared(row.stop_id))
        self._look_at_disk()
        self._take_permits()
        self._carry_on_after_sync()
        if self._core is None:
            self._find_venue()
        else:
            self._take_results(self._core)
            self._take_requests(self._core)
            self._ask_chain(self._core)
        self._report()
        self._keep_snapshot()

    def _keep_snapshot(self) -> None:
        """Write down what all rows came to, between events, so that a start reads few of them."""
        if self._recorder.rows - self._snapshot_row >= _SNAPSHOT_ROWS:
            self._recorder.record(Record(row=self._ledger.snapshot()))
            self._snapshot_row = self._recorder.rows

    def _look_at_disk(self) -> None:
        """Close the gate while there is too little room to record how anything ends (DESIGN: Journals)."""
        reason = self._floor.reason()
        if bool(reason) != bool(self._gate.disk_low):
            severity = Severity.CRITICAL if reason else Severity.INFO
            kind = "disk.low" if reason else "disk.enough"
            self._frame.event(
                severity, kind, reason or "there is room enough again", runbook="degraded-health"
            )
        self._gate.disk_low = reason

    def _take_permits(self) -> None:
        for leave in self._frame.leaves():
            if isinstance(leave, TraderLeave):
                continue
            reason = self._gate.accept(leave)
            if isinstance(leave, CleanupPermit):
                self._cleaning = self._cleaning or not reason
                if not reason and self._core is not None:
                    self._handle(self._core, CleanupAllowed(leave.stop_ids, leave.nonces))
            elif not reason:
                self._witness(leave.head)
            if reason and reason != self._refused_permit:
                self._frame.event(Severity.WARNING, "permit.refused", f"a permit {reason}")
            self._refused_permit = reason
        if self._cleaning and self._gate.cleanup is None and self._core is not None:
            self._cleaning = False
            self._handle(self._core, CleanupOver())

    def _witness(self, head: Head) -> None:
        """Write down how far the watchdog's journal has come, once a minute (I9)."""
        if head.rows > self._witnessed and self._is_due("witness", _WITNESS_NS):
            self._witnessed = head.rows
            self._recorder.record(
                Record(row=WitnessRow(journal=head.journal, rows=head.rows, hash=head.hash))
            )

    def _find_venue(self) -> None:
        if not self._is_due("venue", _TICK_NS):
            return
        venue = load_venue(self._frame.settings, self._frame.places)
        if venue is None:
            return
        if self._unlocking is not None and not self._has_key(self._unlocking):
            return
        self._terms = terms = terms_of(self._frame.settings, venue, self._wallet)
        if terms.sends and not (terms.legs[PUBLIC] and terms.legs.get(terms.route)):
            raise ConfigurationInvalid(
                f"execution.route {terms.route!r}: no endpoint that sends stands on it, or none is public"
            )
        self._core = ExecutorCore(terms, self._ledger)
        places = self._frame.places
        self._reader = ChainReader(lambda: served_url(places, Role.GATEWAY), terms)
        self._poller.register(self._reader.wake, zmq.POLLIN)
        if self._sends:
            self._legs = Legs(venue.endpoints, self._gate)
            self._poller.register(self._legs.wake, zmq.POLLIN)
        self._detail = "asking which chain it is"
        for command in self._core.begin(self._now()):
            self._carry_out(self._core, command)

    def _has_key(self, unlocking: Unlocking) -> bool:
        self._detail = "opening the keystore"
        self._account = unlocking.account()
        if self._account is not None and str(self._account.address) != self._wallet:
            raise ConfigurationInvalid(
                "the keystore names another address than its key has: replace the keystore"
            )
        return self._account is not None

    def _take_results(self, core: ExecutorCore) -> None:
        if self._legs is not None:
            for done in self._legs.take():
                self._handle(core, done)
        if self._reader is not None:
            for result in self._reader.take():
                if isinstance(result, ReadFailed):
                    self._detail = f"reading the chain: {result.text}"
                    continue
                if isinstance(result, HeadRead):
                    self._detail = ""
                    core.allow(self._allowed())
                self._handle(core, result)
        if self._is_due("tick", _TICK_NS):
            self._handle(core, Tick())

    def _take_requests(self, core: ExecutorCore) -> None:
        for submitted in self._doors.intents():
            self._handle(core, submitted)
        for ordered in self._doors.orders():
            self._handle(core, ordered)

    def _say_undecodable(self, role: str, why: str) -> None:
        if self._is_due("undecodable", _TICK_NS):
            self._frame.event(Severity.WARNING, "bus.undecodable", f"from {role}: {why}")

    def _ask_chain(self, core: ExecutorCore) -> None:
        if self._reader is None:
            return
        if not core.identified:
            if self._is_due("identify", _IDENTIFY_NS):
                self._reader.identify()
            return
        # Twice a block is enough to know the capital; what is on its way is looked for more often.
        looks = 4 if self._book.open() else 2
        interval_ms = max(_HEAD_MS_MIN, int(self._frame.settings.chain.block_time_s * 1_000 / looks))
        if self._is_due("head", interval_ms * NS_PER_MS):
            self._reader.read_head(core.wanted_receipts(), observe=core.observes(self._now()))

    def _report(self) -> None:
        core, head = self._core, self._recorder.head
        ready = core is not None and core.ready and not self._gate.halted
        state = ProcessState.READY if ready else ProcessState.STARTING
        closed = self._gate.halted or self._gate.disk_low
        if closed or (ready and self._detail):
            state = ProcessState.DEGRADED
        self._frame.beat(
            state,
            progress=0 if core is None else core.handled,
            offered=0 if core is None else core.offered,
            handled=0 if core is None else core.handled,
            open_nonces=self._open_nonces(),
            clean=self._clean,
            heads=(head,),
            stops=self._desk.unrecorded(),
            detail=closed or self._detail,
        )
        if core is None or self._terms is None or not self._is_due("publish", _PUBLISH_NS):
            return
        status = picture(core, self._gate, self._terms, self._now(), session=self._frame.session, head=head)
        self._frame.publish(status)
        word = status.gate.partition(":")[0]
        if word != self._gate_word:
            self._gate_word = word
            self._frame.event(
                Severity.INFO, "gate.closed" if word else "gate.open", status.gate or "the gate is open"
            )

    def _in_flight(self) -> tuple[str, ...]:
        """Return every hash that may still reach an endpoint, or land (I3)."""
        open_hashes = [entry.signed.tx_hash for entry in self._book.open()]
        out = () if self._core is None else self._core.hashes_out()
        return tuple(dict.fromkeys([*open_hashes, *out]))

    def _allowed(self) -> frozenset[Action]:
        """Return what the gate lets Warden's own transactions do now."""
        soon_ns = self._clock.boot_ns() + _OPEN_FOR_NS
        return frozenset(each for each in Action if self._gate.refusal(Ticket(each, "", soon_ns)) is None)

    def _open_nonces(self) -> tuple[int, ...]:
        nonces = sorted({entry.signed.nonce for entry in self._book.open()})
        return tuple(nonces[:_NONCES_MAX])

    # --- commands

    def _handle(self, core: ExecutorCore, event: Event) -> None:
        for command in core.handle(event, self._now()):
            self._carry_out(core, command)

    def _carry_out(self, core: ExecutorCore, command: Command) -> None:
        match command:
            case Reply():
                self._doors.reply(command)
            case Simulate():
                if self._reader is None or not self._reader.simulate(command):
                    failed = SimulationFailed(command.intent_id, refused=False, text="too many reads wait")
                    self._handle(core, failed)
            case Sign() | Send():
                self._sign_or_send(core, command)
            case Record():
                self._recorder.record(command)
            case Respond():
                self._doors.respond(command)
            case DemandStop():
                self._demand_stop(core, command)
            case Tell():
                self._frame.event(
                    command.severity,
                    command.kind,
                    command.message,
                    trace_id=command.trace_id,
                    runbook=command.runbook,
                    **command.data,
                )

    def _demand_stop(self, core: ExecutorCore, command: DemandStop) -> None:
        if self._desk.was_cleared(command.stop.stop_id):
            self._handle(core, StopCleared(command.stop.stop_id))
            return
        self._desk.keep(command.stop)
        self._carry_out(core, command.tell)

    def _sign_or_send(self, core: ExecutorCore, command: Sign | Send) -> None:
        if self._account is None or self._legs is None:
            raise InvariantBroken("a transaction was to be signed or sent in the paper environment")
        if isinstance(command, Sign):
            self._handle(core, sign(self._account, command, core.chain_id))
        else:
            self._legs.send(command)

    def _carry_on_after_sync(self) -> None:
        for command in self._recorder.due():
            if self._core is not None:
                self._carry_out(self._core, command)

    def _halt(self, reason: str) -> None:
        """Close the gate for good: without a record nothing is traded (I5)."""
        if not self._gate.halted:
            self._gate.halted = reason
            self._frame.event(Severity.CRITICAL, "journal.broken", reason, runbook="recovery-after-crash")

    # --- the end

    def _end(self) -> None:
        self._gate.halted = "the executor is ending"
        for part in (self._legs, self._reader):
            if part is not None:
                part.close()
        if self._legs is not None and self._core is not None:
            for done in self._legs.take():
                self._handle(self._core, done)
        self._recorder.record(Record(row=EndedRow(session=self._frame.session)))
        self._recorder.close()

    def _now(self) -> Now:
        return Now(boot_ns=self._clock.boot_ns(), wall=wall_text(self._clock), utc_ns=self._utc.now_ns())

    def _is_due(self, what: str, every_ns: int) -> bool:
        now_ns = self._clock.boot_ns()
        if now_ns < self._due_ns.get(what, 0):
            return False
        self._due_ns[what] = now_ns + every_ns
        return True
