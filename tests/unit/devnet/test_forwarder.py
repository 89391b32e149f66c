"""The forwarder before a fork's upstream: what it passes on, what it refuses, and that it tells no URL."""

from __future__ import annotations

import asyncio
import io
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from tests.unit.gateway.servers import Scripted, answered, result, scripted
from warden.devnet import forwarder
from warden.devnet.forwarder import Forwarder, host_of, is_read
from warden.domain.errors import ConfigurationInvalid, WardenError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = "0123456789abcdef"
READ = {"jsonrpc": "2.0", "id": 7, "method": "eth_getBalance", "params": ["0x11", "0x5"]}


@asynccontextmanager
async def forwarding(url: str) -> AsyncIterator[Forwarder]:
    """Run a forwarder before `url`."""
    forwards = Forwarder(url)
    await forwards.start()
    try:
        yield forwards
    finally:
        await forwards.stop()


async def asked(url: str, value: object) -> tuple[int, Any, dict[str, str]]:
    """Post a value, or bytes as they are; give status, decoded answer and headers."""
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    async with aiohttp.ClientSession() as session, session.post(url, data=body) as response:
        return response.status, msgspec.json.decode(await response.read()), dict(response.headers)


async def test_reads_go_through_with_the_urls_key() -> None:
    """Path, query and credentials of the URL reach the upstream; call and answer are as they were."""
    seen: list[tuple[str, str | None]] = []

    async def respond(_: Scripted, request: web.BaseRequest) -> web.Response:
        seen.append((request.path_qs, request.headers.get("Authorization")))
        return answered(result(7, "0x2a"))

    async with scripted(respond) as server:
        secret = server.url.replace("://", "://me:pass@") + f"/v3/{KEY}?k={KEY}"
        async with forwarding(secret) as forwards:
            status, answer, _ = await asked(forwards.url, READ)
    assert (status, answer) == (200, result(7, "0x2a"))
    assert msgspec.json.decode(server.bodies[0]) == READ
    assert seen == [(f"/v3/{KEY}?k={KEY}", "Basic bWU6cGFzcw==")]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({**READ, "method": "eth_sendRawTransaction"}, 200, -32601),
        ({**READ, "method": "eth_sendTransaction"}, 200, -32601),
        ({**READ, "method": "anvil_setBalance"}, 200, -32601),
        ([READ, {**READ, "method": "eth_sendRawTransaction"}], 200, -32601),
        ([], 400, -32600),
        (b"no JSON", 400, -32600),
        (b'{"id": 7}', 400, -32600),
    ],
)
async def test_what_is_no_read_is_not_passed_on(body: object, status: int, code: int) -> None:
    """Nothing that sends or steers reaches the chain that is forked, in a batch neither."""
    async with scripted(_unasked) as server, forwarding(server.url) as forwards:
        told, answer, _ = await asked(forwards.url, body)
        assert (told, answer["error"]["code"]) == (status, code)
    assert server.bodies == []


async def test_a_doubled_key_smuggles_nothing_past() -> None:
    """What was judged is what is asked, even if the body could be read in two ways."""

    async def respond(server: Scripted, _: web.BaseRequest) -> web.Response:
        return answered(result(server.calls()[0].id))

    doubled = b'{"id": 7, "method": "eth_sendRawTransaction", "method": "eth_chainId", "params": []}'
    async with scripted(respond) as server, forwarding(server.url) as forwards:
        assert (await asked(forwards.url, doubled))[0] == 200
    assert b"eth_sendRawTransaction" not in server.bodies[0]
    assert b"eth_chainId" in server.bodies[0]


@pytest.mark.parametrize(("said", "told"), [(429, 429), (503, 503), (401, 401), (302, 502)])
async def test_a_failing_upstream_is_told_without_its_url(said: int, told: int) -> None:
    """Status and Retry-After are passed on, so that anvil knows when to ask again; the body is not."""

    async def respond(_: Scripted, request: web.BaseRequest) -> web.Response:
        headers = {"Retry-After": "3", "Location": str(request.url)}
        return answered(f"no {request.path}".encode(), status=said, headers=headers)

    async with scripted(respond) as server, forwarding(f"{server.url}/{KEY}") as forwards:
        status, answer, headers = await asked(forwards.url, READ)
    assert (status, answer["id"], headers["Retry-After"]) == (told, 7, "3")
    assert answer["error"]["message"] == f"{host_of(server.url)} answered HTTP {said}"
    assert "Location" not in headers


