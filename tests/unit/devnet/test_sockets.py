"""Ports that stay ours."""

from __future__ import annotations

import socket

import pytest

from warden.devnet.sockets import LOOPBACK, bound_socket, free_again, free_port, port_of
from warden.domain.errors import ConfigurationInvalid


def test_a_held_port_refuses_connections_until_somebody_listens() -> None:
    """Bound and not listening: refused. A second socket of ours may listen there, a third may not."""
    with bound_socket(0, "held") as held:
        port = port_of(held)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((LOOPBACK, port), timeout=5)
        with bound_socket(port, "listener") as listener:
            listener.listen()
            socket.create_connection((LOOPBACK, port), timeout=5).close()
            with pytest.raises(ConfigurationInvalid, match=f"port {port} of third is in use"):
                bound_socket(port, "third")
            assert free_again(port) == 0
    assert free_port(port, "again") == port
