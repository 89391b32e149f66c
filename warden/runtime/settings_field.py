"""How a setting is declared: its standard value, what it means, and what the other profiles say instead.

What stands here in a field's metadata is all that the configuration reference, `warden config show` and the
checks know of it, so that none of them has a list of its own. Imports nothing that a safety process would
not have anyway.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, field, fields, is_dataclass
from decimal import Decimal
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, get_args, get_type_hints

import msgspec
from annotated_types import Ge, Gt, Le

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Value = TypeVar("Value")
Tighter = Literal["", "lower", "higher"]

# What was given may be a secret, so that no error repeats it.
STRICT: Final = {"extra": "forbid", "hide_input_in_errors": True}
# In the file and in variables: the limit is off. A limit of zero is never "no limit".
NONE_WORD: Final = "none"

Port = Annotated[int, Ge(0), Le(65_535)]
Milliseconds = Annotated[int, Ge(1), Le(3_600_000)]
Amount = Annotated[Decimal, Gt(0)]
Percent = Annotated[Decimal, Gt(0), Le(100)]
Count = Annotated[int, Ge(1), Le(1_000_000)]
# A year: what is longer is a slip of the unit.
Seconds = Annotated[int, Ge(1), Le(31_536_000)]


class Profile(StrEnum):
    """A coherent set of limits to begin from (FEATURES: profiles)."""

    MICRO = "micro"
    STANDARD = "standard"
    STRICT = "strict"


class Same(Enum):
    """What a profile says where it says the same as `standard`; None already means "no such limit"."""

    AS_STANDARD = 0


_SAME: Final = Same.AS_STANDARD


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one setting besides its type and standard value.

    Attributes:
        unit: `ETH`, `USD`, `%`, `s`, ...; empty for what is no quantity.
        baseline: what a percentage is of.
        window: over which time or things it counts.
        micro, strict: the value in that profile.
        tighter: in which direction the setting allows less; empty where neither does.
        unset: what it means when there is none; told for every setting that may be `none`.
        secret: never shown.
    """

    doc: str
    unit: str = ""
    baseline: str = ""
    window: str = ""
    micro: Any = _SAME
    strict: Any = _SAME
    tighter: Tighter = ""
    unset: str = ""
    secret: bool = False


def setting(
    default: Value,
    doc: str,
    *,
    unit: str = "",
    baseline: str = "",
    window: str = "",
    micro: Value | Same = _SAME,
    strict: Value | Same = _SAME,
    tighter: Tighter = "",
    unset: str = "",
    secret: bool = False,
) -> Value:
    """Declare a setting of a dataclass whose standard value is `default`; see `About`."""
    told = About(
        doc=doc,
        unit=unit,
        baseline=baseline,
        window=window,
        micro=micro,
        strict=strict,
        tighter=tighter,
        unset=unset,
        secret=secret,
    )
    value: Any = field(default=default, repr=not secret, metadata={"about": told})
    return value  # type: ignore[no-any-return] # dataclasses' own stubs lie the same way


def required(doc: str, *, secret: bool = False) -> Any:  # noqa: ANN401 - a field of any type
    """Declare a setting without a value of its own: whoever names its table must say it."""
    return field(repr=not secret, metadata={"about": About(doc=doc, secret=secret)})


def table(doc: str) -> Any:  # noqa: ANN401 - dataclasses' own stubs lie the same way
    """Declare a table of free keys, empty unless told otherwise."""
    return field(default_factory=dict, metadata={"about": About(doc=doc)})


def about(each: Field[Any]) -> About:
    """Return what a setting's declaration tells of it."""
    told: About = each.metadata["about"]
    return told


def standard(each: Field[Any]) -> object:
    """Return a setting's value in the standard profile; MISSING where it has none."""
    if each.default is not MISSING:
        return each.default
    return MISSING if each.default_factory is MISSING else each.default_factory()


def in_profile(each: Field[Any], profile: Profile) -> object:
    """Return a setting's value in `profile`; MISSING where it has none."""
    told = about(each)
    said = {Profile.MICRO: told.micro, Profile.STRICT: told.strict}.get(profile, _SAME)
    return standard(each) if said is _SAME else said


def table_of(hint: object) -> type | None:
    """Return the dataclass that a setting of this type holds one or many of, None for a plain value."""
    for each in (hint, *get_args(hint)):
        if isinstance(each, type) and is_dataclass(each):
            return each
    return None


def sections(settings: type) -> Iterator[tuple[str, type]]:
    """Yield the single tables of a settings class, by name."""
    hints = get_type_hints(settings)
    for each in fields(settings):
        if is_dataclass(hints[each.name]):
            yield each.name, hints[each.name]


def profile_layer(settings: type, profile: Profile) -> dict[str, dict[str, object]]:
    """Return what `profile` says otherwise than `standard`, by section and key."""
    layer: dict[str, dict[str, object]] = {}
    for name, kind in sections(settings):
        said = {
            each.name: in_profile(each, profile)
            for each in fields(kind)
            if in_profile(each, profile) != standard(each)
        }
        if said:
            layer[name] = said
    return layer


def optional(kind: type) -> Mapping[str, bool]:
    """Return for each setting of a section whether it may be `none`."""
    return {name: type(None) in get_args(hint) for name, hint in get_type_hints(kind).items()}
