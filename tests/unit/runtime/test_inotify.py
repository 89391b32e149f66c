"""Being told of a directory's changes, through its replacement too."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

from warden.runtime.inotify import DirectoryWatch

if TYPE_CHECKING:
    from pathlib import Path


def told(watch: DirectoryWatch) -> bool:
    """Tell whether a change was reported, within a generous wait, and reset."""
    ready = bool(select.select([watch.handle], [], [], 10)[0])
    watch.drain()
    return ready


def test_a_new_file_a_rename_and_a_removal_are_told(tmp_path: Path) -> None:
    """DESIGN §3: the executor is told of changes of the stop directory at once."""
    watch = DirectoryWatch(tmp_path)
    (tmp_path / "stop").touch()
    assert told(watch)
    (tmp_path / "stop").rename(tmp_path / "other")
    assert told(watch)
    (tmp_path / "other").unlink()
    assert told(watch)
    assert select.select([watch.handle], [], [], 0)[0] == []
    watch.close()


def test_a_replaced_directory_is_watched_again(tmp_path: Path) -> None:
    """The watch is on what stands at the path, not on what stood there once."""
    directory = tmp_path / "stop"
    directory.mkdir()
    watch = DirectoryWatch(directory)
    directory.rename(tmp_path / "gone")
    assert told(watch)
    assert not watch.watching
    directory.mkdir()
    watch.drain()
    assert watch.watching
    (directory / "file").touch()
    assert told(watch)
    watch.close()


def test_a_missing_directory_is_no_error(tmp_path: Path) -> None:
    """Fails towards looking at intervals."""
    watch = DirectoryWatch(tmp_path / "missing")
    assert not watch.watching
    watch.close()
