"""The HTTP server: one address, a bounded number of connections, each for a bounded time."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from typing import TYPE_CHECKING, Final

from aiohttp import web

from warden.domain.errors import ConfigurationInvalid
from warden.runtime.clock import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.web_protocol import RequestHandler

CONNECTIONS_MAX: Final = 64
# No answer here takes long: whoever is still connected then is idle, or sends its request byte by byte.
CONNECTION_NS_MAX: Final = 30 * NS_PER_S
_HEADER_BYTES_MAX: Final = 4_096
_BACKLOG: Final = 64
_WHY: Final = {
    errno.EADDRINUSE: "is in use by another program",
    errno.EACCES: "may not be used by this user",
    errno.EADDRNOTAVAIL: "is not an address of this machine",
}


def _quiet() -> logging.Logger:
    """Return a log that drops everything: what strangers send must not fill the disk."""
    logger = logging.getLogger("warden.api.http")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


class _Refused(asyncio.Protocol):
    """Closes at once: there are connections enough."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class Server:
    """Serves `handler` on `host` and `port` (0: a free one) until it is closed."""

    def __init__(self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
        self._web = web.Server(
            handler,
            keepalive_timeout=15,
            max_line_size=_HEADER_BYTES_MAX,
            max_field_size=_HEADER_BYTES_MAX,
            access_log=None,
            logger=_quiet(),
        )
        self._server: asyncio.Server | None = None
        self._since_ns: dict[RequestHandler, int] = {}

    async def start(self, host: str, port: int) -> str:
        """Begin to serve and return the URL.

        Raises:
            ConfigurationInvalid: the address cannot be served on.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._protocol, host, port, backlog=_BACKLOG)
        except socket.gaierror as error:
            raise ConfigurationInvalid(f"api.host {host!r} is no address: {error.strerror}") from error
        except OSError as error:
            why = _WHY.get(error.errno or 0, error.strerror)
            raise ConfigurationInvalid(
                f"api: {host} port {port} {why}: set api.host and api.port in warden.toml (0: a free one)"
            ) from error
        address = self._server.sockets[0].getsockname()
        name = f"[{address[0]}]" if ":" in address[0] else address[0]
        return f"http://{name}:{address[1]}"

    def sweep(self, now_ns: int) -> None:
        """Close connections that have been there for too long; call it often."""
        alive = set(self._web.connections)
        self._since_ns = {each: self._since_ns.get(each, now_ns) for each in alive}
        for connection, since_ns in self._since_ns.items():
            if now_ns - since_ns > CONNECTION_NS_MAX:
                connection.force_close()

    async def close(self) -> None:
        """Stop serving at once."""
        if self._server is not None:
            self._server.close()
        await self._web.shutdown(timeout=1.0)

    def _protocol(self) -> asyncio.Protocol:
        if len(self._web.connections) >= CONNECTIONS_MAX:
            return _Refused()
        protocol: asyncio.Protocol = self._web()
        return protocol
