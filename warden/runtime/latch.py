"""The stop directory: the truth about stops (DESIGN §3).

Any file in it means stopped; a directory that cannot be read means stopped; only its being there, readable
and empty, means not. `cleared/` inside it keeps what an operator has lifted.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.stops import STOP_ID, Stop, decode_stop, encode_stop
from warden.runtime.slots import FULL, Slots, sync_directory

if TYPE_CHECKING:
    from pathlib import Path

CLEARED: Final = "cleared"
_CONTENT_BYTES_MAX: Final = 64 * 1024
_STOPS_READ_MAX: Final = 64


class LatchState(msgspec.Struct, frozen=True):
    """What the directory says now.

    Attributes:
        stops: the first 64 by name; `partial` where more stand.
        unreadable: why it cannot be trusted.
    """

    stops: tuple[Stop, ...] = ()
    unreadable: str = ""
    partial: bool = False

    @property
    def stopped(self) -> bool:
        """Tell whether anything stands in the way of sending."""
        return bool(self.stops) or bool(self.unreadable)


class Latch:
    """One stop directory, at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._slots = Slots(path)

    def create(self) -> None:
        """Make the directory durable, once, at set-up; never at run time: a lost one must stop everything.

        Slots are reserved beside it, for a stop on a full disk.
        """
        (self.path / CLEARED).mkdir(parents=True, exist_ok=True)
        sync_directory(self.path)
        sync_directory(self.path.parent)
        self.reserve()

    def reserve(self) -> int:
        """Make the reserved slots that are missing; return how many stand: 8, fewer on a full disk.

        For whoever keeps the stops, at its start. Never called by who writes a stop.

        Raises:
            OSError: they cannot be made, and not because the disk is full.
        """
        return self._slots.reserve()

    def is_clear(self) -> bool:
        """Tell whether no stop stands. Cheap; called before every leg of every send."""
        try:
            with os.scandir(self.path) as entries:
                return all(entry.name == CLEARED for entry in entries)
        except OSError:
            return False

    def read(self) -> LatchState:
        """Return every standing stop, by name; a file that cannot be read is a stop all the same."""
        try:
            names = sorted(name for name in os.listdir(self.path) if name != CLEARED)  # noqa: PTH208 - bare names, no Path each
        except OSError as error:
            return LatchState(unreadable=f"stop directory {self.path}: {error.strerror}")
        stops = tuple(self._read_one(name) for name in names[:_STOPS_READ_MAX])
        return LatchState(stops=stops, partial=len(names) > _STOPS_READ_MAX)

    def _read_one(self, name: str) -> Stop:
        try:
            # A pipe put there by mistake must stop everything, not hang whoever looks.
            handle = os.open(self.path / name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as file:
                content = file.read(_CONTENT_BYTES_MAX)
        except OSError as error:
            return Stop(stop_id=name, message=f"unreadable stop file: {error.strerror}")
        return decode_stop(name, content)

    def write(self, stop: Stop) -> None:
        """Make the stop durable: file and directory synced before this returns. Idempotent by id.

        The name appears first and counts at once; the content only says more about it. On a full disk a
        reserved slot takes its place, its message cut to 4 KiB.

        Raises:
            OSError: it could not be made durable; the name may stand all the same.
            ValueError: the id cannot be a file's name.
        """
        if not STOP_ID.fullmatch(stop.stop_id) or stop.stop_id == CLEARED:
            raise ValueError(f"{stop.stop_id!r} cannot be a stop's id")
        try:
            self._write(stop)
        except OSError as error:
            if error.errno not in FULL or not self._slots.use(stop):
                raise
        sync_directory(self.path)

    def _write(self, stop: Stop) -> None:
        path = self.path / stop.stop_id
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        except FileExistsError:
            # The same stop again: it stands already, but its first writer may not have synced it yet.
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            content = b""
        else:
            content = encode_stop(stop)
            # Who runs as another user must be able to read what it allows (as for the slots).
            os.fchmod(handle, 0o644)
        try:
            while content:
                content = content[os.write(handle, content) :]
            os.fsync(handle)
        finally:
            os.close(handle)

    def clear(self, stop_id: str) -> None:
        """Move one stop to `cleared/`, durably. Only recovery calls this.

        Raises:
            OSError: it could not be moved; it still stands.
        """
        target = self.path / CLEARED / stop_id
        number = 0
        while target.exists():
            number += 1
            target = self.path / CLEARED / f"{stop_id}.{number}"
        (self.path / stop_id).rename(target)
        sync_directory(self.path / CLEARED)
        sync_directory(self.path)
