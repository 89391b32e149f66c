"""Settings become limits: every one of them changes its own limit and no other (OP3)."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import pytest

from warden.executor.books.risk_terms import limits_of
from warden.runtime.settings import Settings

SECTIONS = (
    "limits",
    "breaker",
    "emergency",
    "drawdown",
    "exits",
    "sizing",
    "profit",
    "capital",
    "assessment",
)
# Switched off with all that belongs to it, or counted by two rules alike.
SEVERAL = {"assessment.enabled", "limits.reservation_s", "emergency.warn_at_percent"}


def leaves(value: object, path: str = "") -> dict[str, object]:
    """Return every figure of the limits by its path."""
    if isinstance(value, msgspec.Struct):
        found: dict[str, object] = {}
        for name in value.__struct_fields__:
            found |= leaves(getattr(value, name), f"{path}.{name}")
        return found
    return {path: value}


def changed(settings: Settings, **sections: Any) -> set[str]:  # noqa: ANN401 - sections
    """Return the limits that a change of settings changes."""
    before, after = leaves(limits_of(settings)), leaves(limits_of(replace(settings, **sections)))
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def other(value: Any) -> Any:  # noqa: ANN401, PLR0911 - a setting of any kind
    """Return another value of the same kind, None where there is none to be thought of."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, Enum):
        return next(each for each in type(value) if each is not value)
    if isinstance(value, int):
        return value + 1
    if isinstance(value, Decimal):
        return value + (1 if value < 99 else -1)
    if isinstance(value, float):
        return value + 1
    if value is None:
        return Decimal(7)
    return None


# No rule's: how an exit is made, and for how long it may leave (Terms, the gate and the watchdog's permits).
ELSEWHERE = {
    ("exits", "max_slippage_percent"),
    ("exits", "widest_slippage_percent"),
    ("exits", "without_watchdog_s"),
    ("exits", "while_observing"),
}


def cases() -> list[tuple[str, str]]:
    """Return each setting of the risk sections that has a figure."""
    return [
        (section, field.name)
        for section in SECTIONS
        for field in fields(getattr(Settings(), section))
        # It only says which values hold where none is named.
        if field.name != "profile" and (section, field.name) not in ELSEWHERE
    ]


@pytest.mark.parametrize(("section", "name"), cases(), ids=lambda each: each)
def test_each_setting_changes_its_limit(section: str, name: str) -> None:
    """OP3, PS1: one that changed nothing would be a promise that is not kept; one that changed more, too."""
    settings = Settings()
    part = getattr(settings, section)
    value = other(getattr(part, name))
    if section == "sizing" and name == "mode":
        value = "kelly"
    elif section == "profit" and name == "period":
        value = "week"
    elif value is None and isinstance(getattr(part, name), dict):
        value = {"a": 3} if section == "capital" else {"CAPITAL_LOSS": "hold"}
    found = changed(settings, **{section: replace(part, **{name: value})})
    assert found
    assert len(found) == 1 or f"{section}.{name}" in SEVERAL, found


def test_percent_and_money_are_exact() -> None:
    """PS1: half a percent is 50 basis points; what is finer than a basis point is cut to the tighter side."""
    settings = Settings()
    limits = replace(settings.limits, risk_per_trade_percent=Decimal("0.5"), max_trade_eth=Decimal("0.1"))
    told = limits_of(replace(settings, limits=limits)).levers.trade
    assert (told.max_risk_bps, told.max_trade_wei) == (50, 10**17)
    drawdown = replace(settings.drawdown, halt_percent=Decimal("15.009"))
    assert limits_of(replace(settings, drawdown=drawdown)).drawdown.halt_bps == 1_500


def test_the_price_s_age_counts_everywhere_alike() -> None:
    """PS1, CB1, ES1: sizes, breaker and emergency stop call a price too old at the same moment."""
    settings = replace(Settings(), price=replace(Settings().price, max_age_s=77))
    told = limits_of(settings)
    assert told.levers.trade.price_life_ns == 77 * 10**9
    assert told.breaker.price_life_s == told.emergency.price_life_s == 77
