"""`warden freeze`: holds the trader still, by name and with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.cli.request import name_and_reason, put
from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import PROCESSES, Role
from warden.wire.messages import Freeze

if TYPE_CHECKING:
    from pathlib import Path


def freeze(home: Path, name: str, *, operator: str, reason: str, as_json: bool) -> int:
    """Ask the watchdog to freeze the process called `name`; return the exit code: 4 when it refuses.

    Raises:
        ConfigurationInvalid: no such process, or an empty word.
    """
    name_and_reason(operator, reason)
    request = Freeze(operator=operator, reason=reason, role=process_called(name))
    return put(home, request, as_json=as_json)


def process_called(name: str) -> Role:
    """Return the process called `name`.

    Raises:
        ConfigurationInvalid: there is none.
    """
    role = next((role for role in PROCESSES if role.value == name.lower()), None)
    if role is None:
        raise ConfigurationInvalid(f"{name}: no such process; only the trader can be frozen and thawed")
    return role
