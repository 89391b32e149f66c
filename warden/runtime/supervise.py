"""Asking supervisord over its own socket; when installed, the way to signal a process of another user.

The socket is open to `warden-operators` alone, which the watchdog is in: supervisord runs as root, and
whoever may speak to it can end and start programs, but not change what they are.
"""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError

from warden.domain.errors import NotRunning

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.places import Places


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(where: Places, method: str, *arguments: Any, timeout_s: float = 2.0) -> Any:  # noqa: ANN401 - XML-RPC
    """Return supervisord's answer to one call, `supervisor.getAllProcessInfo` for one.

    Raises:
        NotRunning: it did not answer within the time, or not with an answer.
    """
    connection = _UnixConnection(where.supervisor_socket, timeout_s)
    try:
        body = xmlrpc.client.dumps(arguments, method)
        connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
        content = connection.getresponse().read()
        values, _ = xmlrpc.client.loads(content)
    except (OSError, http.client.HTTPException, xmlrpc.client.Error, ExpatError) as error:
        raise NotRunning(f"supervisord does not answer: {type(error).__name__} {error}") from error
    finally:
        connection.close()
    return values[0]


def signal_program(where: Places, name: str, pid: int, number: int, *, timeout_s: float = 2.0) -> None:
    """Have supervisord send a signal to the program `name`, if its process still is `pid`.

    Between the look and the signal a dead one may have been started again: then the new one gets it,
    which has no leave yet.

    Args:
        where: the instance's places.
        name: the program's.
        pid: the process that was judged.
        number: the signal.
        timeout_s: for each of two calls.

    Raises:
        ProcessLookupError: supervisord runs another process under that name, or none.
        NotRunning: it did not answer, or refused.
    """
    known = ask(where, "supervisor.getProcessInfo", str(name), timeout_s=timeout_s)["pid"]
    if known != pid:
        raise ProcessLookupError(f"{name} is pid {known}, not {pid}")
    ask(where, "supervisor.signalProcess", str(name), str(int(number)), timeout_s=timeout_s)
