"""Catches the stop's keys where they are read, in the terminal driver's own thread.

So the stop starts though the event loop is busy drawing, or hangs. The key then goes on its usual way as a
message that tells the screen that it was pressed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual import events
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.driver import Driver

# F10 and ctrl+x collide with nothing in tmux, screen, GNOME Terminal or phone clients.
STOP_KEYS: Final = ("f10", "ctrl+x")


class StopPressed(Message):
    """The stop has been started by a key; all that is left is to show it."""


def driver_class(press: Callable[[], object]) -> type[Driver]:
    """Return a terminal driver that calls `press` when a stop key is read, before anything else."""

    class StopKeyDriver(LinuxDriver):
        """The terminal, with the stop's keys taken out first."""

        def process_message(self, message: Message) -> None:
            """Pass a message on; a stop key starts the stop first and goes on as `StopPressed`."""
            if isinstance(message, events.Key) and message.key in STOP_KEYS:
                press()
                message = StopPressed()
            super().process_message(message)

    return StopKeyDriver
