"""The doors to the executor besides the stop: intents of traders, orders of operators. Bounded, decoded."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import EXIT_REFUSED
from warden.domain.intents import Intent, Proposal
from warden.domain.modes import Action
from warden.domain.risk.refusal import Refusal, refused
from warden.domain.roles import Role, strategy_of
from warden.executor.intents.bot_terms import NOBODY, BotIdentity
from warden.executor.intents.rounds import Rounds
from warden.executor.protocol.commands import Reply, Respond
from warden.executor.protocol.events import Ordered, Submitted
from warden.executor.protocol.terms import Ticket
from warden.wire.addresses import INTENTS, ORDERS
from warden.wire.codec import Undecodable, decode, encode
from warden.wire.messages import Answer, BotSend, Listen, OperatorReply, TraderToExecutor
from warden.wire.orders import OrderRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from warden.executor.sends.gate import Gate
    from warden.runtime.bus import Bus, Incoming

_INTENTS_PER_TURN: Final = 32
_RECEIVED_PER_TURN: Final = 128
_WAITING_MAX: Final = 64
_ORDERS_PER_TURN: Final = 4
_TEXT_MAX: Final = 300
_NOT_A_TRADER: Final = Refusal("strategy", "an intent is taken from the process of a strategy alone")
_FLOOD: Final = Refusal(
    "intent.flood",
    "too many intents of this strategy wait already",
    limit=str(_WAITING_MAX),
    observed=f"over {_WAITING_MAX}",
    unit="intents",
)
_NAME_SHOWN_MAX: Final = 80
_ANOTHERS_SESSION: Final = Refusal("session", "that is the session of another strategy's trader")
_NO_SESSION: Final = Refusal("session", "an intent must carry the session that the watchdog gave its trader")


class Doors:
    """Serves both sockets; never waits.

    Args:
        bus: the executor's.
        gate: what says whether an intent may come in now.
        rubbish: is told who sent what nobody can read, and why it cannot be.
        bot: whose trades the gateway's are (EX12).
    """

    def __init__(
        self,
        bus: Bus,
        gate: Gate,
        rubbish: Callable[[str, str], None],
        bot: BotIdentity = NOBODY,
    ) -> None:
        self._intents = bus.serve(INTENTS)
        self._orders = bus.serve(ORDERS)
        self._gate = gate
        self._rubbish = rubbish
        self._rounds: Rounds[Incoming] = Rounds(_WAITING_MAX)
        self._listening: deque[tuple[str, bytes]] = deque(maxlen=_WAITING_MAX)
        self._bot = bot

    @property
    def sockets(self) -> tuple[object, ...]:
        """What a poller waits on."""
        return self._intents.socket, self._orders.socket

    @property
    def waiting(self) -> bool:
        """Tell whether intents wait that were received already: no socket will say so."""
        return len(self._rounds) > 0

    def intents(self) -> Iterator[Submitted]:
        """Yield what traders submitted, one of each in turn, with what the gate says of it at this moment."""
        for _ in range(_RECEIVED_PER_TURN):
            incoming = self._intents.receive()
            if incoming is None:
                break
            if not self._rounds.put(incoming.name, incoming):
                self._flooded(incoming)
        for incoming in self._rounds.take(_INTENTS_PER_TURN):
            intent = self._decoded(incoming)
            if intent is not None:
                yield self._submitted(intent, incoming)

    def _decoded(self, incoming: Incoming) -> Intent | None:
        try:
            if incoming.role is Role.GATEWAY:
                return self._sent(decode(incoming.data, BotSend))
            told: TraderToExecutor = decode(incoming.data, TraderToExecutor)
        except Undecodable as error:
            self._rubbish(incoming.name, str(error))
            return None
        if isinstance(told, Listen):
            self._listens(told, incoming)
            return None
        return told.intent

    def _listens(self, told: Listen, incoming: Incoming) -> None:
        """Take in where a strategy hears, where its key and its session prove that it is the one."""
        strategy = strategy_of(incoming.name) or told.strategy
        stands = told.trader_session in self._gate.trader_sessions
        if incoming.role is Role.TRADER and stands and _is_own_session(told.trader_session, incoming):
            self._listening.append((strategy, incoming.identity))

    def listening(self) -> Iterator[tuple[str, bytes]]:
        """Yield which strategies hear where, as they have said since the last call; after `intents`."""
        while self._listening:
            yield self._listening.popleft()

    def _sent(self, told: BotSend) -> Intent:
        """Return what a bot sent as an intent under the session of its trader: none stands, none passes."""
        return Intent(
            intent_id=told.intent_id,
            trace_id=told.trace_id,
            trader_session=self._bot.session(self._gate.trader_sessions),
            strategy=self._bot.strategy,
            block=0,
            not_after_s=0,
            not_after_boot_ns=told.not_after_boot_ns,
            proposal=Proposal(call=told.call),
        )

    def _submitted(self, intent: Intent, incoming: Incoming) -> Submitted:
        # An intent without a session is nobody's; only Warden's own transactions carry none.
        by_bot = incoming.role is Role.GATEWAY
        foreign = None if by_bot else _foreign(intent, incoming)
        foreign = foreign or (None if intent.trader_session else _NO_SESSION)
        # Opening, whatever the trader calls it.
        ticket = Ticket(Action.OPEN, intent.trader_session, intent.not_after_boot_ns)
        refusal = foreign or self._gate.refusal(ticket)
        # Or reducing, where its path says so: which of the two it is, is for the core to tell.
        barred = foreign or self._gate.refusal(msgspec.structs.replace(ticket, action=Action.REDUCE))
        # Whose it is follows from the key that sent it: what it claims is told and goes no further.
        strategy = strategy_of(incoming.name) or intent.strategy
        if strategy != intent.strategy:
            intent = msgspec.structs.replace(intent, strategy=strategy)
        return Submitted(intent, incoming.identity, refusal, self._gate.size_percent, barred, by_bot)

    def _flooded(self, incoming: Incoming) -> None:
        """Answer what there is no room for; it is no decision on a trade, so no row tells of it."""
        intent = self._decoded(incoming)
        if intent is not None:
            answer = Answer(decision=refused(intent.intent_id[:_NAME_SHOWN_MAX], _FLOOD))
            self._intents.send(incoming.identity, encode(answer))

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


def _foreign(intent: Intent, incoming: Incoming) -> Refusal | None:
    """Return why an intent is not its sender's to submit: another's name or session, or no trader at all."""
    if incoming.role is not Role.TRADER:
        return _NOT_A_TRADER
    own = strategy_of(incoming.name)
    if not own:
        return None
    if intent.strategy != own:
        claimed = intent.strategy[:_NAME_SHOWN_MAX]
        return Refusal("strategy", "an intent may name no strategy but its sender's own", own, claimed)
    session = intent.trader_session
    return None if not session or _is_own_session(session, incoming) else _ANOTHERS_SESSION


def _is_own_session(session: str, incoming: Incoming) -> bool:
    """Tell whether a session may be its sender's: each of several strategies' begins with its name."""
    own = strategy_of(incoming.name)
    return not own or session.startswith(f"{own}:")
