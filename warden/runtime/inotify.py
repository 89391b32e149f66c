"""Being told at once when a directory changes; whoever is told still looks for itself."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_IN_ATTRIB: Final = 0x4
_IN_MOVED: Final = 0xC0
_IN_CREATE: Final = 0x100
_IN_DELETE: Final = 0x200
_IN_GONE: Final = 0xC00  # the directory itself was deleted or moved
_MASK: Final = _IN_ATTRIB | _IN_MOVED | _IN_CREATE | _IN_DELETE | _IN_GONE
_READ_BYTES: Final = 64 * 1024


class DirectoryWatch:
    """An inotify watch on one directory; `handle` is readable after a change.

    It may miss changes (the directory was replaced, the queue ran over, the limit of watches is reached), so
    it only ever makes a look happen earlier: who relies on the directory looks at intervals all the same.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.handle: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.handle < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self.watching = self._watch()

    def drain(self) -> None:
        """Reset `handle`, and watch the directory that now stands at the path."""
        try:
            while os.read(self.handle, _READ_BYTES):
                continue
        except BlockingIOError:
            self.watching = self._watch()

    def close(self) -> None:
        """Stop watching."""
        os.close(self.handle)

    def _watch(self) -> bool:
        # Adding a watch that is there already changes nothing.
        return bool(self._libc.inotify_add_watch(self.handle, os.fsencode(self._path), _MASK) >= 0)
