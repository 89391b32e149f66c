"""The demo's instance: a new one each time, the one before kept beside it as `NAME.last`."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from warden.cli.down import end_instance
from warden.cli.home import CONFIG_NAME
from warden.cli.running import running
from warden.cli.running import supervisord as find_supervisord
from warden.domain.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PID_BYTES_MAX: Final = 32


@contextmanager
def only_demo(home: Path) -> Iterator[None]:
    """Hold the right to run this clone's demo.

    Raises:
        ConfigurationInvalid: another one runs, or the directory cannot be used.
    """
    path = home.with_name(f"{home.name}.lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationInvalid(f"cannot use {error.filename}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = os.read(handle, _PID_BYTES_MAX).decode("ascii", "replace").strip()
            raise ConfigurationInvalid(
                f"this demo is running already, pid {pid or 'unknown'}: "
                "end it with Ctrl-C, or look at it with 'warden status'"
            ) from error
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        _refuse_daemon(home)
        yield
    finally:
        os.close(handle)


def make_instance(fork_url: str | None, home: Path, logs: Path) -> Path:
    """Put the last demo aside, make a new instance's directory and configuration, and return it.

    Raises:
        ConfigurationInvalid: the directory cannot be used.
    """
    last = home.with_name(f"{home.name}.last")
    try:
        if home.is_dir():
            run = home / "run"
            if run.is_symlink():
                # A short directory elsewhere, for the sockets: the new instance gets the same one, empty.
                shutil.rmtree(run.resolve(), ignore_errors=True)
            shutil.rmtree(last, ignore_errors=True)
            home.rename(last)
        home.mkdir(mode=0o700)
        handle = os.open(home / CONFIG_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(configuration(fork_url, logs))
    except OSError as error:
        raise ConfigurationInvalid(f"cannot use {error.filename}: {error.strerror}") from error
    return home.resolve()


def configuration(fork_url: str | None, logs: Path) -> str:
    """Return the demo's warden.toml: free ports, logs in the clone. JSON's strings are TOML's too."""
    lines = [
        "# Made by scripts/demo, new each time: play money on a local chain.",
        'environment = "devnet"',
        f"logs_dir = {json.dumps(str(logs))}",
        "[gateway]",
        "port = 0",
        "[api]",
        "port = 0",
    ]
    if fork_url is not None:
        lines += ["[devnet]", f"fork_url = {json.dumps(fork_url)}"]
    return "\n".join(lines) + "\n"


def _refuse_daemon(home: Path) -> None:
    """Refuse a home that `warden up` runs; end what a demo that was killed left behind."""
    found = find_supervisord(home.resolve())
    if found is not None:
        raise ConfigurationInvalid(
            f"{home} is running already, pid {found.pid}: end it with 'warden down --home {home}'"
        )
    if running(home.resolve()):
        end_instance(home.resolve())
