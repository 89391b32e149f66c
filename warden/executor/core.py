"""The executor's decisions: events in, commands out; no socket, no clock, no disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from warden.domain.intents import TradeState
from warden.domain.risk import circuit_breaker, emergency_stop
from warden.domain.risk.events import BaselinesReset, Failed, Recovered, Ticked, Worked
from warden.domain.risk.lever_table import CANCEL_TRANSACTION
from warden.executor import orders
from warden.executor.books import reports
from warden.executor.books.readings import Readings
from warden.executor.books.settlement import Settlement, is_strangers
from warden.executor.books.strangers import Strangers
from warden.executor.books.vitals import Vitals
from warden.executor.intents import judging
from warden.executor.intents.call_intake import CallIntake
from warden.executor.intents.decisions import Decisions
from warden.executor.intents.hearers import Hearers
from warden.executor.intents.trials import Trials
from warden.executor.intents.ways_out import WaysOut
from warden.executor.positions.closing import Closing
from warden.executor.positions.positions import Positions
from warden.executor.protocol.commands import Command, Record, Reply, Respond, Send
from warden.executor.protocol.events import (
    CleanupAllowed,
    CleanupOver,
    Event,
    HeadRead,
    Identified,
    LegDone,
    Ordered,
    Signed,
    Simulated,
    SimulationFailed,
    StopCleared,
    Submitted,
    Tick,
    UsageRead,
    Watch,
)
from warden.executor.questions import answer
from warden.executor.reads.identity import refuse_another
from warden.executor.sends.allowances import Allowances
from warden.executor.sends.cleanup import CleanUp
from warden.executor.sends.drafts import Moment
from warden.executor.sends.leg import NOT_BEGUN
from warden.executor.sends.own_sends import OwnSends
from warden.executor.sends.sendings import Legs, Sendings
from warden.wire.rows import (
    GIVEN_UP,
    SETTLED,
    ChainRow,
    ExecutorRow,
    LegRow,
    OutcomeRow,
    Purpose,
    RiskRow,
    SignedRow,
)
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.domain.modes import Action
    from warden.domain.risk.events import RiskEvent
    from warden.domain.risk.findings import Finding
    from warden.domain.risk.refusal import Refusal
    from warden.executor.books.book import Entry
    from warden.executor.books.ledger import Ledger
    from warden.executor.protocol.terms import Now, Terms, Ticket

_HEAD_OLD_AFTER_NS: Final = 10 * 1_000_000_000


class ExecutorCore:
    """One executor's mind. Everything that must survive is in the journal, folded in `ledger`."""

    def __init__(self, terms: Terms, ledger: Ledger) -> None:
        self._terms = terms
        self.ledger = ledger
        self.book = ledger.book
        self.decisions = Decisions()
        self.head: HeadRead | None = None
        self.identified = False
        self._head_ns = 0
        self._tickets: dict[str, Ticket] = {}
        self._settlement = Settlement(self.book, terms)
        self._sendings = Sendings(terms.legs, (entry.signed.tx_hash for entry in self.book.open()))
        self._cleanup = CleanUp(self.book, terms)
        self._strangers = Strangers(self.book)
        self._readings = Readings(terms)
        self.hearers = Hearers(terms)
        self._vitals = Vitals(terms.risk.emergency.network_failure_s)
        self._positions = Positions(terms, ledger, self._record)
        self._own_sends = OwnSends(terms, ledger, self._settlement, self._sendings, self._tickets)
        self._allowances = Allowances(terms, ledger, self._tickets)
        self._closing = Closing(
            terms, ledger, self._own_sends, self._record, self._allowances, doubts=self._positions.doubts
        )
        ways = WaysOut(terms, ledger, self._positions, self._closing, self._allowances)
        self._intake = CallIntake(terms, ledger, self.decisions, self._tickets, self._record, ways=ways)
        self._trials = Trials(terms, self._allowances, self._closing, self._intake)
        self._take: dict[type[Event], Callable[[Any, Now], list[Command]]] = {
            Submitted: self._submitted,
            Simulated: lambda event, now: self._trials.simulated(event, self._moment(now), now),
            SimulationFailed: lambda event, now: self._trials.failed(event, self._moment(now), now),
            Signed: self._signed,
            LegDone: self._leg_done,
            HeadRead: self._head_read,
            Identified: self._identified,
            UsageRead: self._used,
            CleanupAllowed: self._clean_up,
            CleanupOver: self._cleanup_over,
            StopCleared: self._stop_cleared,
            Ordered: self._ordered,
            Tick: self._tick,
        }

    # --- what others may ask

    @property
    def chain_id(self) -> int:
        """The chain that transactions are signed for."""
        return self._terms.chain_id

    @property
    def ready(self) -> bool:
        """The chain is known and is ours, so that a permit is of use."""
        return self.identified and self.head is not None

    @property
    def offered(self) -> int:
        """Work that came in, against `handled`."""
        return self._intake.handled + self._intake.under_way

    @property
    def handled(self) -> int:
        """Intents that were answered."""
        return self._intake.handled

    def allow(self, actions: frozenset[Action], exits: Refusal | None = None) -> None:
        """Take in what the gate lets through now, before each head: nothing is signed for a closed gate.

        `exits` is why it would let no protective exit pass, None where it would.
        """
        self._own_sends.allowed = actions
        self._own_sends.exits_pass = exits is None
        self._closing.refused = exits

    def hashes_out(self) -> tuple[str, ...]:
        """Return the hashes of which some leg has not ended, settled ones too: it may still write (I3)."""
        return self._sendings.hashes()

    def fresh_head(self, now: Now) -> HeadRead | None:
        """Return the chain's state, None when the last read is too old to decide on."""
        return None if now.boot_ns - self._head_ns > _HEAD_OLD_AFTER_NS else self.head

    def wanted_receipts(self) -> tuple[str, ...]:
        """Return the hashes whose receipts the next read should bring."""
        return self._settlement.wanted(self.head)

    def watch(self, *, observe: bool) -> Watch:
        """Return what the next read should bring of positions."""
        return self._positions.watch(observe=observe)

    def held_positions(self) -> frozenset[str]:
        """Return the positions that are there, or of which the chain still shows something."""
        return self._positions.held()

    def observes(self, now: Now) -> bool:
        """Tell whether the next read should bring the pools' prices, too."""
        return self._readings.observes(now)

    def begin(self, now: Now) -> list[Command]:
        """Return what each start has to say: stops that nobody recovered from, and what is switched off."""
        limits = self._terms.risk
        off = (
            emergency_stop.switched_off(limits.emergency),
            circuit_breaker.switched_off(limits.breaker),
            judging.switched_off(self._terms),
        )
        notes = reports.notes([each for each in off if each is not None])
        demands = (reports.demand(each, now) for each in self.ledger.demands.values())
        return [*demands, *notes, *self._closing.begin(now)]

    def handle(self, event: Event, now: Now) -> list[Command]:
        """Take one event in and return what to do."""
        return self._take[type(event)](event, now)

    # --- rows and what the rules say of them

    def _record(
        self, row: ExecutorRow, now: Now, then: tuple[Reply | Send | Respond, ...] = ()
    ) -> list[Command]:
        """Apply a row, and return that it is to be journalled and what the rules have to say."""
        demanded = set(self.ledger.demands)
        findings = self.ledger.apply(row)
        return [Record(row=row, then=then), *self._said(findings, demanded, now)]

    def _said(self, findings: list[Finding], demanded: set[str], now: Now) -> list[Command]:
        commands: list[Command] = list(reports.notes(findings))
        new = [each for name, each in self.ledger.demands.items() if name not in demanded]
        return [*(reports.demand(each, now) for each in new), *commands]

    def _risk(self, event: RiskEvent, now: Now) -> list[Command]:
        return self._record(RiskRow(at_ns=now.utc_ns, event=event), now)

    # --- from proposal to signature

    def _submitted(self, event: Submitted, now: Now) -> list[Command]:
        self.hearers.heard(event)
        barred = next(iter(self._barred()), None)
        return self._intake.submitted(event, self.fresh_head(now), barred, now)

    def _barred(self) -> tuple[Refusal, ...]:
        """Return why nothing may be opened now, beside the gate and the rules."""
        found = (self._strangers.refusal, self._positions.refusal, self._readings.usd.refusal)
        return tuple(each for each in found if each is not None)

    def _moment(self, now: Now) -> Moment | None:
        head = self.fresh_head(now)
        return None if head is None else Moment(head, self._terms, now)

    def _signed(self, event: Signed, now: Now) -> list[Command]:
        """Make the signed bytes durable; only then may they be sent (I5)."""
        row = event.row
        ticket = self._tickets.pop(row.intent_id)
        reply, commands = self._intake.signed(row, now)
        send = self._own_sends.send(row, ticket, self.fresh_head(now))
        commands += self._record(row, now, (send,) if reply is None else (reply, send))
        kind = f"{row.purpose.value if reply is None else 'trade'}.sent"
        return [*commands, reports.tell(Severity.INFO, kind, f"{row.purpose} {row.tx_hash}", row)]

    # --- legs

    def _leg_done(self, event: LegDone, now: Now) -> list[Command]:
        entry = self.book.get(event.tx_hash)
        if entry is None:
            return []
        legs = self._sendings.done(event)
        commands: list[Command] = []
        if event.result != NOT_BEGUN:
            self._vitals.sent()
            row = LegRow(
                tx_hash=event.tx_hash, endpoint=event.endpoint, result=event.result, text=event.text[:300]
            )
            commands += self._record(row, now)
        if legs is not None and not entry.settled:
            commands += self._legs_done(self.book.get(event.tx_hash) or entry, legs, now)
        return commands

    def _legs_done(self, entry: Entry, legs: Legs, now: Now) -> list[Command]:
        tx_hash = entry.signed.tx_hash
        if not self._sendings.ever_began(tx_hash):
            # No byte of it ever left: its nonce is free again.
            row = OutcomeRow(
                tx_hash=tx_hash, state=TradeState.RELEASED, time=now.wall, at_ns=now.utc_ns, error=legs.text
            )
            commands = self._outcome(entry, row, now)
            at = self._moment(now)
            if at is not None and entry.signed.purpose is not Purpose.CANCEL:
                # What is out already at later nonces must not wait for the next block to hear of it.
                commands += self._own_sends.fill_gaps(at)
            return commands
        if legs.taken or not legs.began:
            # An answer that never came is no work done; one that was taken ends every row of failures.
            done = self.ledger.engine.state.emergency.errors and entry.accepted
            return self._risk(Worked(), now) if done else []
        # Refused by all: it may still have been passed on, so its nonce stays bound until the chain tells.
        failed = self._risk(Failed("send", legs.text[:300]), now)
        row = OutcomeRow(
            tx_hash=tx_hash, state=TradeState.REJECTED, time=now.wall, at_ns=now.utc_ns, error=legs.text
        )
        return [*failed, *self._outcome(entry, row, now)]

    # --- the chain

    def _identified(self, event: Identified, now: Now) -> list[Command]:
        terms, held = self._terms, self.book.chain
        refuse_another(event, held, terms)
        self.identified = True
        if held is not None:
            return []
        row = ChainRow(event.chain_id, event.genesis, terms.wallet, paper=not terms.sends)
        return self._record(row, now)

    def _head_read(self, head: HeadRead, now: Now) -> list[Command]:
        advanced = self.head is None or head.block > self.head.block
        self.head, self._head_ns = head, now.boot_ns
        commands: list[Command] = []
        for event in self._readings.price(head, now):
            commands += self._risk(event, now)
        for row in self._settlement.outcomes(head, now):
            entry = self.book.get(row.tx_hash)
            if entry is not None:
                commands += self._outcome(entry, row, now)
        commands += self._positions.head(head, now)
        # After what was settled: the same money must not be counted as a loss twice.
        held_wei = self._positions.worth_wei(head, now)
        for event in self._readings.wallet(head, now, self.ledger.engine, held_wei):
            commands += self._risk(event, now)
        if self._terms.sends:
            rows, demands = self._strangers.look(head, now)
            commands += [command for row in rows for command in self._record(row, now)]
            commands += demands
        at = Moment(head, self._terms, now)
        if advanced:
            commands += [*self._own_sends.push(at), *self._take_back(at), *self._allowances.look(at)]
        commands += self._closing.head(at)
        return commands + self._cleanup.report(over=False, held=self._positions.held())

    def _clean_up(self, allowed: CleanupAllowed, now: Now) -> list[Command]:
        head = self.fresh_head(now)
        commands = self._own_sends.clean_up(self._cleanup, allowed, head, now)
        return [*commands, *self._closing.flatten(allowed, head, now)]

    def _cleanup_over(self, _event: CleanupOver, _now: Now) -> list[Command]:
        self._closing.flattened()
        return self._cleanup.report(over=True, held=self._positions.held())

    def _outcome(self, entry: Entry, row: OutcomeRow, now: Now) -> list[Command]:
        signed = entry.signed
        commands = self._record(row, now)
        if row.state is TradeState.RELEASED:
            self._own_sends.never_left(signed)
        elif is_strangers(row):
            commands += self._strangers.demand(signed.nonce + 1, row.error, now)
        if row.state in SETTLED:
            self._sendings.forget(row.tx_hash)
        if not self._is_passed_on(signed):
            commands += self.hearers.told(entry, row, self._intake.owner(signed.intent_id))
        commands.append(reports.outcome_event(entry, row))
        return commands

    def _is_passed_on(self, signed: SignedRow) -> bool:
        """Tell whether another transaction of the same intent tells how it fares: this one was replaced."""
        entry = self.book.get(signed.tx_hash)
        return entry is not None and entry.outcome.state in GIVEN_UP and self.book.carries_on(signed)

    # --- operators, and time

    def _stop_cleared(self, event: StopCleared, now: Now) -> list[Command]:
        """An operator has recovered: what demanded that stop may do so again."""
        commands: list[Command] = []
        if event.stop_id in self.ledger.demands:
            commands += self._risk(Recovered(operator="", reason=event.stop_id), now)
            self._readings.forget()
        for row in self._strangers.recovered(event.stop_id, now):
            commands += self._record(row, now)
        return commands

    def _ordered(self, event: Ordered, now: Now) -> list[Command]:
        """Carry out an operator's order once it is written down, or answer a question."""
        engine, terms, head = self.ledger.engine, self._terms, self.fresh_head(now)
        barred = (*self._barred(), *self._positions.doubts.refusals())
        told = answer(event.request, engine, self.decisions, terms, now, head=head, barred=barred)
        if told is not None:
            return [Respond(event.identity, told)]
        pending = frozenset(each.signed.tx_hash for each in self.book.open())
        # Of several pools the order names one.
        pool = "" if terms.strategies else terms.pool
        risk, reply = orders.judge(event.request, engine, pool, now.utc_ns, pending)
        if risk is None:
            return [Respond(event.identity, reply)]
        row = RiskRow(at_ns=now.utc_ns, event=risk)
        commands = self._record(row, now, (Respond(event.identity, reply),))
        if isinstance(risk, BaselinesReset):
            self._readings.forget()
        return commands if head is None else [*commands, *self._take_back(Moment(head, terms, now))]

    def _take_back(self, at: Moment) -> list[Command]:
        """Cancel what operators ordered to be cancelled, until it is, or the order lapses (PS4a)."""
        waiting = self.ledger.engine.state.levers.orders.values()
        hashes = [pull.value for pull in waiting if pull.lever == CANCEL_TRANSACTION]
        return [command for tx_hash in hashes for command in self._own_sends.take_back(tx_hash, at)]

    def _tick(self, _event: Tick, now: Now) -> list[Command]:
        demanded = set(self.ledger.demands)
        findings = self.ledger.tick(Ticked(), now.utc_ns)
        commands = self._said(findings, demanded, now)
        for event in self._vitals.tick(now, sees=self.fresh_head(now) is not None):
            commands += self._risk(event, now)
        self._allowances.expire(now)
        return [*commands, *self._intake.expire(now)]

    def _used(self, event: UsageRead, now: Now) -> list[Command]:
        return [command for each in self._vitals.used(event) for command in self._risk(each, now)]
