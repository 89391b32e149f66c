"""The bus over real sockets: proven roles, one server to a path, everything bounded."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import zmq

from tests.faults import fault
from tests.instance import REPOSITORY, Instance, wait_until
from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import Role
from warden.runtime.bus import QUEUE_MESSAGES_MAX, Bus, Incoming, Server
from warden.runtime.keys import Keyring
from warden.wire.addresses import BEATS, CONTROL, INTENTS, STOP, endpoint, socket_path
from warden.wire.codec import MESSAGE_BYTES_MAX, encode
from warden.wire.messages import OperatorReply
from warden.wire.telemetry import ApiStatus, LoggerStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.runtime.bus import Client, Publisher, Subscriber

QUIET_S = 0.5  # long enough for a message that is let through to arrive; nothing is measured by it


@pytest.fixture
def instance() -> Iterator[Instance]:
    """A home with keys; no process."""
    with Instance() as made:
        yield made


@pytest.fixture
def buses(instance: Instance) -> Iterator[dict[Role, Bus]]:
    """A bus for each role."""
    with contextlib.ExitStack() as stack:
        yield {role: stack.enter_context(Bus(role, instance.places)) for role in Role}


def received(server: Server) -> Incoming:
    """Wait for one message."""
    found: list[Incoming] = []

    def came() -> bool:
        incoming = server.receive()
        if incoming is not None:
            found.append(incoming)
        return bool(found)

    wait_until(came, "message")
    return found[0]


def sent(client: Client, data: bytes) -> None:
    """Send as soon as there is a connection."""
    wait_until(lambda: client.send(data), "connection")


def answer_of(client: Client) -> bytes:
    """Wait for an answer."""
    found: list[bytes] = []

    def came() -> bool:
        data = client.receive()
        if data is not None:
            found.append(data)
        return bool(found)

    wait_until(came, "answer")
    return found[0]


def nothing_comes(server: Server) -> None:
    """Look for a while; fail if anything is let through."""
    end = time.monotonic() + QUIET_S
    while time.monotonic() < end:
        assert server.receive() is None
        time.sleep(0.01)


def hears(publisher: Publisher, listener: Subscriber, status: LoggerStatus) -> bool:
    """Publish once, and tell whether anything has come."""
    publisher.publish(status)
    return bool(listener.drain())


class Stranger:
    """A DEALER of plain pyzmq with keys of the test's choice."""

    def __init__(self, where: str, server_key: bytes | None, pair: tuple[bytes, bytes] | None) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndtimeo = 30_000
        if server_key is not None and pair is not None:
            self.socket.curve_serverkey = server_key
            self.socket.curve_publickey, self.socket.curve_secretkey = pair
        self.socket.connect(where)

    def say(self, data: bytes) -> None:
        """Send, unless it was turned away already: then there is nobody to send to, for good."""
        with contextlib.suppress(zmq.Again):
            self.socket.send(data, zmq.NOBLOCK)

    def close(self) -> None:
        """Close at once."""
        self.context.destroy(linger=0)


def test_a_message_comes_with_its_senders_proven_role(buses: dict[Role, Bus]) -> None:
    """Each client of a channel by its own key, and the answer goes to who asked (DESIGN §5)."""
    server = buses[Role.EXECUTOR].serve(STOP)
    for role in (Role.OPERATOR, Role.WATCHDOG):
        client = buses[role].connect(STOP)
        sent(client, role.value.encode())
        incoming = received(server)
        assert (incoming.role, incoming.data) == (role, role.value.encode())
        assert server.send(incoming.identity, b"to " + incoming.data)
        assert answer_of(client) == b"to " + role.value.encode()
        client.close()


def test_a_role_that_is_no_client_cannot_even_try(buses: dict[Role, Bus]) -> None:
    """Wiring mistakes are found at start."""
    with pytest.raises(ValueError, match="may not connect"):
        buses[Role.TRADER].connect(STOP)
    with pytest.raises(ValueError, match="does not serve"):
        buses[Role.TRADER].serve(STOP)


@fault("garbage")
@pytest.mark.parametrize("role", [Role.TRADER, Role.GATEWAY, Role.LOGGER, Role.EXECUTOR])
def test_a_proven_role_without_the_right_is_refused(
    buses: dict[Role, Bus], instance: Instance, role: Role
) -> None:
    """A real key of a role that may not connect opens nothing: ZAP asks by channel (I8)."""
    server = buses[Role.EXECUTOR].serve(STOP)
    keyring = Keyring(instance.places.keys)
    stranger = Stranger(
        endpoint(instance.places.run, STOP),
        keyring.public(Role.EXECUTOR),
        (keyring.public(role), keyring.secret(role)),
    )
    try:
        stranger.say(b"stop")
        nothing_comes(server)
    finally:
        stranger.close()


