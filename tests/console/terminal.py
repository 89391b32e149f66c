"""A real terminal (a pty) with a program in it; what it prints is kept whole, keys are written as bytes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

F10 = b"\x1b[21~"
CTRL_X = b"\x18"
CTRL_Q = b"\x11"
_READ = 65_536
_END_S = 30.0


class Terminal:
    """A program in a terminal of `width` by `height` cells; use it in a `with`."""

    def __init__(
        self, command: Sequence[str], *, cwd: str, env: Mapping[str, str], width: int = 80, height: int = 24
    ) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self._handle = ours
        self._printed = bytearray()
        self._done = threading.Event()
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env=dict(env),
            start_new_session=True,
        )
        os.close(theirs)
        # Somebody must read, or the program blocks as soon as the terminal's buffer is full.
        self._reader = threading.Thread(target=self._read, name="terminal")
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(_END_S)
        self._done.set()
        self._reader.join()
        os.close(self._handle)

    @property
    def printed(self) -> str:
        """Return all that the program has printed, escape sequences included."""
        return bytes(self._printed).decode("utf-8", "replace")

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self._handle, keys)

    def _read(self) -> None:
        while not self._done.is_set():
            if select.select([self._handle], [], [], 0.05)[0]:
                try:
                    self._printed += os.read(self._handle, _READ)
                except OSError:
                    # The program has closed the terminal.
                    return
