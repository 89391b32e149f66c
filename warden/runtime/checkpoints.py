"""A journal's checkpoint: how far it was verified, in a small file beside it.

It makes the start's verification short, and it bears witness: a journal that does not hold the checkpoint's
row was rolled back, truncated or rewritten. It is a hint to be checked, never a proof: `warden verify` walks
everything whatever a checkpoint says.
"""

from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING, Final

import apsw
import msgspec

from warden.domain.errors import JournalBroken
from warden.runtime.chain import START, Place

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX: Final = ".checkpoint"
_BYTES_MAX: Final = 1_000
_RIGHTS: Final = 0o640
# What a damaged row holds instead may be text that is none.
_HASH: Final = (
    "SELECT iif(typeof(hash) = 'blob', hash, NULL), iif(typeof(time_ns) = 'integer', time_ns, NULL)"
    " FROM journal WHERE row = ?"
)


class _Written(msgspec.Struct, frozen=True):
    """The file. `check` tells an accident (a flipped bit, a foreign file) from what was written."""

    row: int
    hash: str
    time_ns: int
    check: str


def checkpoint_path(journal: Path) -> Path:
    """Return where the checkpoint of the journal at `journal` stands."""
    return journal.with_suffix(SUFFIX)


def _check(place: Place) -> str:
    return hashlib.sha256(f"{place.row} {place.hash.hex()} {place.time_ns}".encode()).hexdigest()


def save(journal: Path, place: Place) -> None:
    """Replace the checkpoint, whole or not at all; one sync.

    Raises:
        OSError: it could not be written; the one before still stands.
    """
    path = checkpoint_path(journal)
    unfinished = path.with_suffix(f"{SUFFIX}.new")
    content = msgspec.json.encode(
        _Written(row=place.row, hash=place.hash.hex(), time_ns=place.time_ns, check=_check(place))
    )
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _RIGHTS)
    try:
        os.fchmod(handle, _RIGHTS)
        if os.write(handle, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(unfinished))
        os.fsync(handle)
    finally:
        os.close(handle)
    # The directory is not synced: an older checkpoint only makes the next walk longer.
    unfinished.replace(path)


def load(journal: Path) -> tuple[Place, str]:
    """Return the checkpoint, and why there is none that can be used: the start then, and the walk is whole.

    Never raises for what stands in the file: no file (no reason given), a torn, foreign or unreadable one.
    """
    path = checkpoint_path(journal)
    try:
        with path.open("rb") as file:
            content = file.read(_BYTES_MAX)
        written = msgspec.json.decode(content, type=_Written)
        place = Place(written.row, bytes.fromhex(written.hash), written.time_ns)
    except FileNotFoundError:
        return START, ""
    except OSError as error:
        return START, f"{path.name}: {error.strerror}"
    except (msgspec.DecodeError, ValueError):
        return START, f"{path.name}: no checkpoint can be read in it"
    if place.row <= 0 or written.check != _check(place):
        return START, f"{path.name}: damaged, its own check does not hold"
    return place, ""


def refute(connection: apsw.Connection, journal: Path, place: Place) -> str:
    """Return how the journal contradicts its checkpoint, "" when it does not.

    Raises:
        JournalBroken: the file cannot be read.
    """
    if place == START:
        return ""
    try:
        found = connection.execute(_HASH, (place.row,)).fetchone()
        last = connection.execute("SELECT coalesce(max(row), 0) FROM journal").get
    except apsw.Error as error:
        raise JournalBroken(f"{journal.name}: {error}") from error
    if found is None:
        how = f"ends at row {last}" if last < place.row else "lacks a row"
        return (
            f"{journal.name} {how}, but row {place.row} was verified before "
            f"({checkpoint_path(journal).name}): it was truncated or rolled back"
        )
    if found[0] != place.hash:
        return (
            f"{journal.name}: row {place.row} is not the row that was verified before "
            f"({checkpoint_path(journal).name}): it was rewritten"
        )
    return ""


def before(connection: apsw.Connection, row: int) -> Place:
    """Return the place after row `row` as the journal has it, the start where that is none of its rows."""
    found = connection.execute(_HASH, (row,)).fetchone() if row > 0 else None
    if found is None or found[0] is None or found[1] is None:
        return START
    return Place(row=row, hash=found[0], time_ns=found[1])
