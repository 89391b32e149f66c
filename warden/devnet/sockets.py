"""Loopback ports that stay ours, listening or not."""

from __future__ import annotations

import socket
from typing import Final

from warden.domain.errors import ConfigurationInvalid

LOOPBACK: Final = "127.0.0.1"


def bound_socket(port: int, name: str) -> socket.socket:
    """Bind a TCP socket on loopback that does not listen yet; port 0 takes a free one.

    With SO_REUSEADDR a second socket of ours may bind the same port and listen, as long as none listens there
    yet. So this one holds the port while its owner plays dead: connections are refused, and nobody else gets
    the port.

    Raises:
        ConfigurationInvalid: the port is in use.
    """
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((LOOPBACK, port))
    except OSError as error:
        held.close()
        raise ConfigurationInvalid(
            f"port {port} of {name} is in use or not allowed: give another one, or 0 for any free port"
        ) from error
    return held


def port_of(bound: socket.socket) -> int:
    """Give the port that a socket is bound to."""
    port: int = bound.getsockname()[1]
    return port


def free_port(wanted: int, name: str) -> int:
    """Give `wanted` if nothing listens there, or any free port for 0.

    For a server that binds by number (anvil): should another process take the port in between, it
    reports that.

    Raises:
        ConfigurationInvalid: the wanted port is in use.
    """
    with bound_socket(wanted, name) as probe:
        return port_of(probe)


def free_again(port: int) -> int:
    """Give `port` where it is still free, else 0 (any): for ports that an earlier run happened to get."""
    try:
        return free_port(port, "an earlier run")
    except ConfigurationInvalid:
        return 0
