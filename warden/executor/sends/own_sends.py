"""Warden's own sends: the same bytes again, more for what is stuck, cancels, gaps, a stop's clean-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.intents import TradeState
from warden.domain.modes import Action
from warden.executor.books import position_book, reports
from warden.executor.protocol.commands import Command, Send
from warden.executor.protocol.terms import Now, Ticket
from warden.executor.sends import drafts, private_sends
from warden.executor.sends.drafts import Moment
from warden.executor.sends.stuck import Stuck, is_priced_out, is_underpaid
from warden.wire.rows import Purpose, SignedRow
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from warden.executor.books.book import Entry
    from warden.executor.books.ledger import Ledger
    from warden.executor.books.settlement import Settlement
    from warden.executor.protocol.events import CleanupAllowed, HeadRead
    from warden.executor.protocol.terms import Terms
    from warden.executor.sends.cleanup import CleanUp
    from warden.executor.sends.sendings import Sendings

_SEND_WITHIN_NS: Final = 20 * 1_000_000_000
_CANCELS_PER_NONCE_MAX: Final = 5
_GAPS_AT_ONCE: Final = 8


def own_ticket(action: Action, now: Now) -> Ticket:
    """Return a ticket for a transaction that is no trader's."""
    return Ticket(action=action, trader_session="", not_after_boot_ns=now.boot_ns + _SEND_WITHIN_NS)


