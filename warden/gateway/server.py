"""The JSON-RPC server: HTTP on loopback, for any ordinary client (RP7). Sizes and waits are bounded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote, unquote

from aiohttp import web

from warden.gateway import jsonrpc
from warden.gateway.agreed import AgreedReads
from warden.gateway.jsonrpc import NULL, Call, Code, Invalid, NotJson, error_of, shown
from warden.gateway.methods import Kind, kind_of
from warden.gateway.reads import Reply
from warden.runtime.rpc import AVOID_HEADER, ENDPOINT_HEADER

if TYPE_CHECKING:
    import socket
    from collections.abc import Container, Sequence

    from warden.gateway.bot import BotDoor
    from warden.gateway.sends import Sends
    from warden.runtime.clock import Clock

REQUEST_BYTES_MAX: Final = 5 * 1024 * 1024
ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
REQUESTS_AT_ONCE_MAX: Final = 256
BODY_WITHIN_S: Final = 10.0
KEEP_ALIVE_S: Final = 75.0
# What the URL of a bot ends with, so that its calls are told from those of Warden's own processes.
BOT_PATH: Final = "/bot"
HEARTBEAT_PATH: Final = "/heartbeat"
_SMALL_BYTES_MAX: Final = 64 * 1024
_BACKLOG: Final = 512
_END_WITHIN_S: Final = 1.0


class Answering(Protocol):
    """Whoever answers reads."""

    @property
    def asked(self) -> int:
        """How many calls endpoints were asked so far."""
        ...

    async def answer(self, calls: Sequence[Call], avoid: Container[str] = ()) -> list[Reply]:
        """Return a reply for each call, in order; none from an endpoint that is to be avoided."""
        ...


class Counts:
    """What the server has done since it started."""

    def __init__(self) -> None:
        self.calls = 0
        self.failures = 0
        self.offered = 0
        self.handled = 0
        # Of a bot, by the path that its URL has.
        self.bot_calls = 0
        self.bot_beats = 0


class Server:
    """Answers clients; `reads` may be exchanged while it runs."""

    def __init__(self, reads: Answering, sends: Sends, bot: BotDoor, clock: Clock) -> None:
        self.reads = reads
        self.bot = bot
        self.agreed = AgreedReads()
        self.counts = Counts()
        self._sends = sends
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._web = web.Server(
            self._handle, request_factory=_request, access_log=None, keepalive_timeout=KEEP_ALIVE_S
        )

    async def start(self, listener: socket.socket) -> None:
        """Serve on a bound socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._web, sock=listener, backlog=_BACKLOG)

    async def stop(self) -> None:
        """Take no more requests, give those under way a second, then end."""
        if self._server is not None:
            self._server.close()
        await self._web.shutdown(_END_WITHIN_S)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == HEARTBEAT_PATH:
            self.counts.bot_beats += 1
            return web.Response(text="ok\n")
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"}, text="JSON-RPC 2.0: POST only\n")
        if request.headers.get("Origin", "").startswith("http"):
            # A web page that finds this port must not use it: what a client may ask will grow.
            return _own(error_of(Code.INVALID_REQUEST, "web pages may not use Warden's gateway"), status=403)
        counts = self.counts
        if counts.offered - counts.handled >= REQUESTS_AT_ONCE_MAX:
            return await self._full(request)
        counts.offered += 1
        try:
            return await self._answer(request)
        finally:
            counts.handled += 1

    async def _full(self, request: web.BaseRequest) -> web.StreamResponse:
        """Refuse a request for want of room, under its own ids where it is small enough to be read."""
        error = error_of(Code.FULL, f"{REQUESTS_AT_ONCE_MAX} requests are under way: ask again in a moment")
        if (request.content_length or REQUEST_BYTES_MAX) > _SMALL_BYTES_MAX:
            return _own(error)
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                items, is_batch = jsonrpc.read_request(await request.read())
        except (NotJson, TimeoutError):
            return _own(error)
        return _response(items, [Reply(error, error=True)] * len(items), is_batch=is_batch)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            text = f"a request of more than {REQUEST_BYTES_MAX} bytes is not taken"
            return _own(error_of(Code.INVALID_REQUEST, text), status=413)
        except TimeoutError:
            text = f"the request was not complete after {BODY_WITHIN_S:.0f} s"
            return _own(error_of(Code.INVALID_REQUEST, text), status=408)
        try:
            items, is_batch = jsonrpc.read_request(body)
        except NotJson as error:
            return _own(error_of(Code.PARSE, f"parse error: {error}"))
        self.counts.calls += len(items)
        if request.path == BOT_PATH:
            self.counts.bot_calls += len(items)
        replies = await self._replies(items, _avoided(request.headers.get(AVOID_HEADER, "")))
        return _response(items, replies, is_batch=is_batch)

    async def _replies(self, items: list[Call | Invalid], avoid: frozenset[str]) -> list[Reply]:
        """Return the replies in order; what can be read goes to the endpoints together."""
        own: dict[int, Reply] = {}
        reads: list[Call] = []
        for place, item in enumerate(items):
            reply = self._own_reply(item)
            if reply is None and isinstance(item, Call) and kind_of(item.method) is Kind.AGREED:
                reply = await self.agreed.answer(item)
                self.counts.failures += reply.error
            if reply is None and isinstance(item, Call) and kind_of(item.method) is Kind.TRANSACTION:
                reply = await self.bot.send(item)
            if reply is not None:
                own[place] = reply
            elif isinstance(item, Call):
                reads.append(item)
        answers = await self.reads.answer(reads, avoid) if reads else []
        self.counts.failures += sum(not reply.endpoint for reply in answers)
        found = iter(answers)
        return [own.get(place) or next(found) for place in range(len(items))]

    def _counted(self, kind: Kind) -> bytes:
        counts = self.counts
        if kind is Kind.BOT:
            return b'{"calls":%d,"beats":%d}' % (counts.bot_calls, counts.bot_beats)
        return b'{"asked":"%s"}' % hex(self.reads.asked).encode()

    def _own_reply(self, item: Call | Invalid) -> Reply | None:
        """Return what needs no endpoint: refusals, and notifications, whose result nobody would see."""
        if isinstance(item, Invalid):
            return Reply(error_of(Code.INVALID_REQUEST, f"invalid request: {item.why}"), error=True)
        match kind_of(item.method):
            case Kind.READ | Kind.AGREED | Kind.TRANSACTION:
                # A send whose answer nobody would see is not made.
                return Reply(NULL) if item.notification else None
            case Kind.USAGE | Kind.BOT as kind:
                return Reply(self._counted(kind))
            case Kind.ACCOUNTS:
                return self.bot.accounts()
            case Kind.SEND:
                return self._sends.refuse(item, self._clock.boot_ns())
            case Kind.UNKNOWN:
                # ethers knows these words, and goes on without filters, for one.
                text = f"the method {shown(item.method)} does not exist/is not available"
                return Reply(error_of(Code.METHOD_NOT_FOUND, text), error=True)


