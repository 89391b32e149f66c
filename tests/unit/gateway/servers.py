"""A small real HTTP server that answers what a test tells it to."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


class Call(msgspec.Struct):
    """One call as it arrived."""

    id: int
    method: str


class Scripted:
    """What arrived, and where."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[bytes] = []

    def calls(self, at: int = -1) -> list[Call]:
        """The calls of one request, the last one by default."""
        decoded = msgspec.json.decode(self.bodies[at], type=Call | list[Call])
        return decoded if isinstance(decoded, list) else [decoded]


@asynccontextmanager
async def scripted(
    respond: Callable[[Scripted, web.BaseRequest], Awaitable[web.StreamResponse]],
) -> AsyncIterator[Scripted]:
    """Serve `respond` on a free loopback port."""
    server = Scripted()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        server.bodies.append(await request.read())
        return await respond(server, request)

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()


def result(number: int, value: object = "0x1") -> dict[str, object]:
    """A good answer."""
    return {"jsonrpc": "2.0", "id": number, "result": value}


def error(number: object, code: int, message: str) -> dict[str, object]:
    """An answer with an error."""
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}


def answered(value: object, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A response with JSON, or bytes as they are."""
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return web.Response(body=body, status=status, headers=headers)