class OwnSends:
    """Decides what is sent again or taken back.

    Args:
        tickets: of drafts that are being signed, by intent id; shared with the core, which takes them out.
    """

    def __init__(
        self,
        terms: Terms,
        ledger: Ledger,
        settlement: Settlement,
        sendings: Sendings,
        tickets: dict[str, Ticket],
    ) -> None:
        self._terms = terms
        self._book = ledger.book
        self._stuck = Stuck(ledger)
        self._settlement = settlement
        self._sendings = sendings
        self.tickets = tickets
        self._cancels: dict[int, int] = {}
        # What the gate lets through now, told before each head: nothing is signed for a closed gate.
        self.allowed: frozenset[Action] = frozenset(Action)
        self.exits_pass = True
        # The newest that was pushed at: what a relay is told the last block by.
        self._head: HeadRead | None = None

    def send(self, row: SignedRow, ticket: Ticket, head: HeadRead | None) -> Send:
        """Return the order to send a signed row along its own routes, and expect its answers."""
        routes = drafts.routes(row)
        self._sendings.begin(row.tx_hash, routes)
        return Send(
            tx_hash=row.tx_hash,
            raw=row.raw,
            ticket=ticket,
            routes=routes,
            max_block=private_sends.last_block(row, head, self._terms),
            withdraws=private_sends.withdrawn_by(row, self._book),
        )

    def push(self, at: Moment) -> list[Command]:
        """Return what a new block calls for: for each transaction that may still land, and each gap."""
        self._head = at.head
        commands = [command for entry in self._book.open() for command in self._push(entry, at)]
        return [*commands, *self.fill_gaps(at)]

    def _push(self, entry: Entry, at: Moment) -> list[Command]:
        """Send a transaction again, pay more for it, or free its nonce when it can no longer succeed."""
        signed, head = entry.signed, at.head
        if head.nonce > signed.nonce or not self._is_newest(entry):
            return []
        if signed.purpose is Purpose.CANCEL:
            # Gas became dearer than it pays: at this price it would wait for ever, and all else with it.
            return self._free(entry, at) if is_priced_out(signed, head) else self._again(entry, at)
        if self._settlement.is_late(entry, head):
            return self._free(entry, at) if self._settlement.is_stuck(entry, head) else []
        underpaid = is_underpaid(signed, head)
        dearer = self._dearer(entry, at) if underpaid else []
        refused = entry.outcome.state is TradeState.REJECTED
        # What sells a position is not given up while it may still land.
        hopeless = refused or (underpaid and signed.action is Action.OPEN)
        if not dearer and hopeless and self._stuck.holds_up(entry, head):
            return self._free(entry, at)
        return dearer or self._again(entry, at)

    def _free(self, entry: Entry, at: Moment) -> list[Command]:
        return self._cancel(entry, at, own_ticket(Action.CANCEL, at.now))

    def _is_newest(self, entry: Entry) -> bool:
        """Tell whether nothing has taken its place that may still land."""
        return all(other.signed.replaces != entry.signed.tx_hash for other in self._book.open())

    def _again(self, entry: Entry, at: Moment) -> list[Command]:
        """Send the same bytes where nobody is known to hold them."""
        return self.send_again(entry, self._ticket_again(entry.signed, at.now))

    def send_again(self, entry: Entry, ticket: Ticket | None) -> list[Command]:
        """Return the order to send the same bytes again, where nobody holds them and there is a ticket."""
        signed = entry.signed
        if entry.accepted or self._sendings.is_out(signed.tx_hash) or ticket is None:
            return []
        return [self.send(signed, ticket, self._head)]

    def _ticket_again(self, signed: SignedRow, now: Now) -> Ticket | None:
        """Return the ticket to send it again with, None while the gate lets it not pass."""
        action = Action.CANCEL if signed.purpose is Purpose.CANCEL else signed.action
        if position_book.is_protective(signed):
            exits = msgspec.structs.replace(own_ticket(action, now), protective=True)
            return exits if self.exits_pass else None
        return own_ticket(action, now) if action in self.allowed else None

    def _dearer(self, entry: Entry, at: Moment) -> list[Command]:
        """Sign the same call for more, where it is worth that."""
        signed = entry.signed
        ticket = self._ticket_again(signed, at.now)
        if (
            ticket is None
            or self._sendings.is_out(signed.tx_hash)
            or signed.intent_id in self.tickets
            or (dearer := self._stuck.dearer(entry, at)) is None
        ):
            return []
        self.tickets[signed.intent_id] = ticket
        text = (
            f"{signed.tx_hash} is not mined at {signed.max_fee_wei} wei of gas; "
            f"nonce {signed.nonce} is signed again for {dearer.draft.max_fee_wei}"
        )
        return [dearer, reports.tell(Severity.INFO, "trade.bumped", text, signed)]

    def fill_gaps(self, at: Moment, within: CleanupAllowed | None = None) -> list[Command]:
        """Use up nonces that nothing holds and that later ones wait for; after a stop only those `within`."""
        commands: list[Command] = []
        for nonce in self._book.gaps(at.head.nonce)[:_GAPS_AT_ONCE]:
            draft, ticket = drafts.fill(nonce, at), own_ticket(Action.CANCEL, at.now)
            if within is not None:
                ticket = msgspec.structs.replace(ticket, cleanup_nonce=nonce)
            allowed = Action.CANCEL in self.allowed if within is None else nonce in within.nonces
            if not allowed or draft.draft.intent_id in self.tickets:
                continue
            self.tickets[draft.draft.intent_id] = ticket
            text = f"nonce {nonce} was never used and later ones wait for it: it is used up by nothing"
            commands += [draft, reports.tell(Severity.INFO, "nonce.filled", text, draft.draft)]
        return commands

    def _cancel(self, entry: Entry, at: Moment, ticket: Ticket) -> list[Command]:
        signed = entry.signed
        if at.head.nonce > signed.nonce or self._book.consumed(signed.nonce):
            # Something has landed there: which of them shows with the next looks, and nothing more can.
            return []
        tries = self._cancels.get(signed.nonce, 0)
        closed = ticket.cleanup_nonce is None and Action.CANCEL not in self.allowed
        if closed or tries >= _CANCELS_PER_NONCE_MAX or f"cancel-{signed.tx_hash}" in self.tickets:
            return []
        self._cancels[signed.nonce] = tries + 1
        draft = drafts.cancel(entry, at)
        self.tickets[draft.draft.intent_id] = ticket
        why = "was not mined in time" if ticket.cleanup_nonce is None else "is taken back after the stop"
        text = f"{signed.tx_hash} {why}; nonce {signed.nonce} is cancelled"
        text += private_sends.caveat(signed, self._terms)
        return [
            draft,
            reports.tell(Severity.WARNING, "trade.stuck", text, signed, runbook=reports.RUNBOOK_TRADES),
        ]

    def take_back(self, tx_hash: str, at: Moment) -> list[Command]:
        """Cancel one transaction that may still land, as an operator ordered (PS4a)."""
        named = self._book.get(tx_hash)
        for entry in self._book.open():
            # What stands in its place by now is what may land; where that is a cancel, it is on the way.
            if named is not None and entry.signed.nonce == named.signed.nonce and self._is_newest(entry):
                return [] if entry.signed.purpose is Purpose.CANCEL else self._free(entry, at)
        return []

    def never_left(self, signed: SignedRow) -> None:
        """Take in that no byte of a transaction left; of a cancel that was no try."""
        if signed.purpose is Purpose.CANCEL:
            self._cancels.pop(signed.nonce, None)

    def clean_up(
        self, cleanup: CleanUp, allowed: CleanupAllowed, head: HeadRead | None, now: Now
    ) -> list[Command]:
        """Take back what may still land, at the nonces that the stop's clean-up was given."""
        cleanup.begin(allowed)
        commands: list[Command] = []
        for entry in cleanup.targets(allowed.nonces):
            signed = entry.signed
            ticket = msgspec.structs.replace(own_ticket(Action.CANCEL, now), cleanup_nonce=signed.nonce)
            if signed.purpose is Purpose.CANCEL:
                if not entry.accepted and not self._sendings.is_out(signed.tx_hash):
                    commands.append(self.send(signed, ticket, head))
            elif head is not None and self._sendings.ever_began(signed.tx_hash):
                commands += self._cancel(entry, Moment(head, self._terms, now), ticket)
        if head is not None:
            commands += self.fill_gaps(Moment(head, self._terms, now), allowed)
        return commands