def _response(items: list[Call | Invalid], replies: list[Reply], *, is_batch: bool) -> web.Response:
    answers = [
        jsonrpc.write_error(bytes(item.id), reply.body)
        if reply.error
        else jsonrpc.write_result(bytes(item.id), reply.body)
        for item, reply in zip(items, replies, strict=True)
        if isinstance(item, Invalid) or not item.notification
    ]
    if not answers:
        return web.Response(status=204)
    headers = {}
    endpoints = dict.fromkeys(reply.endpoint for reply in replies if reply.endpoint)
    if endpoints:
        headers[ENDPOINT_HEADER] = ",".join(quote(name) for name in endpoints)
        headers["X-Warden-Age-Ms"] = str(max(reply.age_ms for reply in replies if reply.endpoint))
    body = b"[" + b",".join(answers) + b"]" if is_batch else answers[0]
    if len(body) > ANSWER_BYTES_MAX:
        text = f"the answer is larger than {ANSWER_BYTES_MAX} bytes: ask for less at once"
        return _own(error_of(Code.NO_ENDPOINT, text))
    return web.Response(body=body, content_type="application/json", headers=headers)


def _avoided(header: str) -> frozenset[str]:
    """Return the endpoints that a client will not hear: who wants a second word asks for another's."""
    return frozenset(unquote(each.strip()) for each in header.split(",") if each.strip())


def _own(error: bytes, *, status: int = 200) -> web.Response:
    """Return an error about a whole request; HTTP 200 where clients would else hide its text."""
    return web.Response(body=jsonrpc.write_error(NULL, error), status=status, content_type="application/json")


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:  # noqa: ANN401 - aiohttp's own inner types
    return web.BaseRequest(
        message,
        payload,
        protocol,
        writer,
        task,
        asyncio.get_running_loop(),
        client_max_size=REQUEST_BYTES_MAX,
    )
