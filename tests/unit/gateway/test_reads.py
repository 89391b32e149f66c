"""A read on its way over several real servers."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from tests.unit.gateway.servers import Scripted, answered, error, result, scripted
from warden.gateway.core import Core, Rules
from warden.gateway.endpoint import EndpointClient
from warden.gateway.events import Event, Probed, ReadFailed
from warden.gateway.jsonrpc import Call
from warden.gateway.reads import NoChain, Reads
from warden.runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

RULES = Rules(chain_id=1, genesis="", slow_ms=500, lag_blocks_max=5, head_age_ms_max=60_000)
READ = Call("eth_getBalance")


class Venue:
    """Servers by name, the reads over them, and what the core was told."""

    def __init__(self, servers: dict[str, Scripted], clients: dict[str, EndpointClient]) -> None:
        self.servers = servers
        self.core = Core(list(clients), RULES)
        self.told: list[Event] = []
        clock = SystemClock()
        for name in clients:
            self.core.handle(Probed(name=name, latency_ms=1, head=5, chain_id=1), clock.boot_ns())
        self.reads = Reads(self.core, clients, clock, self.told.append)

    def asked(self) -> list[int]:
        """How many requests each server had."""
        return [len(server.bodies) for server in self.servers.values()]


@asynccontextmanager
async def venue(*scripts: list[dict[str, object]] | int) -> AsyncIterator[Venue]:
    """Servers a, b, …: each answers every call of a request by its script in turn, or with an HTTP status."""
    async with AsyncExitStack() as stack:
        servers, clients = {}, {}
        for name, script in zip("abc", scripts, strict=False):
            servers[name] = await stack.enter_async_context(scripted(_responder(script)))
            client = EndpointClient(name, servers[name].url, timeout_s=20)
            stack.push_async_callback(client.close)
            clients[name] = client
        yield Venue(servers, clients)


def _responder(script: list[dict[str, object]] | int):  # type: ignore[no-untyped-def] # noqa: ANN202 - scripted's own type
    async def respond(server: Scripted, _request: web.BaseRequest) -> web.Response:
        if isinstance(script, int):
            return answered(b"", status=script)
        calls = server.calls()
        answers = [each | {"id": call.id} for each, call in zip(script, calls, strict=False)]
        return answered(answers if server.bodies[-1].startswith(b"[") else answers[0])

    return respond


async def test_what_the_first_knows_goes_to_no_other() -> None:
    """One request, one endpoint."""
    async with venue([result(0, "0x7")], [result(0, "0x8")]) as made:
        (reply,) = await made.reads.answer([READ])
        assert (reply.body, reply.endpoint, made.asked()) == (b'"0x7"', "a", [1, 0])


async def test_a_final_error_is_returned_unchanged_and_goes_to_no_other() -> None:
    """A revert is an answer (RP4)."""
    revert = error(0, 3, "execution reverted") | {"more": 1}
    async with venue([revert], [result(0)]) as made:
        (reply,) = await made.reads.answer([READ])
        assert reply.error
        assert json.loads(reply.body) == revert["error"]
        assert made.asked() == [1, 0]
        assert made.told == []


async def test_missing_data_is_asked_elsewhere() -> None:
    """Another endpoint may keep older state (RP4)."""
    async with venue([error(0, -32000, "missing trie node")], [result(0, "0x8")]) as made:
        (reply,) = await made.reads.answer([READ])
        assert (reply.body, reply.endpoint) == (b'"0x8"', "b")


async def test_what_all_miss_is_told_in_the_first_ones_words() -> None:
    """Everywhere not found is an answer, not a failure of the gateway (RP4)."""
    async with venue(
        [error(0, -32601, "the method eth_x does not exist")], [error(0, -32601, "no such method")], 500
    ) as made:
        (reply,) = await made.reads.answer([READ])
        assert json.loads(reply.body)["message"] == "the method eth_x does not exist"
        assert (reply.endpoint, made.asked()) == ("a", [1, 1, 1])


async def test_only_what_is_open_in_a_batch_goes_on() -> None:
    """What the first has answered is not asked again."""
    async with venue(
        [result(0, "0x1"), error(0, -32000, "header not found"), error(0, 3, "execution reverted")],
        [result(0, "0x2")],
    ) as made:
        replies = await made.reads.answer([READ, Call("eth_getLogs"), Call("eth_call")])
        assert [(reply.endpoint, reply.error) for reply in replies] == [
            ("a", False),
            ("b", False),
            ("a", True),
        ]
        assert [call.method for call in made.servers["b"].calls()] == ["eth_getLogs"]


async def test_a_part_that_nobody_answers_fails_alone() -> None:
    """The rest of a batch is answered."""
    internal = error(0, -32603, "internal error")
    async with venue([result(0, "0x1"), internal], [internal]) as made:
        first, second = await made.reads.answer([READ, READ])
        assert (first.body, first.endpoint) == (b'"0x1"', "a")
        assert second.endpoint == ""
        assert json.loads(second.body)["code"] == -32001


async def test_nobody_is_a_clear_error_with_each_ones_state() -> None:
    """Each endpoint, its state, what it said, and no URL (RP5)."""
    async with venue(503, [error(0, -32603, "broken at http://127.0.0.1:1/key")]) as made:
        (reply,) = await made.reads.answer([READ])
        body = json.loads(reply.body)
        assert body["code"] == -32001
        assert "a: ok (HTTP 503)" in body["message"]
        assert "b: ok (internal error: broken at " in body["message"]
        assert "key" not in reply.body.decode()
        assert [each["asked"] for each in body["data"]["endpoints"]] == [True, True]
        assert [event.name for event in made.told if isinstance(event, ReadFailed)] == ["a", "b"]


async def test_an_answer_for_another_chain_is_never_passed_on() -> None:
    """`eth_chainId` and `net_version` are compared on their way (RP2)."""
    async with venue([result(0, "0x2")], [result(0, "0x1")]) as made:
        (reply,) = await made.reads.answer([Call("eth_chainId")])
        assert (reply.body, reply.endpoint) == (b'"0x1"', "b")
    async with venue([result(0, "2")], [result(0, "1")]) as made:
        (reply,) = await made.reads.answer([Call("net_version")])
        assert (reply.body, reply.endpoint) == (b'"1"', "b")


async def test_without_a_chain_reads_are_refused() -> None:
    """Until the devnet is up each call of a batch is refused, saying why."""
    replies = await NoChain().answer([READ, READ])
    assert [json.loads(reply.body)["code"] for reply in replies] == [-32001, -32001]


async def test_who_is_to_be_avoided_is_not_asked() -> None:
    """EX11, RP4: whoever wants a second word gets another's, or none; the first one's is never passed off."""
    async with venue([result(1)], [result(2)]) as two:
        (first,) = await two.reads.answer([READ])
        (second,) = await two.reads.answer([READ], frozenset({first.endpoint}))
        assert {first.endpoint, second.endpoint} == {"a", "b"}
        (nobody,) = await two.reads.answer([READ], frozenset({"a", "b"}))
        assert nobody.error
        assert nobody.endpoint == ""
        assert sum(two.asked()) == 2
