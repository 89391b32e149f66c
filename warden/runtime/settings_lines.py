"""Where in warden.toml a setting stands, and which keys a table knows: for lines that people read. Pure."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, get_type_hints

from warden.runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?")
_KEY: Final = re.compile(r"\s*[\"']?([A-Za-z0-9_-]+(?:\s*\.\s*[A-Za-z0-9_-]+)*)[\"']?\s*=")


def known_keys(keys: Sequence[str]) -> list[str]:
    """Return the settings of the table that `keys` lead to; none when they lead to no table."""
    kind: Any = Settings
    for key in keys:
        if key.isdecimal():
            continue
        kind = get_type_hints(kind).get(key) if is_dataclass(kind) else None
        arguments = getattr(kind, "__args__", ())
        kind = next((each for each in (kind, *arguments) if is_dataclass(each)), None)
    return [each.name for each in fields(kind)] if kind is not None and is_dataclass(kind) else []


def line_of(text: str, keys: Sequence[str]) -> int:
    """Return the line on which the innermost of `keys` stands that the file names, 0 when it names none.

    Whether letters are capitals does not count: a reason may be written in either.
    """
    lines = text.splitlines()
    table, index = (
        "",
        {key: int(follow) for key, follow in pairwise(keys) if follow.isdecimal()},
    )
    wanted = [key.lower() for key in keys if not key.isdecimal()]
    seen: dict[str, int] = {}
    best = 0
    for number, line in enumerate(lines, 1):
        header = _HEADER.match(line)
        if header:
            table = header[2].lower()
            if header[1] == "[[":
                seen[table] = seen.get(table, -1) + 1
            path = table.split(".")
            if path == wanted[: len(path)] and seen.get(table, 0) == index.get(path[-1], 0):
                best = number
            continue
        key = _KEY.match(line)
        if key:
            path = [*(table.split(".") if table else []), *re.split(r"\s*\.\s*", key[1].lower())]
            if path == wanted[: len(path)] and seen.get(table, 0) == index.get(table.rpartition(".")[2], 0):
                return number
    return best
