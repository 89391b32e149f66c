"""A status that follows a figure past two limits without flapping (HM1). Pure."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from warden.domain.health import Health, rank


class Levels(NamedTuple):
    """When a figure is too high.

    Attributes:
        degraded, critical: the figure at which it is so.
        margin: how far below a level it must fall before that level is left.
        looks: so many looks in a row must agree before the status changes.
    """

    degraded: float
    critical: float
    margin: float
    looks: int = 1


class Steady(msgspec.Struct, frozen=True):
    """The state.

    Attributes:
        status: that holds.
        toward: the mildest change that the last looks in a row agree on; None while they agree with `status`.
        looks: how many they are.
    """

    status: Health = Health.HEALTHY
    toward: Health | None = None
    looks: int = 0


def step(state: Steady, figure: float, levels: Levels) -> Steady:
    """Return the state after one more look."""
    found = _found(state.status, figure, levels)
    if found is state.status:
        return Steady(state.status)
    worse = rank(found) > rank(state.status)
    toward, looks = found, 1
    if state.toward is not None and (rank(state.toward) > rank(state.status)) is worse:
        # Of several looks beyond the present status the one nearest to it is what all of them agree on.
        toward = (min if worse else max)(state.toward, found, key=rank)
        looks = state.looks + 1
    return Steady(toward) if looks >= levels.looks else Steady(state.status, toward, looks)


def _found(status: Health, figure: float, levels: Levels) -> Health:
    """Return what one look says; a level that holds already is left only by its margin."""
    for level, limit in ((Health.CRITICAL, levels.critical), (Health.DEGRADED, levels.degraded)):
        held = rank(status) >= rank(level)
        if figure >= (limit - levels.margin if held else limit):
            return level
    return Health.HEALTHY
