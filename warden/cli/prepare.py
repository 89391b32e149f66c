"""Making an instance ready to be started: settings checked, places, keys, stop directory, wallet."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from warden.cli import checks, supervisor
from warden.cli.down import end_instance
from warden.cli.home import CONFIG_NAME
from warden.cli.installed import hand_over, require_root
from warden.cli.running import running
from warden.cli.running import supervisord as find_supervisord
from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import PROCESSES
from warden.runtime.keys import Keyring
from warden.runtime.latch import Latch
from warden.runtime.places import Places, create, places
from warden.runtime.settings_checks import remarks
from warden.runtime.settings_load import freeze, load
from warden.runtime.settings_strategies import traders
from warden.runtime.wallet import announce_wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from warden.runtime.settings import Settings

LEFTOVERS_END_WITHIN_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.1


def read_settings(home: Path) -> Settings:
    """Return the checked settings of the instance at `home`, refusing what cannot be run at all.

    Raises:
        ConfigurationInvalid: one line with what is wrong, where, and the mend.
        RefusedForSafety: live without the installed users.
    """
    require_root(home, "start")
    settings = load(home / CONFIG_NAME)
    checks.refuse_live(settings, places(home))
    supervisor.check_paths(places(home))
    return settings


@contextmanager
def starting(home: Path, settings: Settings, warn: Callable[[str], None]) -> Iterator[Places]:
    """Hold the right to start the instance at `home`; its directories are there inside.

    Raises:
        ConfigurationInvalid: it runs already or is being started.
        StillAlive: what is left of an earlier run cannot be ended.
    """
    # Looked for before anything is touched: a running instance keeps its links and directories.
    _refuse_running(home)
    where = create(home, run_dir=settings.run_dir, logs_dir=settings.logs_dir, traders=traders(settings))
    supervisor.check_paths(where)
    path = where.run / "up.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationInvalid(f"cannot use {path}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationInvalid(f"{home} is being started by another 'warden up'") from error
        _refuse_running(home)
        _end_leftovers(home, warn)
        yield where
    finally:
        os.close(handle)


def make_ready(settings: Settings, where: Places, warn: Callable[[str], None]) -> None:
    """Make keys and wallet where they are missing, check what must hold, freeze the settings.

    Raises:
        ConfigurationInvalid: one line with what is wrong, where, and the mend.
    """
    checks.check_ports(settings)
    try:
        Keyring(where.keys).ensure(traders(settings))
        _ensure_stop_directory(where, warn)
    except OSError as error:
        raise ConfigurationInvalid(f"cannot write {error.filename}: {error.strerror}") from error
    address = checks.check_wallet(settings, where)
    environ = supervisor.environment(where, settings.environment, traders(settings))
    checks.check_strategies(settings, where, environ)
    checks.check_stop_steps(settings, where, environ)
    for line in checks.check_endpoints(settings):
        warn(f"{line}; the others answer")
    for line in remarks(settings):
        warn(line)
    try:
        _forget_announcements(where)
        freeze(settings, where)
        supervisor.write_traders(where, settings)
        if where.installed:
            announce_wallet(where, address)
            hand_over(settings, where)
    except OSError as error:
        raise ConfigurationInvalid(f"cannot write {error.filename}: {error.strerror}") from error


def _forget_announcements(where: Places) -> None:
    """Remove what processes of an earlier run wrote down for others: ports and contracts of then."""
    if where.devnet_manifest.exists():
        # Put aside, not removed: the devnet goes on with the contracts that stand on its chain.
        where.devnet_manifest.replace(where.devnet_manifest_before)
    for role in PROCESSES:
        where.url_file(role).unlink(missing_ok=True)


def _ensure_stop_directory(where: Places, warn: Callable[[str], None]) -> None:
    """Make the stop directory of a new instance only: a lost one means stopped, and must go on doing so."""
    if where.stop.is_dir():
        Latch(where.stop).reserve()
        return
    if where.installed or any(where.state.glob("*.db")):
        warn(
            f"STOPPED: the stop directory {where.stop} is missing, so nothing may be sent. If you know why "
            f"and no stop stood in it: mkdir {where.stop} {where.stop}/cleared"
        )
        return
    Latch(where.stop).create()


def _refuse_running(home: Path) -> None:
    found = find_supervisord(home)
    if found is not None:
        raise ConfigurationInvalid(
            f"{home} is running already, pid {found.pid}: see 'warden status', end it with 'warden down'"
        )


def _end_leftovers(home: Path, warn: Callable[[str], None]) -> None:
    """Wait for what a killed supervisord left behind: the kernel has told it to end. End what does not.

    Raises:
        StillAlive: something cannot be ended.
    """
    end = time.monotonic() + LEFTOVERS_END_WITHIN_S
    while left := running(home):
        if time.monotonic() > end:
            names = ", ".join(f"{each.name} (pid {each.pid})" for each in left)
            warn(f"processes of an earlier run do not end by themselves and are ended: {names}")
            end_instance(home)
            return
        time.sleep(_LOOK_EVERY_S)
