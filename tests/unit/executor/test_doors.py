"""The doors for intents and orders on a real bus: what comes in is decoded, bounded and judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.instance import Instance, wait_until
from tests.unit.executor.scene import ROUTER, intent
from tests.unit.executor.sends.test_gate import PERMIT, ManualClock
from warden.domain.errors import EXIT_REFUSED
from warden.domain.intents import Call
from warden.domain.roles import Role
from warden.executor.doors import Doors
from warden.executor.intents.bot_terms import BotIdentity
from warden.executor.sends.gate import Gate
from warden.runtime.bus import Bus
from warden.runtime.keys import Keyring
from warden.wire.addresses import INTENTS, ORDERS
from warden.wire.codec import decode, encode
from warden.wire.messages import Answer, BotSend, Listen, OperatorReply, Submit
from warden.wire.orders import AskRisk, OrderReply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.executor.protocol.events import Ordered, Submitted
    from warden.runtime.bus import Client

SESSION = PERMIT.trader_sessions[0]


class Scene:
    """Doors with a gate that a permit holds open; a trader and an operator before them."""

    def __init__(self, instance: Instance) -> None:
        self.gate = Gate(instance.latch, ManualClock(), boot_id="boot", session="me")
        assert self.gate.accept(PERMIT) == ""
        self.rubbish: list[str] = []
        self._buses = [instance.bus(role) for role in (Role.EXECUTOR, Role.TRADER, Role.OPERATOR)]
        served, trader, operator = self._buses
        self.doors = Doors(served, self.gate, lambda role, _why: self.rubbish.append(role))
        self.trader, self.operator = trader.connect(INTENTS), operator.connect(ORDERS)
        self.submitted: list[Submitted] = []
        self.ordered: list[Ordered] = []

    def serve(self) -> None:
        """Take in what came."""
        self.submitted += self.doors.intents()
        self.ordered += self.doors.orders()

    def send(self, client: Client, data: bytes) -> None:
        """Put a message on the wire, as soon as there is a connection."""
        wait_until(lambda: client.send(data), "a connection")

    def answer(self) -> OrderReply:
        """Serve until the operator has an answer."""
        answers: list[bytes] = []

        def answered() -> bool:
            self.serve()
            data = self.operator.receive()
            answers.extend([] if data is None else [data])
            return bool(answers)

        wait_until(answered, "an answer")
        reply: OrderReply = decode(answers[0], OrderReply)
        return reply

    def close(self) -> None:
        """Leave the bus."""
        for bus in self._buses:
            bus.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    """Doors with an open gate."""
    with Instance() as instance:
        made = Scene(instance)
        yield made
        made.close()


def came(scene: Scene, number: int) -> None:
    """Serve until so many intents have come in."""

    def enough() -> bool:
        scene.serve()
        return len(scene.submitted) >= number

    wait_until(enough, f"{number} intents")


@pytest.mark.parametrize(("session", "rule"), [(SESSION, ""), ("another", "session"), ("", "session")])
def test_an_intent_comes_with_what_the_gate_says_of_it(scene: Scene, session: str, rule: str) -> None:
    """EX1, I8: permission is the first rule; a trader without the watchdog's session is nobody's."""
    order = msgspec.structs.replace(intent(1), trader_session=session)
    scene.send(scene.trader, encode(Submit(intent=order)))
    came(scene, 1)
    (submitted,) = scene.submitted
    assert submitted.intent == order
    assert ("" if submitted.gate is None else submitted.gate.rule) == rule
    assert submitted.size_percent == PERMIT.size_percent


def test_what_nobody_can_read_is_told_and_passed_over(scene: Scene) -> None:
    """DESIGN §5: rubbish before and after costs a real intent nothing."""
    order = msgspec.structs.replace(intent(1), trader_session=SESSION)
    for data in (b"\xff", encode(Submit(intent=order)), b""):
        scene.send(scene.trader, data)
    came(scene, 1)

    def both() -> bool:
        scene.serve()
        return len(scene.rubbish) == 2

    wait_until(both, "both pieces of rubbish")
    assert scene.rubbish == ["trader", "trader"]


def test_a_flood_is_taken_in_turns(scene: Scene) -> None:
    """Bounded: in one turn thirty-two intents at most, so that a stop is never behind more."""
    order = msgspec.structs.replace(intent(1), trader_session=SESSION)
    for _ in range(60):
        scene.send(scene.trader, encode(Submit(intent=order)))
    turns: list[int] = []

    def all_in() -> bool:
        turns.append(len(list(scene.doors.intents())))
        return sum(turns) == 60

    wait_until(all_in, "the whole flood")
    assert max(turns) <= 32


TRADERS = ("trader-arb", "trader-mom")


class Several:
    """Doors before which the traders of two strategies stand, and the gateway; the gate is open to both."""

    def __init__(self, instance: Instance) -> None:
        Keyring(instance.places.keys).ensure(TRADERS)
        for name in TRADERS:
            instance.places.role(name).mkdir()
        gate = Gate(instance.latch, ManualClock(), boot_id="boot", session="me")
        permit = msgspec.structs.replace(PERMIT, trader_sessions=("arb:1", "mom:2"))
        assert gate.accept(permit) == ""
        self._buses = {name: Bus(name, instance.places) for name in (*TRADERS, Role.EXECUTOR, Role.GATEWAY)}
        self.rubbish: list[str] = []
        bot = BotIdentity("bot", "mom:")
        served = self._buses[Role.EXECUTOR]
        self.doors = Doors(served, gate, lambda name, _why: self.rubbish.append(name), bot)
        speakers = (*TRADERS, Role.GATEWAY)
        self.clients = {name: self._buses[name].connect(INTENTS) for name in speakers}

    def send(self, name: str, strategy: str, session: str, number: int = 1) -> None:
        """Submit an intent as the process `name`, with these claims."""
        order = msgspec.structs.replace(intent(number), strategy=strategy, trader_session=session)
        data = encode(Submit(intent=order))
        wait_until(lambda: self.clients[name].send(data), "a connection")

    def unreadable(self, name: str, data: bytes) -> None:
        """Send what nobody takes from that process."""
        self.rubbish.clear()
        wait_until(lambda: self.clients[name].send(data), "a connection")
        wait_until(lambda: not list(self.doors.intents()) and bool(self.rubbish), "what cannot be read")
        assert self.rubbish == [name]

    def came(self) -> Submitted:
        """Return the next that comes in."""
        found: list[Submitted] = []

        def any_came() -> bool:
            found.extend(self.doors.intents())
            return bool(found)

        wait_until(any_came, "an intent")
        (submitted,) = found
        return submitted

    def close(self) -> None:
        """Leave the bus."""
        for bus in self._buses.values():
            bus.close()


@pytest.fixture
def several() -> Iterator[Several]:
    """Doors before which two strategies stand."""
    with Instance() as instance:
        made = Several(instance)
        yield made
        made.close()


@pytest.mark.parametrize(
    ("name", "strategy", "session", "rule"),
    [
        ("trader-arb", "arb", "arb:1", ""),
        ("trader-mom", "mom", "mom:2", ""),
        ("trader-arb", "mom", "mom:2", "strategy"),
        ("trader-arb", "mom", "arb:1", "strategy"),
        ("trader-arb", "arb", "mom:2", "session"),
        ("trader-arb", "arb", "arb:9", "session"),
        ("trader-arb", "arb", "", "session"),
    ],
)
def test_whose_an_intent_is_follows_from_the_key(
    several: Several, name: str, strategy: str, session: str, rule: str
) -> None:
    """PL5, I8: another's name or session is of no use, and the refusal is written down as the sender's."""
    several.send(name, strategy, session)
    submitted = several.came()
    for gate in (submitted.gate, submitted.reduce_gate):
        assert ("" if gate is None else gate.rule) == rule
    assert f"trader-{submitted.intent.strategy}" == name


def test_where_a_strategy_hears_is_proven_by_its_key_and_its_session(several: Several) -> None:
    """SL1, I8: another's session, an old one, or the gateway's word moves nothing; its own does at once."""
    for name, session in (
        ("trader-arb", "mom:2"),
        ("trader-arb", "arb:9"),
        (Role.GATEWAY, "mom:2"),
        ("trader-mom", "mom:2"),
    ):
        data = encode(Listen(trader_session=session, strategy="another"))
        wait_until(lambda data=data, name=name: several.clients[name].send(data), "a connection")  # type: ignore[misc] # bound in each turn
    heard: list[str] = []

    def any_heard() -> bool:
        assert list(several.doors.intents()) == []
        heard.extend(strategy for strategy, _ in several.doors.listening())
        return bool(heard) and bool(several.rubbish)

    wait_until(any_heard, "who listens")
    # Of several each goes by the name of its key; what is no trader's is rubbish from where it comes.
    assert (heard, several.rubbish) == (["mom"], [Role.GATEWAY])


def test_what_a_bot_sends_comes_in_under_its_traders_session(several: Several) -> None:
    """EX12: the gateway claims neither name nor session, and a trader cannot pass for a bot."""
    told = BotSend("1" * 32, "2" * 32, 10**18, Call(to=ROUTER))
    wait_until(lambda: several.clients[Role.GATEWAY].send(encode(told)), "a connection")
    submitted = several.came()
    assert submitted.by_bot
    assert (submitted.intent.strategy, submitted.intent.trader_session) == ("bot", "mom:2")
    assert (submitted.gate, submitted.intent.proposal.call) == (None, told.call)
    order = msgspec.structs.replace(intent(), strategy="arb", trader_session="arb:1")
    several.unreadable(Role.GATEWAY, encode(Submit(intent=order)))
    several.unreadable("trader-arb", encode(told))


@pytest.mark.parametrize(
    ("bot", "standing", "session"),
    [
        (BotIdentity("bot"), ("one",), "one"),
        (BotIdentity("bot"), ("arb:1",), ""),
        (BotIdentity("bot"), (), ""),
        (BotIdentity("mom", "mom:"), ("arb:1", "mom:2"), "mom:2"),
        (BotIdentity("mom", "mom:"), ("arb:1",), ""),
        (BotIdentity("bot", known=False), ("one",), ""),
    ],
)
def test_a_bot_without_its_traders_session_has_none(
    bot: BotIdentity, standing: tuple[str, ...], session: str
) -> None:
    """EX12, I2: nothing is sent for a bot whose trader the watchdog does not stand by."""
    assert bot.session(standing) == session


def test_a_flood_of_one_strategy_leaves_the_others_their_turn(several: Several) -> None:
    """PL5: the quiet one is served at once, what is too much is answered, and a turn stays bounded."""
    for number in range(200):
        several.send("trader-arb", "arb", "arb:1", number)
    several.send("trader-mom", "mom", "mom:2", 999)
    turns: list[list[str]] = []

    def quiet_came() -> bool:
        turns.append([each.intent.strategy for each in several.doors.intents()])
        return "mom" in turns[-1]

    wait_until(quiet_came, "the quiet strategy's intent")
    assert max(map(len, turns)) <= 32
    assert turns[-1].index("mom") <= 1
    order = msgspec.structs.replace(intent(7), strategy="arb", trader_session="arb:1")
    rules: list[str] = []

    def told() -> bool:
        for _ in range(150):
            several.clients["trader-arb"].send(encode(Submit(intent=order)))
        list(several.doors.intents())
        data = several.clients["trader-arb"].receive()
        rules.extend([] if data is None else [decode(data, Answer).decision.rule])
        return bool(rules)

    wait_until(told, "an answer to what was too much")
    assert rules[0] == "intent.flood"


def test_an_order_comes_in_and_one_of_another_version_is_answered(scene: Scene) -> None:
    """OP1: a command of another version gets a line, not a silence."""
    scene.send(scene.operator, b"\x81\xa4type\xa9lever.999")
    reply = scene.answer()
    assert isinstance(reply, OperatorReply)
    assert (reply.exit_code, "version" in reply.message, scene.ordered) == (EXIT_REFUSED, True, [])
    scene.send(scene.operator, encode(AskRisk()))

    def ordered() -> bool:
        scene.serve()
        return bool(scene.ordered)

    wait_until(ordered, "the order")
    assert scene.ordered[0].request == AskRisk()
