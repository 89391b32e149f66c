"""One endpoint's client against a real HTTP server that misbehaves."""

from __future__ import annotations

import gzip
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from tests.unit.gateway.servers import Scripted, answered, error, result, scripted
from warden.gateway import endpoint
from warden.gateway.endpoint import EndpointClient
from warden.gateway.errors import Kind, NoAnswer
from warden.gateway.jsonrpc import Call
from warden.runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

READ = Call("eth_call")


@asynccontextmanager
async def client(url: str, *, timeout_s: float = 20.0) -> AsyncIterator[EndpointClient]:
    """A client that is closed at the end."""
    made = EndpointClient("e", url, timeout_s=timeout_s)
    try:
        yield made
    finally:
        await made.close()


async def failure_of(made: EndpointClient, calls: int = 1) -> tuple[Kind, str]:
    """Ask, and give why there was no answer."""
    with pytest.raises(NoAnswer) as caught:
        await made.ask([READ] * calls)
    return caught.value.failure.kind, caught.value.failure.text


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"", Kind.NOT_AN_ANSWER),
        (200, b"<html>", Kind.NOT_AN_ANSWER),
        (200, b'{"jsonrpc":"2.0","id":0,"result":"0x', Kind.NOT_AN_ANSWER),
        (200, b'{"jsonrpc":"2.0","id":0}', Kind.NOT_AN_ANSWER),
        (200, b'{"jsonrpc":"2.0","id":0,"error":null}', Kind.NOT_AN_ANSWER),
        (200, b'{"jsonrpc":"2.0","id":99,"result":1}', Kind.NOT_AN_ANSWER),
        (200, b'{"jsonrpc":"2.0","id":"0","result":1}', Kind.NOT_AN_ANSWER),
        (200, b"[]", Kind.NOT_AN_ANSWER),
        (429, b"", Kind.RATE_LIMIT),
        (500, b"", Kind.HTTP_STATUS),
        (503, b'{"jsonrpc":"2.0","id":0,"result":1}', Kind.HTTP_STATUS),
        (401, b"", Kind.HTTP_STATUS),
        (404, b"", Kind.HTTP_STATUS),
        (413, b"", Kind.TOO_LARGE),
    ],
)
async def test_what_is_no_answer_is_told(status: int, body: bytes, kind: Kind) -> None:
    """Torn, foreign, misnumbered and refused answers are never taken for results (RP4)."""

    async def respond(_server: Scripted, _request: web.BaseRequest) -> web.Response:
        return answered(body, status=status)

    async with scripted(respond) as server, client(server.url) as made:
        assert (await failure_of(made))[0] is kind


async def test_retry_after_is_read() -> None:
    """In seconds; what is no number counts as none."""
    headers = iter(["7", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "9" * 40])

    async def respond(_server: Scripted, _request: web.BaseRequest) -> web.Response:
        return answered(b"", status=429, headers={"Retry-After": next(headers)})

    async with scripted(respond) as server, client(server.url) as made:
        waits = []
        for _ in range(4):
            with pytest.raises(NoAnswer) as caught:
                await made.ask([READ])
            waits.append(caught.value.failure.retry_after_s)
    assert waits == [7.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("status", [400, 500])
async def test_a_revert_with_an_http_error_is_an_answer(status: int) -> None:
    """Some nodes give final errors with HTTP 400 or 500; they are final all the same (RP4)."""

    async def respond(server: Scripted, _request: web.BaseRequest) -> web.Response:
        return answered(error(server.calls()[0].id, 3, "execution reverted"), status=status)

    async with scripted(respond) as server, client(server.url) as made:
        (answer,) = await made.ask([READ])
        assert answer is not None
        assert b"reverted" in bytes(answer.error)


async def test_answers_of_a_batch_are_put_in_order() -> None:
    """In any order, with strangers among them and one left out."""

    async def respond(server: Scripted, _request: web.BaseRequest) -> web.Response:
        numbers = [call.id for call in server.calls()]
        return answered([result(10**6), *(result(each, each) for each in reversed(numbers[:-1]))])

    async with scripted(respond) as server, client(server.url) as made:
        answers = await made.ask([READ] * 4)
        numbers = [call.id for call in server.calls()]
    assert [None if each is None else int(bytes(each.result)) for each in answers] == [*numbers[:-1], None]


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [(-32005, "rate limit reached", Kind.RATE_LIMIT), (-32600, "no batches here", Kind.TOO_LARGE)],
)
async def test_one_error_for_a_whole_batch_is_understood(code: int, message: str, kind: Kind) -> None:
    """Providers refuse a batch with a single error and no id of ours."""

    async def respond(_server: Scripted, _request: web.BaseRequest) -> web.Response:
        return answered(error(None, code, message))

    async with scripted(respond) as server, client(server.url) as made:
        found, text = await failure_of(made, calls=3)
    assert found is kind
    assert message in text


