"""The one table of sockets: who serves each, who may connect, and where it stands."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import PROCESSES, Role, role_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# sockaddr_un holds 108 bytes with the closing NUL.
SOCKET_PATH_BYTES_MAX: Final = 107


class Pattern(StrEnum):
    """How a channel's messages flow."""

    ASK = "ask"  # ROUTER serves, DEALER connects: an answer matters
    TELL = "tell"  # PUB serves, SUB connects: may be lost


class Channel(msgspec.Struct, frozen=True):
    """One socket. `name` is its ZAP domain and its file name; `clients` may connect, nobody else.

    Attributes:
        server: the name of the process that serves it.
    """

    name: str
    server: str
    pattern: Pattern
    clients: frozenset[Role]


BEATS: Final = Channel("beats", Role.WATCHDOG, Pattern.ASK, frozenset(PROCESSES))
# What the watchdog knows of money it is told here, past the executor (ES2).
CAPITAL: Final = Channel("capital", Role.WATCHDOG, Pattern.ASK, frozenset({Role.GATEWAY}))
CONTROL: Final = Channel("control", Role.WATCHDOG, Pattern.ASK, frozenset({Role.OPERATOR}))
STOP: Final = Channel("stop", Role.EXECUTOR, Pattern.ASK, frozenset({Role.OPERATOR, Role.WATCHDOG}))
INTENTS: Final = Channel("intents", Role.EXECUTOR, Pattern.ASK, frozenset({Role.TRADER, Role.GATEWAY}))

ORDERS: Final = Channel("orders", Role.EXECUTOR, Pattern.ASK, frozenset({Role.OPERATOR}))

_LISTENERS: Final = frozenset({Role.LOGGER, Role.NOTIFIER, Role.API, Role.OPERATOR})

TELEMETRY: Final[Mapping[Role, Channel]] = MappingProxyType(
    {role: Channel(f"telemetry-{role}", role, Pattern.TELL, _LISTENERS) for role in PROCESSES}
)


def telemetry_of(name: str) -> Channel:
    """Return the telemetry of the process called `name`; each trader's stands in its own directory."""
    return msgspec.structs.replace(TELEMETRY[role_of(name)], server=name)


CHANNELS: Final = (BEATS, CAPITAL, CONTROL, STOP, INTENTS, ORDERS, *TELEMETRY.values())


def socket_path(run_dir: Path, channel: Channel) -> Path:
    """Return where a channel's socket stands: in its server's own directory.

    Raises:
        ConfigurationInvalid: the path is longer than a socket's may be.
    """
    path = run_dir / channel.server / f"{channel.name}.ipc"
    length = len(str(path).encode())
    if length > SOCKET_PATH_BYTES_MAX:
        raise ConfigurationInvalid(
            f"socket path {path} has {length} bytes, at most {SOCKET_PATH_BYTES_MAX} work: "
            "set run_dir in warden.toml to a shorter directory"
        )
    return path


def endpoint(run_dir: Path, channel: Channel) -> str:
    """Return a channel's ZeroMQ endpoint."""
    return f"ipc://{socket_path(run_dir, channel)}"
