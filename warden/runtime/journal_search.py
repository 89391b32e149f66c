"""Finding rows of a journal by what stands in them, without its writer: newest first, and bounded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import apsw

from warden.domain.errors import JournalBroken
from warden.runtime.chain import ALL, Row
from warden.runtime.journal import open_reader, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SEARCHED_ROWS_MAX: Final = 500_000
# One short read each: a long one would keep the writer from folding its log.
_WINDOW_ROWS: Final = 50_000
_NEEDLES_MAX: Final = 64


def containing(
    path: Path,
    needles: Sequence[bytes],
    kinds: Sequence[str],
    *,
    found_max: int,
    after: int = 0,
    searched_max: int = SEARCHED_ROWS_MAX,
) -> list[Row]:
    """Return the durable rows of `kinds` whose body holds one of `needles`, newest first.

    Args:
        path: the journal; a missing file has none.
        kinds: the rows' tags.
        needles: 64 at most; later ones are not looked for.
        found_max: how many to return at most.
        after: only rows after this number.
        searched_max: how many of the newest rows to look at.

    Raises:
        JournalBroken: the file cannot be read.
    """
    wanted = tuple(needles[:_NEEDLES_MAX])
    if not wanted or not kinds or not path.exists():
        return []
    query = (
        "SELECT row, time_ns, kind, body, hash FROM journal WHERE row > ? AND row <= ?"  # noqa: S608 - marks only
        f" AND kind IN ({', '.join('?' for _ in kinds)}) AND holds(body) ORDER BY row DESC LIMIT ?"
    )
    found: list[Row] = []
    try:
        connection = open_reader(path)
        try:
            # Of several needles SQLite's own instr() takes twice as long.
            connection.create_scalar_function("holds", partial(_holds, wanted), 1)
            last = int(str(connection.execute("SELECT coalesce(max(row), 0) FROM journal").get))
            first = max(after, last - searched_max)
            while last > first and len(found) < found_max:
                below = max(first, last - _WINDOW_ROWS)
                values = (below, last, *kinds, found_max - len(found))
                found += map(_row, connection.execute(query, values).fetchall())
                last = below
        finally:
            connection.close()
    except (apsw.Error, ValueError) as error:  # the latter: a damaged row
        raise JournalBroken(f"journal {path}: {error}; run 'warden verify'") from error
    return found


def newest(path: Path, kind: str, *, before: int = ALL) -> Row | None:
    """Return the last durable row of a kind, None when there is none; looks from the journal's end.

    Args:
        path: the journal; a missing file has none.
        kind: the row's tag.
        before: only rows before this number.

    Raises:
        JournalBroken: the file cannot be read.
    """
    query = (
        "SELECT row, time_ns, kind, body, hash FROM journal WHERE kind = ? AND row < ? "
        "ORDER BY row DESC LIMIT 1"
    )
    found = _first(path, query, kind, before)
    if found is None:
        return None
    try:
        return _row(found)
    except ValueError as error:
        raise JournalBroken(f"journal {path}: {error}; run 'warden verify'") from error


def tail(path: Path, rows: int) -> Iterator[Row]:
    """Yield the last `rows` durable rows, in order, however long the journal is; a missing file has none.

    Raises:
        JournalBroken: the file cannot be read.
    """
    found = _first(path, "SELECT coalesce(max(row), 0) FROM journal")
    if found is not None:
        yield from read(path, after=max(0, int(found[0]) - rows))


def _first(path: Path, query: str, *arguments: object) -> tuple[Any, ...] | None:
    """Return the first row that a query finds; None for none, and for a missing file."""
    if not path.exists():
        return None
    try:
        connection = open_reader(path)
        try:
            found: tuple[Any, ...] | None = connection.execute(query, arguments).fetchone()
        finally:
            connection.close()
    except (apsw.Error, UnicodeDecodeError) as error:
        raise JournalBroken(f"journal {path}: {error}") from error
    return found


def _holds(needles: Sequence[bytes], body: object) -> bool:
    return isinstance(body, bytes) and any(each in body for each in needles)


def _row(values: tuple[Any, ...]) -> Row:
    row, time_ns, kind, body, digest = values
    if not (isinstance(time_ns, int) and isinstance(body, bytes) and isinstance(digest, bytes)):
        raise ValueError(f"row {row} is damaged")  # noqa: TRY004 - of the journal's, not of the caller's
    return Row(row=row, time_ns=time_ns, kind=str(kind), body=body, hash=digest.hex())
