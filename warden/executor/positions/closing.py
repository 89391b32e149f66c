"""Exits on their way to the chain: what the rules decided to sell, one sale at a time of a position (SL1).

An exit is a transaction of Warden's own that reduces by size and never takes more than is held. It is tried
before it is signed, takes no less than its value less a slippage that widens with each failure, and has a
deadline. Until what sells a position has an outcome nothing else sells from it: unknown is not failed (EX3).
Where nobody answers to the trial twice, it is signed without one: a stop-loss does not wait for a simulator.

Where the gate would let no exit pass, the rules hear `ExitsBarred`, and every position is UNPROTECTED. A stop
that flattens sells under the leave of its clean-up and nothing else (ES6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.modes import Action
from warden.domain.money import BPS_ONE
from warden.domain.risk import asset_changes
from warden.domain.risk.asset_changes import Declared
from warden.domain.risk.events import NS_PER_S, ExitFailed, ExitOrdered, ExitsBarred
from warden.domain.risk.exit_triggers import ExitReason
from warden.domain.risk.exits import Exit, leaving, valuation
from warden.executor.books import position_book
from warden.executor.protocol.commands import Sign, Simulate, Tell
from warden.executor.protocol.simulating import Simulating
from warden.executor.reads import calldata
from warden.executor.sends import drafts, exit_drafts
from warden.executor.sends.own_sends import own_ticket
from warden.wire.rows import RiskRow
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.domain.risk.events import RiskEvent
    from warden.domain.risk.refusal import Refusal
    from warden.executor.books.book import Entry
    from warden.executor.books.doubts import Doubts
    from warden.executor.books.ledger import Ledger
    from warden.executor.books.position_book import Holding
    from warden.executor.protocol.commands import Command
    from warden.executor.protocol.events import CleanupAllowed, HeadRead, Simulated, SimulationFailed
    from warden.executor.protocol.terms import Now, Terms, Ticket
    from warden.executor.sends.allowances import Allowances
    from warden.executor.sends.drafts import Moment
    from warden.executor.sends.own_sends import OwnSends
    from warden.wire.rows import ExecutorRow

FLATTEN: Final = "flatten"
_ANSWER_WITHIN_NS: Final = 5 * NS_PER_S
# A permit is given four times a second: without one for so long, exits are barred and that is alerted.
_BARRED_AFTER_NS: Final = 3 * NS_PER_S
_UNANSWERED_MAX: Final = 2
_VALID_S_MIN: Final = 30
_VALID_BLOCKS: Final = 5
# For a sale that nobody could try: a swap along one pool was seen to use 130,000, each further one 90,000.
_GAS_BLIND: Final = 250_000
_GAS_BLIND_STEP: Final = 150_000
_STARTED_AGAIN: Final = "the executor was started again"
_RUNBOOK: Final = "manual-intervention"


class _Trial(msgspec.Struct, frozen=True):
    """A sale that is being tried."""

    position_id: str
    intent_id: str
    amount: int
    least_wei: int
    not_after_s: int
    since_ns: int


class Closing:
    """The exits of one executor.

    Args:
        own_sends: what signs and sends for Warden itself.
        record: applies a row to the ledger, and returns what is to be done: the row recorded, findings told.
        doubts: of what the pools say: what one block alone has shown is no price to sell at.
    """

    def __init__(
        self,
        terms: Terms,
        ledger: Ledger,
        own_sends: OwnSends,
        record: Callable[[ExecutorRow, Now], list[Command]],
        allowances: Allowances,
        *,
        doubts: Doubts,
    ) -> None:
        self._terms = terms
        self._doubts = doubts
        self._ledger = ledger
        self._own_sends = own_sends
        self._record = record
        self._allowances = allowances
        allowances.exit_ticket = self._ticket
        self._wanted: dict[str, Exit] = {}
        self._trials: dict[str, _Trial] = {}
        self._unanswered: dict[str, int] = {}
        self._leave: frozenset[str] = frozenset()
        self._ordered_block = 0
        self._refused_ns: int | None = None
        # Why the gate would let no exit pass now, told before each head.
        self.refused: Refusal | None = None

    def begin(self, now: Now) -> list[Command]:
        """Return what each start has to say: what was decided and never signed has sold nothing."""
        self._ledger.exits.clear()
        return [
            command
            for position_id in leaving(self._ledger.engine.state.exits)
            if not self.sells(position_id)
            for command in self._risk(ExitFailed(position_id, _STARTED_AGAIN, tried=False), now)
        ]

    def owns(self, intent_id: str) -> bool:
        """Tell whether a simulation is one of these."""
        return intent_id in self._trials

    def sells(self, position_id: str) -> Entry | None:
        """Return the transaction that may still sell from a position, None where there is none."""
        return next(
            (
                entry
                for entry in self._ledger.book.open()
                if entry.signed.position_id == position_id and position_book.reduces(entry.signed)
            ),
            None,
        )

    def is_leaving(self, position_id: str) -> bool:
        """Tell whether an exit of this position was decided and has no end yet."""
        guard = self._ledger.engine.state.exits.guards.get(position_id)
        return guard is not None and guard.leaving is not None

    # --- each head

    def head(self, at: Moment) -> list[Command]:
        """Bar exits or let them go on, and begin to sell what was decided; at most one draft a head."""
        commands = self._bar(at.now)
        for each in self._ledger.exits:
            self._wanted[each.position_id] = each
            commands.append(_told(each))
        self._ledger.exits.clear()
        for trial in list(self._trials.values()):
            if at.now.boot_ns - trial.since_ns > _ANSWER_WITHIN_NS:
                commands += self._no_answer(trial, at)
        for position_id in list(self._wanted):
            if any(isinstance(each, Sign) for each in commands):
                break  # the next nonce is known once this one is signed
            commands += self._sell(position_id, at)
        return commands

    def _bar(self, now: Now) -> list[Command]:
        """Tell the rules when the gate bars exits, once that has lasted, and when it does not any more."""
        if self.refused is None:
            self._refused_ns = None
        elif self._refused_ns is None:
            self._refused_ns = now.boot_ns
        said = self._ledger.engine.state.exits.barred
        why = "" if self.refused is None else f"{self.refused.rule}: {self.refused.message}"
        held = position_book.standing(self._ledger.holdings)
        lasting = self._refused_ns is not None and now.boot_ns - self._refused_ns >= _BARRED_AFTER_NS
        if why == said or (why and not (held and lasting)):
            return []
        return self._risk(ExitsBarred(why), now)

    def _sell(self, position_id: str, at: Moment) -> list[Command]:
        """Begin to sell one position where nothing stands against it; else it waits for the next head."""
        held = self._ledger.holdings.open.get(position_id)
        if held is None or held.amount <= 0:
            del self._wanted[position_id]
            return []
        if position_id in {trial.position_id for trial in self._trials.values()} or self.sells(position_id):
            return []
        barred = self.refused is not None and position_id not in self._leave
        if barred or self._doubts.is_young(position_id):
            return []
        allowance, value = at.head.allowances.get(held.token), _value_wei(held, at.head)
        if allowance is None or value is None:
            return []
        if allowance < held.amount:
            # The sale follows once that is mined (EX7).
            return self._allowances.ask_for_sale(held, at)
        return self._try(held, value, at)

    def _try(self, held: Holding, value_wei: int, at: Moment) -> list[Command]:
        """Ask what the sale would do."""
        valid_s = max(_VALID_S_MIN, int(_VALID_BLOCKS * at.terms.block_time_s))
        trial = _Trial(
            position_id=held.position_id,
            intent_id=f"exit-{held.position_id}-{at.now.utc_ns}",
            amount=held.amount,
            least_wei=max(1, value_wei * (BPS_ONE - self._slippage_bps(held.position_id)) // BPS_ONE),
            not_after_s=at.head.timestamp_s + valid_s,
            since_ns=at.now.boot_ns,
        )
        self._trials[trial.intent_id] = trial
        return [
            Simulate(
                intent_id=trial.intent_id,
                to=at.terms.router,
                data=_calldata(trial, held, at.terms),
                path=held.route,
                judged=at.terms.simulating is Simulating.ALWAYS,
                gas_limit=_blind_gas(held),
                gas_price_wei=drafts.fees(at)[0],
                base_fee_wei=at.head.base_fee_wei,
                at_s=trial.not_after_s,
            )
        ]

    def _slippage_bps(self, position_id: str) -> int:
        guard = self._ledger.engine.state.exits.guards.get(position_id)
        # What never left was not refused for its price.
        doublings = min(16, 0 if guard is None else guard.failures - guard.untried)
        terms = self._terms
        widest = max(terms.exit_slippage_bps, terms.exit_slippage_bps_max)
        return min(terms.exit_slippage_bps << doublings, widest)

    # --- what the trial said

    def simulated(self, event: Simulated, at: Moment | None) -> list[Command]:
        """Sign a sale that would do what it is to do and nothing else; one that would not has failed."""
        trial = self._trials.pop(event.intent_id)
        self._unanswered.pop(trial.position_id, None)
        if at is None:
            return []  # it is tried again once the chain is known
        held = self._ledger.holdings.open.get(trial.position_id)
        if event.changes is not None and held is not None:
            declared = Declared(
                gives=held.token,
                gives_max=trial.amount,
                takes=self._terms.weth.lower(),
                takes_min=trial.least_wei,
                spender=self._terms.router.lower(),
            )
            unsaid = asset_changes.judge(event.changes, declared)
            if unsaid is not None:
                return self._failed(trial.position_id, f"{unsaid.rule}: {unsaid.message}", at.now)
        return self._sign(trial, drafts.with_room(event.gas), at)

    def failed(self, event: SimulationFailed, at: Moment | None) -> list[Command]:
        """Take in that a sale would revert, or that nobody could tell."""
        trial = self._trials.pop(event.intent_id)
        if at is None:
            return []
        if event.refused:
            return self._failed(trial.position_id, event.text[:300], at.now)
        return self._no_answer(trial, at)

    def _no_answer(self, trial: _Trial, at: Moment) -> list[Command]:
        self._trials.pop(trial.intent_id, None)
        count = self._unanswered.get(trial.position_id, 0) + 1
        self._unanswered[trial.position_id] = count
        held = self._ledger.holdings.open.get(trial.position_id)
        if count < _UNANSWERED_MAX or held is None:
            return []
        return self._sign(trial, _blind_gas(held), at)

    def _sign(self, trial: _Trial, gas: int, at: Moment) -> list[Command]:
        held = self._ledger.holdings.open.get(trial.position_id)
        sale = self._wanted.get(trial.position_id)
        if held is None or sale is None or held.amount < trial.amount or self.sells(trial.position_id):
            return []  # it is another one by now: the next head begins anew
        del self._wanted[trial.position_id]
        nonce = self._ledger.book.next_nonce(at.head.nonce)
        draft = exit_drafts.sale(
            held,
            reason=self._reason(sale),
            intent_id=trial.intent_id,
            data=_calldata(trial, held, at.terms),
            gas=gas,
            not_after_s=trial.not_after_s,
            nonce=nonce,
            at=at,
        )
        self._own_sends.tickets[trial.intent_id] = self._ticket(trial.position_id, at.now)
        return [draft]

    def _reason(self, sale: Exit) -> str:
        """Return why it is sold, for its strategy: what a stop orders has a name of its own."""
        ordered = sale.reason is ExitReason.ORDERED and sale.position_id in self._leave
        return FLATTEN if ordered else sale.reason.value

    def _failed(self, position_id: str, text: str, now: Now) -> list[Command]:
        self._wanted.pop(position_id, None)
        told = Tell(
            Severity.WARNING, "exit.failed", f"the exit of {position_id} would fail: {text}", runbook=_RUNBOOK
        )
        return [*self._risk(ExitFailed(position_id, text), now), told]

    # --- a stop that flattens

    def flatten(self, allowed: CleanupAllowed, head: HeadRead | None, now: Now) -> list[Command]:
        """Sell the positions that a stop's clean-up names; what failed is ordered again with a new block."""
        self._leave = frozenset(allowed.positions)
        again = [
            command
            for entry in self._ledger.book.open()
            if position_book.is_protective(entry.signed) and entry.signed.position_id in self._leave
            for command in self._own_sends.send_again(entry, self._ticket(entry.signed.position_id, now))
        ]
        if head is None or head.block <= self._ordered_block:
            return again
        guards = self._ledger.engine.state.exits.guards
        held = position_book.standing(self._ledger.holdings)
        idle = tuple(
            each.position_id
            for each in held
            if each.position_id in self._leave and guards[each.position_id].leaving is None
        )
        self._ordered_block = head.block
        if not idle:
            return again
        ordered = ExitOrdered(idle, "stop", ", ".join(allowed.stop_ids[:3]))
        return [*again, *self._risk(ordered, now)]

    def flattened(self) -> None:
        """Take in that the leave to sell after a stop is over."""
        self._leave = frozenset()

    def _ticket(self, position_id: str, now: Now) -> Ticket:
        named = position_id if position_id in self._leave else ""
        return msgspec.structs.replace(
            own_ticket(Action.REDUCE, now), protective=not named, cleanup_position=named
        )

    def _risk(self, event: RiskEvent, now: Now) -> list[Command]:
        return self._record(RiskRow(at_ns=now.utc_ns, event=event), now)


def _calldata(trial: _Trial, held: Holding, terms: Terms) -> bytes:
    return calldata.counted_swap(trial.amount, trial.least_wei, held.route, terms.wallet, trial.not_after_s)


def _value_wei(held: Holding, head: HeadRead) -> int | None:
    """Return what selling all of it would bring now; None where that cannot be told."""
    hops = head.routes.get(held.route, ())
    known = [hop for hop in hops if hop is not None]
    return valuation(held.position_id, held.amount, known if len(known) == len(hops) else []).value_wei


def _blind_gas(held: Holding) -> int:
    return _GAS_BLIND + _GAS_BLIND_STEP * (len(held.route) - 2)


def _told(sale: Exit) -> Tell:
    text = f"position {sale.position_id} is sold: {sale.reason}"
    if sale.observed:
        text += f" ({sale.observed}{f' of {sale.limit}' if sale.limit else ''} {sale.unit})".replace(
            " )", ")"
        )
    data = {"position_id": sale.position_id, "reason": sale.reason.value, "setting": sale.setting}
    return Tell(Severity.WARNING, "exit.decided", text, trace_id=sale.position_id, data=data)
