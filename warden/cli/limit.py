"""`warden limit`: the limits as they stand and how much of each is used; lowers one, or lets it go (PS1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.cli.lever import pulled
from warden.cli.request import name_and_reason, put_order, report_of
from warden.cli.table import aligned
from warden.cli.words import say
from warden.domain.errors import EXIT_DONE, ConfigurationInvalid
from warden.domain.risk.lever_table import NUMBERS
from warden.domain.risk.thresholds import format_percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from warden.wire.orders import LimitLine

_HEAD: Final = ("LIMIT", "IN FORCE", "CONFIGURED", "OBSERVED", "USED")
_PREFIX: Final = "limits."
_NONE: Final = "-"


def limit(home: Path, name: str, value: str, *, off: bool, operator: str, reason: str, as_json: bool) -> int:
    """Lower the limit called `name`, or show; return the exit code: 4 when the executor refuses.

    Raises:
        ConfigurationInvalid: no such limit, a value that it does not take, or an empty word.
    """
    if not name or not (value or off or operator or reason):
        return _show(home, name, as_json=as_json)
    request = pulled(numeric(name), value, off=off, operator=operator, reason=reason)
    name_and_reason(operator, reason)
    return put_order(home, request, as_json=as_json)


def numeric(name: str) -> str:
    """Return the name of a limit that can be lowered at run time, without its `limits.`.

    Raises:
        ConfigurationInvalid: it is none.
    """
    known = name.strip().removeprefix(_PREFIX)
    if known not in NUMBERS:
        raise ConfigurationInvalid(
            f"{name[:80]!a} is no limit that can be lowered at run time; there are {', '.join(NUMBERS)}"
        )
    return known


def text_of(lines: Sequence[LimitLine]) -> Iterator[str]:
    """Yield the limits, a line each: what counts now, what warden.toml has, and how much of it is used."""
    rows = [
        (
            each.name,
            _amount(each.limit, each.unit, "not set"),
            _amount(each.configured, each.unit, "not set"),
            _amount(each.observed, each.unit, _NONE),
            _NONE if each.used_bps is None else f"{format_percent(each.used_bps)} %",
        )
        for each in lines
    ]
    yield from aligned([_HEAD, *rows])


def _amount(value: str, unit: str, without: str) -> str:
    return f"{value} {unit}".strip() if value else without


def _show(home: Path, name: str, *, as_json: bool) -> int:
    lines = report_of(home).limits
    if name:
        key = name.strip() if "." in name else f"{_PREFIX}{name.strip()}"
        chosen = [each for each in lines if each.name == key]
        if not chosen:
            known = ", ".join(each.name for each in lines)
            raise ConfigurationInvalid(f"there is no limit {name[:80]!a}; there are {known}")
        lines = tuple(chosen)
    if as_json:
        say(msgspec.json.encode({"limits": lines}).decode())
        return EXIT_DONE
    for line in text_of(lines):
        say(line)
    return EXIT_DONE
