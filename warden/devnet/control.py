"""The control API on loopback: faults, the receive log, funding, noise. For tests, drills and the demo.

GET /devnet · GET /faults · POST /faults/{endpoint} · DELETE /faults · GET /receipts[?endpoint=NAME]
POST /fund {address, eth_wei, weth_wei} · POST /noise {running} · POST /mining {running}
A mistake answers 400 with {"error": one line}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from warden.devnet.faults import Fault
from warden.devnet.received import read_received
from warden.devnet.sockets import LOOPBACK, bound_socket, port_of
from warden.domain.errors import WardenError

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from warden.devnet.world import Devnet


class FundRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Amounts are wei, as numbers or decimal text."""

    address: str
    eth_wei: int | str = 0
    weth_wei: int | str = 0


class RunningRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the noise traders trade, or blocks come."""

    running: bool


class Control:
    """Serves a devnet's controls."""

    def __init__(self, devnet: Devnet) -> None:
        """Prepare; `start` makes it listen."""
        self._devnet = devnet
        self._socket: socket.socket | None = None
        application = web.Application(middlewares=[_mistakes_as_json])
        application.add_routes(
            [
                web.get("/devnet", self._get_devnet),
                web.get("/faults", self._get_faults),
                web.post("/faults/{endpoint}", self._post_fault),
                web.delete("/faults", self._delete_faults),
                web.get("/receipts", self._get_receipts),
                web.post("/fund", self._post_fund),
                web.post("/noise", self._post_noise),
                web.post("/mining", self._post_mining),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None)

    @property
    def port(self) -> int:
        """The loopback port, from `start` on."""
        if self._socket is None:
            raise WardenError("the devnet's control is not started: start it first")
        return port_of(self._socket)

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://{LOOPBACK}:{self.port}"

    async def start(self, port: int) -> None:
        """Listen.

        Raises:
            ConfigurationInvalid: the port is in use.
        """
        self._socket = bound_socket(port, "the devnet's control")
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _get_devnet(self, _: web.Request) -> web.Response:
        return _json(self._devnet.manifest)

    async def _get_faults(self, _: web.Request) -> web.Response:
        return _json({name: endpoint.fault for name, endpoint in self._devnet.endpoints.items()})

    async def _post_fault(self, request: web.Request) -> web.Response:
        fault = msgspec.json.decode(await request.read(), type=Fault)
        await self._devnet.set_fault(request.match_info["endpoint"], fault)
        return _json(fault)

    async def _delete_faults(self, _: web.Request) -> web.Response:
        await self._devnet.reset_faults()
        return _json({})

    async def _get_receipts(self, request: web.Request) -> web.Response:
        wanted = request.query.get("endpoint")
        received = read_received(self._devnet.received_log)
        return _json([each for each in received if wanted in {None, each.endpoint}])

    async def _post_fund(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=FundRequest)
        hashes = await self._devnet.fund(
            asked.address, eth_wei=int(asked.eth_wei), weth_wei=int(asked.weth_wei)
        )
        return _json({"transactions": hashes})

    async def _post_noise(self, request: web.Request) -> web.Response:
        self._devnet.noise.running = msgspec.json.decode(await request.read(), type=RunningRequest).running
        return _json({"running": self._devnet.noise.running})

    async def _post_mining(self, request: web.Request) -> web.Response:
        running = msgspec.json.decode(await request.read(), type=RunningRequest).running
        await self._devnet.set_mining(running=running)
        return _json({"running": running})


@web.middleware
async def _mistakes_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except (msgspec.MsgspecError, ValueError, WardenError) as error:
        return _json({"error": str(error)}, status=400)


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
