"""Starting an installed instance: as root, each program as its own user, refused while any right is wrong."""

from __future__ import annotations

import configparser
import os
from typing import TYPE_CHECKING, Final

from warden.cli.supervisor import CONFIG, config, of_its_own
from warden.domain.errors import ConfigurationInvalid, RefusedForSafety
from warden.domain.modes import Environment
from warden.domain.roles import PROCESSES, processes
from warden.runtime import layout
from warden.runtime.places import places
from warden.runtime.settings_strategies import traders
from warden.runtime.wallet import keystore_path, password_path

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.places import Places
    from warden.runtime.settings import Settings

_SHOWN_MAX: Final = 3


def require_root(home: Path, what: str) -> None:
    """Refuse to start or end an installed instance as anybody but root.

    Raises:
        ConfigurationInvalid: another user asks.
    """
    if places(home).installed and os.geteuid() != 0:
        raise ConfigurationInvalid(
            f"{home} was laid out by scripts/install, each program has its own user: only root may {what} it "
            "(emergency-stop, status, arm and recover are for every member of warden-operators)"
        )


def secrets(settings: Settings, where: Places) -> tuple[Path, ...]:
    """Return the files that only the executor may read; on paper there need be none."""
    if settings.environment is Environment.PAPER and settings.wallet.keystore is None:
        return ()
    return keystore_path(settings, where), password_path(settings, where)


def hand_over(settings: Settings, where: Places) -> None:
    """Give the files that root made to those they are for, tell supervisord the users, check all rights.

    Raises:
        RefusedForSafety: a user is missing or a right is wrong; nothing may be started.
    """
    _write_config(where)
    names = processes(traders(settings))
    layout.settle(where, secrets(settings, where), names)
    problems = layout.check(where, secrets(settings, where), names)
    if problems:
        more = f" (and {len(problems) - _SHOWN_MAX} more)" if len(problems) > _SHOWN_MAX else ""
        raise RefusedForSafety(
            f"the users of {where.home} are not as they must be: {', '.join(problems[:_SHOWN_MAX])}{more}; "
            "run scripts/install again"
        )


def _write_config(where: Places) -> None:
    """Derive supervisord's configuration for root from the one for everybody: the same, and each its user."""
    parser = configparser.RawConfigParser()
    parser.read_string(CONFIG.read_text(encoding="utf-8"))
    parser["supervisord"]["user"] = layout.ROOT
    parser["unix_http_server"]["chmod"] = "0770"
    parser["unix_http_server"]["chown"] = f"{layout.ROOT}:{layout.OPERATORS}"
    for role in PROCESSES:
        parser[f"program:{role}"].update(of_its_own(role))
    path = config(where.home)
    handle = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("; Derived from supervisord.conf by 'warden up'; changes here are lost.\n")
        parser.write(file)
    path.with_suffix(".new").replace(path)
