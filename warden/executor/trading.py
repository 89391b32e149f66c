"""What there is once the venue is known: the core at work, its reads, its legs and its key.

Carries out what the core decides; nothing here waits for disk, network or a lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from warden.domain.errors import ConfigurationInvalid, InvariantBroken
from warden.domain.modes import Action
from warden.domain.roles import Role
from warden.executor.books.recorder import Recorder
from warden.executor.core import ExecutorCore
from warden.executor.doors import Doors
from warden.executor.paper.paper import Paper, PaperChain
from warden.executor.paper.paper_sends import PaperLegs
from warden.executor.paper.paper_sends import sign as sign_on_paper
from warden.executor.protocol.commands import (
    Command,
    DemandStop,
    Record,
    Reply,
    Respond,
    Send,
    Sign,
    Simulate,
    Tell,
)
from warden.executor.protocol.events import Event, HeadRead, SimulationFailed, StopCleared, Tick
from warden.executor.protocol.terms import Now, Terms, Ticket
from warden.executor.reads.chain import ChainReader, ReadFailed
from warden.executor.sends.gate import Gate
from warden.executor.sends.leg import PUBLIC, Legs
from warden.executor.sends.signing import sign
from warden.executor.stops import StopDesk
from warden.runtime.clock import NS_PER_MS, NS_PER_S, SteadyUtc, wall_text
from warden.runtime.process import Frame
from warden.runtime.venue import served_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from eth_account.signers.local import LocalAccount

    from warden.domain.risk.refusal import Refusal
    from warden.executor.books.ledger import Ledger
    from warden.runtime.venue import Venue

_TICK_NS: Final = 250 * NS_PER_MS
_IDENTIFY_NS: Final = 1_000 * NS_PER_MS
_HEAD_MS_MIN: Final = 100
_USAGE_NS: Final = 600 * NS_PER_S
_OPEN_FOR_NS: Final = 1_000 * NS_PER_MS


@dataclass(frozen=True, kw_only=True)
class Hands:
    """What the core's commands go through, all made before the venue is known."""

    frame: Frame
    gate: Gate
    desk: StopDesk
    doors: Doors
    recorder: Recorder
    utc: SteadyUtc

    def now(self) -> Now:
        """Return the moment."""
        clock = self.frame.clock
        return Now(boot_ns=clock.boot_ns(), wall=wall_text(clock), utc_ns=self.utc.now_ns())


