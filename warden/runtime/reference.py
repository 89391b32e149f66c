"""The configuration reference: docs/configuration.md, made from the settings' own declarations.

`warden config reference` prints it; a test keeps the page equal to it.
"""

from __future__ import annotations

import inspect
from dataclasses import MISSING, Field, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen

from warden.runtime.settings import Settings
from warden.runtime.settings_checks import DEVNET_PRICE_USD
from warden.runtime.settings_field import Profile, about, in_profile, standard, table_of
from warden.runtime.settings_sources import ALIASES

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD: Final = f"""\
# Configuration

Made from the code by `warden config reference`; a test keeps it current. `warden config show` prints the
values in force and where each comes from.

An instance's configuration is `warden.toml` in its home directory. It is read and checked once, by `warden
up`; what is changed later takes effect at the next one. Anything unknown, misspelt or out of its range is
refused with one line that says where it stands and what would be right.

## Which value holds

Of several sources the first that names a value wins:

1. the environment: `WARDEN_LIMITS__MAX_TRADE_ETH=1`, the section and the key with two underscores between;
2. `.env` beside the file, the same names;
3. `warden.toml`;
4. the profile, `limits.profile`;
5. the default.

The source documents' names work in the environment and in `.env`:
{", ".join(f"`{each}`" for each in ALIASES)}, and
`DRY_RUN=true`, which makes a `live` configuration `paper` and never anything more dangerous.

## Profiles

`limits.profile` chooses the values of everything that no other source names:

- `standard`, the default: of several figures that the source documents fix for one thing, the first.
- `strict`: the tightest of them (500 USD a trade, 5000 USD exposed, 10 % a position). No limit of it is
  looser than standard's.
- `micro`: for 10 to 50 USD of capital, to learn with, on a chain with cheap gas. At 2000 USD per ETH the
  least capital is 0.005 ETH and the largest trade 0.001 ETH; the smallest trade fits it.

A profile is the lowest layer: a value of your own wins over the profile's, in either direction. **The
tightest wins** speaks of something else, of several limits on one thing: `max_trade_eth`, `max_trade_usd`
and `max_trade_percent` all hold at once, whichever source each comes from, and the one that allows least
decides. So with `profile = "strict"` and `max_trade_eth = 50` a trade is still at most 500 USD and 10 % of
the capital.

## Zero and `none`

A limit that may be absent is switched off by the word `"none"`, in the file and in variables alike. Zero
never means "no limit": where it is accepted, the table says what it means, and elsewhere it is refused. A
percentage is written as a number, `2.5` for 2.5 %. Percentages are exact; a limit is met early rather than
late.

Limits in USD need a price (`[price]`). While it is not known or too old they refuse, rather than being
passed over. On the devnet it is {DEVNET_PRICE_USD} USD unless something else is set.
"""
_KINDS: Final = (
    (bool, "true, false"),
    (int, "a whole number"),
    (str, "text"),
    (Path, "a path"),
    (dict, "a table"),
    (tuple, "a list"),
)


def page() -> str:
    """Return docs/configuration.md."""
    parts = [_HEAD]
    hints = get_type_hints(Settings, include_extras=True)
    top = [each for each in fields(Settings) if table_of(hints[each.name]) is None]
    parts.append("## At the top of the file\n\n" + "\n".join(_rows(Settings, top)) + "\n")
    for each in fields(Settings):
        kind = table_of(hints[each.name])
        if kind is not None:
            parts.extend(_section(each.name, kind, many=not is_dataclass(hints[each.name])))
    return "\n".join(parts)


def _section(name: str, kind: type, *, many: bool) -> Iterator[str]:
    brackets = f"[[{name}]]" if many else f"[{name}]"
    hints = get_type_hints(kind, include_extras=True)
    own = [each for each in fields(kind) if table_of(hints[each.name]) is None]
    yield (
        f"## `{brackets}`\n\n{inspect.cleandoc(kind.__doc__ or '')}\n\n" + "\n".join(_rows(kind, own)) + "\n"
    )
    for each in fields(kind):
        below = table_of(hints[each.name])
        if below is not None:
            yield from _section(f"{name}.{each.name}", below, many=True)


def _rows(kind: type, own: list[Field[Any]]) -> Iterator[str]:
    """Yield a table; a column that would be empty is left out."""
    hints = get_type_hints(kind, include_extras=True)
    by_profile = any(in_profile(each, profile) != standard(each) for each in own for profile in Profile)
    columns: list[tuple[str, list[str]]] = [("name", [f"`{each.name}`" for each in own])]
    for profile in (Profile.STANDARD, Profile.MICRO, Profile.STRICT) if by_profile else (Profile.STANDARD,):
        title = profile.value if by_profile else "default"
        columns.append((title, [_shown(in_profile(each, profile)) for each in own]))
    columns += [
        ("unit", [about(each).unit for each in own]),
        ("accepts", [_accepts(hints[each.name]) for each in own]),
        ("share of", [about(each).baseline for each in own]),
        ("window", [about(each).window for each in own]),
        ("meaning", [_meaning(each) for each in own]),
    ]
    kept = [column for column in columns if any(column[1])]
    yield "| " + " | ".join(title for title, _ in kept) + " |"
    yield "|" + "---|" * len(kept)
    for number in range(len(own)):
        yield "| " + " | ".join(cells[number].replace("|", "\\|") for _, cells in kept) + " |"


def _meaning(each: Field[Any]) -> str:
    told = about(each)
    return told.doc + (f"; none: {told.unset}" if told.unset else "")


def _shown(value: object) -> str:
    if value is MISSING:
        return "must be said"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if value in ("", (), {}):
        return ""
    return str(value)


def _accepts(hint: object) -> str:
    """Return what a setting may be, in words."""
    origin, given = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _bounds(given[1:]) or _accepts(given[0])
    if origin in {Union, UnionType}:
        return " or ".join("none" if each is type(None) else _accepts(each) for each in given)
    if origin is Literal:
        return ", ".join(str(each) for each in given)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(str(each.value) for each in hint)
    return next((word for kind, word in _KINDS if kind in (hint, origin)), "")


def _bounds(marks: tuple[Any, ...]) -> str:
    """Return the bounds of a number; a text has none that need saying."""
    if any(isinstance(each, (MinLen, MaxLen)) for each in marks):
        return ""
    low = next((f"{each.ge:,}" for each in marks if isinstance(each, Ge)), "")
    above = next((f"above {each.gt:,}" for each in marks if isinstance(each, Gt)), "")
    high = next((f"{each.le:,}" for each in marks if isinstance(each, Le)), "")
    below = next((f"below {each.lt:,}" for each in marks if isinstance(each, Lt)), "")
    if low and high:
        return f"{low} to {high}"
    words = (f"{low} or more" if low else above, f"at most {high}" if high else below)
    return ", ".join(each for each in words if each)
