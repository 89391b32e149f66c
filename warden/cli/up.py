"""`warden up`: checks everything, then starts supervisord and waits until every process is ready."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Final

from warden.cli import supervisor
from warden.cli.prepare import make_ready, read_settings, starting
from warden.cli.ready import SILENT, expected, last_words, not_ready, wait_ready
from warden.cli.running import supervisord
from warden.cli.words import say, warn
from warden.domain.errors import EXIT_DONE, EXIT_FAILED, WardenError
from warden.operator.link import Link
from warden.runtime.settings_strategies import traders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from warden.operator.picture import SystemView
    from warden.runtime.places import Places
    from warden.runtime.settings import Settings

_OUTPUT_BYTES_MAX: Final = 4_096


class SupervisordRefused(WardenError):
    """supervisord itself ended at once; its own words are the text."""


def up(home: Path, *, foreground: bool) -> int:
    """Start the instance at `home` and return the exit code; in the foreground it becomes supervisord.

    Raises:
        ConfigurationInvalid, RefusedForSafety: nothing was started.
        SupervisordRefused: it could not be started.
    """
    settings = read_settings(home)
    with starting(home, settings, warn) as where:
        make_ready(settings, where, warn)
        if foreground:
            become_supervisord(where, settings)
        process = start_supervisord(where, settings)
    return report_ready(where, settings, process)


def start_supervisord(
    where: Places, settings: Settings, *, before_exec: Callable[[], None] | None = None
) -> subprocess.Popen[bytes]:
    """Start supervisord as the head of a session of its own: neither Ctrl-C nor the terminal's end reach it.

    Args:
        where: the instance's places.
        settings: what was frozen.
        before_exec: called in the child, which ties its life to ours with it; there must be no threads then.
    """
    output = _output_path(where)
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    try:
        return subprocess.Popen(
            supervisor.command(where.home),
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            cwd=where.home,
            env=supervisor.environment(where, settings.environment, traders(settings)),
            start_new_session=True,
            umask=supervisor.UMASK,
            preexec_fn=before_exec,  # noqa: PLW1509 - no threads, as above
        )
    finally:
        os.close(handle)


def become_supervisord(where: Places, settings: Settings) -> None:
    """Replace this process by supervisord; never returns. The start lock goes with it (close on exec)."""
    os.umask(supervisor.UMASK)
    os.chdir(where.home)
    words = supervisor.command(where.home)
    environ = supervisor.environment(where, settings.environment, traders(settings))
    # systemd's, for supervisord alone, which takes it out of what its programs get (runtime.alive).
    systemd = {name: os.environ[name] for name in ("NOTIFY_SOCKET",) if name in os.environ}
    os.execve(words[0], words, environ | systemd)  # noqa: S606 - no shell wanted


def report_ready(where: Places, settings: Settings, process: subprocess.Popen[bytes]) -> int:
    """Wait until all processes are ready, say so, and return the exit code: 1 when some are not.

    Raises:
        SupervisordRefused: it ended meanwhile.
    """
    names = expected(settings.environment, traders(settings))
    with Link(where.home) as link:
        view = wait_ready(link, names, lambda: process.poll() is not None)
    if process.poll() is not None and supervisord(where.home) is None:
        raise SupervisordRefused(
            f"supervisord ended with exit code {process.returncode}: {_last_words(where)}"
        )
    missing = not_ready(view, names)
    say(_summary(where, view, process.pid, len(names) - len(missing), len(names)))
    for name, state in missing.items():
        why = (last_words(where, name) if state in SILENT else "") or state
        warn(f"{name} is not ready: {why}; see {where.logs_of(name)}/{name}.out")
    return EXIT_FAILED if missing else EXIT_DONE


def _summary(where: Places, view: SystemView, pid: int, ready: int, of: int) -> str:
    why = f" ({view.why})" if view.why else ""
    state = f"{view.environment} {view.word}{why}"
    return f"{where.home}: {state}, {ready} of {of} processes ready, supervisord pid {pid}"


def _output_path(where: Places) -> Path:
    return where.logs / "supervisord.out"


def _last_words(where: Places) -> str:
    """Return what supervisord said before it gave up, on one line."""
    try:
        with _output_path(where).open("rb") as file:
            text = file.read(_OUTPUT_BYTES_MAX).decode("utf-8", "replace")
    except OSError:
        text = ""
    return " ".join(text.split()) or f"see {where.logs}/supervisord.log"
