"""What happened when: the rows of every journal and the lines of every log, merged in the order of time.

Journals are the record; log lines say the rest. A line that stands in a process's own log and again in
main.log is told once.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.errors import JournalBroken
from warden.domain.roles import Role
from warden.runtime.clock import NS_PER_S
from warden.runtime.journal_search import tail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from warden.runtime.places import Places

JOURNALS: Final = (Role.WATCHDOG, Role.EXECUTOR, Role.LOGGER, Role.NOTIFIER)
ENTRIES_MAX: Final = 10_000
ROWS_READ_MAX: Final = 20_000
LOG_BYTES_READ_MAX: Final = 4 * 1024 * 1024
_TEXT_CHARACTERS_MAX: Final = 400
_VALUE_CHARACTERS_MAX: Final = 100
_ITEMS_MAX: Final = 20
_SAME_NS: Final = 2 * NS_PER_S
# Signed bytes could be sent again by whoever reads them; the others are long, and folded from rows anyway.
_LEFT_OUT: Final = frozenset({"raw", "call", "book", "risk"})
_SUPERVISORD: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) (\w+) (.*)")
_WORDS: Final = {"WARN": "warning", "ERRO": "error", "CRIT": "critical"}


class Entry(msgspec.Struct, frozen=True):
    """One row or line.

    Attributes:
        time_ns: UTC since 1970; `time` the same for people.
        source: `journal watchdog` with its row's number, or `log` and the file's name.
        severity: of a log's line; empty for a row.
        data: a row's body, cut.
    """

    time_ns: int
    time: str
    source: str
    kind: str
    text: str
    severity: str = ""
    role: str = ""
    data: dict[str, Any] = {}


class Gathered(msgspec.Struct, frozen=True):
    """The entries of a window, in order, and a line for each source that could not be read or not whole."""

    entries: tuple[Entry, ...]
    missing: tuple[str, ...]


def gather(where: Places, names: Iterable[str], since_ns: int, until_ns: int) -> Gathered:
    """Return what every journal and log says of a window of UTC, both ends included.

    Args:
        where: the instance's places as the operator sees them.
        names: of the processes.
        since_ns: the window's beginning, since 1970.
        until_ns: its end.
    """
    missing: list[str] = []
    entries = [each for role in JOURNALS for each in _rows(where.journal(role), since_ns, until_ns, missing)]
    own: list[Entry] = []
    for name in names:
        own += _lines(where.logs_of(name) / f"{name}.log", since_ns, until_ns, missing)
    own += _lines(where.logs_of(Role.NOTIFIER) / "alerts.log", since_ns, until_ns, missing)
    shared = _lines(where.logs_of(Role.LOGGER) / "main.log", since_ns, until_ns, missing)
    entries += own
    entries += _not_told(shared, own)
    entries += _lines(where.logs / "supervisord.log", since_ns, until_ns, missing)
    entries.sort(key=lambda each: each.time_ns)
    return Gathered(tuple(entries), tuple(missing))


def nearest(entries: tuple[Entry, ...], moment_ns: int, most: int = ENTRIES_MAX) -> tuple[Entry, ...]:
    """Return at most so many entries: those nearest to a moment, in order."""
    if len(entries) <= most:
        return entries
    kept = sorted(entries, key=lambda each: abs(each.time_ns - moment_ns))[:most]
    return tuple(sorted(kept, key=lambda each: each.time_ns))


def utc_text(time_ns: int) -> str:
    """Return a moment for people: ISO 8601 with milliseconds and Z."""
    moment = datetime.fromtimestamp(time_ns // NS_PER_S, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ns % NS_PER_S // 1_000_000:03d}Z"


def utc_ns(text: str) -> int:
    """Return nanoseconds since 1970 of a time in ISO 8601.

    Raises:
        ValueError: it is none.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    whole = moment.replace(microsecond=0)
    return int(whole.timestamp()) * NS_PER_S + moment.microsecond * 1_000


