"""Reserved stop slots: files with real blocks, so that a stop can be written on a disk that is full.

They stand in a directory beside the stop directory, never in it: any file in that one means stopped. A slot
is renamed into place, which takes no new block, and its content is written over blocks that it has already.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.stops import Stop, encode_stop

if TYPE_CHECKING:
    from pathlib import Path

SLOTS: Final = 8
SLOT_BYTES: Final = 4_096
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

_BLANK: Final = b" " * SLOT_BYTES
_STAT_BLOCK_BYTES: Final = 512
# Never through a link: operators may write the directory, and root fills it when installed.
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
# Whoever may stop may use a slot: the directory's own rights say who that is. Whoever runs as another user
# must be able to read what a stop allows; who may enter its directory is the home's own matter.
_SLOT_RIGHTS: Final = 0o664
_FILE_RIGHTS: Final = 0o644
_SHORTER_BYTES: Final = 64


class Slots:
    """The slots beside the stop directory at `stop`."""

    def __init__(self, stop: Path) -> None:
        self._stop = stop
        self.path = stop.parent / f"{stop.name}.reserve"

    def reserve(self) -> int:
        """Make the slots that are missing or hollow, durably; return how many stand: 8, fewer on a full disk.

        Raises:
            OSError: the directory cannot be made or looked at.
        """
        self._make_directory()
        group = self._stop.stat().st_gid
        standing = 0
        for number in range(SLOTS):
            path = self.path / f"slot-{number}"
            try:
                if not _is_whole(path):
                    self._fill(path, group)
            except OSError as error:
                if error.errno not in FULL:
                    raise
                continue
            standing += 1
        sync_directory(self.path)
        return standing

    def use(self, stop: Stop) -> bool:
        """Make `stop` stand by a slot, synced but for the directory; tell whether there was one.

        A file of its name is replaced: on a full disk it is empty.

        Raises:
            OSError: the slot could not be put in place or written.
        """
        content = _fitting(stop)
        target = self._stop / stop.stop_id
        for name in self._names():
            try:
                (self.path / name).rename(target)
            except FileNotFoundError:
                continue  # another stop took it first
            handle = os.open(target, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.pwrite(handle, content, 0)
                # The name counts already and blanks after the content are valid: neither may fail the stop.
                with contextlib.suppress(OSError):
                    os.ftruncate(handle, len(content))
                    os.fchmod(handle, _FILE_RIGHTS)
                os.fsync(handle)
            finally:
                os.close(handle)
            return True
        return False

    def _names(self) -> list[str]:
        try:
            return sorted(each.name for each in self.path.iterdir() if each.name.startswith("slot-"))
        except OSError:
            return []  # never reserved: the caller then says that the disk is full

    def _make_directory(self) -> None:
        """Make the directory, and give it the stop directory's group and rights as far as we may."""
        new = not self.path.is_dir()
        if new:
            self.path.mkdir(mode=0o700)
        like, found = self._stop.stat(), self.path.stat()
        # All but sticky: there only a slot's owner could take it.
        rights = stat.S_IMODE(like.st_mode) & ~stat.S_ISVTX
        # Not ours? Then whoever set the instance up has given it what it needs.
        with contextlib.suppress(PermissionError):
            if found.st_gid != like.st_gid:
                os.chown(self.path, -1, like.st_gid)
            if stat.S_IMODE(self.path.stat().st_mode) != rights:
                self.path.chmod(rights)
        if new:
            sync_directory(self.path.parent)

    def _fill(self, path: Path, group: int) -> None:
        """Make one slot, whole or not at all: written, for what is only allocated may need blocks later."""
        unfinished = path.with_name(f".{path.name}")
        handle = os.open(unfinished, _NEW, _SLOT_RIGHTS)
        try:
            try:
                if os.write(handle, _BLANK) != SLOT_BYTES:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(unfinished))
                os.fchmod(handle, _SLOT_RIGHTS)
                with contextlib.suppress(PermissionError):  # as above
                    os.fchown(handle, -1, group)
                os.fsync(handle)
            finally:
                os.close(handle)
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise


def _is_whole(path: Path) -> bool:
    try:
        found = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    return found.st_size == SLOT_BYTES and found.st_blocks * _STAT_BLOCK_BYTES >= SLOT_BYTES


def _fitting(stop: Stop) -> bytes:
    """Return the stop's content, its message and names cut where it would not fit into a slot."""
    content = encode_stop(stop)
    while len(content) > SLOT_BYTES:
        stop = msgspec.structs.replace(
            stop,
            message=_shorter(stop.message),
            operator=_shorter(stop.operator),
            reason=stop.reason[:_SHORTER_BYTES],
            policy=stop.policy[:_SHORTER_BYTES],
            time=stop.time[:_SHORTER_BYTES],
        )
        content = encode_stop(stop)
    return content


def _shorter(text: str) -> str:
    return text[: len(text) // 2]


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable.

    Raises:
        OSError: they could not be.
    """
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
