"""The only holder of a fork's URL: passes the chain node's reads on to the chain that is forked.

A provider's URL holds a key, and whatever stands on a command line is in every process list. So anvil is told
an address on loopback, where this listens. Whoever can reach anvil can reach this port too; it passes on
reads and nothing that could send, sign or steer.
"""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp import web

from warden.devnet.distortions import Call, refusal
from warden.devnet.sockets import LOOPBACK, bound_socket, port_of
from warden.domain.errors import ConfigurationInvalid, WardenError

REQUEST_BYTES_MAX: Final = 1024 * 1024  # aiohttp's own limit for a body that is read whole
ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024  # a large block with its transactions, many times over
IN_FLIGHT_MAX: Final = 256
CONNECTIONS_MAX: Final = 32
TIMEOUT_S: Final = 30.0  # below anvil's own, so that it hears why
SHUTDOWN_S: Final = 1.0
BACKLOG: Final = 128

READ_PREFIXES: Final = ("eth_get", "trace_", "debug_trace")
READS: Final = frozenset(
    {
        "eth_blobBaseFee",
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_createAccessList",
        "eth_estimateGas",
        "eth_feeHistory",
        "eth_gasPrice",
        "eth_maxPriorityFeePerGas",
        "eth_syncing",
        "net_version",
        "web3_clientVersion",
    }
)


class Unanswered(Exception):
    """The chain that is forked gave nothing to pass on; the text names its host and never its URL."""

    def __init__(self, text: str, *, status: int = 502, retry_after: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.retry_after = retry_after


class Forwarder:
    """One HTTP JSON-RPC server on loopback before one upstream URL."""

    def __init__(self, upstream_url: str) -> None:
        """Prepare; `start` makes it listen.

        Raises:
            ConfigurationInvalid: the URL is none of HTTP.
        """
        self.host = host_of(upstream_url)
        self._upstream_url = upstream_url
        self._in_flight = 0
        self._port = 0
        self._server: asyncio.Server | None = None
        self._session: aiohttp.ClientSession | None = None
        self._web = web.Server(self._handle, access_log=None)

    @property
    def url(self) -> str:
        """Where anvil reaches it, from `start` on.

        Raises:
            WardenError: it is not started.
        """
        if self._server is None:
            raise WardenError("the forwarder is not started: start it first")
        return f"http://{LOOPBACK}:{self._port}"

    async def start(self) -> None:
        """Listen on a free loopback port."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        listener = bound_socket(0, "the fork's forwarder")
        self._port = port_of(listener)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._web, sock=listener, backlog=BACKLOG)

    async def stop(self) -> None:
        """Stop listening and drop what is under way; harmless where it was never started."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._web.shutdown(SHUTDOWN_S)
        if self._session is not None:
            await self._session.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        asked = _decoded(await request.read())
        calls = asked if isinstance(asked, list) else [asked]
        refused = _refusal_of(calls)
        if refused is not None:
            return refused
        if self._in_flight >= IN_FLIGHT_MAX:
            return _told(calls[0], -32005, "too many reads at once", status=429)
        self._in_flight += 1
        try:
            # Encoded anew: what was judged is what is asked, whatever else stood in the body.
            content = await self._ask(msgspec.json.encode(asked))
        except Unanswered as error:
            headers = {"Retry-After": error.retry_after} if error.retry_after else None
            return _told(calls[0], -32000, str(error), status=error.status, headers=headers)
        finally:
            self._in_flight -= 1
        return web.Response(body=content, content_type="application/json")

    async def _ask(self, body: bytes) -> bytes:
        """Give the upstream's answer.

        Raises:
            Unanswered: there is none, it is not HTTP 200, or it is larger than 64 MiB.
        """
        if self._session is None or self._session.closed:
            raise Unanswered("the devnet is ending")
        try:
            async with self._session.post(self._upstream_url, data=body, allow_redirects=False) as answer:
                if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
                    # Its body may repeat the URL; the status says enough, and anvil retries after a 429.
                    raise Unanswered(
                        f"{self.host} answered HTTP {answer.status}",
                        status=answer.status if answer.status >= 400 else 502,  # noqa: PLR2004 - HTTP's errors
                        retry_after=answer.headers.get("Retry-After"),
                    )
                return await self._bounded(answer)
        except TimeoutError:
            raise Unanswered(f"{self.host} did not answer in {TIMEOUT_S:.0f} s", status=504) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Only its kind, and not chained: the text of such an error may hold the URL.
            raise Unanswered(f"{self.host} does not answer ({type(error).__name__})") from None

    async def _bounded(self, answer: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        async for chunk in answer.content.iter_any():
            content += chunk
            if len(content) > ANSWER_BYTES_MAX:
                answer.close()
                raise Unanswered(f"{self.host} answered more than {ANSWER_BYTES_MAX} bytes")
        return bytes(content)


def is_read(method: str) -> bool:
    """Tell whether a method only reads a chain; what is not known to is not passed on."""
    return method in READS or method.startswith(READ_PREFIXES)


def host_of(url: str) -> str:
    """Give host and port of a URL, which may be told; the rest may be a key.

    Raises:
        ConfigurationInvalid: it has none, or its scheme is not http or https.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationInvalid("devnet.fork_url is no address: give http:// or https:// and a host")
    return parts.hostname if port is None else f"{parts.hostname}:{port}"


def _decoded(body: bytes) -> Call | list[Call]:
    """Give a request or a batch; an empty batch for what is neither."""
    try:
        return msgspec.json.decode(body, type=Call | list[Call])
    except msgspec.MsgspecError:
        return []


def _refusal_of(calls: list[Call]) -> web.Response | None:
    """Answer what is not passed on; None for reads."""
    if not calls:
        return _told(Call(method=""), -32600, "neither a request nor a batch", status=400)
    for call in calls:
        if not is_read(call.method):
            return _told(call, -32601, f"{call.method} is not passed on to the chain that is forked")
    return None


def _told(
    call: Call, code: int, text: str, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    body = msgspec.json.encode(refusal(call, code, text))
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)