@fault("garbage")
def test_who_has_no_key_of_ours_is_refused(buses: dict[Role, Bus], instance: Instance) -> None:
    """No key, a fresh key, or the wrong server's key: nothing arrives, and the next client is served."""
    server = buses[Role.EXECUTOR].serve(INTENTS)
    where = endpoint(instance.places.run, INTENTS)
    executor = Keyring(instance.places.keys).public(Role.EXECUTOR)
    with contextlib.ExitStack() as stack:
        for key, pair in (
            (None, None),
            (executor, zmq.curve_keypair()),
            (zmq.curve_keypair()[0], zmq.curve_keypair()),
        ):
            stranger = Stranger(where, key, pair)
            stack.callback(stranger.close)
            stranger.say(b"intent")
        nothing_comes(server)
        client = buses[Role.TRADER].connect(INTENTS)
        sent(client, b"good")
        assert received(server).data == b"good"
        client.close()


@fault("garbage")
def test_garbage_on_the_socket_is_dropped(buses: dict[Role, Bus], instance: Instance) -> None:
    """Bytes that are no ZeroMQ, and endings in the middle, harm nobody."""
    import socket  # noqa: PLC0415 - beside zmq's own word for it

    server = buses[Role.WATCHDOG].serve(BEATS)
    path = str(socket_path(instance.places.run, BEATS))
    for garbage in (b"", b"\xff", b"GET / HTTP/1.1\r\n\r\n", os.urandom(100_000), b"\xff" + b"\0" * 64):
        with socket.socket(socket.AF_UNIX) as plain:
            plain.connect(path)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                plain.sendall(garbage)
    client = buses[Role.TRADER].connect(BEATS)
    sent(client, b"beat")
    assert received(server).data == b"beat"
    client.close()


@fault("undecodable")
def test_what_has_more_parts_than_a_message_is_counted_and_dropped(
    buses: dict[Role, Bus], instance: Instance
) -> None:
    """One part and an identity; anything else of a real client is dropped, the next one is taken."""
    server = buses[Role.WATCHDOG].serve(BEATS)
    keyring = Keyring(instance.places.keys)
    stranger = Stranger(
        endpoint(instance.places.run, BEATS),
        keyring.public(Role.WATCHDOG),
        (keyring.public(Role.TRADER), keyring.secret(Role.TRADER)),
    )
    try:
        stranger.socket.send_multipart([b"a", b"b"])
        stranger.socket.send_multipart([b"", b"", b""])
        stranger.socket.send(b"good")
        assert received(server).data == b"good"
        assert server.dropped == 2
    finally:
        stranger.close()


@fault("undecodable")
def test_an_oversized_message_is_dropped_and_its_sender_let_in_again(
    buses: dict[Role, Bus], instance: Instance
) -> None:
    """Both sides of the bound: the largest is taken, one byte more never reaches the server."""
    server = buses[Role.WATCHDOG].serve(BEATS)
    keyring = Keyring(instance.places.keys)
    pair = (keyring.public(Role.TRADER), keyring.secret(Role.TRADER))
    stranger = Stranger(endpoint(instance.places.run, BEATS), keyring.public(Role.WATCHDOG), pair)
    try:
        stranger.socket.send(b"x" * (4 * MESSAGE_BYTES_MAX))
        nothing_comes(server)
    finally:
        stranger.close()
    client = buses[Role.TRADER].connect(BEATS)
    reply = OperatorReply(exit_code=0, message="x" * (MESSAGE_BYTES_MAX - 200))
    sent(client, encode(reply))
    assert received(server).data == encode(reply)
    client.close()


def test_a_second_server_cannot_steal_the_path(buses: dict[Role, Bus], instance: Instance) -> None:
    """The lock comes first: the path stays with who serves, in this process and in any other."""
    server = buses[Role.EXECUTOR].serve(STOP)
    with (
        Bus(Role.EXECUTOR, instance.places) as second,
        pytest.raises(ConfigurationInvalid, match="runs already"),
    ):
        second.serve(STOP)
    code = (
        "import sys; from pathlib import Path; from warden.runtime.places import places;"
        "from warden.runtime.bus import Bus; from warden.domain.roles import Role;"
        "from warden.wire.addresses import STOP; Bus(Role.EXECUTOR, places(Path(sys.argv[1]))).serve(STOP)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(instance.home)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "runs already" in done.stderr
    client = buses[Role.OPERATOR].connect(STOP)
    sent(client, b"stop")
    assert received(server).data == b"stop"
    client.close()


def test_a_killed_server_leaves_the_path_free(buses: dict[Role, Bus], instance: Instance) -> None:
    """The kernel gives the lock back; a client that was there before finds the new server (I4)."""
    code = (
        "import sys, time; from pathlib import Path; from warden.runtime.places import places;"
        "from warden.runtime.bus import Bus; from warden.domain.roles import Role;"
        "from warden.wire.addresses import STOP; bus = Bus(Role.EXECUTOR, places(Path(sys.argv[1])));"
        "server = bus.serve(STOP); print('serving', flush=True); time.sleep(600)"
    )
    client = buses[Role.OPERATOR].connect(STOP)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(instance.home)], cwd=REPOSITORY, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"serving\n"
        sent(client, b"one")
        process.kill()
    server = buses[Role.EXECUTOR].serve(STOP)
    wait_until(lambda: client.send(b"two") and server.receive() is not None, "message at the new server")
    client.close()


