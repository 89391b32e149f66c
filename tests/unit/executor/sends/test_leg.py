"""One endpoint's sender over real sockets: the gate before every write, and what answers mean."""

from __future__ import annotations

import json
import queue
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from tests.instance import wait_until
from warden.domain.modes import Action
from warden.domain.risk.refusal import Refusal
from warden.executor.protocol.commands import Send
from warden.executor.protocol.terms import Ticket
from warden.executor.sends.leg import ACCEPTED, NOT_BEGUN, REJECTED, UNKNOWN, Leg, judge
from warden.runtime.venue import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from warden.executor.protocol.events import LegDone

WAIT_S = 30.0
HASH = "0x" + "ab" * 32
TICKET = Ticket(action=Action.OPEN, trader_session="", not_after_boot_ns=2**62)


class FakeGate:
    """A gate that says what the test tells it to, and counts how often it was asked."""

    def __init__(self, answers: Callable[[int], Refusal | None]) -> None:
        self._answers = answers
        self.asked = 0

    def refusal(self, _ticket: Ticket) -> Refusal | None:
        """Return the next answer."""
        self.asked += 1
        return self._answers(self.asked)


class Node:
    """A real HTTP server on loopback that answers each request with what the test gives it."""

    def __init__(self, respond: Callable[[bytes], bytes | None]) -> None:
        self._respond = respond
        self.received: list[bytes] = []
        self.connected = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        # A small window, so that a large request cannot leave in one write.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connected.set()
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            while True:
                request = _read_request(connection)
                if not request:
                    return
                self.received.append(request)
                answer = self._respond(request)
                if answer is None:
                    return
                connection.sendall(answer)


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(4096)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(
        next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")).split()[1]
    )
    while len(body) < length:
        part = connection.recv(4096)
        if not part:
            return b""
        body += part
    return body


def http(body: object, status: str = "200 OK") -> bytes:
    """Return an HTTP answer with a JSON body."""
    data = json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


@pytest.fixture
def results() -> queue.Queue[LegDone]:
    """Return where legs report."""
    return queue.Queue()


@pytest.fixture
def start(results: queue.Queue[LegDone]) -> Iterator[Callable[..., tuple[Leg, Node]]]:
    """Start a node and a leg to it; both end with the test."""
    started: list[tuple[Leg, Node]] = []

    def begin(gate: FakeGate, respond: Callable[[bytes], bytes | None]) -> tuple[Leg, Node]:
        node = Node(respond)
        endpoint = Endpoint(name="node", url=f"http://127.0.0.1:{node.port}/key")
        leg = Leg(endpoint, gate, results.put)  # type: ignore[arg-type] # the fake has the one method that is used
        started.append((leg, node))
        assert node.connected.wait(WAIT_S)
        return leg, node

    yield begin
    for leg, node in started:
        leg.close()
        node.close()


def open_gate() -> FakeGate:
    """Return a gate that lets everything through."""
    return FakeGate(lambda _: None)


def test_an_accepted_send(start: Callable[..., tuple[Leg, Node]], results: queue.Queue[LegDone]) -> None:
    """The bytes arrive as they were signed, over a connection that stood before."""
    leg, node = start(open_gate(), lambda _: http({"jsonrpc": "2.0", "id": 1, "result": HASH}))
    leg.send(Send(HASH, "0x0102", TICKET, ("public",)))
    assert results.get(timeout=WAIT_S).result == ACCEPTED
    (body,) = node.received
    assert json.loads(body)["params"] == ["0x0102"]


def test_a_closed_gate_lets_no_byte_out(
    start: Callable[..., tuple[Leg, Node]], results: queue.Queue[LegDone]
) -> None:
    """I1: refused before the first write means that nothing began and nothing arrived."""
    gate = FakeGate(lambda _: Refusal("stop", "stopped"))
    leg, node = start(gate, lambda _: None)
    leg.send(Send(HASH, "0x0102", TICKET, ("public",)))
    done = results.get(timeout=WAIT_S)
    assert (done.result, done.text) == (NOT_BEGUN, "gate closed: stopped")
    assert node.received == []


