"""The executor's decisions: events in, commands out; no socket, no clock, no disk."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.errors import ConfigurationInvalid
from warden.domain.intents import Intent, TradeState, TradeUpdate
from warden.domain.modes import Action
from warden.domain.risk import circuit_breaker
from warden.domain.risk.circuit_breaker import Breaker
from warden.domain.risk.refusal import Refusal, approved, refused
from warden.executor import drafts, reports, rules
from warden.executor.cleanup import CleanUp
from warden.executor.decisions import Decisions
from warden.executor.drafts import Moment
from warden.executor.gate import Ticket
from warden.executor.leg import NOT_BEGUN
from warden.executor.own_sends import OwnSends, own_ticket
from warden.executor.protocol import (
    CleanupAllowed,
    CleanupOver,
    Command,
    Event,
    HeadRead,
    Identified,
    LegDone,
    Now,
    Record,
    Reply,
    Send,
    Signed,
    Simulate,
    Simulated,
    SimulationFailed,
    StopCleared,
    Submitted,
    Terms,
    Tick,
)
from warden.executor.sendings import Legs, Sendings
from warden.executor.settlement import Settlement, is_strangers, is_trade, update
from warden.executor.strangers import Strangers
from warden.wire.messages import Answer, Progress
from warden.wire.rows import SETTLED, ChainRow, LegRow, OutcomeRow, Purpose
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.executor.book import Book, Entry

_NS_PER_S: Final = 1_000_000_000
_PREPARE_WITHIN_NS: Final = 5 * _NS_PER_S
_HEAD_OLD_AFTER_NS: Final = 10 * _NS_PER_S
_IDS_MAX: Final = 4_096
_UNKNOWN_CHAIN: Final = Refusal("chain.unknown", "the chain's state is not known now")


class _Preparing(msgspec.Struct, frozen=True):
    """An intent that passed the rules and is being simulated or signed."""

    intent: Intent
    identity: bytes
    since_ns: int


class ExecutorCore:
    """One executor's mind. Everything that must survive is in the journal, folded in `book`."""

    def __init__(self, terms: Terms, book: Book) -> None:
        self._terms = terms
        self.book = book
        self.decisions = Decisions()
        self.breaker = Breaker()
        self.head: HeadRead | None = None
        self.identified = False
        self._head_ns = 0
        self._settlement = Settlement(book, terms)
        self._preparing: dict[str, _Preparing] = {}
        self._owners: OrderedDict[str, tuple[bytes, Intent]] = OrderedDict()
        self._tickets: dict[str, Ticket] = {}
        self._sendings = Sendings(terms.legs, (entry.signed.tx_hash for entry in book.open()))
        self._cleanup = CleanUp(book)
        self._strangers = Strangers(book)
        self._own_sends = OwnSends(terms, book, self._settlement, self._sendings, self._tickets)
        self._approving = False
        self.handled = 0
        self._take: dict[type[Event], Callable[[Any, Now], list[Command]]] = {
            Submitted: self._submitted,
            Simulated: self._simulated,
            SimulationFailed: self._simulation_failed,
            Signed: self._signed,
            LegDone: self._leg_done,
            HeadRead: self._head_read,
            Identified: self._identified,
            CleanupAllowed: self._clean_up,
            CleanupOver: lambda _event, _now: self._cleanup.report(over=True),
            StopCleared: lambda event, now: self._strangers.recovered(event.stop_id, now),
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

    def allow(self, actions: frozenset[Action]) -> None:
        """Take in what the gate lets through now, before each head: nothing is signed for a closed gate."""
        self._own_sends.allowed = actions

    @property
    def offered(self) -> int:
        """Work that came in, against `handled`."""
        return self.handled + len(self._preparing)

    def hashes_out(self) -> tuple[str, ...]:
        """Return the hashes of which some leg has not ended, settled ones too: it may still write (I3)."""
        return self._sendings.hashes()

    def fresh_head(self, now: Now) -> HeadRead | None:
        """Return the chain's state, None when the last read is too old to decide on."""
        return None if now.boot_ns - self._head_ns > _HEAD_OLD_AFTER_NS else self.head

    def wanted_receipts(self) -> tuple[str, ...]:
        """Return the hashes whose receipts the next read should bring."""
        return self._settlement.wanted(self.head)

    def handle(self, event: Event, now: Now) -> list[Command]:
        """Take one event in and return what to do."""
        return self._take[type(event)](event, now)

    # --- from proposal to signature

    def _submitted(self, event: Submitted, now: Now) -> list[Command]:
        intent = event.intent
        head = self.fresh_head(now)
        self.breaker = circuit_breaker.advance(self.breaker, self._terms.breaker, now.boot_ns)
        situation = rules.Situation(
            gate=event.gate or self._strangers.refusal,
            breaker=self.breaker,
            head=head,
            exposure_wei=self.book.exposure_wei(),
            busy="one transaction at a time" if self._preparing or self.book.open() else "",
            known=intent.intent_id in self._owners,
            size_percent=event.size_percent,
        )
        refusal = rules.refusal(intent, situation, self._terms)
        if refusal is not None or head is None:
            return self._refuse(intent, event.identity, refusal or _UNKNOWN_CHAIN, now)
        if head.allowance_wei < intent.proposal.swap.amount_in:
            return self._approve_router(intent, event.identity, Moment(head, self._terms, now))
        self._preparing[intent.intent_id] = _Preparing(intent, event.identity, now.boot_ns)
        data = drafts.swap_calldata(intent, self._terms)
        return [Simulate(intent_id=intent.intent_id, to=self._terms.router, data=data)]

    def _approve_router(self, intent: Intent, identity: bytes, at: Moment) -> list[Command]:
        amount = self._terms.size.max_trade_wei
        waiting = Refusal("allowance", "the router's allowance is being set first; propose again")
        commands = self._refuse(intent, identity, waiting, at.now)
        if not self._approving:
            self._approving = True
            nonce = self.book.next_nonce(at.head.nonce)
            draft = drafts.approval(intent, amount, nonce, at)
            self._tickets[draft.draft.intent_id] = own_ticket(Action.OPEN, at.now)
            commands.append(draft)
        return commands

    def _simulated(self, event: Simulated, now: Now) -> list[Command]:
        preparing = self._preparing.get(event.intent_id)
        if preparing is None:
            return []
        head = self.fresh_head(now)
        if head is None:
            return self._drop(preparing, _UNKNOWN_CHAIN, now)
        intent = preparing.intent
        nonce = self.book.next_nonce(head.nonce)
        self._tickets[intent.intent_id] = Ticket(
            action=Action.OPEN,
            trader_session=intent.trader_session,
            not_after_boot_ns=intent.not_after_boot_ns,
        )
        self.breaker = circuit_breaker.begin(self.breaker, intent.intent_id, now.boot_ns)
        return [drafts.swap(intent, event.gas, nonce, Moment(head, self._terms, now))]

    def _simulation_failed(self, event: SimulationFailed, now: Now) -> list[Command]:
        preparing = self._preparing.get(event.intent_id)
        rule = "simulation.reverts" if event.refused else "simulation.unavailable"
        return [] if preparing is None else self._drop(preparing, Refusal(rule, event.text[:300]), now)

    def _signed(self, event: Signed, now: Now) -> list[Command]:
        """Make the signed bytes durable; only then may they be sent (I5)."""
        row = event.row
        ticket = self._tickets.pop(row.intent_id)
        self._approving = self._approving and row.purpose is not Purpose.APPROVE
        preparing = self._preparing.pop(row.intent_id, None)
        self.book.apply(row)
        then: tuple[Reply | Send, ...] = (self._own_sends.send(row, ticket),)
        commands: list[Command] = []
        if preparing is not None:
            self.handled += 1
            decision = approved(row.intent_id)
            self.decisions.note(preparing.intent, decision, now)
            self._own(preparing.intent, preparing.identity)
            then = (Reply(preparing.identity, Answer(decision=decision)), *then)
        commands.append(Record(row=row, then=then))
        commands.append(
            reports.tell(
                Severity.INFO,
                f"{'trade' if preparing else row.purpose.value}.sent",
                f"{row.purpose} {row.tx_hash}",
                row,
            )
        )
        return commands

    def _refuse(self, intent: Intent, identity: bytes, refusal: Refusal, now: Now) -> list[Command]:
        self.handled += 1
        decision = refused(intent.intent_id, refusal)
        row = self.decisions.note(intent, decision, now)
        self._own(intent, identity)
        commands: list[Command] = [Reply(identity, Answer(decision=decision))]
        return commands if row is None else [*commands, Record(row=row)]

    def _drop(self, preparing: _Preparing, refusal: Refusal, now: Now) -> list[Command]:
        del self._preparing[preparing.intent.intent_id]
        return self._refuse(preparing.intent, preparing.identity, refusal, now)

    def _own(self, intent: Intent, identity: bytes) -> None:
        self._owners[intent.intent_id] = (identity, intent)
        while len(self._owners) > _IDS_MAX:
            self._owners.popitem(last=False)

    # --- legs

    def _leg_done(self, event: LegDone, now: Now) -> list[Command]:
        entry = self.book.get(event.tx_hash)
        if entry is None:
            return []
        legs = self._sendings.done(event)
        commands: list[Command] = []
        if event.result != NOT_BEGUN:
            row = LegRow(
                tx_hash=event.tx_hash, endpoint=event.endpoint, result=event.result, text=event.text[:300]
            )
            self.book.apply(row)
            commands.append(Record(row=row))
        if legs is not None and not entry.settled:
            commands += self._legs_done(entry, legs, now)
        return commands

    def _legs_done(self, entry: Entry, legs: Legs, now: Now) -> list[Command]:
        tx_hash = entry.signed.tx_hash
        if not self._sendings.ever_began(tx_hash):
            # No byte of it ever left: its nonce is free again.
            row = OutcomeRow(
                tx_hash=tx_hash, state=TradeState.RELEASED, time=now.wall, at_ns=now.utc_ns, error=legs.text
            )
            return self._outcome(entry, row, now)
        if legs.taken or not legs.began:
            return []
        # Refused by all: it may still have been passed on, so its nonce stays bound until the chain tells.
        row = OutcomeRow(
            tx_hash=tx_hash, state=TradeState.REJECTED, time=now.wall, at_ns=now.utc_ns, error=legs.text
        )
        return self._outcome(entry, row, now)

    # --- the chain

    def _identified(self, event: Identified, _now: Now) -> list[Command]:
        terms, held = self._terms, self.book.chain
        if event.chain_id != terms.chain_id:
            raise ConfigurationInvalid(
                f"the endpoints serve chain {event.chain_id}, but chain.id is {terms.chain_id} in warden.toml"
            )
        if held is not None and (held.chain_id, held.genesis) != (event.chain_id, event.genesis):
            raise ConfigurationInvalid(
                "executor.db belongs to another chain (its genesis differs): use another --home"
            )
        self.identified = True
        if held is not None:
            return []
        row = ChainRow(chain_id=event.chain_id, genesis=event.genesis, wallet=terms.wallet)
        self.book.apply(row)
        return [Record(row=row)]

    def _head_read(self, head: HeadRead, now: Now) -> list[Command]:
        advanced = self.head is None or head.block > self.head.block
        self.head, self._head_ns = head, now.boot_ns
        commands: list[Command] = []
        for row in self._settlement.outcomes(head, now):
            entry = self.book.get(row.tx_hash)
            if entry is not None:
                commands += self._outcome(entry, row, now)
        if self._terms.sends:
            commands += self._strangers.look(head, now)
        if advanced:
            commands += self._own_sends.push(Moment(head, self._terms, now))
        return commands + self._cleanup.report(over=False)

    def _clean_up(self, allowed: CleanupAllowed, now: Now) -> list[Command]:
        return self._own_sends.clean_up(self._cleanup, allowed, self.fresh_head(now), now)

    def _outcome(self, entry: Entry, row: OutcomeRow, now: Now) -> list[Command]:
        self.book.apply(row)
        signed = entry.signed
        commands: list[Command] = [Record(row=row)]
        if row.state is TradeState.RELEASED:
            self._own_sends.never_left(signed)
        elif is_strangers(row):
            commands += self._strangers.demand(signed.nonce + 1, row.error, now)
        if row.state in SETTLED:
            self._sendings.forget(row.tx_hash)
        if is_trade(entry):
            commands += self._judge(entry, row, now)
            owner = self._owners.get(signed.intent_id)
            if owner is not None:
                progress: TradeUpdate = update(entry, row)
                commands.append(Reply(owner[0], Progress(update=progress)))
        commands.append(reports.outcome_event(entry, row))
        return commands

    def _judge(self, entry: Entry, row: OutcomeRow, now: Now) -> list[Command]:
        """Let the breaker know what came of a trade."""
        before, intent_id = self.breaker, entry.signed.intent_id
        if row.state in {TradeState.MINED, TradeState.REVERTED}:
            self.breaker = circuit_breaker.settle(
                before,
                self._terms.breaker,
                intent_id,
                success=row.state is TradeState.MINED,
                now_ns=now.boot_ns,
            )
        elif row.state in {TradeState.RELEASED, TradeState.SUPERSEDED}:
            self.breaker = circuit_breaker.abandon(before, intent_id)
        return reports.breaker_events(before, self.breaker)

    def _tick(self, _event: Tick, now: Now) -> list[Command]:
        before = self.breaker
        self.breaker = circuit_breaker.advance(before, self._terms.breaker, now.boot_ns)
        commands = reports.breaker_events(before, self.breaker)
        for preparing in list(self._preparing.values()):
            if now.boot_ns - preparing.since_ns > _PREPARE_WITHIN_NS:
                refusal = Refusal("simulation.unavailable", "no answer to the simulation within 5 s")
                commands += self._drop(preparing, refusal, now)
        return commands
