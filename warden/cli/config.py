"""`warden config`: each value in force and where it comes from (OP3), and the reference of all settings."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, get_type_hints

import msgspec

from warden.cli.home import CONFIG_NAME
from warden.cli.running import running
from warden.cli.words import say, warn
from warden.domain.errors import EXIT_DONE, ConfigurationInvalid
from warden.runtime.places import places
from warden.runtime.reference import page
from warden.runtime.settings import Settings, read_frozen
from warden.runtime.settings_checks import fixed_price_usd, remarks
from warden.runtime.settings_field import about, table_of
from warden.runtime.settings_load import Loaded, load_with_origins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HIDDEN: Final = "(hidden)"
_VALUE_WIDTH_MAX: Final = 48
_PRICE: Final = ("price", "fixed_usd")
_FALLBACK: Final = "default on the devnet"


class Row(msgspec.Struct, frozen=True):
    """One setting: `value` as text, None for none; `source` is where it comes from."""

    name: str
    value: str | None
    unit: str
    source: str


class Report(msgspec.Struct, frozen=True):
    """What `--json` prints.

    Attributes:
        pending: settings that differ from what the running processes were started with.
        remarks: what weakens the protection, or keeps trades from happening.
    """

    environment: str
    profile: str
    settings: tuple[Row, ...]
    pending: tuple[str, ...]
    remarks: tuple[str, ...]


def show(home: Path, *, section: str, as_json: bool) -> int:
    """Print each value in force and where it comes from, secrets hidden.

    Raises:
        ConfigurationInvalid: the configuration is not right, or has no such section.
    """
    _refuse_unknown(section)
    loaded = load_with_origins(home / CONFIG_NAME)
    settings = loaded.settings
    wanted = rows(loaded, section)
    report = Report(
        environment=settings.environment.value,
        profile=settings.limits.profile.value,
        settings=wanted,
        pending=_pending(home, loaded, section),
        remarks=remarks(settings),
    )
    if as_json:
        say(msgspec.json.encode(report).decode())
        return EXIT_DONE
    for line in _lines(wanted):
        say(line)
    for name in report.pending:
        warn(f"{name} was changed: the processes run with what it was until the next 'warden up'")
    for remark in report.remarks:
        warn(remark)
    return EXIT_DONE


def reference() -> int:
    """Print docs/configuration.md."""
    say(page().rstrip("\n"))
    return EXIT_DONE


def rows(loaded: Loaded, section: str = "") -> tuple[Row, ...]:
    """Return the settings of one section, or of all where none is named."""
    found = []
    for keys, value, unit, secret in _walk((), loaded.settings):
        if section and keys[0] != section:
            continue
        source = loaded.origin(keys)
        if keys == _PRICE and value is None and fixed_price_usd(loaded.settings) is not None:
            value, source = fixed_price_usd(loaded.settings), _FALLBACK  # noqa: PLW2901 - what is in force
        text = _text(value)
        found.append(Row(".".join(keys), HIDDEN if secret and text else text, unit, source))
    return tuple(found)


def _walk(above: tuple[str, ...], table: object) -> Iterator[tuple[tuple[str, ...], object, str, bool]]:
    """Yield each plain value below a table: its keys, value and unit, and whether it is secret."""
    for each in fields(table) if is_dataclass(table) and not isinstance(table, type) else ():
        value, told = getattr(table, each.name), about(each)
        keys = (*above, each.name)
        if is_dataclass(value):
            yield from _walk(keys, value)
        elif isinstance(value, tuple) and value and all(map(is_dataclass, value)):
            for number, item in enumerate(value):
                yield from _walk((*keys, str(number)), item)
        elif isinstance(value, dict) and value:
            for key, item in value.items():
                yield (*keys, str(key)), item, told.unit, told.secret
        else:
            yield keys, value, told.unit, told.secret


def _text(value: object) -> str | None:
    """Return a value as warden.toml has it, without quotes."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (tuple, list)):
        return ", ".join(str(each) for each in value)
    return "" if value == {} else str(value)


def _refuse_unknown(name: str) -> None:
    known = [name for name, hint in get_type_hints(Settings).items() if table_of(hint) is not None]
    if name and name not in known:
        raise ConfigurationInvalid(f"--section {name}: no such section; known: {', '.join(known)}")


def _pending(home: Path, loaded: Loaded, section: str) -> tuple[str, ...]:
    """Return what the running processes have otherwise; nothing where that cannot be told."""
    if not running(home):
        return ()
    try:
        frozen = read_frozen(places(home))
    except ConfigurationInvalid:
        return ()
    # Secrets are left out of most copies of an installed instance, and are never compared.
    now = {keys: value for keys, value, _, secret in _walk((), loaded.settings) if not secret}
    then = {keys: value for keys, value, _, secret in _walk((), frozen) if not secret}
    return tuple(
        ".".join(keys)
        for keys in {**now, **then}
        if (not section or keys[0] == section) and now.get(keys) != then.get(keys)
    )


def _lines(shown: tuple[Row, ...]) -> Iterator[str]:
    values = ["none" if row.value is None else f"{row.value} {row.unit}".strip() or "-" for row in shown]
    name_width = max((len(row.name) for row in shown), default=0)
    value_width = min(_VALUE_WIDTH_MAX, max(map(len, values), default=0))
    for row, value in zip(shown, values, strict=True):
        yield f"{row.name:<{name_width}}  {value:<{value_width}}  {row.source}"
