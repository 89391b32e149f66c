"""What the router may take of the wallet's tokens: exact amounts, read from the chain, given back (EX7).

Decision 0011 says why the amounts are what they are. An approval is a transaction like any other: it is
simulated, and signed only if all that it changes is that one allowance. A token that refuses to go from one
amount to another is set to zero first. What the chain says counts; what the journal explains is compared with
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.modes import Action
from warden.domain.risk import asset_changes
from warden.domain.risk.asset_changes import Declared
from warden.executor.books import position_book
from warden.executor.protocol.commands import Command, Sign, Simulate, Tell
from warden.executor.protocol.simulating import Simulating
from warden.executor.reads import calldata
from warden.executor.sends import drafts
from warden.executor.sends.own_sends import own_ticket
from warden.wire.rows import Purpose
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.executor.books.ledger import Ledger
    from warden.executor.books.position_book import Holding
    from warden.executor.protocol.events import HeadRead, Simulated, SimulationFailed
    from warden.executor.protocol.terms import Now, Terms, Ticket
    from warden.executor.sends.drafts import Moment

_PREFIX: Final = "approve-"
_RUNBOOK: Final = "manual-intervention"
_WITHIN_NS: Final = 5 * 1_000_000_000
_AGAIN_NS: Final = 10 * 1_000_000_000
_IDLE_NS: Final = 600 * 1_000_000_000
_GAS_LIMIT: Final = 200_000
# For the sale of a position that nobody could simulate: approvals were seen to use 25,000 to 60,000.
_GAS_BLIND: Final = 100_000
# A purchase may bring a little more than it did in its simulation.
_ROOM_PERCENT: Final = 5


class Approval(msgspec.Struct, frozen=True):
    """An approval that is being simulated: `amount` is what the router may take afterwards.

    Attributes:
        pool: whose trade it is for, and which bears its gas.
        position_id: the position whose exit waits for it, empty for none.
    """

    token: str
    amount: int
    trace_id: str
    action: Action
    since_ns: int
    pool: str = ""
    position_id: str = ""


class Allowances:
    """The allowances of one wallet for one router.

    Args:
        tickets: of drafts that are being signed, by intent id; shared with the core, which takes them out.
    """

    def __init__(self, terms: Terms, ledger: Ledger, tickets: dict[str, Ticket]) -> None:
        self._terms = terms
        self._ledger = ledger
        self._book = ledger.book
        self._tickets = tickets
        self._weth = terms.weth.lower()
        self._under_way: dict[str, Approval] = {}
        self._not_before_ns: dict[str, int] = {}
        self._idle_since_ns: dict[str, int] = {}
        self._told: dict[str, int] = {}
        # How an approval may leave that an exit waits for: as the exit may (closing.py).
        self.exit_ticket: Callable[[str, Now], Ticket] | None = None

    # --- what stands

    def standing(self, token: str, head: HeadRead) -> int | None:
        """Return what the router may take of a token, in its smallest unit; None: it was not read."""
        token = token.lower()
        return head.allowance_wei if token == self._weth else head.allowances.get(token)

    def covers_trade(self, spend_wei: int, head: HeadRead) -> bool:
        """Tell whether the router may take so much for one trade more, beside those on their way."""
        taken_wei = self._ledger.engine.state.reservations.spend_wei
        return head.allowance_wei - taken_wei >= spend_wei

    def ask_for_trade(self, spend_wei: int, trace_id: str, at: Moment, *, pool: str = "") -> list[Command]:
        """Have the router be allowed the largest trade that the limits let through now, or this one."""
        largest_wei = min(self._terms.allowance_wei, self._ledger.engine.effective.trade.wei)
        return self.ask(self._weth, max(spend_wei, largest_wei), trace_id, at, pool=pool)

    def covers_exit(self, token: str, amount: int, head: HeadRead) -> bool:
        """Tell whether all that is held of a token, and `amount` more, could be sold; on paper it can."""
        if not self._terms.sends:
            return True
        standing = self.standing(token, head)
        return standing is not None and standing >= self._held(token) + amount

    def ask_for_exit(
        self, token: str, amount: int, trace_id: str, at: Moment, *, pool: str = ""
    ) -> list[Command]:
        """Have the router be allowed to take all that is held of a token, and `amount` more of it."""
        room = amount * _ROOM_PERCENT // 100
        return self.ask(token, self._held(token) + amount + room, trace_id, at, pool=pool)

    def _held(self, token: str) -> int:
        holdings = position_book.standing(self._ledger.holdings)
        return sum(int(each.amount) for each in holdings if each.token == token.lower())

    def asking(self, token: str) -> bool:
        """Tell whether an approval of this token is being prepared, or may still land."""
        token = token.lower()
        return (
            any(each.token == token for each in self._under_way.values())
            or any(intent_id.startswith(_prefix(token)) for intent_id in self._tickets)
            or any(
                entry.signed.purpose is Purpose.APPROVE and entry.signed.to.lower() == token
                for entry in self._book.open()
            )
        )

    # --- from the wish to the draft

    def ask_for_sale(self, held: Holding, at: Moment) -> list[Command]:
        """Have the router be allowed all that is held of a token, for an exit or a strategy's sale."""
        token, amount = held.token, self._held(held.token)
        if self.asking(token) or at.now.utc_ns < self._not_before_ns.get(token, 0):
            return []
        asked = Approval(
            token=token,
            amount=amount,
            trace_id=held.position_id,
            action=Action.REDUCE,
            since_ns=at.now.utc_ns,
            pool=held.strategy,
            position_id=held.position_id,
        )
        return [self._try(asked, at)]

    def ask(
        self,
        token: str,
        amount: int,
        trace_id: str,
        at: Moment,
        action: Action = Action.OPEN,
        *,
        pool: str = "",
    ) -> list[Command]:
        """Have the router be allowed exactly `amount` of a token; one approval of a token at a time."""
        token = token.lower()
        if self.asking(token) or at.now.utc_ns < self._not_before_ns.get(token, 0):
            return []
        return [self._try(Approval(token, amount, trace_id, action, at.now.utc_ns, pool), at)]

    def _try(self, approval: Approval, at: Moment) -> Simulate:
        terms = self._terms
        intent_id = f"{_prefix(approval.token)}{approval.since_ns}-{approval.amount:x}"
        self._under_way[intent_id] = approval
        known = approval.token == self._weth
        judged = terms.simulating is Simulating.ALWAYS or (
            terms.simulating is Simulating.UNKNOWN and not known
        )
        return Simulate(
            intent_id=intent_id,
            to=approval.token,
            data=calldata.approve(terms.router, approval.amount),
            path=(),
            tokens=(approval.token,),
            pairs=((approval.token, terms.router.lower()),),
            judged=judged,
            # An exit does not wait for a simulator (decision 0011).
            required=judged and not known and not approval.position_id,
            gas_limit=_GAS_LIMIT,
            gas_price_wei=drafts.fees(at)[0],
            base_fee_wei=at.head.base_fee_wei,
        )

    def owns(self, intent_id: str) -> bool:
        """Tell whether a simulation was of an approval."""
        return intent_id.startswith(_PREFIX)

    def simulated(self, event: Simulated, at: Moment | None) -> list[Command]:
        """Sign an approval that changes its one allowance and nothing else."""
        approval = self._under_way.pop(event.intent_id, None)
        if approval is None or at is None:
            return []
        if event.changes is not None:
            declared = Declared(
                spender=self._terms.router.lower(), allows_token=approval.token, allows=approval.amount
            )
            refusal = asset_changes.judge(event.changes, declared)
            if refusal is not None:
                text = f"{refusal.message} ({refusal.observed} of {refusal.limit})"
                return self._refused(approval, refusal.rule, text, at.now)
        return self._signed(event.intent_id, approval, event.gas, at)

    def _signed(self, intent_id: str, approval: Approval, gas: int, at: Moment) -> list[Command]:
        draft = self._draft(intent_id, approval, gas, at)
        ticket = own_ticket(approval.action, at.now)
        if approval.position_id and self.exit_ticket is not None:
            ticket = self.exit_ticket(approval.position_id, at.now)
        self._tickets[draft.draft.intent_id] = ticket
        return [draft]

    def _draft(self, intent_id: str, approval: Approval, gas: int, at: Moment) -> Sign:
        return drafts.approval(
            drafts.Approving(
                intent_id=intent_id,
                trace_id=approval.trace_id,
                token=approval.token,
                amount=approval.amount,
                gas=gas,
                action=approval.action,
                pool=approval.pool,
                position_id=approval.position_id,
            ),
            self._book.next_nonce(at.head.nonce),
            at,
        )

    def failed(self, event: SimulationFailed, at: Moment | None) -> list[Command]:
        """Set the allowance to zero first where it cannot be changed at once; else give up for a while."""
        approval = self._under_way.pop(event.intent_id, None)
        if approval is None or at is None:
            return []
        if event.refused and approval.amount and self.standing(approval.token, at.head):
            zero = msgspec.structs.replace(approval, amount=0, since_ns=at.now.utc_ns)
            return [self._try(zero, at)]
        if approval.position_id and not event.refused:
            return self._signed(event.intent_id, approval, _GAS_BLIND, at)
        rule = event.rule or ("simulation.reverts" if event.refused else "simulation.unavailable")
        return self._refused(approval, rule, event.text, at.now)

    def _refused(self, approval: Approval, rule: str, text: str, now: Now) -> list[Command]:
        self._not_before_ns[approval.token] = now.utc_ns + _AGAIN_NS
        message = f"{approval.token} is not approved for the router: {text}"[:300]
        data = {"rule": rule, "token": approval.token, "amount": str(approval.amount)}
        return [
            Tell(
                Severity.WARNING,
                "allowance.refused",
                message,
                trace_id=approval.trace_id,
                runbook=_RUNBOOK,
                data=data,
            )
        ]

    def expire(self, now: Now) -> None:
        """Give up what got no answer in time; it is asked again when it is wanted again."""
        late = [key for key, each in self._under_way.items() if now.utc_ns - each.since_ns > _WITHIN_NS]
        for key in late:
            del self._under_way[key]

    # --- against the journal, and back to zero

    def look(self, at: Moment) -> list[Command]:
        """Return what a head calls for: allowances that no row explains are told, idle ones taken back.

        A router that an operator has blocked keeps no allowance at all. On paper there are none to look at.
        """
        if not self._terms.sends:
            return []
        blocked = self._terms.router.lower() in self._ledger.engine.state.levers.routers
        held = {each.token for each in position_book.standing(self._ledger.holdings)}
        read = {self._weth: at.head.allowance_wei, **at.head.allowances}
        commands: list[Command] = []
        for token, amount in read.items():
            commands += self._unexplained(token, amount)
            if not amount or (not blocked and (token == self._weth or token in held)):
                self._idle_since_ns.pop(token, None)
                continue
            since_ns = self._idle_since_ns.setdefault(token, at.now.utc_ns)
            if blocked or at.now.utc_ns - since_ns >= _IDLE_NS:
                commands += self.ask(token, 0, f"{at.now.utc_ns:032x}", at, Action.REDUCE)
        return commands

    def _unexplained(self, token: str, amount: int) -> list[Command]:
        """Tell of an allowance that is larger than any that was signed, once for each amount."""
        explained = self._book.explained_allowance(token, self._terms.router)
        if amount <= explained:
            self._told.pop(token, None)
            return []
        if self._told.get(token) == amount:
            return []
        self._told[token] = amount
        text = f"the router may take {amount} of {token}; the journal explains {explained}: revoke the rest"
        data = {
            "token": token,
            "spender": self._terms.router,
            "observed": str(amount),
            "limit": str(explained),
        }
        return [Tell(Severity.WARNING, "allowance.unexplained", text, runbook=_RUNBOOK, data=data)]


def _prefix(token: str) -> str:
    """Return what the ids of a token's approvals begin with."""
    return f"{_PREFIX}{token[2:]}-"
