"""An intent on its way from submission to signature: the rules in the order of EX1, a share, a simulation.

permission, form, head → breaker, integrity, capital, limits (the engine) → reserved → simulated → asset
changes → gas, levers → assessed → signed. Each answer is typed and journalled; a refusal gives back what was
reserved.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.intents import Intent, Outcome
from warden.domain.modes import Action
from warden.domain.risk.events import Failed, Released, Request, RiskEvent, Worked
from warden.domain.risk.refusal import Refusal, approved, reduced, refused
from warden.executor.intents import judging, requests, rules, shares
from warden.executor.protocol.commands import Command, Record, Reply
from warden.executor.protocol.terms import Ticket
from warden.executor.sends import drafts, gas_reserve
from warden.executor.sends.drafts import Moment
from warden.wire.messages import Answer
from warden.wire.rows import RiskRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.domain.intents import Decision
    from warden.executor.books.ledger import Ledger
    from warden.executor.intents.decisions import Decisions
    from warden.executor.intents.ways_out import WaysOut
    from warden.executor.protocol.events import HeadRead, Simulated, SimulationFailed, Submitted
    from warden.executor.protocol.terms import Now, Terms
    from warden.wire.rows import ExecutorRow, SignedRow

_PREPARE_WITHIN_NS: Final = 5 * 1_000_000_000
_IDS_MAX: Final = 4_096
SIMULATION: Final = "simulation"
UNKNOWN_CHAIN: Final = Refusal("chain.unknown", "the chain's state is not known now")
_MARKET_PENDING: Final = Refusal(
    "pending.market",
    "a transaction of ours in this market is on its way: what the chain shows there is about to change",
)
_WAITING: Final = Refusal("allowance", "the router's allowance is being set first; propose again")
EXIT_WAITING: Final = Refusal("allowance", "the sale of what it buys is being approved; propose again")
TOO_LATE: Final = Refusal("simulation.unavailable", "no answer to the simulation within 5 s")


class Preparing(msgspec.Struct, frozen=True):
    """An intent that holds its share and is being simulated or signed.

    Attributes:
        asked: as it was submitted; `intent` may be smaller, because of `because`.
        request: what it holds its share by.
        assessed: its risk was told once; a second time it is not made smaller.
        sells_from: the position that it sells from; it holds no share then. Empty for what opens.
    """

    asked: Intent
    intent: Intent
    identity: bytes
    request: Request
    since_ns: int
    because: Refusal | None = None
    assessed: bool = False
    sells_from: str = ""

    def decision(self) -> Decision:
        """Return the decision that lets it pass."""
        if self.because is None:
            return approved(self.intent.intent_id)
        amount_in = int(self.intent.proposal.swap.amount_in)
        return reduced(self.intent.intent_id, self.because, amount_in)


class Intake:
    """The intents of one executor that are not signed yet.

    Args:
        record: applies a row to the ledger, and returns what is to be done: the row recorded, findings told.
        tickets: of drafts that are being signed, by intent id; shared with the core, which takes them out.
        ways: what has to be there before a position is opened or sold.
    """

    def __init__(
        self,
        terms: Terms,
        ledger: Ledger,
        decisions: Decisions,
        tickets: dict[str, Ticket],
        record: Callable[[ExecutorRow, Now], list[Command]],
        *,
        ways: WaysOut,
    ) -> None:
        self._terms = terms
        self._ledger = ledger
        self._decisions = decisions
        self._allowances = ways.allowances
        self._tickets = tickets
        self._record = record
        self._ways = ways
        self._preparing: dict[str, Preparing] = {}
        self._owners: dict[str, tuple[bytes, Intent]] = {}
        self._ids: dict[str, deque[str]] = {}
        self.handled = 0

    @property
    def under_way(self) -> int:
        """How many intents are being prepared."""
        return len(self._preparing)

    def owner(self, intent_id: str) -> bytes | None:
        """Return who submitted an intent; None once that is forgotten."""
        found = self._owners.get(intent_id)
        return None if found is None else found[0]

    def submitted(
        self, event: Submitted, head: HeadRead | None, barred: Refusal | None, now: Now
    ) -> list[Command]:
        """Take an intent in; it is refused, or holds its share and is simulated.

        Args:
            event: the intent, and what the gate says of it.
            head: None while the chain is unknown.
            barred: why nothing may be opened now, beside the gate and the rules.
            now: the moment.
        """
        intent, engine = event.intent, self._ledger.engine
        if event.gate is None:  # without a permit nothing opens, and no size says why
            engine.scale(event.size_percent)
        situation = rules.Situation(
            gate=event.gate or barred,
            head=head,
            known=intent.intent_id in self._owners,
            reduce_gate=event.reduce_gate,
        )
        refusal = rules.refusal(intent, situation, self._terms)
        if refusal is not None or head is None:
            return self._refuse(intent, event.identity, refusal or UNKNOWN_CHAIN, now)
        at = Moment(head, self._terms, now)
        if rules.reduces(intent, self._terms):
            return self._sell(intent, event.identity, at)
        request = requests.request_of(intent, self._pool(intent), at)
        fitted = engine.fit(request, now.utc_ns, lambda _, size: self._resized(intent, size, at))
        if isinstance(fitted, Refusal):
            return self._refuse(intent, event.identity, fitted, now)
        opens = not fitted.request.cycle
        reserve = gas_reserve.refusal(self._ledger, fitted.request.gas_wei, at, opens=opens)
        barred = self._full(request) or reserve or self._ways.opening(intent, at)
        if barred is not None:
            return self._refuse(intent, event.identity, barred, now)
        smaller = intent
        if fitted.request.spend_wei != request.spend_wei:
            request = fitted.request
            smaller = requests.resized(intent, request.spend_wei)
        if not self._allowances.covers_trade(request.spend_wei, head):
            commands = self._refuse(intent, event.identity, _WAITING, now)
            return [*commands, *self._allow(intent, request, at)]
        self._own(intent, event.identity)
        preparing = Preparing(
            asked=intent,
            intent=smaller,
            identity=event.identity,
            request=request,
            since_ns=now.boot_ns,
            because=fitted.because,
        )
        return self._prepare(preparing, at)

    def _sell(self, intent: Intent, identity: bytes, at: Moment) -> list[Command]:
        """Take in a sale from a position: it takes nothing of a limit, and never more than there is."""
        held, now = self._ways.sale(intent, self._pool(intent)), at.now
        if isinstance(held, Refusal):
            return self._refuse(intent, identity, held, now)
        request = requests.request_of(intent, self._pool(intent), at)
        refusal = self._ledger.engine.check(request, now.utc_ns)
        if refusal is None and any(each.sells_from == held.position_id for each in self._preparing.values()):
            refusal = Refusal("position.leaving", "another sale from this position is being prepared")
        if refusal is not None:
            return self._refuse(intent, identity, refusal, now)
        if (self._allowances.standing(held.token, at.head) or 0) < intent.proposal.swap.amount_in:
            commands = self._refuse(intent, identity, EXIT_WAITING, now)
            return [*commands, *self._allowances.ask_for_sale(held, at)]
        self._own(intent, identity)
        preparing = Preparing(
            asked=intent,
            intent=intent,
            identity=identity,
            request=request,
            since_ns=now.boot_ns,
            sells_from=held.position_id,
        )
        return self._prepare(preparing, at)

    def _full(self, request: Request) -> Refusal | None:
        """Return why nothing more may be opened: so many nonces are taken, or one in its very market."""
        book = self._ledger.book
        under_way = [*(each.signed.pool for each in book.open()), *self._pools_preparing()]
        taken = len(book.open_nonces()) + len(self._preparing)
        full = shares.refusal(self._terms, request.strategy, taken, under_way)
        markets = {each.signed.market for each in book.open()}
        markets |= {each.request.market for each in self._preparing.values()}
        return full or (_MARKET_PENDING if request.market in markets else None)

    def _pools_preparing(self) -> list[str]:
        return [each.request.strategy for each in self._preparing.values()]

    def _allow(self, intent: Intent, request: Request, at: Moment) -> list[Command]:
        pool = self._pool(intent)
        return self._allowances.ask_for_trade(request.spend_wei, intent.trace_id, at, pool=pool)

    def _pool(self, intent: Intent) -> str:
        return self._terms.pool_of(intent.strategy)

    def _resized(self, intent: Intent, amount_in: int, at: Moment) -> Request:
        """Return the request at another size, as it will be reserved and signed."""
        return requests.request_of(requests.resized(intent, amount_in), self._pool(intent), at)

    def _prepare(self, preparing: Preparing, at: Moment) -> list[Command]:
        """Reserve, and ask what it would do."""
        self._preparing[preparing.intent.intent_id] = preparing
        sells = bool(preparing.sells_from)
        commands = [] if sells else self._risk(requests.reserved(preparing.request), at.now)
        return [*commands, judging.simulation_of(preparing.intent, at)]

    def simulated(self, event: Simulated, head: HeadRead | None, now: Now) -> list[Command]:
        """Take in what the intent would do: it is refused, made smaller, or signed."""
        preparing = self._preparing.get(event.intent_id)
        if preparing is None:
            return []
        if head is None:
            return self._drop(preparing, UNKNOWN_CHAIN, now)
        at = Moment(head, self._terms, now)
        judged = self._sold if preparing.sells_from else self._opened
        return [*self._worked(now), *judged(preparing, event, at)]

    def _opened(self, preparing: Preparing, event: Simulated, at: Moment) -> list[Command]:
        """Sign what holds its share and was tried, unless its gas, its way out or its risk speaks against."""
        intent, now, commands = preparing.intent, at.now, list[Command]()
        request = requests.request_of(intent, self._pool(intent), at, drafts.with_room(event.gas))
        refusal = judging.refusal(intent, event, self._terms)
        if refusal is None:
            refusal = self._too_dear(judging.observed(request, event, self._terms), preparing, now)
        trip = event.trip
        if refusal is None and trip and not self._allowances.covers_exit(trip.token, trip.came, at.head):
            refusal = EXIT_WAITING
            pool = self._pool(intent)
            commands += self._allowances.ask_for_exit(trip.token, trip.came, intent.trace_id, at, pool=pool)
        if refusal is not None:
            return [*commands, *self._drop(preparing, refusal, now)]
        opportunity = requests.opportunity_of(intent, request, event, self._ledger.engine, at)
        verdict = self._ledger.engine.assess(opportunity, now.utc_ns)
        if verdict is not None and verdict.refusal is not None:
            if verdict.outcome is Outcome.REDUCED and not preparing.assessed:
                return self._make_smaller(preparing, verdict.amount_in, verdict.refusal, at)
            return self._drop(preparing, verdict.refusal, now)
        self._tickets[intent.intent_id] = Ticket(
            action=Action.OPEN,
            trader_session=intent.trader_session,
            not_after_boot_ns=intent.not_after_boot_ns,
        )
        nonce = self._ledger.book.next_nonce(at.head.nonce)
        return [drafts.swap(intent, event.gas, nonce, at)]

    def _sold(self, preparing: Preparing, event: Simulated, at: Moment) -> list[Command]:
        """Sign a sale from a position that was tried, unless something else sells from it by now."""
        intent = preparing.intent
        refusal = judging.refusal(intent, event, self._terms)
        if refusal is None:
            held = self._ways.sale(intent, self._pool(intent))
            refusal = held if isinstance(held, Refusal) else None
        if refusal is not None:
            return self._drop(preparing, refusal, at.now)
        self._tickets[intent.intent_id] = Ticket(
            action=Action.REDUCE,
            trader_session=intent.trader_session,
            not_after_boot_ns=intent.not_after_boot_ns,
        )
        nonce = self._ledger.book.next_nonce(at.head.nonce)
        return [drafts.swap(intent, event.gas, nonce, at, sells_from=preparing.sells_from)]

    def _too_dear(self, request: Request, preparing: Preparing, now: Now) -> Refusal | None:
        """Return why it may not be signed now that its gas is known, or None."""
        if request.gas_wei > preparing.request.gas_wei:
            return _dearer(request, preparing.request)
        return self._ledger.engine.check_send(request, now.utc_ns)

    def _make_smaller(
        self, preparing: Preparing, amount_in: int, because: Refusal | None, at: Moment
    ) -> list[Command]:
        """Let its share go, and begin again at the size whose risk passes."""
        intent = requests.resized(preparing.intent, amount_in)
        commands = self._risk(Released(intent.intent_id), at.now)
        request = requests.request_of(intent, self._pool(intent), at)
        smaller = msgspec.structs.replace(
            preparing, intent=intent, request=request, because=because, assessed=True
        )
        refusal = self._ledger.engine.check(request, at.now.utc_ns)
        if refusal is not None:
            return [*commands, *self._drop(smaller, refusal, at.now)]
        return [*commands, *self._prepare(smaller, at)]

    def failed(self, event: SimulationFailed, now: Now) -> list[Command]:
        """Take in that it would revert, or that nobody could tell."""
        preparing = self._preparing.get(event.intent_id)
        if preparing is None:
            return []
        if event.refused:
            return [
                *self._worked(now),
                *self._drop(preparing, Refusal(event.rule or "simulation.reverts", event.text[:300]), now),
            ]
        refusal = Refusal("simulation.unavailable", event.text[:300])
        return [*self._unable(refusal.message, now), *self._drop(preparing, refusal, now)]

    def expire(self, now: Now) -> list[Command]:
        """Give up what got no answer in time."""
        commands: list[Command] = []
        for preparing in list(self._preparing.values()):
            if now.boot_ns - preparing.since_ns > _PREPARE_WITHIN_NS:
                commands += self._unable(TOO_LATE.message, now)
                commands += self._drop(preparing, TOO_LATE, now)
        return commands

    def signed(self, signed: SignedRow, now: Now) -> tuple[Reply | None, list[Command]]:
        """Take out an intent that was signed; return the answer to its trader, and the decision's row."""
        preparing = self._preparing.pop(signed.intent_id, None)
        if preparing is None:
            return None, []
        self.handled += 1
        decision = preparing.decision()
        row = self._decisions.note(preparing.asked, decision, now)
        answer = Answer(decision=decision, tx_hash=signed.tx_hash)
        return Reply(preparing.identity, answer), [] if row is None else [Record(row=row)]

    def _refuse(self, intent: Intent, identity: bytes, refusal: Refusal, now: Now) -> list[Command]:
        self.handled += 1
        decision = refused(intent.intent_id, refusal)
        row = self._decisions.note(intent, decision, now)
        if intent.intent_id not in self._owners:
            # Whoever repeats an id does not take over what becomes of it.
            self._own(intent, identity)
        commands: list[Command] = [Reply(identity, Answer(decision=decision))]
        return commands if row is None else [*commands, Record(row=row)]

    def _drop(self, preparing: Preparing, refusal: Refusal, now: Now) -> list[Command]:
        """Refuse what was being prepared, and let its share go."""
        self._preparing.pop(preparing.intent.intent_id, None)
        held = not preparing.sells_from
        commands = self._risk(Released(preparing.intent.intent_id), now) if held else []
        return [*commands, *self._refuse(preparing.asked, preparing.identity, refusal, now)]

    def _own(self, intent: Intent, identity: bytes) -> None:
        self._owners[intent.intent_id] = (identity, intent)
        # Of each strategy so many: who floods the executor with ids makes it forget its own alone.
        own = self._ids.setdefault(self._pool(intent), deque())
        own.append(intent.intent_id)
        if len(own) > _IDS_MAX:
            self._owners.pop(own.popleft(), None)

    def _unable(self, text: str, now: Now) -> list[Command]:
        """Take in that nobody could simulate."""
        return self._risk(Failed(SIMULATION, text), now)

    def _worked(self, now: Now) -> list[Command]:
        """End a row of failures, where there is one."""
        failing = self._ledger.engine.state.emergency.failing
        return self._risk(Worked(SIMULATION), now) if failing == SIMULATION else []

    def _risk(self, event: RiskEvent, now: Now) -> list[Command]:
        return self._record(RiskRow(at_ns=now.utc_ns, event=event), now)


def _dearer(request: Request, held: Request) -> Refusal:
    return Refusal(
        "simulation.gas",
        "it would use more gas than it was let through with",
        limit=str(held.gas_wei),
        observed=str(request.gas_wei),
        unit="wei",
    )
