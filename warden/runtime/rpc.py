"""A small JSON-RPC client over one kept HTTP connection, for processes that must not carry web3.

It belongs to one thread and waits at most its timeout; a send never goes through it.
"""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from warden.domain.errors import EndpointFailed, EndpointRefused

if TYPE_CHECKING:
    from collections.abc import Collection

# Of Warden's own gateway: whose words an answer is, and whose a client will not hear.
ENDPOINT_HEADER: Final = "X-Warden-Endpoint"
AVOID_HEADER: Final = "X-Warden-Avoid"
_BODY_BYTES_MAX: Final = 64 * 1024 * 1024


class JsonRpc:
    """One JSON-RPC server at `url`, asked by one thread.

    Before Warden's gateway, `answered_by` are the endpoints whose words it has heard, as the gateway names
    them, and `avoid` those whose it will not hear.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        parts = urlsplit(url)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        if parts.hostname is None:
            raise ValueError("a JSON-RPC URL needs a host")
        self._connection = kind(parts.hostname, parts.port, timeout=timeout_s)
        self._id = 0
        self.answered_by: set[str] = set()
        self.avoid: frozenset[str] = frozenset()

    def call(self, method: str, *parameters: object) -> Any:  # noqa: ANN401 - JSON
        """Return the result of one call.

        Raises:
            EndpointRefused: the server answered with an error: asking again would not change it.
            EndpointFailed: no usable answer.
        """
        return self.batch([(method, list(parameters))])[0]

    def batch(self, calls: list[tuple[str, list[Any]]], optional: Collection[int] = ()) -> list[Any]:
        """Return the results of several calls in one request, in order.

        Args:
            calls: method and parameters of each.
            optional: places of those whose refusal is an answer, too: None. A contract that reverts is one.

        Raises:
            EndpointRefused: the server answered one of the others with an error.
            EndpointFailed: no usable answer.
        """
        results = self.batch_of_either(calls)
        for number, result in enumerate(results):
            if isinstance(result, EndpointRefused):
                if number not in optional:
                    raise result
                results[number] = None
        return results

    def batch_of_either(self, calls: list[tuple[str, list[Any]]]) -> list[Any]:
        """Return the results of several calls in one request, in order; an EndpointRefused for an error.

        Raises:
            EndpointFailed: no usable answer.
        """
        first = self._id + 1
        self._id += len(calls)
        body = [
            {"jsonrpc": "2.0", "id": first + number, "method": method, "params": parameters}
            for number, (method, parameters) in enumerate(calls)
        ]
        answers = self._post(body[0] if len(body) == 1 else body)
        listed = answers if isinstance(answers, list) else [answers]
        by_id = {each.get("id"): each for each in listed if isinstance(each, dict)}
        results: list[Any] = []
        for number, (method, _) in enumerate(calls):
            answer = by_id.get(first + number)
            if answer is None or ("result" not in answer and "error" not in answer):
                raise EndpointFailed(f"{method}: no answer in the response")
            if answer.get("error") is not None:
                results.append(_refused(method, answer["error"]))
            else:
                results.append(answer.get("result"))
        return results

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _post(self, body: object) -> Any:  # noqa: ANN401 - JSON
        data = msgspec.json.encode(body)
        try:
            return self._once(data)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # The server closed the kept connection; a read may be asked again, once.
            self._connection.close()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise EndpointFailed(f"no answer: {type(error).__name__} {error}") from error
        try:
            return self._once(data)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise EndpointFailed(f"no answer: {type(error).__name__} {error}") from error

    def _once(self, data: bytes) -> Any:  # noqa: ANN401 - JSON
        headers = {"Content-Type": "application/json"}
        if self.avoid:
            headers[AVOID_HEADER] = ",".join(sorted(self.avoid))
        self._connection.request("POST", self._path, data, headers)
        response = self._connection.getresponse()
        said_by = response.getheader(ENDPOINT_HEADER, "")
        self.answered_by |= {each for each in said_by.split(",") if each}
        content = response.read(_BODY_BYTES_MAX)
        try:
            answer = msgspec.json.decode(content)
        except msgspec.DecodeError as error:
            raise EndpointFailed(f"HTTP {response.status} without JSON") from error
        if not isinstance(answer, dict | list):
            raise EndpointFailed(f"HTTP {response.status} without a JSON-RPC answer")
        return answer


def _refused(method: str, error: object) -> EndpointRefused:
    if not isinstance(error, dict):
        return EndpointRefused(f"{method}: {error}")
    code = error.get("code")
    return EndpointRefused(f"{method}: {error.get('message', '')}", code=code if isinstance(code, int) else 0)
