"""supervisord: the command line and environment that it gets, and waking it."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING, Final

from warden.cli.home import CLONE
from warden.cli.running import SUPERVISORD_MODULE, identifier
from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.runtime.places import places
from warden.runtime.supervise import ask

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.places import Places

__all__ = ["ask", "check_paths", "command", "config", "environment", "nudge"]

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


def config(home: Path) -> Path:
    """Return supervisord's configuration: ours as it is, or the one with users derived from it."""
    return home / "settings" / CONFIG.name if places(home).installed else CONFIG


def command(home: Path) -> list[str]:
    """Return the command line of the instance's supervisord, which stays in the foreground."""
    return [
        sys.executable,
        "-P",
        "-m",
        SUPERVISORD_MODULE,
        "--nodaemon",
        "--configuration",
        str(config(home)),
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


def nudge(where: Places) -> None:
    """Wake supervisord's loop, which else looks at dead children once a second; nothing when it is gone."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(0.05)
        try:
            connection.connect(str(where.supervisor_socket))
        except OSError:
            return  # dead or hung: then there is nothing to wake
