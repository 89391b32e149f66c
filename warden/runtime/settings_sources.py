"""Where values come from: the environment, .env, the file, the profile; first wins. Nothing is checked here.

A layer is what one source says, as nested tables. The source documents' own names of variables are read
beside Warden's (`WARDEN_LIMITS__MAX_TRADE_ETH`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, get_type_hints

from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from warden.domain.errors import ConfigurationInvalid
from warden.runtime.settings import Settings
from warden.runtime.settings_chain import profile_values
from warden.runtime.settings_field import NONE_WORD, Profile, optional, profile_layer, sections
from warden.runtime.settings_lines import line_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

DEFAULT: Final = "default"
PREFIX: Final = "WARDEN_"
# The source documents' names, and what each stands for. DRY_RUN is no setting of its own: see settings_load.
ALIASES: Final = {
    "EMERGENCY_STOP_ENABLED": ("emergency", "enabled"),
    "CIRCUIT_BREAKER_ENABLED": ("breaker", "enabled"),
}
TRUE: Final = frozenset({"1", "true", "yes", "on"})
FALSE: Final = frozenset({"0", "false", "no", "off"})
# Set for the processes and commands themselves, not part of the configuration.
_NOT_SETTINGS: Final = frozenset({"WARDEN_HOME"})

Values = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What one source says.

    Attributes:
        name: `environment`, `.env`, the file's name, or the profile.
        values: nested tables.
        text: the file's own text, for its lines; empty elsewhere.
        variables: by name in upper case, where values come from variables; they may hold secrets.
    """

    name: str
    values: Values
    text: str = ""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def origin(self, keys: Sequence[str]) -> str:
        """Return where in this source the value at `keys` stands."""
        if self.text:
            line = line_of(self.text, keys)
            return f"{self.name}:{line}" if line else self.name
        return f"{self.name} {self._variable(keys)}".rstrip()

    def _variable(self, keys: Sequence[str]) -> str:
        names = [f"{PREFIX}{'__'.join(keys[:count]).upper()}" for count in range(len(keys), 0, -1)]
        names += [name for name, stands_for in ALIASES.items() if stands_for == tuple(keys)]
        return next((name for name in names if name in self.variables), "")


def variable_layers(dotenv: Path) -> tuple[Layer, Layer]:
    """Return what the environment and .env say, in that order; .env may hold others' variables too.

    Raises:
        ConfigurationInvalid: a variable cannot be read, or is no setting.
    """
    try:
        below = DotEnvSettingsSource(BaseSettings, env_file=dotenv).env_vars
    except OSError as error:
        raise ConfigurationInvalid(f"{dotenv}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationInvalid(f"{dotenv}: not UTF-8 at byte {error.start}") from error
    named = {name.upper(): value or "" for name, value in below.items()}
    environ = {name.upper(): value for name, value in os.environ.items()}
    _refuse_unknown(named | environ)
    model = _model()
    try:
        from_environment = EnvSettingsSource(model)()
        from_file = DotEnvSettingsSource(model, env_file=dotenv, dotenv_filtering="only_existing")()
    except SettingsError as error:
        raise ConfigurationInvalid(
            f"environment: {error}; set one value by name instead, as WARDEN_LIMITS__MAX_TRADE_ETH=1"
        ) from error
    return (
        _of_variables("environment", from_environment, environ),
        _of_variables(".env", from_file, named),
    )


def file_layer(file: Path, text: str, document: Values) -> Layer:
    """Return what the configuration file says."""
    return Layer(name=file.name, values=worded(document), text=text)


def profile_as_layer(profile: Profile) -> Layer:
    """Return what a profile says otherwise than the standard one: the lowest layer of all."""
    return Layer(name=f"profile {profile.value}", values=dict(profile_layer(Settings, profile)))


def chain_as_layer(name: str) -> Layer:
    """Return what a chain's profile says of it."""
    return Layer(name=f"chain.profile {name}", values={"chain": profile_values(name)})


def merged(layers: Iterable[Layer]) -> Values:
    """Return all layers in one; of two that name a value the earlier wins, and none wipes out a table."""
    together: Values = {}
    for layer in layers:
        together = _over(together, layer.values)
    return together


def named_in(values: Values, keys: Sequence[str]) -> bool:
    """Tell whether `values` say something at `keys`; of a list the keys have a number each."""
    here: Any = values
    for key in keys:
        if isinstance(here, list) and key.isdecimal() and int(key) < len(here):
            here = here[int(key)]
        elif isinstance(here, dict) and key in here:
            here = here[key]
        else:
            return False
    return True


def worded(values: Values) -> Values:
    """Return `values` with the word `none` as None where there may be none, and reasons in capitals."""
    result = dict(values)
    for section, kind in sections(Settings):
        table = values.get(section)
        if not isinstance(table, dict):
            continue
        may_be_none = optional(kind)
        result[section] = {
            key: None
            if isinstance(value, str) and value.strip().lower() == NONE_WORD and may_be_none.get(key, False)
            else value
            for key, value in table.items()
        }
    emergency = result.get("emergency")
    policies = emergency.get("policies") if isinstance(emergency, dict) else None
    if isinstance(emergency, dict) and isinstance(policies, dict):
        capitals = {key.upper(): value for key, value in policies.items()}
        result["emergency"] = {**emergency, "policies": capitals}
    return result


def _over(upper: Values, lower: Values) -> Values:
    result = dict(lower)
    for key, value in upper.items():
        below = result.get(key)
        result[key] = _over(value, below) if isinstance(value, dict) and isinstance(below, dict) else value
    return result


def _of_variables(source: str, values: Values, variables: Mapping[str, str]) -> Layer:
    said: Values = {}
    for alias, (section, key) in ALIASES.items():
        if alias not in variables:
            continue
        own = f"{PREFIX}{section}__{key}".upper()
        if own in variables:
            raise ConfigurationInvalid(f"{source}: {alias} and {own} name one setting: keep one of them")
        said.setdefault(section, {})[key] = truth(alias, variables[alias], source)
    return Layer(name=source, values=_over(worded(values), said), variables=variables)


def truth(name: str, value: str, source: str) -> bool:
    """Return what a variable of yes or no says.

    Raises:
        ConfigurationInvalid: neither; nothing is guessed.
    """
    word = value.strip().lower()
    if word not in TRUE | FALSE:
        raise ConfigurationInvalid(f"{source} variable {name} is {word!r}: use true or false")
    return word in TRUE


def _refuse_unknown(variables: Mapping[str, str]) -> None:
    """A misspelt variable must not be passed over: the operator believes that it is in force."""
    known = {f"{PREFIX}{each.name.upper()}" for each in fields(Settings)}
    for name in sorted(variables):
        if name.startswith(PREFIX) and name not in _NOT_SETTINGS and name.split("__")[0] not in known:
            raise ConfigurationInvalid(
                f"environment variable {name} (or in .env): no such setting; "
                "names look like WARDEN_LIMITS__MAX_TRADE_ETH"
            )


def _model() -> type[BaseSettings]:
    """Return the settings as a model that knows the names of variables; it checks nothing."""

    class Named(BaseSettings):
        model_config = SettingsConfigDict(
            extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__", hide_input_in_errors=True
        )

    defaults = {each.name: each.default for each in fields(Settings)}
    hints = get_type_hints(Settings, include_extras=True)
    return type("Configuration", (Named,), {"__annotations__": hints, "__module__": __name__, **defaults})
