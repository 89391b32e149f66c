"""supervisord: the command line and environment that it gets, and waking it."""

from __future__ import annotations

import configparser
import os
import socket
import sys
from typing import TYPE_CHECKING, Final

from warden.cli.home import CLONE
from warden.cli.running import SUPERVISORD_MODULE, identifier
from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.domain.roles import Role, trader_of
from warden.runtime.layout import user_of
from warden.runtime.places import places
from warden.runtime.supervise import ask

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.places import Places
    from warden.runtime.settings import Settings

__all__ = [
    "ask",
    "check_paths",
    "command",
    "config",
    "environment",
    "nudge",
    "of_its_own",
    "write_traders",
]

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


def environment(
    where: Places, kind: Environment, traders: tuple[str, ...] = (Role.TRADER,)
) -> dict[str, str]:
    """Return all that supervisord and its children get as environment."""
    return {
        **{name: value for name, value in os.environ.items() if name in _PASSED_ON},
        "WARDEN_HOME": str(where.home),
        "WARDEN_RUN": str(where.run),
        "WARDEN_LOGS": str(where.logs),
        "WARDEN_PYTHON": sys.executable,
        "WARDEN_DEVNET": _word(kind is Environment.DEVNET),
        "WARDEN_ONE_TRADER": _word(Role.TRADER in traders),
    }


def _word(yes: bool) -> str:  # noqa: FBT001 - it is all that this is about
    return "true" if yes else "false"


def write_traders(where: Places, settings: Settings) -> None:
    """Write what supervisord is told of the traders: one program for each of several strategies.

    Each is supervisord.conf's own [program:trader] with another name, so that all of it stands there.

    Raises:
        OSError: the file could not be written.
    """
    pattern = configparser.RawConfigParser()
    pattern.read_string(CONFIG.read_text(encoding="utf-8"))
    made = configparser.RawConfigParser()
    for each in settings.strategies:
        name = trader_of(each.name)
        section = dict(pattern["program:trader"])
        section["autostart"] = "true"
        section["command"] = (
            section["command"]
            .replace('--home "$WARDEN_HOME"', f'--home "$WARDEN_HOME" --strategy {each.name}')
            .replace("trader.early", f"{name}.early")
        )
        made[f"program:{name}"] = section | (of_its_own(name) if where.installed else {})
    path = where.traders_config
    handle = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("; Derived from [program:trader] of supervisord.conf by 'warden up'; changes are lost.\n")
        made.write(file)
    path.with_suffix(".new").replace(path)


def of_its_own(name: str) -> dict[str, str]:
    """Return what supervisord is told besides of a program that runs as its own user."""
    user = user_of(name)
    variables = {
        "HOME": f"%(ENV_WARDEN_HOME)s/state/{name}",
        "USER": user,
        "LOGNAME": user,
        "WARDEN_LOGS": f"%(ENV_WARDEN_LOGS)s/{name}",
    }
    text = ",".join(f'{key}="{value}"' for key, value in variables.items())
    return {"user": user, "umask": "027", "environment": text}


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
