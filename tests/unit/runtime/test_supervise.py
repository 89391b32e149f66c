"""Asking supervisord: refusals without one; the rest is shown on real ones (test_up_down, test_users)."""

from __future__ import annotations

import signal
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from warden.domain.errors import NotRunning
from warden.domain.roles import Role
from warden.runtime.places import Places, create
from warden.runtime.supervise import ask, signal_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def where(tmp_path: Path) -> Places:
    """An instance."""
    return create(tmp_path / "home", run_dir=tmp_path / "run")


@pytest.fixture
def other(where: Places) -> Iterator[list[bytes]]:
    """A supervisord whose trader is process 7; collects what it was asked."""
    asked: list[bytes] = []
    body = (
        b"<?xml version='1.0'?><methodResponse><params><param><value><struct><member><name>pid</name>"
        b"<value><int>7</int></value></member></struct></value></param></params></methodResponse>"
    )
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(where.supervisor_socket))
        server.listen()

        def answer() -> None:
            for _ in range(2):
                try:
                    connection, _peer = server.accept()
                except OSError:
                    return
                with connection:
                    request = b""
                    while b"</methodCall>" not in request:
                        request += connection.recv(65_536)
                    asked.append(request)
                    head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                    connection.sendall(head + body)

        thread = threading.Thread(target=answer)
        thread.start()
        yield asked
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_nobody_there_is_said(where: Places) -> None:
    """One line, no traceback of XML-RPC."""
    with pytest.raises(NotRunning, match="supervisord does not answer"):
        ask(where, "supervisor.getState")


def test_another_process_is_left_alone(where: Places, other: list[bytes]) -> None:
    """What was judged is gone: its successor gets no signal."""
    with pytest.raises(ProcessLookupError, match="trader is pid 7, not 8"):
        signal_program(where, Role.TRADER, 8, signal.SIGKILL)
    assert len(other) == 1


def test_the_very_process_gets_the_signal(where: Places, other: list[bytes]) -> None:
    """By name and number, as supervisord takes it."""
    signal_program(where, Role.TRADER, 7, signal.SIGKILL)
    assert b"supervisor.signalProcess" in other[1]
    assert b"<string>9</string>" in other[1]
