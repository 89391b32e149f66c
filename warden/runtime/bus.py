"""ZeroMQ with keys: who serves a channel, who may connect, bounded in size, time and queue.

Every socket here belongs to one thread. Nothing here waits: `receive` returns None when nothing is there,
and `send` tells whether the message was taken.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec
import zmq
from zmq.auth.thread import ThreadAuthenticator

from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import Role, role_of
from warden.runtime.keys import Keyring
from warden.wire.addresses import Channel, endpoint, socket_path, telemetry_of
from warden.wire.codec import MESSAGE_BYTES_MAX, Undecodable, decode, encode
from warden.wire.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from warden.runtime.places import Places

QUEUE_MESSAGES_MAX: Final = 256
TELEMETRY_MESSAGES_MAX: Final = 1024
_HANDSHAKE_MS: Final = 2_000
_RECONNECT_MS: Final = 50
_RECONNECT_MS_MAX: Final = 500


class Incoming(msgspec.Struct, frozen=True):
    """A message with the sender's name, which its key has proven, and the identity to answer to."""

    identity: bytes
    name: str
    data: bytes

    @property
    def role(self) -> Role:
        """The sender's role."""
        return role_of(self.name)


class _Doorkeeper:
    """Says which keys may connect to one channel; asked by the authenticator's thread."""

    def __init__(self, channel: Channel, keyring: Keyring) -> None:
        self._allowed = frozenset(
            keyring.public(name) for name in keyring.names() if role_of(name) in channel.clients
        )

    def callback(self, _domain: str, key: bytes) -> bool:
        return key in self._allowed


class Server:
    """The ROUTER end of an ASK channel."""

    def __init__(self, socket: zmq.Socket[bytes], names: dict[str, str]) -> None:
        self.socket = socket
        self._names = names
        self.dropped = 0

    def receive(self) -> Incoming | None:
        """Return the next message, or None; malformed ones are counted and dropped."""
        while True:
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return None
            if len(frames) == 2:  # noqa: PLR2004 - identity and body
                name = self._names.get(str(frames[1].get("User-Id")))
                if name is not None:
                    return Incoming(identity=frames[0].bytes, name=name, data=frames[1].bytes)
            self.dropped += 1

    def send(self, identity: bytes, data: bytes) -> bool:
        """Answer a peer; False when it is gone or its queue is full."""
        return _sent(self.socket, [identity, data])


class Client:
    """The DEALER end of an ASK channel."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self.socket = socket

    def receive(self) -> bytes | None:
        """Return the next answer, or None."""
        try:
            return self.socket.recv(zmq.NOBLOCK)
        except zmq.Again:
            return None

    def send(self, data: bytes) -> bool:
        """Send; False when there is no connection or its queue is full."""
        return _sent(self.socket, [data])

    def close(self) -> None:
        """Close at once; what was not sent is dropped."""
        self.socket.close(linger=0)


class Publisher:
    """The PUB end of a role's telemetry."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self.socket = socket

    def publish(self, message: msgspec.Struct) -> None:
        """Tell whoever listens; who is slow loses messages, never time of ours."""
        _sent(self.socket, [encode(message)])


class Subscriber:
    """The SUB ends of the telemetry of several processes, by name, each proven by its key."""

    def __init__(self, sockets: dict[str, zmq.Socket[bytes]]) -> None:
        self.sockets = sockets
        self.dropped = 0

    def drain(self, limit: int = TELEMETRY_MESSAGES_MAX) -> list[tuple[str, Any]]:
        """Return up to `limit` messages with their speaker; what does not decode is counted and dropped."""
        messages: list[tuple[str, Any]] = []
        for name, socket in self.sockets.items():
            while len(messages) < limit:
                try:
                    data = socket.recv(zmq.NOBLOCK)
                except zmq.Again:
                    break
                try:
                    messages.append((name, decode(data, Telemetry)))
                except Undecodable:
                    self.dropped += 1
        return messages

    def close(self) -> None:
        """Close every socket at once."""
        for socket in self.sockets.values():
            socket.close(linger=0)


def _sent(socket: zmq.Socket[bytes], frames: list[bytes]) -> bool:
    try:
        socket.send_multipart(frames, zmq.NOBLOCK)
    except zmq.Again:
        return False
    except zmq.ZMQError as error:
        if error.errno in (zmq.EHOSTUNREACH, zmq.ENOTCONN):
            return False
        raise
    return True


