"""`warden mode`: lowers what is allowed, by name and with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.cli.request import name_and_reason, put
from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Mode
from warden.wire.messages import SetMode

if TYPE_CHECKING:
    from pathlib import Path

_LOWER: Final = tuple(mode for mode in sorted(Mode, reverse=True) if mode is not Mode.AGGRESSIVE)


def lower_mode(home: Path, name: str, *, operator: str, reason: str, as_json: bool) -> int:
    """Ask the watchdog to lower the mode to the one called `name`; return the exit code.

    Raises:
        ConfigurationInvalid: no such mode, one that only arm leads to, or an empty word.
    """
    name_and_reason(operator, reason)
    wanted = next((mode for mode in _LOWER if mode.name == name.upper().replace("-", "_")), None)
    if wanted is None:
        raise ConfigurationInvalid(
            f"mode {name}: use one of {', '.join(mode.name for mode in _LOWER)}; "
            "raising it is what 'warden arm' is for"
        )
    return put(home, SetMode(operator=operator, reason=reason, mode=int(wanted)), as_json=as_json)
