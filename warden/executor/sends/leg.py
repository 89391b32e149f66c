"""One endpoint's sender: a kept connection, the gate's last look, the write, the answer.

Each endpoint has a thread of its own, so that a hung one delays no other. The connection is resolved and
shaken hands before anything is to be sent; between the gate's look and the first byte stands nothing (I1),
and a stop between two writes of one leg aborts it.
"""

from __future__ import annotations

import http.client
import os
import select
import socket
import ssl
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from warden.executor.protocol.events import LegDone
from warden.executor.sends.relay_methods import RelayMethods, withdrawn

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.domain.risk.refusal import Refusal
    from warden.executor.protocol.commands import Send
    from warden.executor.protocol.terms import Ticket
    from warden.executor.sends.gate import Gate
    from warden.runtime.venue import Endpoint

_JOBS_MAX: Final = 32
_CONNECT_S: Final = 1.0
_ANSWER_S: Final = 5.0
_WRITE_S: Final = 2.0
_IDLE_CHECK_S: Final = 0.5
_BODY_BYTES_MAX: Final = 64 * 1024
_WITHDRAWS_MAX: Final = 4
# What nodes answer when they hold these very bytes already: as good as accepted.
_HELD_ALREADY: Final = ("already known", "known transaction", "already imported", "already in mempool")

PUBLIC: Final = "public"

ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"
UNKNOWN: Final = "unknown"
NOT_BEGUN: Final = "not-begun"


class _Aborted(Exception):
    """The gate closed; `began` tells whether bytes had left."""

    def __init__(self, refusal: Refusal, *, began: bool) -> None:
        super().__init__(refusal.message)
        self.began = began


class Leg:
    """The sender to one endpoint. `done` is called on its thread with what came of each send."""

    def __init__(self, endpoint: Endpoint, gate: Gate, done: Callable[[LegDone], None]) -> None:
        self.name = endpoint.name
        self.route = endpoint.name if endpoint.relay else PUBLIC
        self._methods = RelayMethods(endpoint.send_method, endpoint.cancel_method)
        self._gate = gate
        self._done = done
        parts = urlsplit(endpoint.url)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._head = f"POST {target} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n".encode("ascii")
        self._jobs: deque[Send] = deque()
        self._work = threading.Condition()
        self._closing = False
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name=f"leg-{self.name}", daemon=True)
        self._thread.start()

    def send(self, order: Send) -> None:
        """Hand in a send; with too many waiting it counts as not begun."""
        with self._work:
            full = len(self._jobs) >= _JOBS_MAX
            if not full:
                self._jobs.append(order)
                self._work.notify()
        if full:
            self._done(LegDone(order.tx_hash, self.name, NOT_BEGUN, "too many sends wait"))

    def close(self) -> None:
        """End the thread; what waits is not sent."""
        with self._work:
            self._closing = True
            self._jobs.clear()
            self._work.notify()
        self._thread.join(_CONNECT_S)

    def _run(self) -> None:
        while True:
            self._keep_connected()
            with self._work:
                if not self._jobs and not self._closing:
                    self._work.wait(_IDLE_CHECK_S)
                if self._closing:
                    self._disconnect()
                    return
                order = self._jobs.popleft() if self._jobs else None
            if order is not None:
                self._done(self._borne(order))

    # --- connection

    def _keep_connected(self) -> None:
        """Have a connection ready before it is needed; a dead endpoint is tried again at the idle pace."""
        if self._socket is not None and _is_readable(self._socket):
            # Readable without a request means closed, or rubbish: either way unusable.
            self._disconnect()
        if self._socket is None:
            try:
                self._socket = self._connected()
            except (OSError, MemoryError):
                self._socket = None

    def _connected(self) -> socket.socket:
        plain = socket.create_connection((self._host, self._port), timeout=_CONNECT_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ready = self._tls.wrap_socket(plain, server_hostname=self._host) if self._tls else plain
        ready.setblocking(False)
        return ready

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    # --- one send

    def _borne(self, order: Send) -> LegDone:
        """Carry out a send, whatever comes of it: without memory, say, the next one must still find a leg."""
        try:
            return self._carry_out(order)
        except Exception as error:  # noqa: BLE001 - bytes may have left: its fate is unknown, and is looked up
            self._disconnect()
            return LegDone(order.tx_hash, self.name, UNKNOWN, f"the leg broke: {type(error).__name__}")

    def _carry_out(self, order: Send) -> LegDone:
        def done(result: str, text: str = "") -> LegDone:
            return LegDone(tx_hash=order.tx_hash, endpoint=self.name, result=result, text=text)

        connection = self._socket
        if connection is None:
            return done(NOT_BEGUN, "no connection")
        note = self._withdraw(order)
        # It may have been lost, and made anew, over that.
        connection = self._socket
        if connection is None:
            return done(NOT_BEGUN, f"no connection{note}")
        try:
            self._write(connection, self._request(self._methods.sending(order)), order.ticket)
        except _Aborted as stop:
            self._disconnect()
            return done(UNKNOWN if stop.began else NOT_BEGUN, f"gate closed: {stop}")
        except OSError as error:
            # Some bytes may have reached it.
            self._disconnect()
            return done(UNKNOWN, f"connection lost while sending: {type(error).__name__}")
        try:
            result, text = self._answer(connection, order.tx_hash)
            return done(result, text + note)
        except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
            self._disconnect()
            return done(UNKNOWN, f"no usable answer: {type(error).__name__}")

    def _withdraw(self, order: Send) -> str:
        """Have the relay take back what this stands in for, where it can; return what it said of each.

        Whatever comes of it the cancel at the same nonce goes out: it alone is sure.
        """
        said = ""
        for tx_hash in order.withdraws[:_WITHDRAWS_MAX]:
            request, connection = self._methods.withdrawing(tx_hash), self._socket
            if request is None or connection is None:
                break
            try:
                self._write(connection, self._request(request), order.ticket)
                said += f"; {tx_hash[:10]} withdrawn: {withdrawn(self._read(connection)[1])}"
            except _Aborted:
                self._disconnect()
            except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
                self._disconnect()
                said += f"; {tx_hash[:10]} withdrawn: {type(error).__name__}"
            self._keep_connected()
        return said

    def _request(self, call: dict[str, Any]) -> bytes:
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, **call})
        return (
            self._head
            + b"Content-Type: application/json\r\nConnection: keep-alive\r\n"
            + b"Content-Length: %d\r\n\r\n" % len(body)
            + body
        )

    def _write(self, connection: socket.socket, request: bytes, ticket: Ticket) -> None:
        """Write the request; the gate is asked right before every write, the first one above all.

        Raises:
            _Aborted: the gate is closed.
            OSError: the connection failed.
        """
        end = time.monotonic() + _WRITE_S
        view, sent = memoryview(request), 0
        while sent < len(request):
            refusal = self._gate.refusal(ticket)
            if refusal is not None:
                raise _Aborted(refusal, began=sent > 0)
            try:
                sent += connection.send(view[sent:])
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                left_s = end - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError from None
                select.select([], [connection], [], left_s)

    def _answer(self, connection: socket.socket, tx_hash: str) -> tuple[str, str]:
        status, answer = self._read(connection)
        return judge(status, answer, tx_hash)

    def _read(self, connection: socket.socket) -> tuple[int, Any]:
        connection.settimeout(_ANSWER_S)
        response = http.client.HTTPResponse(connection, method="POST")
        response.begin()
        content = response.read(_BODY_BYTES_MAX)
        status, keep = response.status, not response.will_close
        response.close()
        connection.setblocking(False)
        if not keep:
            self._disconnect()
        return status, msgspec.json.decode(content)


