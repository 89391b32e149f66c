"""Every limit says what it is, and the profiles are coherent in themselves."""

from __future__ import annotations

from dataclasses import Field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
from pydantic import TypeAdapter, ValidationError

from warden.runtime.settings import Settings
from warden.runtime.settings_field import (
    Profile,
    about,
    in_profile,
    optional,
    profile_layer,
    sections,
    standard,
    table_of,
)
from warden.runtime.settings_limits import LimitSettings
from warden.runtime.settings_load import load
from warden.runtime.settings_sources import merged, profile_as_layer

if TYPE_CHECKING:
    from pathlib import Path

ALL = [(f"{name}.{each.name}", kind, each) for name, kind in sections(Settings) for each in fields(kind)]
LIMITS = [(name, kind, each) for name, kind, each in ALL if about(each).tighter]


def ids(rows: list[tuple[str, type, Field[Any]]]) -> list[str]:
    """The settings' names, for the tests' own."""
    return [name for name, _, _ in rows]


def in_force(profile: Profile) -> Settings:
    """The settings of a profile and nothing else."""
    return TypeAdapter(Settings).validate_python(merged([profile_as_layer(profile)]))


def tightness(value: object, direction: str) -> Decimal:
    """How much a value allows, less being tighter; none allows everything."""
    if value is None:
        return Decimal("Infinity")
    amount = Decimal(str(value))
    return amount if direction == "lower" else -amount


@pytest.mark.parametrize(("name", "kind", "each"), LIMITS, ids=ids(LIMITS))
def test_strict_is_never_looser_than_standard(name: str, kind: type, each: Field[Any]) -> None:
    """FEATURES, profiles: by the direction that each limit declares."""
    del kind
    direction = about(each).tighter
    strict, usual = (in_profile(each, which) for which in (Profile.STRICT, Profile.STANDARD))
    assert tightness(strict, direction) <= tightness(usual, direction), name


@pytest.mark.parametrize(("name", "kind", "each"), LIMITS, ids=ids(LIMITS))
def test_every_limit_says_unit_baseline_and_window(name: str, kind: type, each: Field[Any]) -> None:
    """A percentage says of what; a limit says over what it counts, unless it is a time itself."""
    del kind
    told = about(each)
    assert told.unit, name
    assert not name.endswith("_percent") or (told.unit == "%" and told.baseline)
    words = {"eth": "ETH", "usd": "USD", "gwei": "gwei", "s": "s", "bps": "bps", "percent": "%"}
    assert told.unit == words.get(name.rpartition("_")[2], told.unit)
    if name.startswith(("limits.", "emergency.", "assessment.")):
        assert told.window or told.unit == "s", name


@pytest.mark.parametrize(("name", "kind", "each"), ALL, ids=ids(ALL))
def test_every_setting_says_what_it_is_and_what_none_means(name: str, kind: type, each: Field[Any]) -> None:
    """No setting without a meaning; whatever may be `none` says what that does, and nothing else does."""
    told = about(each)
    assert told.doc, name
    assert bool(told.unset) is optional(kind)[each.name], name


@pytest.mark.parametrize(("name", "kind", "each"), LIMITS, ids=ids(LIMITS))
def test_zero_is_never_no_limit(name: str, kind: type, each: Field[Any]) -> None:
    """A limit that allows less the lower it is refuses 0; one that takes 0 says what that means."""
    hint = get_type_hints(kind, include_extras=True)[each.name]
    try:
        TypeAdapter(hint).validate_python(0)
    except ValidationError:
        return
    words = (about(each).doc, name)
    assert about(each).tighter == "higher" or "0:" in about(each).doc, words
    assert "0:" in about(each).doc, words


def test_each_profile_passes_its_own_checks(tmp_path: Path) -> None:
    """A profile alone is a configuration that is accepted."""
    for profile in Profile:
        file = tmp_path / "warden.toml"
        file.write_text(f'environment = "devnet"\n[limits]\nprofile = "{profile.value}"\n', encoding="utf-8")
        settings = load(file)
        assert settings.limits == in_force(profile).limits
        assert settings.limits.profile is profile


