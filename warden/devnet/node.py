"""JSON-RPC to the chain itself, past the endpoints: for deployment, noise and control."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import aiohttp
import msgspec

from warden.domain.errors import EndpointFailed, EndpointRefused

if TYPE_CHECKING:
    from types import TracebackType

TIMEOUT_S: Final = 30.0
CONNECTIONS_MAX: Final = 64


class NodeClient:
    """One HTTP session to the node at `url`; usable as an async context manager."""

    def __init__(self, url: str) -> None:
        """Connect lazily; the session belongs to the running loop."""
        self.url = url
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            headers={"content-type": "application/json"},
            auto_decompress=False,
        )

    async def __aenter__(self) -> Self:
        """Give the client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the session."""
        await self.close()

    async def close(self) -> None:
        """Close the session and its connections."""
        await self._session.close()

    async def exchange(self, body: bytes) -> bytes:
        """Post `body` and give the answer's body as it is.

        Raises:
            EndpointFailed: the node did not answer.
        """
        try:
            async with self._session.post(self.url, data=body) as response:
                return await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EndpointFailed(f"the node at {self.url} did not answer: {error!r}") from error

    async def call(self, method: str, *params: Any) -> Any:  # noqa: ANN401 # JSON in, JSON out
        """Call one method and give its result.

        Raises:
            EndpointFailed: the node did not answer, or not in JSON.
            EndpointRefused: the node answered with an error.
        """
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        raw = await self.exchange(body)
        try:
            answer = msgspec.json.decode(raw)
        except msgspec.DecodeError as error:
            raise EndpointFailed(f"the node at {self.url} answered {method} with no JSON") from error
        if not isinstance(answer, dict):
            raise EndpointFailed(f"the node at {self.url} answered {method} with no object")
        if "error" in answer:
            raise EndpointRefused(f"{method}: {answer['error']}")
        return answer.get("result")

    async def call_int(self, method: str, *params: Any) -> int:  # noqa: ANN401 # JSON in
        """Call a method whose result is a hexadecimal quantity, and give it as a number."""
        return int(await self.call(method, *params), 16)
