"""Where an instance keeps its things: one home directory, every path in it named here once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

import msgspec

from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import Role, processes
from warden.wire.addresses import SOCKET_PATH_BYTES_MAX

# The longest strategy's name that still gives a system user of its own: at most 32 characters.
STRATEGY_CHARACTERS_MAX: Final = 18
# The longest socket name below the run directory: a trader's telemetry, and a .lock beside it.
_LONGEST_SOCKET: Final = len("/trader-/telemetry-trader.ipc.lock") + STRATEGY_CHARACTERS_MAX


# Made by scripts/install: each program of this home has a user of its own (docs/install.md).
INSTALLED_MARK: Final = "installed"


class Places(msgspec.Struct, frozen=True):
    """The directories of one instance. `run` is resolved: sockets stand there and their paths are short.

    Attributes:
        state: what this process keeps; when installed, a directory of its own that it alone may write.
        logs: where it writes its log files; the same.
        installed: whether each program has a user of its own.
        seen_by: the process that looks; the operator sees the directories above all processes' own.
    """

    home: Path
    run: Path
    keys: Path
    stop: Path
    state: Path
    logs: Path
    installed: bool = False
    seen_by: str = Role.OPERATOR

    @property
    def settings(self) -> Path:
        """The checked, frozen copy of the configuration that this process reads."""
        return self.settings_of(self.seen_by)

    def settings_of(self, name: str) -> Path:
        """Return a process's frozen copy: under one user there is one for all."""
        if self.installed:
            return self.home / "settings" / f"{name}.json"
        return self._state_root / "settings.json"

    @property
    def devnet_manifest(self) -> Path:
        """What the devnet deployed, written by it; only there in the devnet environment."""
        return self.run / Role.DEVNET.value / "devnet.json"

    @property
    def devnet_manifest_before(self) -> Path:
        """The manifest of the devnet's run before: what it goes on with, and nobody else reads."""
        return self.devnet_manifest.with_name("devnet.before.json")

    @property
    def incidents(self) -> Path:
        """Where the watchdog has a folder written for each incident."""
        return self.home / "incidents"

    @property
    def traders_config(self) -> Path:
        """What supervisord is told of the traders of several strategies; made by `warden up`."""
        return self.run / "traders.conf"

    @property
    def supervisor_socket(self) -> Path:
        """Where supervisord answers."""
        return self.run / "supervisor.sock"

    def role(self, name: str) -> Path:
        """Return a process's own run directory: its sockets and locks."""
        return self.run / name

    def url_file(self, name: str) -> Path:
        """Return the file in which a process that serves HTTP says where, for port 0."""
        return self.role(name) / "url"

    def state_of(self, name: str) -> Path:
        """Return where a process keeps its state."""
        return self._state_root / name if self.installed else self._state_root

    def logs_of(self, name: str) -> Path:
        """Return where a process writes its log files."""
        return self._logs_root / name if self.installed else self._logs_root

    def journal(self, name: str) -> Path:
        """Return a process's journal."""
        return self.state_of(name) / f"{name}.db"

    @property
    def _state_root(self) -> Path:
        return self.home / "state"

    @property
    def _logs_root(self) -> Path:
        return (self.home / "logs").resolve()


def places(home: Path, name: str = Role.OPERATOR) -> Places:
    """Return the places of the instance at `home` as the process `name` sees them; nothing is made."""
    home = home.absolute()
    seen = Places(
        home=home,
        run=(home / "run").resolve(),
        keys=home / "keys",
        stop=home / "stop",
        state=home / "state",
        logs=(home / "logs").resolve(),
        installed=(home / INSTALLED_MARK).exists(),
        seen_by=name,
    )
    if not seen.installed or name == Role.OPERATOR:
        return seen
    return msgspec.structs.replace(seen, state=seen.state_of(name), logs=seen.logs_of(name))


def create(
    home: Path,
    *,
    run_dir: Path | None = None,
    logs_dir: Path | None = None,
    traders: tuple[str, ...] = (Role.TRADER,),
) -> Places:
    """Make the instance's directories, for their owner only, and return them; scripts/install made its own.

    The stop directory is not made here (see `Latch.create`): a lost one must not come back by itself.
    Where the home's own path is too long for sockets, `run` becomes a link to a short directory.

    Raises:
        ConfigurationInvalid: a directory cannot be made or belongs to somebody else.
    """
    home = home.absolute()
    made = places(home)
    if made.installed:
        if run_dir is not None or logs_dir is not None:
            raise ConfigurationInvalid(
                "run_dir and logs_dir cannot be set where scripts/install laid out the home: remove them"
            )
        return made
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if run_dir is None and len(os.fsencode(home / "run")) + _LONGEST_SOCKET > SOCKET_PATH_BYTES_MAX:
            run_dir = _short_run_dir(home)
        _own_or_link(home / "run", run_dir)
        _own_or_link(home / "logs", logs_dir)
        made = places(home)
        for directory in (made.keys, made.state, made.incidents, *map(made.role, processes(traders))):
            directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        path = error.filename2 or error.filename or home
        raise ConfigurationInvalid(
            f"cannot use {path} for Warden's files: {error.strerror}; choose another --home"
        ) from error
    return made


def _short_run_dir(home: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(f"/tmp/warden-{os.getuid()}-{digest}")  # noqa: S108 - its owner and rights are checked below


def _own_or_link(path: Path, elsewhere: Path | None) -> None:
    """Make `path` a directory of ours, or a link to `elsewhere`, which must then be ours."""
    target = path if elsewhere is None else elsewhere.absolute()
    if elsewhere is not None and not (path.is_symlink() and path.readlink() == target):
        if path.is_symlink():
            path.unlink()
        path.symlink_to(target)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = target.stat(follow_symlinks=False)
    if not target.is_dir() or status.st_uid != os.getuid():
        raise ConfigurationInvalid(f"{target} belongs to another user: set run_dir in warden.toml")
