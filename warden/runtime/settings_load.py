"""Reads and checks the configuration once, for the processes that are started with it.

Order, first wins: the environment (`WARDEN_LIMITS__MAX_TRADE_ETH=1`), `.env` beside the file, the file.
The source documents' names work too: `DRY_RUN=true`.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, get_type_hints

import msgspec
from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from warden.runtime.places import Places

FILE_NAME: Final = "warden.toml"
_FILE_BYTES_MAX: Final = 1024 * 1024
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off", ""})
# Set for the processes and commands themselves, not part of the configuration.
_NOT_SETTINGS: Final = frozenset({"WARDEN_HOME"})
_REACH_ENDPOINTS: Final = frozenset({Role.GATEWAY, Role.EXECUTOR})
HIDDEN_URL: Final = "http://hidden.invalid"


def _annotations() -> dict[str, Any]:
    return get_type_hints(Settings, include_extras=True)


def load(file: Path) -> Settings:
    """Return the checked settings of the configuration `file`, environment and .env on top.

    Raises:
        ConfigurationInvalid: one line with the file, the line in it, what is wrong and the mend.
    """
    text = _text_of(file)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationInvalid(f"{file}: not TOML: {error}") from error
    variables = _variables(file.with_name(".env"))
    _refuse_unknown_environment(variables)
    checked = _check(file, text, document)
    settings = Settings(**{each.name: getattr(checked, each.name) for each in fields(Settings)})
    settings = _dry_run(settings, variables)
    _check_together(file, text, settings)
    return settings


def freeze(settings: Settings, target: Places) -> None:
    """Write the copy that the processes read, owner only: endpoint URLs may hold keys.

    When installed, each role gets one of its own without what is not for it; `layout.apply` gives it away.
    """
    if not target.installed:
        _write(target.settings, settings)
        return
    for role in Role:
        _write(target.settings_of(role), meant_for(role, settings))


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


def _variables(dotenv: Path) -> dict[str, str]:
    """Return the environment on top of .env, names in upper case; .env may hold others' variables too."""
    try:
        below = DotEnvSettingsSource(BaseSettings, env_file=dotenv).env_vars
    except OSError as error:
        raise ConfigurationInvalid(f"{dotenv}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationInvalid(f"{dotenv}: not UTF-8 at byte {error.start}") from error
    named = {name.upper(): value or "" for name, value in below.items()}
    return named | {name.upper(): value for name, value in os.environ.items()}


def _check(file: Path, text: str, document: dict[str, Any]) -> BaseSettings:
    class Checked(BaseSettings):
        model_config = SettingsConfigDict(
            extra="forbid", env_prefix="WARDEN_", env_nested_delimiter="__", hide_input_in_errors=True
        )

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (
                EnvSettingsSource(settings_cls),
                DotEnvSettingsSource(
                    settings_cls, env_file=file.with_name(".env"), dotenv_filtering="only_existing"
                ),
                InitSettingsSource(settings_cls, init_kwargs=document),
                init_settings,
            )

    defaults = {each.name: each.default for each in fields(Settings)}
    namespace = {"__annotations__": _annotations(), "__module__": __name__, **defaults}
    model = type("Configuration", (Checked,), namespace)
    try:
        checked: BaseSettings = model()
    except ValidationError as error:
        raise ConfigurationInvalid(_explain(file, text, error.errors())) from error
    except SettingsError as error:
        raise ConfigurationInvalid(
            f"environment: {error}; set one value by name instead, as WARDEN_LIMITS__MAX_TRADE_ETH=1"
        ) from error
    return checked


def _explain(file: Path, text: str, errors: list[ErrorDetails]) -> str:
    """Return the first error as one line, with its line in the file and how many more there are."""
    first = errors[0]
    keys = [str(part) for part in first["loc"]]
    name = ".".join(keys)
    if first["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        known = _known_keys(keys[:-1])
        what = f"unknown key {name!r}" + (f"; known here: {', '.join(known)}" if known else "")
    else:
        what = f"{name}: {first['msg'][0].lower()}{first['msg'][1:]}"
    line = _line_of(text, keys)
    where = f"{file}:{line}" if line else f"{file} (or the environment)"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {what}{more}"


def _known_keys(keys: list[str]) -> list[str]:
    kind: Any = Settings
    for key in keys:
        if key.isdecimal():
            continue
        kind = get_type_hints(kind).get(key) if is_dataclass(kind) else None
        arguments = getattr(kind, "__args__", ())
        kind = next((each for each in (kind, *arguments) if is_dataclass(each)), None)
    return [each.name for each in fields(kind)] if kind is not None and is_dataclass(kind) else []


def _line_of(text: str, keys: list[str]) -> int:
    """Return the line on which the innermost key stands that the file names, 0 when it names none."""
    lines = text.splitlines()
    table, index = (
        "",
        {key: int(follow) for key, follow in pairwise(keys) if follow.isdecimal()},
    )
    wanted = [key for key in keys if not key.isdecimal()]
    seen: dict[str, int] = {}
    best = 0
    for number, line in enumerate(lines, 1):
        header = re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?", line)
        if header:
            table = header[2]
            if header[1] == "[[":
                seen[table] = seen.get(table, -1) + 1
            path = table.split(".")
            if path == wanted[: len(path)] and seen.get(table, 0) == index.get(path[-1], 0):
                best = number
            continue
        key = re.match(r"\s*[\"']?([A-Za-z0-9_-]+)[\"']?\s*=", line)
        if key:
            path = [*(table.split(".") if table else []), key[1]]
            if path == wanted[: len(path)] and seen.get(table, 0) == index.get(table, 0):
                return number
    return best


def _refuse_unknown_environment(environ: Mapping[str, str]) -> None:
    """A misspelt variable must not be passed over: the operator believes that it is in force."""
    known = {f"WARDEN_{each.name.upper()}" for each in fields(Settings)}
    for name in sorted(environ):
        if name.startswith("WARDEN_") and name not in _NOT_SETTINGS and name.split("__")[0] not in known:
            raise ConfigurationInvalid(
                f"environment variable {name} (or in .env): no such setting; "
                "names look like WARDEN_LIMITS__MAX_TRADE_ETH"
            )


def _dry_run(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """DRY_RUN=true makes a live configuration paper; it never makes anything more dangerous."""
    value = environ.get("DRY_RUN", "").strip().lower()
    if value not in _TRUE | _FALSE:
        raise ConfigurationInvalid(f"environment variable DRY_RUN is {value!r}: use true or false")
    if value in _TRUE and settings.environment is Environment.LIVE:
        return replace(settings, environment=Environment.PAPER)
    return settings


def _check_together(file: Path, text: str, settings: Settings) -> None:
    """Refuse what is right by itself but wrong together."""
    for keys, what in (*_wrong_limits(settings), *_wrong_endpoints(settings), *_wrong_for_real(settings)):
        line = _line_of(text, list(keys))
        raise ConfigurationInvalid(f"{file}:{line}: {what}" if line else f"{file}: {what}")


def _wrong_limits(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    limits, watchdog = settings.limits, settings.watchdog
    if limits.min_trade_eth > limits.max_trade_eth:
        yield (
            ("limits", "min_trade_eth"),
            f"limits.min_trade_eth {limits.min_trade_eth} is above max_trade_eth {limits.max_trade_eth}",
        )
    if watchdog.arm_on_start not in {"", "never", "if_clean"}:
        yield ("watchdog", "arm_on_start"), "watchdog.arm_on_start must be 'never' or 'if_clean'"
    if watchdog.permit_life_ms < 2 * watchdog.beat_interval_ms:
        yield (
            ("watchdog", "permit_life_ms"),
            "watchdog.permit_life_ms must be at least twice watchdog.beat_interval_ms: a permit may be late",
        )


def _wrong_endpoints(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    names = [each.name for each in settings.endpoints]
    if len(set(names)) != len(names):
        yield ("endpoints",), "two endpoints have the same name"
    for number, each in enumerate(settings.endpoints):
        if not each.url.startswith(("http://", "https://")):
            keys = ("endpoints", str(number), "url")
            yield keys, f"endpoints.{each.name}: url must start with http:// or https://"
    if settings.environment is Environment.DEVNET:
        return
    route, relays = settings.execution.route, [each.name for each in settings.endpoints if each.relay]
    if settings.endpoints and len(relays) == len(settings.endpoints):
        yield ("endpoints",), "every endpoint is a relay: at least one must be there to read from"
    if route not in {"public", *relays}:
        known = ", ".join(["public", *relays])
        yield ("execution", "route"), f"execution.route {route!r} is no relay; known: {known}"


def _wrong_for_real(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    environment = settings.environment
    if environment is Environment.DEVNET:
        return
    if not settings.endpoints:
        yield (
            ("environment",),
            f"environment {environment} needs at least one [[endpoints]] with name and url",
        )
    for key in ("router", "factory", "weth"):
        if getattr(settings.venue, key) is None:
            yield ("venue",), f"environment {environment} needs venue.{key}"
        elif not _ADDRESS.fullmatch(str(getattr(settings.venue, key))):
            yield ("venue", key), f"venue.{key} must be an address: 0x and 40 hex digits"
    for number, token in enumerate(settings.venue.tokens):
        if not _ADDRESS.fullmatch(token.address):
            yield ("venue", "tokens", str(number), "address"), f"token {token.symbol}: no address"
    if settings.wallet.keystore is None:
        yield ("wallet",), f"environment {environment} needs wallet.keystore"
