"""supervisord: the command line and environment that it gets, and its own socket, each wait bounded."""

from __future__ import annotations

import http.client
import os
import socket
import sys
import xmlrpc.client
from typing import TYPE_CHECKING, Any, Final
from xml.parsers.expat import ExpatError

from warden.cli.home import CLONE
from warden.cli.running import SUPERVISORD_MODULE, identifier
from warden.domain.errors import ConfigurationInvalid, NotRunning
from warden.domain.modes import Environment

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.places import Places

CONFIG: Final = CLONE / "supervisord.conf"
UMASK: Final = 0o027
# What a process may need of the operator's environment; all else stays behind, it may hold secrets.
_PASSED_ON: Final = frozenset(
    {
        "CREDENTIALS_DIRECTORY",
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "LOGNAME",
        "PATH",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TMPDIR",
        "TZ",
        "USER",
    }
)
# /proc shows command lines by line and word: who runs where could not be told from such a path.
_AWKWARD: Final = frozenset("\n\r")


def command(home: Path) -> list[str]:
    """Return the command line of the instance's supervisord, which stays in the foreground."""
    return [
        sys.executable,
        "-P",
        "-m",
        SUPERVISORD_MODULE,
        "--nodaemon",
        "--configuration",
        str(CONFIG),
        "--identifier",
        identifier(home),
    ]


def environment(where: Places, kind: Environment) -> dict[str, str]:
    """Return all that supervisord and its children get as environment."""
    return {
        **{name: value for name, value in os.environ.items() if name in _PASSED_ON},
        "WARDEN_HOME": str(where.home),
        "WARDEN_RUN": str(where.run),
        "WARDEN_LOGS": str(where.logs),
        "WARDEN_PYTHON": sys.executable,
        "WARDEN_DEVNET": "true" if kind is Environment.DEVNET else "false",
    }


def check_paths(where: Places) -> None:
    """Refuse paths that supervisord's configuration cannot carry.

    Raises:
        ConfigurationInvalid: one of them holds a line's end.
    """
    for path in (str(where.home), str(where.run), str(where.logs), sys.executable):
        if _AWKWARD & set(path):
            raise ConfigurationInvalid(
                f"{path!r} holds a line end, which supervisord cannot pass on: move it to a plainer path"
            )


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


def nudge(where: Places) -> None:
    """Wake supervisord's loop, which else looks at dead children once a second; nothing when it is gone."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(0.05)
        try:
            connection.connect(str(where.supervisor_socket))
        except OSError:
            return  # dead or hung: then there is nothing to wake
