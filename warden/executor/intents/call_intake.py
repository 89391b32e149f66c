"""Calls on their way to a signature, beside the swaps of `Intake` (EX11, EX12).

A call of the known router becomes the swap that it is. Any other one is simulated first, for only that tells
what it does; then it stands as a swap with the same tokens and amounts before every rule, holds its share,
is tried once more where it buys (with the sale of what it brings), and is signed as it was written.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
from eth_utils.address import to_checksum_address

from warden.domain.intents import Call, Intent, Proposal
from warden.domain.modes import Action
from warden.domain.risk import round_trip
from warden.domain.risk.events import NS_PER_S, Request
from warden.domain.risk.refusal import Refusal
from warden.executor.books import position_book
from warden.executor.books.position_book import Holding
from warden.executor.intents import call_drafts, call_rules, call_swaps, requests, rules
from warden.executor.intents.call_rules import CallKind, Moves
from warden.executor.intents.intake import EXIT_WAITING, TOO_LATE, UNKNOWN_CHAIN, Intake, Preparing
from warden.executor.protocol.commands import Command, Sign, Simulate
from warden.executor.protocol.terms import Ticket
from warden.executor.sends import drafts, gas_reserve
from warden.executor.sends.drafts import Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.executor.books.ledger import Ledger
    from warden.executor.intents.decisions import Decisions
    from warden.executor.intents.ways_out import WaysOut
    from warden.executor.protocol.events import HeadRead, Simulated, SimulationFailed, Submitted
    from warden.executor.protocol.terms import Now, Terms
    from warden.wire.rows import ExecutorRow

_WITHIN_NS: Final = 5 * NS_PER_S
_TRYING_MAX: Final = 32
_GAS_LIMIT: Final = 3_000_000
_IMPOSSIBLE: Final = Refusal("simulation.impossible", "what the call would do cannot be told")
_MOVED: Final = Refusal("call.moved", "the market has moved while it was looked at: send it again")
_BUSY: Final = Refusal("call.busy", "as many calls as are looked at at once are waiting", str(_TRYING_MAX))


class _Trying(msgspec.Struct, frozen=True):
    """A call that is being simulated for the first time.

    Attributes:
        gate: why nothing may be opened, None where it may; `reduce_gate` the same of selling.
    """

    intent: Intent
    call: Call
    identity: bytes
    gate: Refusal | None
    reduce_gate: Refusal | None
    since_ns: int


class _Buying(msgspec.Struct, frozen=True):
    """A call that holds its share and is tried with the sale of what it buys."""

    call: Call
    moves: Moves


class CallIntake(Intake):
    """The intents of one executor that are not signed yet, calls with them."""

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
        super().__init__(terms, ledger, decisions, tickets, record, ways=ways)
        self._trying: dict[str, _Trying] = {}
        self._buying: dict[str, _Buying] = {}

    @property
    def under_way(self) -> int:
        """How many intents are being prepared."""
        return super().under_way + len(self._trying)

    # --- in

    def submitted(
        self, event: Submitted, head: HeadRead | None, barred: Refusal | None, now: Now
    ) -> list[Command]:
        """Take an intent in; a call is refused, read as a swap, or simulated."""
        if event.by_bot and head is not None:
            event = msgspec.structs.replace(event, intent=self._dated(event.intent, head, now))
        intent, call = event.intent, event.intent.proposal.call
        if call is None:
            return super().submitted(event, head, barred, now)
        if intent.intent_id in self._trying:
            return self._refuse(intent, event.identity, rules.DUPLICATE, now)
        if head is not None:
            next_nonce = self._ledger.book.next_nonce(head.nonce)
            decoded = call_rules.nonce(call, next_nonce) or call_swaps.swap_of(call, self._terms)
            if isinstance(decoded, Refusal):
                return self._refuse(intent, event.identity, decoded, now)
            if decoded is not None:
                proposal = Proposal(swap=decoded.swap, note=intent.proposal.note)
                until_s = min(intent.not_after_s, decoded.deadline_s)
                asked = msgspec.structs.replace(intent, proposal=proposal, not_after_s=until_s)
                return super().submitted(msgspec.structs.replace(event, intent=asked), head, barred, now)
        return self._call(event, call, head, barred, now)

    def _dated(self, intent: Intent, head: HeadRead, now: Now) -> Intent:
        """Return a bot's intent with its last moment: the gateway knows neither chain time nor this clock."""
        life_s = math.ceil(self._terms.bot.valid_blocks * self._terms.block_time_s)
        return msgspec.structs.replace(
            intent,
            block=head.block,
            not_after_s=head.timestamp_s + life_s,
            not_after_boot_ns=min(intent.not_after_boot_ns, now.boot_ns + life_s * NS_PER_S),
        )

    def _call(
        self, event: Submitted, call: Call, head: HeadRead | None, barred: Refusal | None, now: Now
    ) -> list[Command]:
        intent, book = event.intent, self._ledger.book
        if event.gate is None:
            self._ledger.engine.scale(event.size_percent)
        gate = event.gate or barred
        refusal = None
        if gate is not None and event.reduce_gate is not None:
            refusal = gate
        elif intent.intent_id in self._owners:
            refusal = rules.DUPLICATE
        elif head is None:
            refusal = UNKNOWN_CHAIN
        else:
            shape = call_rules.shape(call, self._terms, book.next_nonce(head.nonce))
            refusal = rules.names(intent) or rules.late(intent, head) or shape
        if refusal is None and len(self._trying) >= _TRYING_MAX:
            refusal = _BUSY
        if refusal is not None or head is None:
            return self._refuse(intent, event.identity, refusal or UNKNOWN_CHAIN, now)
        self._own(intent, event.identity)
        self._trying[intent.intent_id] = _Trying(
            intent=intent,
            call=call,
            identity=event.identity,
            gate=gate,
            reduce_gate=event.reduce_gate,
            since_ns=now.boot_ns,
        )
        return [self._simulation(intent, call, Moment(head, self._terms, now))]

    def _simulation(self, intent: Intent, call: Call, at: Moment, buys: str = "") -> Simulate:
        """Return what is tried; `buys` is the token that it brings, whose sale is tried with it."""
        terms, weth = self._terms, self._terms.weth
        held = (each.token for each in position_book.standing(self._ledger.holdings))
        return Simulate(
            intent_id=intent.intent_id,
            to=call.to.lower(),
            data=call.data,
            path=(weth, buys) if buys else (),
            tokens=tuple(dict.fromkeys((weth.lower(), *held))),
            pairs=((weth.lower(), terms.router.lower()),),
            required=True,
            round_trip=bool(buys),
            sell_at=terms.router if buys else "",
            gas_limit=_GAS_LIMIT,
            gas_price_wei=drafts.fees(at)[0],
            base_fee_wei=at.head.base_fee_wei,
            at_s=intent.not_after_s,
            # What a contract that nobody knows would do is nobody's word alone.
            witnessed=terms.witnessed_from_wei is not None,
        )

    # --- what it would do

    def simulated(self, event: Simulated, head: HeadRead | None, now: Now) -> list[Command]:
        """Take in what an intent would do."""
        buying = self._buying.pop(event.intent_id, None)
        preparing = self._preparing.get(event.intent_id)
        if buying is not None and preparing is not None and head is not None:
            return [
                *self._worked(now),
                *self._bought(preparing, buying, event, Moment(head, self._terms, now)),
            ]
        trying = self._trying.pop(event.intent_id, None)
        if trying is None:
            return super().simulated(event, head, now)
        if head is None:
            return self._refuse(trying.intent, trying.identity, UNKNOWN_CHAIN, now)
        return [*self._worked(now), *self._seen(trying, event, Moment(head, self._terms, now))]

    def _judged(self, event: Simulated, intent: Intent, *, first: bool) -> Moves | Refusal:
        """Return what a call does, or why it may not."""
        if event.changes is None:
            return _IMPOSSIBLE
        found = call_rules.moves(event.changes, self._terms)
        if isinstance(found, Refusal):
            return found
        most = 0
        if found.allowance is not None:
            most = self._allowance_max(found.allowance.token, self._pool(intent))
        return call_rules.refusal(event.changes, found, self._terms, most, first=first) or found

    def _allowance_max(self, token: str, pool: str) -> int:
        """Return what a named spender may be allowed of a token: one trade, or all that is held of it."""
        if token == self._terms.weth.lower():
            return min(self._terms.allowance_wei, self._ledger.engine.effective.trade.wei)
        held = position_book.standing(self._ledger.holdings)
        return sum(int(each.amount) for each in held if (each.token, each.strategy) == (token, pool))

    def _seen(self, trying: _Trying, event: Simulated, at: Moment) -> list[Command]:
        found = self._judged(event, trying.intent, first=True)
        refusal = found if isinstance(found, Refusal) else None
        if isinstance(found, Moves):
            reduces = found.kind is CallKind.REDUCES
            refusal = trying.reduce_gate if reduces else trying.gate
        if refusal is not None or isinstance(found, Refusal):
            return self._refuse(trying.intent, trying.identity, refusal or _IMPOSSIBLE, at.now)
        take = {CallKind.NOTHING: self._harmless, CallKind.REDUCES: self._sells}.get(found.kind, self._spends)
        return take(trying, found, event, at)

    def _as_swap(self, trying: _Trying, found: Moves) -> Intent:
        return call_drafts.as_swap(trying.intent, trying.call, found, self._terms.weth)

    def _request(self, intent: Intent, call: Call, event: Simulated, at: Moment) -> Request:
        gas = drafts.with_room(event.gas)
        request = requests.request_of(intent, self._pool(intent), at, gas)
        contract = call.to.lower()
        return msgspec.structs.replace(request, router=contract, tokens=(*request.tokens, contract))

    def _harmless(self, trying: _Trying, found: Moves, event: Simulated, at: Moment) -> list[Command]:
        """Sign what moves nothing, if even the smallest trade could be opened now; it costs its gas."""
        intent, engine = trying.intent, self._ledger.engine
        standing = self._request(self._as_swap(trying, found), trying.call, event, at)
        smallest = msgspec.structs.replace(standing, spend_wei=max(1, engine.effective.min_wei), cycle=False)
        refusal = engine.check(smallest, at.now.utc_ns) or self._no_room(smallest, at, opens=False)
        if refusal is not None:
            return self._refuse(intent, trying.identity, refusal, at.now)
        shadow = self._as_swap(trying, found)
        # Nothing to release should it be dropped: it holds no share.
        preparing = self._held(trying, shadow, smallest, at, sells_from="-")
        return [self._sign(preparing, trying.call, found, event, at)]

    def _no_room(self, request: Request, at: Moment, *, opens: bool) -> Refusal | None:
        """Return that no nonce is left for it, or too little gas."""
        reserve = gas_reserve.refusal(self._ledger, request.gas_wei, at, opens=opens)
        return self._full(request) or reserve

    def _sells(self, trying: _Trying, found: Moves, event: Simulated, at: Moment) -> list[Command]:
        """Sign the sale of a position, if it brings what the pools would."""
        intent, engine = (
            self._as_swap(trying, found),
            self._ledger.engine,
        )
        held = self._ways.sale(intent, self._pool(intent))
        request = self._request(intent, trying.call, event, at)
        refusal = held if isinstance(held, Refusal) else engine.check(request, at.now.utc_ns)
        if refusal is None and isinstance(held, Holding):
            if any(each.sells_from == held.position_id for each in self._preparing.values()):
                refusal = Refusal("position.leaving", "another sale from this position is being prepared")
            else:
                refusal = call_drafts.undersold(held, found, at)
        if refusal is not None or isinstance(held, Refusal):
            return self._refuse(trying.intent, trying.identity, refusal or _IMPOSSIBLE, at.now)
        preparing = self._held(trying, intent, request, at, sells_from=held.position_id)
        return [self._sign(preparing, trying.call, found, event, at)]

    def _spends(self, trying: _Trying, found: Moves, event: Simulated, at: Moment) -> list[Command]:
        """Let a cycle or a purchase hold its share; the one is signed, the other tried with its sale."""
        intent, engine, buys = (
            self._as_swap(trying, found),
            self._ledger.engine,
            found.token,
        )
        request = self._request(intent, trying.call, event, at)
        refusal = None if buys else call_rules.loses(found.went, found.came, self._terms, gains=True)
        if refusal is None:
            fitted = engine.fit(request, at.now.utc_ns)
            refusal = fitted if isinstance(fitted, Refusal) else self._no_room(request, at, opens=bool(buys))
        if refusal is None:
            refusal = self._ways.opening(intent, at)
        if refusal is not None:
            return self._refuse(trying.intent, trying.identity, refusal, at.now)
        preparing = self._held(trying, intent, request, at)
        commands = self._risk(requests.reserved(request), at.now)
        if not buys:
            return [*commands, self._sign(preparing, trying.call, found, event, at)]
        self._buying[intent.intent_id] = _Buying(trying.call, found)
        return [*commands, self._simulation(intent, trying.call, at, buys=to_checksum_address(buys))]

    def _bought(self, preparing: Preparing, buying: _Buying, event: Simulated, at: Moment) -> list[Command]:
        """Sign a purchase that could be sold again, for about what it costs."""
        intent, now, commands = preparing.intent, at.now, list[Command]()
        found = self._judged(event, intent, first=False)
        if isinstance(found, Refusal):
            return self._drop(preparing, found, now)
        if (found.kind, found.token) != (CallKind.OPENS, buying.moves.token):
            return self._drop(preparing, _MOVED, now)
        trip = event.trip
        if trip is None:
            return self._drop(preparing, _IMPOSSIBLE, now)
        refusal = round_trip.judge(trip, self._terms.max_token_tax_bps, self._terms.decimals.get(trip.token))
        shadow = call_drafts.as_swap(intent, buying.call, found, self._terms.weth)
        request = self._request(shadow, buying.call, event, at)
        refusal = refusal or call_rules.loses(found.went, trip.sold_wei, self._terms)
        if request.gas_wei > preparing.request.gas_wei or request.spend_wei > preparing.request.spend_wei:
            refusal = refusal or _MOVED
        refusal = refusal or self._ledger.engine.check_send(request, now.utc_ns)
        if refusal is None and not self._allowances.covers_exit(trip.token, trip.came, at.head):
            refusal, pool = EXIT_WAITING, self._pool(intent)
            commands += self._allowances.ask_for_exit(trip.token, trip.came, intent.trace_id, at, pool=pool)
        if refusal is not None:
            return [*commands, *self._drop(preparing, refusal, now)]
        return [self._sign(preparing, buying.call, found, event, at)]

    # --- to the signature

    def _held(
        self, trying: _Trying, intent: Intent, request: Request, at: Moment, *, sells_from: str = ""
    ) -> Preparing:
        preparing = Preparing(
            asked=trying.intent,
            intent=intent,
            identity=trying.identity,
            request=request,
            since_ns=at.now.boot_ns,
            assessed=True,
            sells_from=sells_from,
        )
        self._preparing[intent.intent_id] = preparing
        return preparing

    def _sign(self, preparing: Preparing, call: Call, found: Moves, event: Simulated, at: Moment) -> Sign:
        """Return the draft: the books know it by its tokens, the chain gets what was written."""
        intent = preparing.intent
        reduces = found.kind is CallKind.REDUCES
        self._tickets[intent.intent_id] = Ticket(
            action=Action.REDUCE if reduces else Action.OPEN,
            trader_session=intent.trader_session,
            not_after_boot_ns=intent.not_after_boot_ns,
        )
        nonce = self._ledger.book.next_nonce(at.head.nonce)
        sells_from = preparing.sells_from if reduces else ""
        return call_drafts.signed_as_written(
            drafts.swap(intent, event.gas, nonce, at, sells_from=sells_from), call, found
        )

    # --- what comes to nothing

    def failed(self, event: SimulationFailed, now: Now) -> list[Command]:
        """Take in that it would revert, or that nobody could tell."""
        self._buying.pop(event.intent_id, None)
        trying = self._trying.pop(event.intent_id, None)
        if trying is None:
            return super().failed(event, now)
        rule = event.rule or ("simulation.reverts" if event.refused else "simulation.unavailable")
        refusal = Refusal(rule, event.text[:300])
        told = self._worked(now) if event.refused else self._unable(refusal.message, now)
        return [*told, *self._refuse(trying.intent, trying.identity, refusal, now)]

    def expire(self, now: Now) -> list[Command]:
        """Give up what got no answer in time."""
        late = [each for each in self._trying.values() if now.boot_ns - each.since_ns > _WITHIN_NS]
        commands: list[Command] = []
        for each in late:
            del self._trying[each.intent.intent_id]
            commands += self._unable(TOO_LATE.message, now)
            commands += self._refuse(each.intent, each.identity, TOO_LATE, now)
        commands += super().expire(now)
        self._buying = {key: each for key, each in self._buying.items() if key in self._preparing}
        return commands
