"""Witnesses: what other journals say of a journal's head, held against what it holds now (I9).

A `witness` row's body names heads as `[journal, row, hash]`. A row that was seen and is gone, or is another
row now, was truncated, rolled back or rewritten, however well the rest is chained.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import apsw
import msgspec

from warden.domain.errors import JournalBroken
from warden.runtime.clock import NS_PER_S
from warden.runtime.journal import Row, open_reader, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

KIND: Final = "witness"


class WitnessBody(msgspec.Struct, frozen=True):
    """What a witness row holds, other fields passed over: heads as (journal's name, row, hash in hex)."""

    heads: tuple[tuple[str, int, str], ...]


class _Seen(msgspec.Struct, frozen=True):
    """A head as a witness saw it: `by` is the witness's row."""

    row: int
    by: Row


class _Doubt:
    """What one witness says against one journal: the first that is another row, the last that is gone."""

    def __init__(self) -> None:
        self.changed: _Seen | None = None
        self.gone: _Seen | None = None


def heads_of(row: Row) -> tuple[tuple[str, int, str], ...]:
    """Return the heads that a witness row names.

    Raises:
        msgspec.DecodeError: the row's body is no witness's.
    """
    return msgspec.json.decode(row.body, type=WitnessBody).heads


def cross_check(witness: Path, journals: Sequence[Path]) -> list[str]:
    """Hold every head in the witness rows of `witness` against the journals; return a line for each problem.

    Heads of journals that are not among `journals`, or of the witness itself, are passed over.
    """
    doubts = {path.stem: _Doubt() for path in journals if path != witness}
    paths = {path.stem: path for path in journals}
    readers: dict[str, _Held] = {}
    problems: list[str] = []
    try:
        for row, name, number, digest in _heads(witness, problems):
            if name not in doubts:
                continue
            if name not in readers:
                readers[name] = _Held(paths[name])
            _judge(doubts[name], _Seen(number, row), readers[name].hash(number), digest)
        for name, doubt in doubts.items():
            last = readers[name].last() if name in readers else 0
            problems += _told(paths[name].name, witness.name, doubt, last)
    except (JournalBroken, apsw.Error) as error:
        problems.append(f"{witness.name}: its witness rows cannot be held against the journals: {error}")
    finally:
        for reader in readers.values():
            reader.close()
    return problems


class _Held:
    """What a journal holds now; a missing file holds nothing."""

    def __init__(self, path: Path) -> None:
        self._connection = open_reader(path) if path.exists() else None

    def hash(self, row: int) -> str:
        """Return a row's hash, hex, "" when there is no such row."""
        if self._connection is None:
            return ""
        found = self._connection.execute("SELECT hex(hash) FROM journal WHERE row = ?", (row,)).get
        return str(found or "").lower()

    def last(self) -> int:
        """Return the last row's number, 0 for none."""
        if self._connection is None:
            return 0
        return int(self._connection.execute("SELECT coalesce(max(row), 0) FROM journal").get)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()


def _heads(witness: Path, problems: list[str]) -> Iterator[tuple[Row, str, int, str]]:
    for row in read(witness, kind=KIND):
        try:
            heads = heads_of(row)
        except msgspec.DecodeError:
            problems.append(f"{witness.name}: row {row.row} is a witness row that cannot be read")
            continue
        for name, number, digest in heads:
            if number > 0:  # of an empty journal there is nothing to be seen
                yield row, name, number, digest


def _judge(doubt: _Doubt, seen: _Seen, held: str, digest: str) -> None:
    if held == digest:
        return
    if held:
        if doubt.changed is None or seen.row < doubt.changed.row:
            doubt.changed = seen
    elif doubt.gone is None or seen.row > doubt.gone.row:
        doubt.gone = seen


def _told(journal: str, witness: str, doubt: _Doubt, last: int) -> list[str]:
    lines = []
    if doubt.changed is not None:
        lines.append(
            f"{journal}: row {doubt.changed.row} is not the row that {_by(witness, doubt.changed)} saw: "
            "it was rewritten, or an older copy was put in its place and written on"
        )
    if doubt.gone is not None:
        by, row = _by(witness, doubt.gone), doubt.gone.row
        lines.append(
            f"{journal} ends at row {last}, but {by} saw row {row}: rows {last + 1} to {row} are gone, "
            "it was truncated or rolled back"
            if last < row
            else f"{journal}: row {row} is gone, which {by} saw"
        )
    return lines


def _by(witness: str, seen: _Seen) -> str:
    time = datetime.fromtimestamp(seen.by.time_ns // NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{witness} (its row {seen.by.row}, {time})"
