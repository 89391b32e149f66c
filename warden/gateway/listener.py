"""The port that the gateway listens on."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import Role
from warden.runtime.venue import announce_url, served_url

if TYPE_CHECKING:
    from warden.runtime.places import Places
    from warden.runtime.settings import GatewaySettings


def listen(settings: GatewaySettings, places: Places) -> tuple[socket.socket, str]:
    """Bind the gateway's port and write down its URL; for port 0 the one of the run before, if it is free.

    Clients keep their URL then when the gateway was killed and is back.

    Raises:
        ConfigurationInvalid: the port is in use, or the host is not this machine's.
    """
    before = _port_of(served_url(places, Role.GATEWAY)) if settings.port == 0 else 0
    try:
        listener = _bound(settings.host, before or settings.port)
    except OSError as error:
        if not before:
            raise ConfigurationInvalid(
                f"gateway.host {settings.host} port {settings.port} cannot be listened on "
                f"({error.strerror or error}): set gateway.port in warden.toml to a free one, or to 0"
            ) from error
        return listen_anywhere(settings, places)
    return listener, _announced(listener, settings, places)


def listen_anywhere(settings: GatewaySettings, places: Places) -> tuple[socket.socket, str]:
    """Bind any free port and write down its URL.

    Raises:
        ConfigurationInvalid: the host is not this machine's.
    """
    try:
        listener = _bound(settings.host, 0)
    except OSError as error:
        raise ConfigurationInvalid(
            f"gateway.host {settings.host} cannot be listened on ({error.strerror or error}): use 127.0.0.1"
        ) from error
    return listener, _announced(listener, settings, places)


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # A port of connections that are only waiting to be forgotten is free; one that is listened on is not.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _announced(listener: socket.socket, settings: GatewaySettings, places: Places) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{listener.getsockname()[1]}"
    announce_url(places, Role.GATEWAY, url)
    return url


def _port_of(url: str | None) -> int:
    try:
        return urlsplit(url or "").port or 0
    except ValueError:
        return 0
