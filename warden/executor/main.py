"""The executor's process: sockets, threads and the clock around the core.

The stop socket is served first at start and first in every turn of the loop; nothing in the loop waits for
disk, network or a lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import zmq
from eth_utils.address import to_checksum_address

from warden import __version__
from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.executor.beginnings import Unlocking, fold, paper_of, refuse_other_books, terms_of
from warden.executor.books import position_book, reports
from warden.executor.books.ledger import Ledger
from warden.executor.books.recorder import Recorder
from warden.executor.books.risk_terms import limits_of
from warden.executor.books.sign_of_life import SignOfLife
from warden.executor.checking import Checking
from warden.executor.doors import Doors
from warden.executor.intents.bot_terms import identity_of_bot
from warden.executor.protocol.commands import Record
from warden.executor.protocol.events import CleanupAllowed, CleanupOver, Event, StopCleared
from warden.executor.sends.gate import Gate
from warden.executor.status import picture
from warden.executor.stops import StopDesk
from warden.executor.trading import Hands, Trading
from warden.runtime.clock import NS_PER_MS, NS_PER_S, SteadyUtc, wall_text
from warden.runtime.disk import DiskFloor
from warden.runtime.inotify import DirectoryWatch
from warden.runtime.venue import load_venue
from warden.runtime.wallet import wallet_address
from warden.wire.addresses import STOP
from warden.wire.capital import TOKENS_MAX
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
_WITNESS_NS: Final = 60_000 * NS_PER_MS
_NONCES_MAX: Final = 64


def main(frame: Frame) -> None:
    """Serve stops at once, then everything else, until the frame ends."""
    Executor(frame).run()


class Executor:
    """The process's parts and its loop."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._clock = frame.clock
        self._gate = Gate(
            frame.latch,
            frame.clock,
            boot_id=frame.boot_id,
            session=frame.session,
            exits_while_observing=frame.settings.exits.while_observing,
        )
        # Served before anything else is looked at: a stop is heard from the first moment on.
        stop_server = frame.bus.serve(STOP)
        self._desk = StopDesk(stop_server, frame.latch, self._gate, frame.session)
        # On paper nothing is signed: the key stays where it is, and there is nothing to send with.
        self._sends = frame.settings.environment is not Environment.PAPER
        self._unlocking = Unlocking(frame.settings, frame.places) if self._sends else None
        self._wallet = to_checksum_address(wallet_address(frame.settings, frame.places))
        journal = frame.places.journal(Role.EXECUTOR)
        # The limits count from the start on: an old row and a new one are judged alike.
        self._ledger = Ledger(limits_of(frame.settings))
        self._book = self._ledger.book
        self._recorder = Recorder(journal, frame.clock, self._book, self._halt)
        fold(journal, self._ledger)
        refuse_other_books(self._ledger, frame.settings)
        self._utc = SteadyUtc(frame.clock, self._recorder.last_ns)
        self._checking = Checking(
            frame, self._gate, self._ledger, self._recorder, utc=self._utc, halt=self._violated
        )
        self._clean = self._book.empty or self._book.ended_in_order
        self._doors = Doors(frame.bus, self._gate, self._say_undecodable, identity_of_bot(frame.settings))
        self._hands = Hands(
            frame=frame,
            gate=self._gate,
            desk=self._desk,
            doors=self._doors,
            recorder=self._recorder,
            utc=self._utc,
        )
        self._trading: Trading | None = None
        self._due_ns: dict[str, int] = {}
        self._detail = "waiting for the venue"
        self._refused_permit = ""
        self._cleaning = False
        self._witnessed = 0
        self._life = SignOfLife(frame.settings.health.ledger_age_s * NS_PER_S // 3)
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
            wait_ms = min(_TURN_TOLD_MS, self._frame.beat_due_ms()) if told else _TURN_MS
            self._poller.poll(0 if self._doors.waiting else wait_ms)
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
            if row.lifted and self._desk.was_cleared(row.stop_id):
                self._handle(StopCleared(row.stop_id))
        self._look_at_disk()
        self._take_permits()
        self._carry_on_after_sync()
        if self._trading is None:
            self._find_venue()
        else:
            self._trading.turn()
        self._checking.turn(self._trading)
        self._report()
        self._keep_snapshot()
        self._show_life()

    def _show_life(self) -> None:
        """Write a row where there was nothing to write for long: our own head, true and of no consequence."""
        if self._life.due(self._recorder.rows, self._clock.boot_ns()):
            head = self._recorder.head
            self._recorder.record(
                Record(row=WitnessRow(journal=head.journal, rows=head.rows, hash=head.hash))
            )

    def _keep_snapshot(self) -> None:
        """Write down what all rows came to, between events, so that a start reads few of them."""
        row = self._checking.snapshot()
        if row is not None:
            self._recorder.record(Record(row=row))

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
                if not reason:
                    self._handle(CleanupAllowed(leave.stop_ids, leave.nonces, leave.positions))
            elif not reason:
                self._witness(leave.head)
            if reason and reason != self._refused_permit:
                self._frame.event(Severity.WARNING, "permit.refused", f"a permit {reason}")
            self._refused_permit = reason
        # Its permit may outlive the stop by a moment, in which all that it would let be signed is refused.
        over = self._gate.cleanup is None or not self._desk.stopped
        if self._cleaning and over and self._trading is not None:
            self._cleaning = False
            self._handle(CleanupOver())

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
        account = None
        if self._unlocking is not None:
            account = self._key(self._unlocking)
            if account is None:
                return
        terms = terms_of(self._frame.settings, venue, self._wallet)
        paper = None if self._sends else paper_of(self._frame.settings, self._frame.places)
        self._trading = Trading(
            self._hands, self._ledger, terms, venue, account=account, paper=paper, is_due=self._is_due
        )
        for handle in self._trading.wakes:
            self._poller.register(handle, zmq.POLLIN)

    def _key(self, unlocking: Unlocking) -> LocalAccount | None:
        """Return the key once the keystore is open; one that is not the wallet's is refused."""
        self._detail = "opening the keystore"
        account = unlocking.account()
        if account is not None and str(account.address) != self._wallet:
            raise ConfigurationInvalid(
                "the keystore names another address than its key has: replace the keystore"
            )
        return account

    def _say_undecodable(self, role: str, why: str) -> None:
        if self._is_due("undecodable", _TICK_NS):
            self._frame.event(Severity.WARNING, "bus.undecodable", f"from {role}: {why}")

    def _report(self) -> None:
        trading, head = self._trading, self._recorder.head
        core, detail = (None, self._detail) if trading is None else (trading.core, trading.detail)
        ready = core is not None and core.ready and not self._gate.halted
        state = ProcessState.READY if ready else ProcessState.STARTING
        closed = self._gate.halted or self._gate.disk_low
        if closed or (ready and detail):
            state = ProcessState.DEGRADED
        self._frame.beat(
            state,
            progress=0 if core is None else core.handled,
            offered=0 if core is None else core.offered,
            handled=0 if core is None else core.handled,
            tokens=() if core is None else core.watch(observe=False).tokens[:TOKENS_MAX],
            open_nonces=self._open_nonces(),
            positions=len(position_book.standing(self._ledger.holdings)),
            position_ids=self._position_ids(),
            clean=self._clean,
            heads=(head,),
            stops=self._desk.unrecorded(),
            detail=closed or detail,
        )
        if trading is None or not self._is_due("publish", _PUBLISH_NS):
            return
        status = picture(
            trading.core,
            self._gate,
            trading.terms,
            self._hands.now(),
            session=self._frame.session,
            head=head,
        )
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
        out = () if self._trading is None else self._trading.core.hashes_out()
        return tuple(dict.fromkeys([*open_hashes, *out]))

    def _position_ids(self) -> tuple[str, ...]:
        """Name what is held, and what was just sold until the chain shows it (ES6)."""
        standing = position_book.standing(self._ledger.holdings)
        held = dict.fromkeys(held.position_id for held in standing)
        if self._trading is not None:
            held |= dict.fromkeys(sorted(self._trading.core.held_positions()))
        return tuple(held)[:_NONCES_MAX]

    def _open_nonces(self) -> tuple[int, ...]:
        """Return the nonces at which something may land, and those below that they wait for."""
        head = None if self._trading is None else self._trading.core.head
        gaps = () if head is None else self._book.gaps(head.nonce)
        return tuple(sorted({*self._book.open_nonces(), *gaps})[:_NONCES_MAX])

    def _handle(self, event: Event) -> None:
        """Tell the core, where there is one yet."""
        if self._trading is not None:
            self._trading.handle(event)

    def _carry_on_after_sync(self) -> None:
        for command in self._recorder.due():
            if self._trading is not None:
                self._trading.carry_out(command)

    def _halt(self, reason: str, tampered: bool) -> None:  # noqa: FBT001 - a callback's form
        """Close the gate for good: without a record nothing is traded (I5)."""
        if not self._gate.halted:
            self._frame.event(Severity.CRITICAL, "journal.broken", reason, runbook="recovery-after-crash")
            self._close_for_good(reason, tampered=tampered)

    def _violated(self, reason: str, of_rows: bool) -> None:  # noqa: FBT001 - a callback's form
        """Close the gate for good: on books that contradict themselves nothing is traded (FS3)."""
        if not self._gate.halted:
            self._frame.event(Severity.CRITICAL, "integrity.violated", reason, runbook="startup#books")
            self._close_for_good(reason, tampered=of_rows)

    def _close_for_good(self, reason: str, *, tampered: bool) -> None:
        """Refuse until the next start; rows that are not what was written are a durable stop, too (ES1)."""
        self._gate.halted = reason
        if tampered and self._frame.settings.emergency.enabled:
            self._desk.keep(reports.integrity_stop(self._frame.session, reason, wall_text(self._clock)))

    # --- the end

    def _end(self) -> None:
        self._gate.halted = "the executor is ending"
        self._checking.close()
        if self._trading is not None:
            self._trading.end()
        self._recorder.record(Record(row=EndedRow(session=self._frame.session)))
        self._recorder.close()

    def _is_due(self, what: str, every_ns: int) -> bool:
        now_ns = self._clock.boot_ns()
        if now_ns < self._due_ns.get(what, 0):
            return False
        self._due_ns[what] = now_ns + every_ns
        return True
