"""Rounds over several real servers: who is asked, and what comes of it when they fail, lag or differ."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from tests.unit.gateway.servers import Scripted, answered, error, result, scripted
from tests.unit.gateway.test_reads import RULES
from warden.gateway.agreement import Asked
from warden.gateway.core import Core
from warden.gateway.endpoint import EndpointClient
from warden.gateway.events import Event, Outvoted, Probed
from warden.gateway.rounds import Differ, Rounds, Settled, TooFew
from warden.runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

ASKED = (Asked("eth_getBalance", ("0xaa", "latest")), Asked("eth_call", ({"to": "0xbb"}, "latest")))


@dataclass
class Node:
    """A node's state: its head, what it says at each block, and how modern it is.

    `slips`: what its first answers say instead, mixed with the state of the next block.
    """

    head: int = 5
    balance: str = "0x7"
    fork: str = ""
    by_hash: bool = True
    dead: bool = False
    slips: list[str] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)

    def block(self, number: int) -> dict[str, str]:
        """Return the block at a height, as this node has it."""
        return {
            "number": hex(number),
            "hash": f"0xb{number}{self.fork}",
            "timestamp": "0x64",
            "baseFeePerGas": "0x7",
        }

    def answer(self, call: dict[str, Any]) -> dict[str, object]:
        """Answer one call."""
        method, params = call["method"], call["params"]
        self.methods.append(method)
        known = {self.block(number)["hash"]: number for number in range(self.head + 1)}
        if method == "eth_getBlockByNumber":
            number = self.head if params[0] == "latest" else int(params[0], 16)
            return result(call["id"], self.block(number) if number <= self.head else None)
        if method == "eth_getBlockByHash":
            return result(call["id"], self.block(known[params[0]]) if params[0] in known else None)
        at = params[1]
        if isinstance(at, dict) and not self.by_hash:
            return error(call["id"], -32602, "invalid argument 1: hex string expected")
        if isinstance(at, dict) and at["blockHash"] not in known:
            return error(call["id"], -32000, "header not found")
        if method == "eth_getBalance" and self.slips:
            return result(call["id"], self.slips.pop())
        return result(call["id"], self.balance)


class Venue:
    """Nodes by name, the rounds over them, and what the core was told."""

    def __init__(self, clients: dict[str, EndpointClient], *, sources_min: int) -> None:
        self.core = Core(list(clients), RULES)
        self.told: list[Event] = []
        clock = SystemClock()
        for name in clients:
            self.core.handle(Probed(name=name, latency_ms=1, head=5, chain_id=1), clock.boot_ns())
        self.rounds = Rounds(self.core, clients, clock, self.told.append, sources_min=sources_min)

    @property
    def outvoted(self) -> list[str]:
        """Who was outvoted."""
        return [each.name for each in self.told if isinstance(each, Outvoted)]


@asynccontextmanager
async def venue(*nodes: Node, sources_min: int = 2) -> AsyncIterator[Venue]:
    """Serve nodes a, b, c."""
    async with AsyncExitStack() as stack:
        clients = {}
        for name, node in zip("abc", nodes, strict=False):
            server = await stack.enter_async_context(scripted(_responder(node)))
            client = EndpointClient(name, server.url, timeout_s=20)
            stack.push_async_callback(client.close)
            clients[name] = client
        yield Venue(clients, sources_min=sources_min)


def _responder(node: Node):  # type: ignore[no-untyped-def] # noqa: ANN202 - scripted's own type
    async def respond(server: Scripted, _request: web.BaseRequest) -> web.Response:
        if node.dead:
            return answered(b"", status=500)
        asked = msgspec.json.decode(server.bodies[-1])
        answers = [node.answer(call) for call in (asked if isinstance(asked, list) else [asked])]
        return answered(answers if isinstance(asked, list) else answers[0])

    return respond


async def settled(made: Venue) -> Settled:
    """Return what is agreed on."""
    outcome = await made.rounds.settle(ASKED)
    assert isinstance(outcome, Settled), outcome
    return outcome


async def test_two_are_enough() -> None:
    """ES2: at the hash of the newest block that both have; a third is not needed."""
    async with venue(Node(), Node()) as made:
        found = await settled(made)
    assert (found.endpoints, found.outvoted, found.block.hash) == (("a", "b"), (), "0xb5")


async def test_the_newest_block_that_two_have() -> None:
    """ES2: one that is a block ahead, alone, does not hold the others up."""
    async with venue(Node(head=6), Node(head=5), Node(head=5)) as made:
        assert (await settled(made)).block.number == 5


async def test_a_liar_is_outvoted_by_name() -> None:
    """ES2: the third decides; the one that differs is named with both figures."""
    async with venue(Node(balance="0x46"), Node(), Node()) as made:
        found = await settled(made)
    assert (found.endpoints, found.outvoted) == (("b", "c"), ("a",))
    assert made.outvoted == ["a"]
    (told,) = (each for each in made.told if isinstance(each, Outvoted))
    assert "a says 70" in told.text
    assert "b says 7" in told.text


async def test_a_slip_is_no_lie() -> None:
    """ES2: who took a block in while it answered is asked again before anybody is called a liar."""
    async with venue(Node(slips=["0x99"]), Node(), Node(dead=True)) as made:
        found = await settled(made)
    assert (found.endpoints, found.outvoted, made.outvoted) == (("a", "b"), (), [])


async def test_a_slip_beside_a_lie_leaves_a_majority() -> None:
    """ES2: three that all differ at the first look are told apart at the second."""
    async with venue(Node(balance="0x46"), Node(slips=["0x99"]), Node(slips=["0x98"])) as made:
        found = await settled(made)
    assert (found.endpoints, made.outvoted) == (("b", "c"), ["a"])


async def test_two_that_differ_settle_nothing() -> None:
    """ES2: and nobody is called a liar for it."""
    async with venue(Node(balance="0x46"), Node()) as made:
        outcome = await made.rounds.settle(ASKED)
    assert isinstance(outcome, Differ)
    assert (outcome.endpoints, made.outvoted) == (("a", "b"), [])


async def test_three_that_all_differ_settle_nothing() -> None:
    """ES2: no majority is none."""
    async with venue(Node(balance="0x1"), Node(balance="0x2"), Node(balance="0x3")) as made:
        assert isinstance(await made.rounds.settle(ASKED), Differ)


async def test_one_that_is_dead_is_replaced_by_the_third() -> None:
    """RP2, ES2: a failure is no vote."""
    async with venue(Node(dead=True), Node(), Node()) as made:
        found = await settled(made)
    assert (found.endpoints, found.outvoted) == (("b", "c"), ())


async def test_one_alone_is_too_few_and_says_which() -> None:
    """ES2: one source is not enough; where one is allowed, it is."""
    async with venue(Node(), Node(dead=True)) as made:
        outcome = await made.rounds.settle(ASKED)
        assert isinstance(outcome, TooFew)
        assert outcome.answered == ("a",)
        assert "2 endpoints must agree" in outcome.text
    async with venue(Node(), sources_min=1) as made:
        assert (await settled(made)).endpoints == ("a",)


async def test_what_was_agreed_on_is_not_gone_back_from() -> None:
    """ES2: when only lagging endpoints are left, there is nothing rather than the past."""
    nodes = (Node(head=9), Node(head=9), Node(head=7))
    async with venue(*nodes) as made:
        assert (await settled(made)).block.number == 9
        nodes[0].dead = True
        nodes[1].head = 7
        made.rounds._heads.clear()
        assert isinstance(await made.rounds.settle(ASKED), TooFew)
        nodes[1].head = nodes[2].head = 10
        made.rounds._heads.clear()
        assert (await settled(made)).block.number == 10


async def test_one_on_another_fork_is_no_witness() -> None:
    """ES2, EX8: the same height with another hash is another block; the two that share one decide."""
    async with venue(Node(fork="x"), Node(), Node()) as made:
        found = await settled(made)
    assert (found.block.hash, found.endpoints) == ("0xb5", ("b", "c"))
    assert made.outvoted == []


async def test_a_node_that_knows_no_hash_is_asked_by_number() -> None:
    """ES2: by number, its block's hash looked at before and after; from then on at once."""
    old = Node(by_hash=False)
    async with venue(Node(), old) as made:
        assert (await settled(made)).endpoints == ("a", "b")
        assert old.methods[-4:] == [
            "eth_getBlockByNumber",
            "eth_getBalance",
            "eth_call",
            "eth_getBlockByNumber",
        ]
        asked = len(old.methods)
        await settled(made)
        assert "eth_getBlockByHash" not in old.methods[asked:]


async def test_a_node_that_knows_no_hash_and_is_on_another_fork_is_no_witness() -> None:
    """ES2: what it says by number is of another block."""
    async with venue(Node(), Node(by_hash=False, fork="x")) as made:
        assert isinstance(await made.rounds.settle(ASKED), TooFew)


async def test_one_that_was_outvoted_is_asked_the_same_again() -> None:
    """ES2: it is told to the core whether it agrees now."""
    liar = Node(balance="0x46")
    async with venue(liar, Node(), Node()) as made:
        found = await settled(made)
        made.told.clear()
        await made.rounds.check("a", found, ASKED)
        assert [type(each).__name__ for each in made.told] == ["Outvoted"]
        liar.balance = "0x7"
        await made.rounds.check("a", found, ASKED)
        assert [type(each).__name__ for each in made.told] == ["Outvoted", "Agreed"]