def test_a_stop_aborts_a_half_written_leg(
    start: Callable[..., tuple[Leg, Node]], results: queue.Queue[LegDone]
) -> None:
    """I1: a send too large for one write is cut off when the gate closes between two writes."""
    gate = FakeGate(lambda asked: None if asked == 1 else Refusal("stop", "stopped"))
    leg, node = start(gate, lambda _: None)
    leg.send(Send(HASH, "0x" + "00" * 32 * 1024 * 1024, TICKET, ("public",)))
    done = results.get(timeout=WAIT_S)
    assert (done.result, done.text) == (UNKNOWN, "gate closed: stopped")
    assert gate.asked == 2
    assert node.received == []


def test_an_endpoint_that_cannot_be_reached(results: queue.Queue[LegDone]) -> None:
    """No connection means that no byte left, so that the nonce may be free again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    leg = Leg(Endpoint("gone", f"http://127.0.0.1:{port}"), open_gate(), results.put)  # type: ignore[arg-type] # as above
    leg.send(Send(HASH, "0x01", TICKET, ("public",)))
    assert results.get(timeout=WAIT_S).result == NOT_BEGUN
    leg.close()


def test_a_leg_that_breaks_leaves_it_unknown_and_carries_the_next(
    start: Callable[..., tuple[Leg, Node]], results: queue.Queue[LegDone]
) -> None:
    """EX3: without memory, say, nobody knows what left; the thread lives on."""

    def no_memory_at_first(asked: int) -> None:
        if asked == 1:
            raise MemoryError

    leg, node = start(FakeGate(no_memory_at_first), lambda _: http({"result": HASH}))
    leg.send(Send(HASH, "0x0102", TICKET, ("public",)))
    done = results.get(timeout=WAIT_S)
    assert (done.result, done.text) == (UNKNOWN, "the leg broke: MemoryError")
    assert node.received == []
    wait_until(lambda: leg._socket is not None, "another connection")
    leg.send(Send(HASH, "0x0102", TICKET, ("public",)))
    assert results.get(timeout=WAIT_S).result == ACCEPTED


def test_an_endpoint_that_hangs_up_leaves_it_unknown(
    start: Callable[..., tuple[Leg, Node]], results: queue.Queue[LegDone]
) -> None:
    """EX3: the bytes arrived and no answer came: unknown; and the next send has a connection again."""
    answers = iter([None, http({"jsonrpc": "2.0", "id": 1, "result": HASH})])
    leg, _ = start(open_gate(), lambda _: next(answers))
    leg.send(Send(HASH, "0x01", TICKET, ("public",)))
    assert results.get(timeout=WAIT_S).result == UNKNOWN
    leg.send(Send(HASH, "0x01", TICKET, ("public",)))
    assert results.get(timeout=WAIT_S).result == ACCEPTED


@pytest.mark.parametrize(
    ("status", "answer", "result"),
    [
        (200, {"result": HASH}, ACCEPTED),
        (200, {"error": {"code": -32000, "message": "already known"}}, ACCEPTED),
        (200, {"error": {"code": -32000, "message": "nonce too low"}}, REJECTED),
        (200, {"error": {"code": -32000, "message": "insufficient funds for gas"}}, REJECTED),
        (200, {"result": "0x" + "00" * 32}, UNKNOWN),
        (200, {}, UNKNOWN),
        (429, {"error": {"code": -32005, "message": "rate limited"}}, UNKNOWN),
        (502, {"error": "bad gateway"}, UNKNOWN),
        (200, [], UNKNOWN),
    ],
)
def test_what_an_answer_means(status: int, answer: object, result: str) -> None:
    """EX3: only a definite JSON-RPC error is a rejection; whatever else leaves the fate unknown."""
    assert judge(status, answer, HASH)[0] == result
