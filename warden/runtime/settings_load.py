"""Reads and checks the configuration once, for the processes that are started with it.

Order, first wins: the environment (`WARDEN_LIMITS__MAX_TRADE_ETH=1`), `.env` beside the file, the file, the
profile that one of them names. The source documents' names work too: `DRY_RUN=true`.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import SequenceMatcher
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

import msgspec
from pydantic import TypeAdapter, ValidationError

from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.domain.roles import Role, processes, role_of
from warden.runtime.settings import Settings
from warden.runtime.settings_chain import NO_PROFILE
from warden.runtime.settings_checks import wrong
from warden.runtime.settings_field import Profile
from warden.runtime.settings_lines import known_keys, line_of
from warden.runtime.settings_sources import (
    DEFAULT,
    Layer,
    chain_as_layer,
    file_layer,
    merged,
    named_in,
    profile_as_layer,
    truth,
    variable_layers,
)
from warden.runtime.settings_strategies import traders

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from warden.runtime.places import Places
    from warden.runtime.settings_sources import Values

FILE_NAME: Final = "warden.toml"
_FILE_BYTES_MAX: Final = 1024 * 1024
_REACH_ENDPOINTS: Final = frozenset({Role.GATEWAY, Role.EXECUTOR})
_ALIKE: Final = 0.6
_DRY_RUN: Final = "DRY_RUN"
HIDDEN_URL: Final = "http://hidden.invalid"


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The checked settings, and the sources that they come from, first wins.

    Attributes:
        dry_run: the source whose DRY_RUN made a live configuration paper; empty for none.
    """

    settings: Settings
    layers: tuple[Layer, ...]
    dry_run: str = ""

    def origin(self, keys: Sequence[str]) -> str:
        """Return where the value at `keys` comes from: `warden.toml:7`, `profile micro`, `default`, ..."""
        if self.dry_run and tuple(keys) == ("environment",):
            return f"{self.dry_run} {_DRY_RUN}"
        # A list comes from one source in one piece; what an item of it leaves out is the default.
        whole = list(takewhile(lambda key: not key.isdecimal(), keys))
        layer = next((each for each in self.layers if named_in(each.values, whole)), None)
        return DEFAULT if layer is None or not named_in(layer.values, keys) else layer.origin(keys)


def load(file: Path) -> Settings:
    """Return the checked settings of the configuration `file`, environment and .env on top.

    Raises:
        ConfigurationInvalid: one line with the file, the line in it, what is wrong and the mend.
    """
    return load_with_origins(file).settings


def load_with_origins(file: Path) -> Loaded:
    """Return the checked settings as `load` does, and where each of them comes from.

    Raises:
        ConfigurationInvalid: as `load`.
    """
    text = _text_of(file)
    try:
        # A decimal in the file is what it says, not the nearest float.
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationInvalid(f"{file}: not TOML: {error}") from error
    layers: tuple[Layer, ...] = (
        *variable_layers(file.with_name(".env")),
        file_layer(file, text, document),
    )
    settings = _check(file, text, merged(layers))
    if settings.limits.profile is not Profile.STANDARD:
        layers = (*layers, profile_as_layer(settings.limits.profile))
        settings = _check(file, text, merged(layers))
    if settings.chain.profile != NO_PROFILE:
        layers = (*layers, chain_as_layer(settings.chain.profile))
        settings = _check(file, text, merged(layers))
    settings, dry_run = _with_dry_run(settings, layers)
    for places, what in wrong(settings):
        raise ConfigurationInvalid(f"{_where(file, layers, places)}: {what}")
    return Loaded(settings=settings, layers=layers, dry_run=dry_run)


def freeze(settings: Settings, target: Places) -> None:
    """Write the copy that the processes read, owner only: endpoint URLs may hold keys.

    When installed, each role gets one of its own without what is not for it; `layout.apply` gives it away.
    """
    if not target.installed:
        _write(target.settings, settings)
        return
    for name in (*processes(traders(settings)), Role.OPERATOR):
        _write(target.settings_of(name), meant_for(role_of(name), settings))


def meant_for(role: Role, settings: Settings) -> Settings:
    """Return the settings without the URLs and files that `role` has no use for: they may hold keys."""
    if role not in _REACH_ENDPOINTS:
        hidden = tuple(replace(each, url=HIDDEN_URL) for each in settings.endpoints)
        settings = replace(settings, endpoints=hidden)
    if role is not Role.DEVNET:
        settings = replace(settings, devnet=replace(settings.devnet, fork_url=None))
    if role is not Role.EXECUTOR:
        settings = replace(settings, wallet=replace(settings.wallet, password_file=None))
    return settings


def _write(path: Path, settings: Settings) -> None:
    handle = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(msgspec.json.encode(settings, enc_hook=str))
        stream.flush()
        os.fsync(stream.fileno())
    path.with_suffix(".new").replace(path)


def _text_of(file: Path) -> str:
    try:
        if file.stat().st_size > _FILE_BYTES_MAX:
            raise ConfigurationInvalid(f"{file}: larger than 1 MiB is no configuration")
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationInvalid(
            f"{file}: {error.strerror}; name the directory that holds warden.toml with --home"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationInvalid(f"{file}: not UTF-8 at byte {error.start}") from error


def _check(file: Path, text: str, values: Values) -> Settings:
    adapter: TypeAdapter[Settings] = TypeAdapter(Settings)
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        raise ConfigurationInvalid(_explain(file, text, error.errors())) from error


def _where(file: Path, layers: Sequence[Layer], places: Sequence[Sequence[str]]) -> str:
    """Return where a fault lies: the first of its settings that somebody set, else where it would be set."""
    for keys in places:
        layer = next((each for each in layers if named_in(each.values, keys)), None)
        if layer is not None and (layer.text or layer.variables):
            return f"{file.parent}/{layer.origin(keys)}" if layer.text else layer.origin(keys)
    line = next((line_of(layer.text, places[0]) for layer in layers if layer.text), 0)
    return f"{file}:{line}" if line else str(file)


def _explain(file: Path, text: str, errors: list[ErrorDetails]) -> str:
    """Return the first error as one line, with its line in the file and how many more there are."""
    first = errors[0]
    keys = [str(part) for part in first["loc"]]
    name = ".".join(keys)
    if first["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        known = _nearest_first(keys[-1], known_keys(keys[:-1]))
        what = f"unknown key {name!r}" + (f"; known here: {', '.join(known)}" if known else "")
    else:
        what = f"{name}: {first['msg'][0].lower()}{first['msg'][1:]}"
    line = line_of(text, keys)
    where = f"{file}:{line}" if line else f"{file} (or the environment)"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {what}{more}"


def _nearest_first(key: str, known: list[str]) -> list[str]:
    """Return the known keys, those that look like `key` first."""
    alike = [each for each in known if SequenceMatcher(None, key, each).ratio() >= _ALIKE]
    return [*alike, *(each for each in known if each not in alike)]


def _with_dry_run(settings: Settings, layers: tuple[Layer, ...]) -> tuple[Settings, str]:
    """DRY_RUN=true makes a live configuration paper; it never makes anything more dangerous."""
    for layer in layers:
        value: Any = layer.variables.get(_DRY_RUN)
        if value is None:
            continue
        # An empty value is none: it leaves the configuration as the file has it.
        if value.strip() and truth(_DRY_RUN, value, layer.name) and settings.environment is Environment.LIVE:
            return replace(settings, environment=Environment.PAPER), layer.name
        return settings, ""
    return settings, ""