def judge(status: int, answer: object, tx_hash: str) -> tuple[str, str]:
    """Return what an endpoint's answer to a send means, and its text.

    Only a JSON-RPC error is a rejection; what says nothing of the transaction leaves its fate unknown (EX3).
    """
    if not isinstance(answer, dict):
        return UNKNOWN, f"HTTP {status} without a JSON-RPC answer"
    error = answer.get("error")
    if error is None:
        if answer.get("result") == tx_hash:
            return ACCEPTED, ""
        return UNKNOWN, "answered with another hash"
    text = str(error.get("message", "")) if isinstance(error, dict) else str(error)
    if any(phrase in text.lower() for phrase in _HELD_ALREADY):
        return ACCEPTED, text
    if status != http.client.OK:
        return UNKNOWN, f"HTTP {status}: {text}"
    return REJECTED, text


class Legs:
    """The legs to every endpoint that transactions go to; `wake` is readable when `take` has something."""

    def __init__(self, endpoints: tuple[Endpoint, ...], gate: Gate) -> None:
        self._results: deque[LegDone] = deque()
        self.wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._legs = [Leg(endpoint, gate, self._put) for endpoint in endpoints if endpoint.send]

    def send(self, order: Send) -> None:
        """Send to every endpoint of the order's routes at once, and to no other."""
        for leg in self._legs:
            if leg.route in order.routes:
                leg.send(order)

    def take(self) -> list[LegDone]:
        """Return what came of legs since the last call."""
        try:
            os.eventfd_read(self.wake)
        except BlockingIOError:
            return []
        return [self._results.popleft() for _ in range(len(self._results))]

    def close(self) -> None:
        """End every leg."""
        for leg in self._legs:
            leg.close()

    def _put(self, result: LegDone) -> None:
        self._results.append(result)
        os.eventfd_write(self.wake, 1)


def _is_readable(connection: socket.socket) -> bool:
    return bool(select.select([connection], [], [], 0)[0])
