"""What follows a stop: how much is written down of it, and an operator's own steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from annotated_types import Ge, Le, MinLen

from warden.domain.stop_steps import OVERALL_S, OWN_FIRST, OWN_LAST, OWN_MAX
from warden.runtime.settings_field import STRICT, required, setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.runtime.settings_checks import Fault

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")


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


@dataclass(frozen=True, kw_only=True)
class StopStepSettings:
    """A step of your own in the work that follows a stop (docs/stop-steps.md)."""

    __pydantic_config__ = STRICT
    name: str = required("what it is called everywhere: a letter from a to z, then letters, digits and -")
    command: Annotated[tuple[Annotated[str, MinLen(1)], ...], MinLen(1)] = required(
        "program and arguments, run in the home as a process apart; no shell, no secret in its environment"
    )
    priority: Annotated[int, Ge(OWN_FIRST), Le(OWN_LAST)] = setting(
        50, "the lower, the earlier; below 30 at once, else after the clean-up"
    )
    limit_s: Annotated[int, Ge(1), Le(OVERALL_S)] = setting(
        10, "killed after so long, with all of its process group", unit="s"
    )


def wrong_stop_steps(steps: tuple[StopStepSettings, ...]) -> Iterator[Fault]:
    """Yield what is wrong with the steps together."""
    if len(steps) > OWN_MAX:
        yield (("stop_steps",),), f"stop_steps: {len(steps)}, at most {OWN_MAX}"
    seen: set[str] = set()
    for number, each in enumerate(steps):
        keys = ("stop_steps", str(number), "name")
        if not _NAME.fullmatch(each.name):
            yield (
                (keys,),
                f"stop_steps.name {each.name!r}: a letter from a to z, then letters, digits, -; 40 at most",
            )
        elif each.name in seen:
            yield (keys,), f"stop_steps.name {each.name!r} is given twice: each has a name of its own"
        seen.add(each.name)