class Bus:
    """One process's place on the bus, under its own name."""

    def __init__(self, name: str, places: Places) -> None:
        self.name = name
        self.role = role_of(name)
        self._places = places
        self._keyring = Keyring(places.keys)
        self._secret = self._keyring.secret(name)
        self._public = self._keyring.public(name)
        self._names = {self._keyring.public(each).decode("ascii"): each for each in self._keyring.names()}
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._context.linger = 0
        self._authenticator: ThreadAuthenticator | None = None
        self._locks: list[int] = []
        # Held until `close`: a socket that is merely forgotten would be closed at some later moment.
        self._sockets: list[zmq.Socket[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def serve(self, channel: Channel) -> Server:
        """Bind an ASK channel of ours.

        Raises:
            ConfigurationInvalid: another process serves it, or the path is unusable.
        """
        socket = self._bound(channel, zmq.ROUTER, QUEUE_MESSAGES_MAX)
        return Server(socket, self._names)

    def publisher(self) -> Publisher:
        """Bind our telemetry.

        Raises:
            ConfigurationInvalid: as for `serve`.
        """
        return Publisher(self._bound(telemetry_of(self.name), zmq.PUB, TELEMETRY_MESSAGES_MAX))

    def connect(self, channel: Channel) -> Client:
        """Connect to an ASK channel; its server need not be there yet."""
        return Client(self._connected(channel, zmq.DEALER, QUEUE_MESSAGES_MAX))

    def subscribe(self, names: Iterable[str]) -> Subscriber:
        """Listen to the telemetry of processes; they need not be there yet."""
        sockets = {}
        for name in names:
            socket = self._connected(telemetry_of(name), zmq.SUB, TELEMETRY_MESSAGES_MAX)
            socket.subscribe(b"")
            sockets[name] = socket
        return Subscriber(sockets)

    def named(self, roles: Iterable[Role]) -> list[str]:
        """Return the processes of these roles by name, in that order: a trader for each strategy."""
        return [
            name for role in roles for name in (self._keyring.traders() if role is Role.TRADER else (role,))
        ]

    def close(self) -> None:
        """Close everything at once."""
        if self._authenticator is not None:
            self._authenticator.stop()
            self._authenticator = None
        for socket in self._sockets:
            socket.close(linger=0)
        self._sockets.clear()
        self._context.destroy(linger=0)
        for lock in self._locks:
            os.close(lock)
        self._locks.clear()

    def _bound(self, channel: Channel, kind: int, queue: int) -> zmq.Socket[bytes]:
        if channel.server != self.name:
            raise ValueError(f"{self.name} does not serve {channel.name}")
        path = socket_path(self._places.run, channel)
        # A second bind would silently steal the path: whoever holds the lock serves.
        self._locks.append(_hold(path.with_name(path.name + ".lock")))
        self._door(channel)
        socket = self._socket(kind, queue)
        socket.curve_server = True
        socket.zap_domain = channel.name.encode("ascii")
        try:
            socket.bind(endpoint(self._places.run, channel))
            # Who may come near is the directory's matter: its owner's alone, or a group's when installed.
            path.chmod(0o660)
        except zmq.ZMQError as error:
            raise ConfigurationInvalid(f"cannot serve {path}: {error.strerror}") from error
        return socket

    def _connected(self, channel: Channel, kind: int, queue: int) -> zmq.Socket[bytes]:
        if self.role not in channel.clients:
            raise ValueError(f"{self.role} may not connect to {channel.name}")
        socket = self._socket(kind, queue)
        socket.curve_serverkey = self._keyring.public(channel.server)
        socket.connect(endpoint(self._places.run, channel))
        return socket

    def _socket(self, kind: int, queue: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        self._sockets.append(socket)
        socket.linger = 0
        socket.sndhwm = queue
        socket.rcvhwm = queue
        socket.immediate = True
        socket.maxmsgsize = MESSAGE_BYTES_MAX
        socket.handshake_ivl = _HANDSHAKE_MS
        socket.reconnect_ivl = _RECONNECT_MS
        socket.reconnect_ivl_max = _RECONNECT_MS_MAX
        socket.curve_secretkey = self._secret
        socket.curve_publickey = self._public
        if kind == zmq.ROUTER:
            socket.router_mandatory = True
        return socket

    def _door(self, channel: Channel) -> None:
        if self._authenticator is None:
            self._authenticator = ThreadAuthenticator(self._context)
            self._authenticator.start()
        self._authenticator.configure_curve_callback(
            channel.name, credentials_provider=_Doorkeeper(channel, self._keyring)
        )


def _hold(path: Path) -> int:
    """Take a lock file for this process's life.

    Raises:
        ConfigurationInvalid: somebody else holds it, or it cannot be made.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationInvalid(f"cannot use {path}: {error.strerror}; was 'warden up' run?") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise ConfigurationInvalid(f"{path} is held by another process: it runs already") from error
    # Who stops a hung process finds its pid here; the lock itself proves life and death.
    os.ftruncate(handle, 0)
    os.pwrite(handle, b"%d\n" % os.getpid(), 0)
    return handle
