"""The small JSON-RPC client against a real HTTP server."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from warden.domain.errors import EndpointFailed, EndpointRefused
from warden.runtime.rpc import JsonRpc

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the path says; `/close` ends the connection after each answer without saying so."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one request."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        calls = asked if isinstance(asked, list) else [asked]
        answers: list[dict[str, Any]] = [
            {"id": call["id"], "result": [call["method"], call["params"]]} for call in calls
        ]
        if self.path == "/error":
            answers[-1] = {"id": calls[-1]["id"], "error": {"code": 3, "message": "reverted"}}
        elif self.path == "/other":
            answers[-1]["id"] = "other"
        elif self.path == "/reversed":
            answers.reverse()
        body = json.dumps(answers if isinstance(asked, list) else answers[0]).encode()
        body = {"/html": b"<html>", "/empty": b"", "/number": b"7"}.get(self.path, body)
        self.send_response(500 if self.path == "/html" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if self.path == "/close":
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """Where the server is."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def ask(url: str, calls: list[tuple[str, list[Any]]]) -> list[Any]:
    """Ask once and close."""
    client = JsonRpc(url, timeout_s=20)
    try:
        return client.batch(calls)
    finally:
        client.close()


TWO: list[tuple[str, list[Any]]] = [("a", [1]), ("b", [])]


@pytest.mark.parametrize("path", ["", "/?key=x", "/reversed"])
def test_results_come_in_the_order_of_the_calls(url: str, path: str) -> None:
    """Single and batch, whatever order the server answers in."""
    assert ask(url + path, TWO) == [["a", [1]], ["b", []]]
    assert ask(url + path, TWO[:1]) == [["a", [1]]]


def test_a_refusal_is_told_from_a_failure(url: str) -> None:
    """An error is definite; HTML, nothing, a number or another's id is no answer."""
    with pytest.raises(EndpointRefused, match="b: reverted"):
        ask(url + "/error", TWO)
    for path in ("/html", "/empty", "/number", "/other"):
        with pytest.raises(EndpointFailed):
            ask(url + path, TWO)


def test_a_kept_connection_that_was_closed_is_made_anew(url: str) -> None:
    """A read may be asked again, once."""
    client = JsonRpc(url + "/close", timeout_s=20)
    assert [client.call("x", number) for number in range(3)] == [["x", [0]], ["x", [1]], ["x", [2]]]
    client.close()


def test_nobody_there_and_nobody_answering_are_failures() -> None:
    """Refused at once, and silence within the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = JsonRpc(where, timeout_s=0.2)
        with pytest.raises(EndpointFailed, match="no answer"):
            client.call("x")
        client.close()
    with pytest.raises(EndpointFailed, match="no answer"):
        ask(where, TWO)
    with pytest.raises(ValueError, match="host"):
        JsonRpc("http://", timeout_s=1)
