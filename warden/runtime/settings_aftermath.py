"""What follows a stop: how much is written down of it, and an operator's own steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from warden.runtime.settings_field import STRICT, setting


@dataclass(frozen=True, kw_only=True)
class IncidentSettings:
    """The folders that are written of stops, trips and kills; `warden incidents` shows them."""

    __pydantic_config__ = STRICT
    before_s: Annotated[int, Ge(10), Le(3_600)] = setting(
        120, "how far back a timeline goes", unit="s", window="before the first that happened"
    )
    after_s: Annotated[int, Ge(10), Le(60)] = setting(
        60, "how far on it goes", unit="s", window="after the last that happened"
    )
    keep: Annotated[int, Ge(5), Le(1_000)] = setting(
        100,
        "folders that are kept; of too many those go first that hold no stop, oldest first",
        unit="folders",
    )
    keep_mb: Annotated[int, Ge(10), Le(100_000)] = setting(200, "how much they may take together", unit="MB")