def test_standard_is_what_the_classes_say() -> None:
    """The default profile adds nothing: Settings() is the standard one."""
    assert profile_layer(Settings, Profile.STANDARD) == {}
    assert in_force(Profile.STANDARD) == Settings()


def test_strict_has_the_tightest_documented_figures() -> None:
    """FEATURES, profiles: 500 USD a trade, 5000 exposed, 10 % a position, a stop at 5 % of the day."""
    strict = in_force(Profile.STRICT)
    assert strict.limits.max_trade_usd == 500
    assert strict.limits.max_exposure_usd == 5000
    assert strict.limits.max_trade_percent == 10
    assert strict.emergency.daily_loss_percent == 5


@pytest.mark.parametrize("capital_usd", [10, 20, 50])
@pytest.mark.parametrize("price_usd", [1000, 2000, 4000, 10_000])
@pytest.mark.parametrize("sizes_percent", [100, 25])
def test_the_smallest_trade_of_micro_fits_its_capital(
    capital_usd: int, price_usd: int, sizes_percent: int
) -> None:
    """FEATURES, profiles: from 10 USD up, at any likely price, in a probation's quarter sizes too."""
    micro = in_force(Profile.MICRO)
    limits, capital_eth = micro.limits, Decimal(capital_usd) / price_usd
    assert limits.max_trade_usd is not None
    assert limits.max_exposure_usd is not None
    most = (
        limits.max_trade_eth,
        limits.max_trade_usd / price_usd,
        capital_eth * limits.max_trade_percent / 100,
        capital_eth * limits.max_exposure_percent / 100,
        limits.max_exposure_usd / price_usd,
        # What a stop-loss of that share loses is what one trade may lose.
        capital_eth * limits.risk_per_trade_percent / micro.exits.stop_loss_percent,
    )
    assert limits.min_trade_eth <= min(most) * sizes_percent / 100


@pytest.mark.parametrize("profile", list(Profile))
def test_limits_of_a_profile_come_in_order(profile: Profile) -> None:
    """What warns comes before what halts, what halts before what stops, one trade before all of them."""
    settings = in_force(profile)
    limits, emergency, breaker = settings.limits, settings.emergency, settings.breaker
    assert limits.max_trade_percent <= limits.max_exposure_percent
    assert limits.max_positions_per_market <= limits.max_positions_per_whale <= limits.max_positions
    assert limits.max_fee_eth is not None
    assert limits.max_fees_per_day_eth is not None
    assert limits.max_fee_eth <= limits.max_fees_per_day_eth
    assert breaker.loss_percent is not None
    assert emergency.daily_loss_percent is not None
    assert limits.risk_per_trade_percent < breaker.loss_percent < emergency.daily_loss_percent
    assert emergency.capital_warning_percent < emergency.capital_loss_percent
    assert settings.drawdown.halt_percent < emergency.drawdown_percent
    assert breaker.loss_usd is not None
    assert emergency.daily_loss_usd is not None
    assert breaker.loss_usd < emergency.daily_loss_usd
    assert breaker.cooldown_s <= breaker.loss_cooldown_s


def test_a_profile_says_nothing_but_settings() -> None:
    """Each value of a layer is one of the standard's own kind, so that no profile is refused later."""
    for profile in Profile:
        for section, values in profile_layer(Settings, profile).items():
            kind = dict(sections(Settings))[section]
            hints = get_type_hints(kind, include_extras=True)
            for each in fields(kind):
                if each.name in values:
                    checked = TypeAdapter(hints[each.name]).validate_python(values[each.name])
                    assert (checked, type(checked)) == (values[each.name], type(values[each.name]))


def test_tables_within_tables_are_found() -> None:
    """The reference's walk: one table, many tables, and what is none."""
    hints = get_type_hints(Settings)
    assert table_of(hints["limits"]) is hints["limits"]
    assert table_of(hints["endpoints"]) is not None
    assert table_of(hints["environment"]) is None
    assert standard(fields(LimitSettings)[0]) is Profile.STANDARD
