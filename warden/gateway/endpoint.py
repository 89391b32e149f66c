"""One endpoint's HTTP client: pooled kept connections, bounded in time and size, no URL in any error."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohttp
import msgspec

from warden.gateway.errors import Failure, Kind, NoAnswer, judge
from warden.gateway.events import Probed
from warden.gateway.jsonrpc import NULL, Answer, Call, NotJson, read_answers, write_call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warden.runtime.clock import Clock

ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
CONNECTIONS_MAX: Final = 64
KEEP_ALIVE_S: Final = 30.0
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
# About the question, not the endpoint: it is asked elsewhere, and nothing is held against anybody.
_STATUS_OF_QUESTION: Final = frozenset({400, 413, 414, 422, 431})
_NS_PER_MS: Final = 1_000_000


class EndpointClient:
    """Asks one endpoint. Belongs to the event loop it was made in; `close` ends its connections."""

    def __init__(self, name: str, url: str, *, timeout_s: float) -> None:
        self.name = name
        self._url = url
        self._number = 0
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS_MAX, keepalive_timeout=KEEP_ALIVE_S, ttl_dns_cache=60
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            headers=_HEADERS,
            auto_decompress=True,
        )

    @property
    def asked(self) -> int:
        """How many calls it was asked, probes too; tries that broke and were repeated count once."""
        return self._number

    async def ask(self, calls: Sequence[Call]) -> list[Answer | None]:
        """Return the answers to `calls` in their order, None where the endpoint left one out.

        Raises:
            NoAnswer: there is no usable answer to any of them.
        """
        first = self._number
        self._number += len(calls)
        body = [write_call(first + place, call) for place, call in enumerate(calls)]
        status, retry_after_s, content = await self._post(
            body[0] if len(body) == 1 else b"[" + b",".join(body) + b"]"
        )
        try:
            answers = read_answers(content)
        except NotJson as error:
            raise NoAnswer(_status_failure(status, retry_after_s) or _NOT_AN_ANSWER) from error
        places = {b"%d" % (first + place): place for place in range(len(calls))}
        found: list[Answer | None] = [None] * len(calls)
        for answer in answers:
            place = places.get(bytes(answer.id))
            if place is not None and _usable(answer):
                found[place] = answer
        if status != HTTPStatus.OK and not _all_final(found):
            raise NoAnswer(_status_failure(status, retry_after_s) or _NOT_AN_ANSWER)
        if not any(found):
            raise NoAnswer(_about_the_whole(answers) or _NOT_AN_ANSWER)
        return found

    async def probe(self, clock: Clock, *, chain: bool, genesis: bool) -> Probed:
        """Return the endpoint's head, with its chain id and the hash of block 0 where asked for.

        Raises:
            NoAnswer: it did not say.
        """
        began_ns = clock.boot_ns()
        head = _quantity(await self._one("eth_blockNumber"))
        latency_ms = (clock.boot_ns() - began_ns) / _NS_PER_MS
        chain_id = _quantity(await self._one("eth_chainId")) if chain else None
        block_0 = await self._one("eth_getBlockByNumber", b'["0x0",false]') if chain and genesis else None
        return Probed(
            name=self.name,
            latency_ms=latency_ms,
            head=head,
            chain_id=chain_id,
            genesis=None if block_0 is None else _hash_of(block_0),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def _one(self, method: str, params: bytes = b"[]") -> bytes:
        answer = (await self.ask([Call(method, params=msgspec.Raw(params))]))[0]
        if answer is None:
            raise NoAnswer(_NOT_AN_ANSWER)
        if not answer.result:
            raise NoAnswer(judge(bytes(answer.error)))
        return bytes(answer.result)

    async def _post(self, body: bytes) -> tuple[int, float, bytes]:
        """Return status, Retry-After in seconds, and body.

        A kept connection that the endpoint had closed meanwhile is tried anew, once: this only reads.
        """
        try:
            try:
                return await self._exchange(body)
            except (aiohttp.ServerDisconnectedError, ConnectionResetError, BrokenPipeError):
                return await self._exchange(body)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise NoAnswer(_told(error)) from error

    async def _exchange(self, body: bytes) -> tuple[int, float, bytes]:
        # Before each try: what broke the first may have been its end as one of ours.
        if self._session.closed:
            raise NoAnswer(Failure(Kind.DISCONNECTED, "it is no longer one of the endpoints"))
        async with self._session.post(self._url, data=body, allow_redirects=False) as response:
            content = await _bounded(response)
            return response.status, _retry_after_s(response.headers.get("Retry-After", "")), content


_NOT_AN_ANSWER: Final = Failure(Kind.NOT_AN_ANSWER, Kind.NOT_AN_ANSWER.value)


# The first that fits wins. Their own texts are not used: they may hold the URL, and so a key.
_TOLD: Final[tuple[tuple[type[Exception], Kind, str], ...]] = (
    (TimeoutError, Kind.TIMEOUT, "no answer in time"),
    (aiohttp.ClientConnectorDNSError, Kind.REFUSED, "its host's name is not known"),
    (aiohttp.ClientSSLError, Kind.REFUSED, "TLS failed"),
    (aiohttp.ClientConnectorError, Kind.REFUSED, "connection refused"),
    (aiohttp.ClientPayloadError, Kind.NOT_AN_ANSWER, "answer cut off"),
    (aiohttp.ClientConnectionError, Kind.DISCONNECTED, "connection broken"),
    (OSError, Kind.DISCONNECTED, "connection broken"),
)


def _told(error: Exception) -> Failure:
    for raised, kind, text in _TOLD:
        if isinstance(error, raised):
            return Failure(kind, text)
    return Failure(Kind.NOT_AN_ANSWER, f"not HTTP: {type(error).__name__}")


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, unpacked; an endpoint may not fill our memory."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > ANSWER_BYTES_MAX:
            response.close()
            raise NoAnswer(Failure(Kind.TOO_LARGE, f"answer larger than {ANSWER_BYTES_MAX} bytes"))
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _usable(answer: Answer) -> bool:
    """Tell whether it holds a result or an error; some nodes write the other one as null."""
    return bool(answer.result) or bytes(answer.error) not in {b"", NULL}


def _all_final(found: Sequence[Answer | None]) -> bool:
    """Tell whether each is an error about the question itself: some nodes give those with HTTP 400 or 500."""
    return all(
        each is not None and not each.result and judge(bytes(each.error)).kind is Kind.FINAL for each in found
    )


def _about_the_whole(answers: Sequence[Answer]) -> Failure | None:
    """Return what an error without an id of ours means, such as one for a whole batch."""
    errors = [bytes(answer.error) for answer in answers if bytes(answer.error) not in {b"", NULL}]
    if len(answers) != 1 or not errors:
        return None
    failure = judge(errors[0])
    return Failure(Kind.TOO_LARGE, failure.text) if failure.kind is Kind.FINAL else failure


def _status_failure(status: int, retry_after_s: float) -> Failure | None:
    if status == HTTPStatus.OK:
        return None
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Failure(Kind.RATE_LIMIT, "rate limited (HTTP 429)", retry_after_s)
    if status in _STATUS_OF_QUESTION:
        return Failure(Kind.TOO_LARGE, f"HTTP {status}")
    return Failure(Kind.HTTP_STATUS, f"HTTP {status}", retry_after_s)


def _retry_after_s(value: str) -> float:
    """Return Retry-After in seconds; its form as a date is rare here and counts as none."""
    return float(value) if value.isdecimal() and len(value) < 10 else 0.0  # noqa: PLR2004 - no overflow


def _quantity(result: bytes) -> int:
    try:
        return int(msgspec.json.decode(result, type=str), 16)
    except (msgspec.DecodeError, ValueError) as error:
        raise NoAnswer(_NOT_AN_ANSWER) from error


class _Block(msgspec.Struct):
    hash: str


def _hash_of(result: bytes) -> str:
    try:
        return msgspec.json.decode(result, type=_Block).hash.lower()
    except msgspec.DecodeError as error:
        raise NoAnswer(_NOT_AN_ANSWER) from error