def _rows(path: Path, since_ns: int, until_ns: int, missing: list[str]) -> Iterator[Entry]:
    first_ns: int | None = None
    try:
        for row in tail(path, ROWS_READ_MAX):
            if first_ns is None:
                first_ns = row.time_ns
                if first_ns > since_ns and row.row > 1:
                    missing.append(f"{path.name}: rows before {utc_text(first_ns)} were not looked at")
            if since_ns <= row.time_ns <= until_ns:
                body = _body(row.body)
                yield Entry(
                    time_ns=row.time_ns,
                    time=utc_text(row.time_ns),
                    source=f"journal {path.stem} {row.row}",
                    kind=row.kind,
                    text=_text(body),
                    role=path.stem,
                    data=body,
                )
    except (JournalBroken, OSError) as error:
        missing.append(f"{path.name}: {error}")


def _body(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: _cut(value) for key, value in found.items() if key not in _LEFT_OUT and key != "type"}


def _cut(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, str):
        return value if len(value) <= _VALUE_CHARACTERS_MAX else f"{value[:_VALUE_CHARACTERS_MAX]}…"
    if isinstance(value, list):
        return [_cut(each) for each in value[:_ITEMS_MAX]]
    if isinstance(value, dict):
        kept = [(key, each) for key, each in value.items() if key not in _LEFT_OUT][:_ITEMS_MAX]
        return {key: _cut(each) for key, each in kept}
    return value


def _text(body: dict[str, Any]) -> str:
    words = (
        f"{key}={value}" for key, value in body.items() if value not in ("", [], {}, None, 0, "0", False)
    )
    return " ".join(words)[:_TEXT_CHARACTERS_MAX]


def _lines(path: Path, since_ns: int, until_ns: int, missing: list[str]) -> list[Entry]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LOG_BYTES_READ_MAX))
            content = file.read(LOG_BYTES_READ_MAX)
    except FileNotFoundError:
        return []
    except OSError as error:
        missing.append(f"{path.name}: {error.strerror}")
        return []
    lines = content.splitlines()
    found = [each for line in lines if (each := _line(line, path.name)) is not None]
    if size > LOG_BYTES_READ_MAX and found and found[0].time_ns > since_ns:
        missing.append(f"{path.name}: lines before {found[0].time} were not looked at")
    return [each for each in found if since_ns <= each.time_ns <= until_ns]


def _line(line: bytes, name: str) -> Entry | None:
    """Return what a line says, None where it is no line of ours or torn."""
    try:
        said = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _of_supervisord(line.decode("utf-8", "replace"), name)
    if not isinstance(said, dict):
        return None
    try:
        time_ns = utc_ns(str(said.get("time", "")))
    except ValueError:
        return None
    return Entry(
        time_ns=time_ns,
        time=utc_text(time_ns),
        source=f"log {name}",
        kind=str(said.get("kind", "")),
        text=str(said.get("message", ""))[:_TEXT_CHARACTERS_MAX],
        severity=str(said.get("level") or said.get("severity") or "").lower(),
        role=str(said.get("role") or said.get("source") or ""),
    )


def _of_supervisord(line: str, name: str) -> Entry | None:
    match = _SUPERVISORD.fullmatch(line)
    if match is None:
        return None
    # supervisord writes local time.
    moment = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").astimezone()
    time_ns = int(moment.timestamp()) * NS_PER_S + int(match[2]) * 1_000_000
    return Entry(
        time_ns=time_ns,
        time=utc_text(time_ns),
        source=f"log {name}",
        kind="supervisord",
        text=match[4][:_TEXT_CHARACTERS_MAX],
        severity=_WORDS.get(match[3], "info"),
        role="supervisord",
    )


def _not_told(shared: list[Entry], own: list[Entry]) -> list[Entry]:
    """Return the shared log's lines that no process's own log has at about that time."""
    known: dict[tuple[str, str, str], list[int]] = {}
    for each in own:
        known.setdefault((each.role, each.kind, each.text), []).append(each.time_ns)
    return [
        each
        for each in shared
        if not any(
            abs(each.time_ns - time_ns) <= _SAME_NS
            for time_ns in known.get((each.role, each.kind, each.text), ())
        )
    ]
