"""Running the `warden` command as a person does: a process of its own, in a directory of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tests.instance import DEVNET_TOML, wait_until
from warden.cli.running import Running, alive, everything, send

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RUN_TIMEOUT_S = 150.0


class Done(msgspec.Struct, frozen=True):
    """What a command ended with, and what it said."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment without anything that configures Warden, and `more`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("WARDEN_") and name != "DRY_RUN"
    }
    return {**kept, **more}


def command(*words: str) -> list[str]:
    """Return the command line of `warden WORDS`."""
    return [sys.executable, "-P", "-m", "warden.cli", *words]


def warden(*words: str, cwd: Path | None = None, **variables: str) -> Done:
    """Run `warden WORDS` to its end."""
    done = subprocess.run(
        command(*words),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd=cwd or "/",
        env=environment(**variables),
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    return Done(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


@contextmanager
def new_home(toml: str | None = DEVNET_TOML) -> Iterator[Path]:
    """Yield a home under /tmp (socket paths are short) with `toml`; kill whatever runs in it at the end."""
    home = Path(tempfile.mkdtemp(prefix="warden-cli-")).resolve()
    try:
        if toml is not None:
            (home / "warden.toml").write_text(toml, encoding="utf-8")
        yield home
    finally:
        kill_all(home)
        run = home / "run"
        if run.is_symlink():
            shutil.rmtree(run.resolve(), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def kill_all(home: Path) -> None:
    """Kill whatever of the instance at `home` runs still, by pid."""
    for _ in range(20):
        left = everything(home)
        if not left:
            return
        for each in left:
            send(each, 9)
    wait_until(lambda: not everything(home), "end of what was killed")


def gone(processes: Sequence[Running]) -> bool:
    """Tell whether none of them runs any more."""
    return not any(alive(each) for each in processes)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def one_line(done: Done, *parts: str) -> None:
    """Check that a command was refused with one clear line that holds all `parts`."""
    lines = done.err.splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("warden: ")
    assert "Traceback" not in done.err
    assert done.out == ""
    for part in parts:
        assert part in lines[0]