async def test_an_answer_may_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound counts what is unpacked: a small compressed answer can be a large one."""
    monkeypatch.setattr(endpoint, "ANSWER_BYTES_MAX", 1_000_000)
    packed = gzip.compress(b" " * 5_000_000 + b'{"jsonrpc":"2.0","id":0,"result":1}')

    async def respond(_server: Scripted, _request: web.BaseRequest) -> web.Response:
        return answered(packed, headers={"Content-Encoding": "gzip"})

    async with scripted(respond) as server, client(server.url) as made:
        assert (await failure_of(made))[0] is Kind.TOO_LARGE


async def test_a_redirection_is_not_followed() -> None:
    """An endpoint can't send our questions elsewhere."""

    async def respond(server: Scripted, _request: web.BaseRequest) -> web.Response:
        return answered(b"", status=307, headers={"Location": server.url + "/other"})

    async with scripted(respond) as server, client(server.url) as made:
        assert await failure_of(made) == (Kind.HTTP_STATUS, "HTTP 307")
        assert len(server.bodies) == 1


async def test_a_kept_connection_that_was_closed_is_no_failure() -> None:
    """A node that closes idle connections costs one more attempt, not an error."""
    drop = iter([False, True, False])

    async def respond(server: Scripted, request: web.BaseRequest) -> web.Response:
        if next(drop) and request.transport is not None:
            request.transport.abort()
        return answered(result(server.calls()[0].id))

    async with scripted(respond) as server, client(server.url) as made:
        for _ in range(2):
            (answer,) = await made.ask([READ])
            assert answer is not None
        assert len(server.bodies) == 3


async def test_a_cut_off_answer_is_told() -> None:
    """Half of the promised bytes are no answer, even if they happen to be JSON."""

    async def respond(server: Scripted, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 1_000
        await response.prepare(request)
        await response.write(b'{"jsonrpc":"2.0","id":%d,"result":1}' % server.calls()[0].id)
        assert request.transport is not None
        request.transport.close()
        return response

    async with scripted(respond) as server, client(server.url) as made:
        assert await failure_of(made) == (Kind.NOT_AN_ANSWER, "answer cut off")


async def test_no_error_holds_the_url() -> None:
    """A URL may hold a key: refused, hung, unknown host and odd URLs are told in other words (OB1)."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as silent:
        port = silent.getsockname()[1]
        urls = {
            f"http://127.0.0.1:{port}/secretkey": Kind.TIMEOUT,
            "http://127.0.0.1:1/secretkey": Kind.REFUSED,
            f"https://127.0.0.1:{port}/secretkey": Kind.TIMEOUT,
            "http://secretkey.invalid/": Kind.REFUSED,
            "http://:0/secretkey": Kind.NOT_AN_ANSWER,
        }
        for url, kind in urls.items():
            async with client(url, timeout_s=1.0) as made:
                found, text = await failure_of(made)
            # A machine without a name service may also be slow to say so.
            assert found in {kind, Kind.TIMEOUT}
            assert "secretkey" not in text
            assert "127.0.0.1" not in text


async def test_a_closed_client_gives_no_answer() -> None:
    """A read under way while the venue changes fails over instead of breaking."""
    async with client("http://127.0.0.1:1") as made:
        await made.close()
        assert (await failure_of(made))[0] is Kind.DISCONNECTED


@pytest.mark.parametrize("break_it", [True, False], ids=["broken by the endpoint", "broken by the close"])
async def test_a_client_that_is_closed_under_way_gives_no_answer(break_it: bool) -> None:  # noqa: FBT001 - a case
    """The venue changes while a read waits: it fails over, whatever of the two ends its connection first."""
    made = EndpointClient("e", "", timeout_s=20.0)

    async def respond(server: Scripted, request: web.BaseRequest) -> web.Response:
        await made.close()
        if break_it and request.transport is not None:
            request.transport.abort()
        return answered(result(server.calls()[0].id))

    async with scripted(respond) as server:
        made._url = server.url
        assert (await failure_of(made))[0] is Kind.DISCONNECTED


@pytest.mark.parametrize("head", ["0x", "12", None, 5, "0xzz", {}])
async def test_a_probe_believes_no_nonsense(head: object) -> None:
    """A head that is no quantity is no answer."""

    async def respond(server: Scripted, _request: web.BaseRequest) -> web.Response:
        return answered(result(server.calls()[0].id, head))

    async with scripted(respond) as server, client(server.url) as made:
        if head == "12":  # hexadecimal without its prefix, as some old nodes give it
            assert (await made.probe(SystemClock(), chain=False, genesis=False)).head == 0x12
            return
        with pytest.raises(NoAnswer):
            await made.probe(SystemClock(), chain=False, genesis=False)


async def test_a_probe_asks_for_the_chain_only_when_told() -> None:
    """Calls cost quota: chain id and block 0 are asked for now and then (PL2)."""
    said = {"eth_blockNumber": "0x10", "eth_chainId": "0x1", "eth_getBlockByNumber": {"hash": "0xAB"}}

    async def respond(server: Scripted, _request: web.BaseRequest) -> web.Response:
        call = server.calls()[0]
        return answered(result(call.id, said[call.method]))

    async with scripted(respond) as server, client(server.url) as made:
        plain = await made.probe(SystemClock(), chain=False, genesis=True)
        assert (plain.head, plain.chain_id, plain.genesis, len(server.bodies)) == (16, None, None, 1)
        full = await made.probe(SystemClock(), chain=True, genesis=True)
        assert (full.chain_id, full.genesis, len(server.bodies)) == (1, "0xab", 4)
