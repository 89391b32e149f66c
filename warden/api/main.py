"""The api's loop: listen to telemetry, answer GETs, beat."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import uvloop
from aiohttp import web

from warden.api.core import State, hear
from warden.api.pages import answer
from warden.api.server import Server
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.runtime.clock import NS_PER_MS
from warden.runtime.venue import announce_url
from warden.wire.messages import ProcessState
from warden.wire.telemetry import ApiStatus, Severity

if TYPE_CHECKING:
    from warden.runtime.process import Frame

_SPEAKERS: Final = (
    Role.WATCHDOG,
    Role.EXECUTOR,
    Role.GATEWAY,
    Role.NOTIFIER,
    Role.LOGGER,
    Role.DEVNET,
    Role.TRADER,
)
_TICK_S: Final = 0.05
_MESSAGES_A_TURN: Final = 64
_STATUS_EVERY_NS: Final = 500 * NS_PER_MS


class Api:
    """The process: a server beside one `turn` every 50 ms."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        traders = tuple(frame.bus.named([Role.TRADER]))
        self._state = State(started_ns=frame.clock.boot_ns(), traders=traders)
        devnet = frame.settings.environment is Environment.DEVNET
        speakers = frame.bus.named(role for role in _SPEAKERS if devnet or role is not Role.DEVNET)
        self._ears = [frame.bus.subscribe([name]) for name in speakers]
        self._server = Server(self._answer)
        self._requests = 0
        self._heard = 0
        self._url = ""
        self._status_due_ns = 0

    async def start(self) -> None:
        """Begin to serve and say where.

        Raises:
            ConfigurationInvalid: the address cannot be served on.
        """
        settings = self._frame.settings.api
        self._url = await self._server.start(settings.host, settings.port)
        announce_url(self._frame.places, Role.API, self._url)
        self._frame.event(Severity.INFO, "api.serves", f"the api answers at {self._url}")

    def turn(self) -> None:
        """Hear a bounded number of messages from each process, beat, and close what idles."""
        frame = self._frame
        for ear in self._ears:
            for name, message in ear.drain(_MESSAGES_A_TURN):
                hear(self._state, name, message, frame.clock.boot_ns())
                self._heard += 1
        frame.beat(ProcessState.READY, progress=self._heard, offered=self._requests, handled=self._requests)
        frame.leaves()  # read and dropped: the watchdog grants an api nothing
        now_ns = frame.clock.boot_ns()
        if now_ns >= self._status_due_ns:
            self._status_due_ns = now_ns + _STATUS_EVERY_NS
            self._server.sweep(now_ns)
            status = ApiStatus(sent_ns=now_ns, session=frame.session, url=self._url, requests=self._requests)
            frame.publish(status)
            hear(self._state, Role.API, status, now_ns)

    async def close(self) -> None:
        """Stop serving."""
        await self._server.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self._requests += 1
        found = answer(self._state, request.method, request.path, self._requests, self._frame.clock.boot_ns())
        headers = {"Content-Type": found.content_type, "Cache-Control": "no-store"}
        if found.allow:
            headers["Allow"] = found.allow
        response = web.Response(status=found.status, body=found.body, headers=headers)
        if request.method != "GET":
            response.force_close()  # a body that nobody reads ends with the connection
        return response


async def _serve(frame: Frame) -> None:
    api = Api(frame)
    await api.start()
    try:
        while not frame.ending:
            api.turn()
            await asyncio.sleep(_TICK_S)
    finally:
        await api.close()


def main(frame: Frame) -> None:
    """Answer GETs until told to end."""
    uvloop.run(_serve(frame))
