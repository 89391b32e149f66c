"""The doors to the executor besides the stop: intents of traders, orders of operators. Bounded, decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import EXIT_REFUSED
from warden.domain.modes import Action
from warden.domain.risk.refusal import Refusal
from warden.executor.gate import Gate, Ticket
from warden.executor.protocol import Ordered, Reply, Respond, Submitted
from warden.wire.addresses import INTENTS, ORDERS
from warden.wire.codec import Undecodable, decode, encode
from warden.wire.messages import OperatorReply, Submit
from warden.wire.orders import OrderRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from warden.runtime.bus import Bus

_INTENTS_PER_TURN: Final = 32
_ORDERS_PER_TURN: Final = 4
_TEXT_MAX: Final = 300
_NO_SESSION: Final = Refusal("session", "an intent must carry the session that the watchdog gave its trader")


class Doors:
    """Serves both sockets; never waits.

    Args:
        bus: the executor's.
        gate: what says whether an intent may come in now.
        rubbish: is told who sent what nobody can read, and why it cannot be.
    """

    def __init__(self, bus: Bus, gate: Gate, rubbish: Callable[[str, str], None]) -> None:
        self._intents = bus.serve(INTENTS)
        self._orders = bus.serve(ORDERS)
        self._gate = gate
        self._rubbish = rubbish

    @property
    def sockets(self) -> tuple[object, ...]:
        """What a poller waits on."""
        return self._intents.socket, self._orders.socket

    def intents(self) -> Iterator[Submitted]:
        """Yield what traders submitted, with what the gate says of each at this moment."""
        for _ in range(_INTENTS_PER_TURN):
            incoming = self._intents.receive()
            if incoming is None:
                return
            try:
                submit: Submit = decode(incoming.data, Submit)
            except Undecodable as error:
                self._rubbish(incoming.role.value, str(error))
                continue
            intent = submit.intent
            # Opening, whatever the trader calls it.
            ticket = Ticket(Action.OPEN, intent.trader_session, intent.not_after_boot_ns)
            # An intent without a session is nobody's; only Warden's own transactions carry none.
            refusal = self._gate.refusal(ticket) if intent.trader_session else _NO_SESSION
            # Or reducing, where its path says so: which of the two it is, is for the core to tell.
            reducing = msgspec.structs.replace(ticket, action=Action.REDUCE)
            barred = self._gate.refusal(reducing) if intent.trader_session else _NO_SESSION
            yield Submitted(intent, incoming.identity, refusal, self._gate.size_percent, barred)

    def orders(self) -> Iterator[Ordered]:
        """Yield what operators ordered or asked."""
        for _ in range(_ORDERS_PER_TURN):
            incoming = self._orders.receive()
            if incoming is None:
                return
            try:
                request: OrderRequest = decode(incoming.data, OrderRequest)
            except Undecodable as error:
                text = f"the order cannot be read: is the command of this version? ({error})"
                self.respond(Respond(incoming.identity, OperatorReply(EXIT_REFUSED, text[:_TEXT_MAX])))
                continue
            yield Ordered(incoming.identity, request)

    def reply(self, command: Reply) -> None:
        """Answer a trader; one that is gone misses it."""
        self._intents.send(command.identity, encode(command.message))

    def respond(self, command: Respond) -> None:
        """Answer an operator; one that is gone misses it."""
        self._orders.send(command.identity, encode(command.reply))