async def test_nobody_there_is_told_without_the_url() -> None:
    """A refused connection, and an upstream that hangs up: host and kind of the failure only."""
    async with forwarding(f"http://127.0.0.1:1/{KEY}") as forwards:
        status, answer, _ = await asked(forwards.url, READ)
    assert status == 502
    assert answer["error"]["message"].startswith("127.0.0.1:1 does not answer (")
    assert KEY not in str(answer)


async def test_a_hanging_upstream_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time a read is answered with 504; beyond the number under way, at once with 429."""
    monkeypatch.setattr(forwarder, "TIMEOUT_S", 1.0)
    monkeypatch.setattr(forwarder, "IN_FLIGHT_MAX", 1)
    arrived, ended = asyncio.Event(), asyncio.Event()

    async def respond(_: Scripted, __: web.BaseRequest) -> web.Response:
        arrived.set()
        await ended.wait()
        return answered(result(7))

    async with scripted(respond) as server, forwarding(server.url) as forwards:
        first = asyncio.create_task(asked(forwards.url, READ))
        await arrived.wait()
        crowded = await asked(forwards.url, READ)
        timed_out = await first
        ended.set()
    assert timed_out[0] == 504
    # On a machine that took a second for it, the first was over and the second timed out as well.
    assert crowded[0] in {429, 504}


async def test_large_bodies_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request above 1 MiB is refused by the server; an answer above its bound is not passed on."""
    monkeypatch.setattr(forwarder, "ANSWER_BYTES_MAX", 1_000)

    async def respond(_: Scripted, __: web.BaseRequest) -> web.Response:
        return answered(result(7, "0x" + "0" * 1_000))

    async with scripted(respond) as server, forwarding(server.url) as forwards:
        status, answer, _ = await asked(forwards.url, READ)
        assert status == 502
        assert "more than 1000 bytes" in answer["error"]["message"]
        large = io.BytesIO(msgspec.json.encode({**READ, "params": ["0" * forwarder.REQUEST_BYTES_MAX]}))
        async with aiohttp.ClientSession() as session, session.post(forwards.url, data=large) as response:
            assert response.status == 413
    assert len(server.bodies) == 1


async def test_only_posts_are_answered() -> None:
    """JSON-RPC is POST."""
    async with (
        forwarding("http://127.0.0.1:1") as forwards,
        aiohttp.ClientSession() as session,
        session.get(forwards.url) as response,
    ):
        assert (response.status, response.headers["Allow"]) == (405, "POST")


async def test_without_a_start_it_has_no_url() -> None:
    """Asked for too early it says so; ending what never began is harmless."""
    forwards = Forwarder("http://127.0.0.1:1")
    with pytest.raises(WardenError, match="start it first"):
        _ = forwards.url
    await forwards.stop()


def test_reads_are_named() -> None:
    """What anvil asks of a chain passes; what it does not know to be a read does not."""
    assert all(map(is_read, ("eth_getStorageAt", "eth_chainId", "debug_traceTransaction", "net_version")))
    assert not any(map(is_read, ("eth_sendRawTransaction", "eth_sign", "debug_setHead", "evm_mine", "")))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (f"https://me:{KEY}@a.example:8545/{KEY}", "a.example:8545"),
        (f"http://a.example/?{KEY}", "a.example"),
    ],
)
def test_the_host_of_a_url_may_be_told(url: str, host: str) -> None:
    """Host and port, and nothing of the rest."""
    assert host_of(url) == host


@pytest.mark.parametrize("url", ["", KEY, f"ftp://{KEY}", "http://", f"http://[{KEY}", f"http://a:{KEY}"])
def test_what_is_no_address_is_refused_unquoted(url: str) -> None:
    """One line with the mend, which does not repeat what may be a key (bad input)."""
    with pytest.raises(ConfigurationInvalid, match="give http:// or https:// and a host") as caught:
        Forwarder(url)
    assert KEY not in str(caught.value)


async def _unasked(_: Scripted, __: web.BaseRequest) -> web.Response:
    return answered(result(7))