class Trading:
    """The core and what works for it.

    Args:
        account: the key; None on paper, where nothing is signed or sent.
        paper: the terms of paper; None where transactions are sent.
        is_due: tells whether something that is done every so many nanoseconds is to be done now.

    Raises:
        ConfigurationInvalid: no endpoint stands on the route that transactions take.
    """

    def __init__(
        self,
        hands: Hands,
        ledger: Ledger,
        terms: Terms,
        venue: Venue,
        *,
        account: LocalAccount | None,
        paper: Paper | None,
        is_due: Callable[[str, int], bool],
    ) -> None:
        if terms.sends and not (terms.legs[PUBLIC] and terms.legs.get(terms.route)):
            raise ConfigurationInvalid(
                f"execution.route {terms.route!r}: no endpoint that sends stands on it, or none is public"
            )
        self._hands = hands
        self._book = ledger.book
        self._account = account
        self._is_due = is_due
        self.terms = terms
        self.core = ExecutorCore(terms, ledger)
        places = hands.frame.places
        self._legs: Legs | PaperLegs
        self._reader: ChainReader
        if paper is None:
            self._legs = Legs(venue.endpoints, hands.gate)
            self._reader = ChainReader(lambda: served_url(places, Role.GATEWAY), terms)
        else:
            self._legs = PaperLegs(hands.gate)
            self._reader = PaperChain(
                lambda: served_url(places, Role.GATEWAY),
                terms,
                ledger=ledger,
                legs=self._legs,
                paper=paper,
                record=hands.recorder.record,
            )
        self.detail = "asking which chain it is"
        for command in self.core.begin(hands.now()):
            self.carry_out(command)

    @property
    def wakes(self) -> tuple[int, ...]:
        """The handles that a poller waits on."""
        return self._reader.wake, self._legs.wake

    def now(self) -> Now:
        """Return the moment."""
        return self._hands.now()

    def turn(self) -> None:
        """Take in what has come since the last turn, and ask what is due."""
        self._take_results()
        for submitted in self._hands.doors.intents():
            self.handle(submitted)
        for strategy, identity in self._hands.doors.listening():
            for news in self.core.hearers.listens(strategy, identity):
                self.carry_out(news)
        for ordered in self._hands.doors.orders():
            self.handle(ordered)
        self._ask_chain()

    def handle(self, event: Event) -> None:
        """Let the core decide, and carry out what it says."""
        for command in self.core.handle(event, self._hands.now()):
            self.carry_out(command)

    def carry_out(self, command: Command) -> None:
        """Do one thing that the core decided, or that waited for its row to be durable."""
        match command:
            case Reply():
                self._hands.doors.reply(command)
            case Simulate():
                if not self._reader.simulate(command):
                    failed = SimulationFailed(command.intent_id, refused=False, text="too many reads wait")
                    self.handle(failed)
            case Sign() | Send():
                self._sign_or_send(command)
            case Record():
                if isinstance(self._reader, PaperChain):
                    self._reader.follow(command.row)
                self._hands.recorder.record(command)
            case Respond():
                self._hands.doors.respond(command)
            case DemandStop():
                self._demand_stop(command)
            case Tell():
                self._hands.frame.event(
                    command.severity,
                    command.kind,
                    command.message,
                    trace_id=command.trace_id,
                    runbook=command.runbook,
                    **command.data,
                )

    def end(self) -> None:
        """End the threads; take in what became of the last sends."""
        for part in (self._legs, self._reader):
            part.close()
        for done in self._legs.take():
            self.handle(done)

    def _take_results(self) -> None:
        for done in self._legs.take():
            self.handle(done)
        for result in self._reader.take():
            if isinstance(result, ReadFailed):
                self.detail = f"reading the chain: {result.text}"
                continue
            if isinstance(result, HeadRead):
                self.detail = ""
                self.core.allow(self._allowed(), self._exits_refused())
            self.handle(result)
        if self._is_due("tick", _TICK_NS):
            self.handle(Tick())

    def _ask_chain(self) -> None:
        if not self.core.identified:
            if self._is_due("identify", _IDENTIFY_NS):
                self._reader.identify()
            return
        if self._is_due("usage", _USAGE_NS):
            self._reader.read_usage()
        # Twice a block is enough to know the capital; what is on its way is looked for more often.
        looks = 4 if self._book.open() else 2
        interval_ms = max(_HEAD_MS_MIN, int(self.terms.block_time_s * 1_000 / looks))
        if self._is_due("head", interval_ms * NS_PER_MS):
            observe = self.core.observes(self._hands.now())
            watch = self.core.watch(observe=observe)
            self._reader.read_head(self.core.wanted_receipts(), observe=observe, watch=watch)

    def _allowed(self) -> frozenset[Action]:
        """Return what the gate lets Warden's own transactions do now."""
        soon_ns = self._hands.frame.clock.boot_ns() + _OPEN_FOR_NS
        gate = self._hands.gate
        return frozenset(each for each in Action if gate.refusal(Ticket(each, "", soon_ns)) is None)

    def _exits_refused(self) -> Refusal | None:
        """Return why the gate would let no protective exit pass now, or None."""
        soon_ns = self._hands.frame.clock.boot_ns() + _OPEN_FOR_NS
        return self._hands.gate.refusal(Ticket(Action.REDUCE, "", soon_ns, protective=True))

    def _demand_stop(self, command: DemandStop) -> None:
        desk = self._hands.desk
        if desk.was_cleared(command.stop.stop_id):
            self.handle(StopCleared(command.stop.stop_id))
            return
        desk.keep(command.stop)
        self.carry_out(command.tell)

    def _sign_or_send(self, command: Sign | Send) -> None:
        if isinstance(command, Send):
            self._legs.send(command)
        elif self._account is not None:
            self.handle(sign(self._account, command, self.core.chain_id))
        elif self.terms.sends:
            raise InvariantBroken("a transaction was to be signed without a key")
        else:
            self.handle(sign_on_paper(command))
