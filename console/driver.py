"""Catches the stop's keys where they are read, in the terminal driver's own thread.

So the stop starts though the event loop is busy drawing, or hangs. What is left for the screen is a message
that says that it was pressed.
"""

from __future__ import annotations

import os
import select
from codecs import getincrementaldecoder
from itertools import chain
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events, messages
from textual._xterm_parser import XTermParser  # the parser has no public name; the lock pins its version
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.driver import Driver

# F10 and ctrl+x collide with nothing in tmux, screen, GNOME Terminal or phone clients.
STOP_KEYS: Final = ("f10", "ctrl+x")

# The same as terminals send them, in the old way and in kitty's: alone in a read they count whatever the
# parser makes of its state, such as a paste whose end was lost on a bad line.
_RAW_STOP_KEYS: Final = frozenset({b"\x1b[21~", b"\x18", b"\x1b[120;5u"})
_READ_BYTES: Final = 4_096
_LOOK_S: Final = 0.1


class StopPressed(Message):
    """The stop has been started by a key; all that is left is to show it."""


class StopKeyDriver(LinuxDriver):
    """The terminal, with the stop's keys taken out first."""

    press: ClassVar[Callable[[], object]]

    def run_input_thread(self) -> None:
        """Read keys until the app ends; what cannot be parsed is passed over, never the end of input."""
        decode = getincrementaldecoder("utf-8")("replace").decode
        parser = XTermParser(self._debug)
        while not self.exit_event.is_set():
            data = b""
            if select.select([self.fileno], [], [], _LOOK_S)[0]:
                data = os.read(self.fileno, _READ_BYTES)
                if not data:
                    # The terminal is gone for good.
                    self.send_message(messages.ExitApp())
                    return
            if data in _RAW_STOP_KEYS:
                self._stop()
                continue
            try:
                for event in chain(parser.feed(decode(data)) if data else (), parser.tick()):
                    self.process_message(event)
            except Exception:  # noqa: BLE001 - garbage on the line raises what it likes; keys must still be read
                parser = XTermParser(self._debug)
                if any(key in data for key in _RAW_STOP_KEYS):
                    self._stop()

    def process_message(self, message: Message) -> None:
        """Pass a message on, but for a stop key."""
        if isinstance(message, events.Key) and message.key in STOP_KEYS:
            self._stop()
        else:
            super().process_message(message)

    def _stop(self) -> None:
        type(self).press()
        super().process_message(StopPressed())


def driver_class(press: Callable[[], object]) -> type[Driver]:
    """Return a terminal driver that calls `press` when a stop key is read, before anything else."""
    return type("BoundStopKeyDriver", (StopKeyDriver,), {"press": staticmethod(press)})
