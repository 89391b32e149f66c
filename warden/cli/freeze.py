"""`warden freeze`: holds the trader still, by name and with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.cli.request import name_and_reason, put
from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import PROCESSES, Role, role_of, strategy_of, trader_of
from warden.runtime.keys import Keyring
from warden.runtime.places import places
from warden.wire.messages import Freeze

if TYPE_CHECKING:
    from pathlib import Path


def freeze(home: Path, name: str, *, operator: str, reason: str, as_json: bool) -> int:
    """Ask the watchdog to freeze the process called `name`; return the exit code: 4 when it refuses.

    Raises:
        ConfigurationInvalid: no such process, or an empty word.
    """
    name_and_reason(operator, reason)
    called = process_called(name, traders_of(home))
    request = Freeze(
        operator=operator, reason=reason, role=role_of(called), name=called if strategy_of(called) else ""
    )
    return put(home, request, as_json=as_json)


def traders_of(home: Path) -> tuple[str, ...]:
    """Return the names of the instance's traders."""
    return Keyring(places(home).keys).traders()


def process_called(name: str, traders: tuple[str, ...] = (Role.TRADER,)) -> str:
    """Return the process called `name`; of several traders the strategy's name alone will do.

    Raises:
        ConfigurationInvalid: there is none.
    """
    known = (*PROCESSES, *traders)
    wanted = name.lower()
    found = next((each for each in known if each in {wanted, trader_of(wanted) if wanted else ""}), None)
    if found is None:
        several = f": {', '.join(traders)}" if traders != (Role.TRADER,) else ""
        who = (
            f"only traders can be frozen and thawed{several}"
            if several
            else ("only the trader can be frozen and thawed")
        )
        raise ConfigurationInvalid(f"{name}: no such process; {who}")
    return found