def test_nothing_waits_when_nobody_is_there(buses: dict[Role, Bus]) -> None:
    """Without a server a send is False at once, and nothing piles up to be sent later."""
    client = buses[Role.OPERATOR].connect(CONTROL)
    assert client.send(b"arm") is False
    assert client.receive() is None
    server = buses[Role.WATCHDOG].serve(CONTROL)
    nothing_comes(server)
    sent(client, b"now")
    assert received(server).data == b"now"
    client.close()


@fault("queue-full")
def test_a_full_queue_is_told_not_waited_for(buses: dict[Role, Bus]) -> None:
    """A server that does not read makes `send` False within a bound; what was taken arrives in order."""
    server = buses[Role.EXECUTOR].serve(INTENTS)
    client = buses[Role.TRADER].connect(INTENTS)
    sent(client, b"0")
    taken = 1
    while client.send(b"%d" % taken + b" " * 10_000):
        taken += 1
        assert taken < 100_000
    assert taken >= QUEUE_MESSAGES_MAX
    for number in range(taken):
        assert int(received(server).data) == number
    sent(client, b"again")
    client.close()


def test_an_answer_to_who_is_gone_is_false(buses: dict[Role, Bus]) -> None:
    """The server hears of it instead of keeping the answer for ever."""
    server = buses[Role.EXECUTOR].serve(STOP)
    client = buses[Role.OPERATOR].connect(STOP)
    sent(client, b"stop")
    incoming = received(server)
    client.close()
    wait_until(lambda: not server.send(incoming.identity, b"seen"), "answer that is refused")
    assert server.send(b"nobody", b"x") is False


def test_telemetry_reaches_every_listener_with_its_speaker(buses: dict[Role, Bus]) -> None:
    """By the key of the speaker; what is no telemetry is counted and dropped."""
    publisher = buses[Role.API].publisher()
    listeners = [buses[role].subscribe([Role.API, Role.LOGGER]) for role in (Role.OPERATOR, Role.LOGGER)]
    status = ApiStatus(sent_ns=1, session="s", url="u", requests=2)
    heard: list[list[tuple[str, Any]]] = [[], []]

    def all_heard() -> bool:
        publisher.publish(status)
        for listener, told in zip(listeners, heard, strict=True):
            told.extend(listener.drain())
        return all(heard)

    wait_until(all_heard, "telemetry at every listener")
    assert {message for told in heard for message in told} == {(Role.API, status)}
    publisher.socket.send(b"garbage")

    def garbage_counted() -> bool:
        for listener in listeners:
            listener.drain()
        return all(listener.dropped == 1 for listener in listeners)

    wait_until(garbage_counted, "garbage that is counted")
    for listener in listeners:
        listener.close()


@fault("logger-slow", "queue-full")
def test_a_deaf_listener_costs_the_speaker_nothing(buses: dict[Role, Bus]) -> None:
    """Telemetry may be lost; the speaker never waits and its memory does not grow (AL: never for safety)."""
    publisher = buses[Role.LOGGER].publisher()
    listener = buses[Role.OPERATOR].subscribe([Role.LOGGER])
    status = LoggerStatus(sent_ns=1, session="s" * 1_000, lines=1, dropped=0)
    wait_until(lambda: hears(publisher, listener, status), "connection")
    for _ in range(20_000):
        publisher.publish(status)
    wait_until(lambda: not listener.drain(), "end of what was kept")
    wait_until(lambda: hears(publisher, listener, status), "telemetry afterwards")
    listener.close()


def test_a_drain_is_bounded(buses: dict[Role, Bus]) -> None:
    """A flood of telemetry can't hold a listener's loop."""
    publisher = buses[Role.LOGGER].publisher()
    listener = buses[Role.OPERATOR].subscribe([Role.LOGGER])
    status = LoggerStatus(sent_ns=1, session="s", lines=1, dropped=0)
    wait_until(lambda: hears(publisher, listener, status), "connection")

    def ten_at_once() -> bool:
        for _ in range(20):
            publisher.publish(status)
        batch = listener.drain(limit=10)
        assert len(batch) <= 10
        return len(batch) == 10

    wait_until(ten_at_once, "full batch")
    listener.close()


def test_a_missing_directory_is_one_line(instance: Instance) -> None:
    """A process that is started before set-up says what to run (exit code 2)."""
    (instance.places.role(Role.API)).rmdir()
    with Bus(Role.API, instance.places) as bus, pytest.raises(ConfigurationInvalid, match="warden up"):
        bus.publisher()
