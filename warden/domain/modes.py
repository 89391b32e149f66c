"""How much is allowed: environments, modes, actions. One table; the stop stands below them all."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Environment(StrEnum):
    """Whose money is at stake, and whether anything is sent (DESIGN: Words)."""

    DEVNET = "devnet"
    PAPER = "paper"
    LIVE = "live"


class Mode(IntEnum):
    """What is allowed while no stop stands, ordered so that `min` is the safer of two."""

    SHUTDOWN = 0
    OBSERVE_ONLY = 1
    REDUCE_ONLY = 2
    AGGRESSIVE = 3


class Action(StrEnum):
    """What a transaction does to the exposure."""

    OPEN = "open"
    REDUCE = "reduce"
    CANCEL = "cancel"


ALLOWED: Final[Mapping[Mode, frozenset[Action]]] = MappingProxyType(
    {
        Mode.SHUTDOWN: frozenset(),
        Mode.OBSERVE_ONLY: frozenset({Action.CANCEL}),
        Mode.REDUCE_ONLY: frozenset({Action.CANCEL, Action.REDUCE}),
        Mode.AGGRESSIVE: frozenset({Action.CANCEL, Action.REDUCE, Action.OPEN}),
    }
)

SCREEN_WORD: Final[Mapping[Mode, str]] = MappingProxyType(
    {
        Mode.SHUTDOWN: "SHUT DOWN",
        Mode.OBSERVE_ONLY: "OBSERVING",
        Mode.REDUCE_ONLY: "REDUCING",
        Mode.AGGRESSIVE: "TRADING",
    }
)


def allows(mode: Mode, action: Action) -> bool:
    """Tell whether `mode` allows `action`, no stop standing."""
    return action in ALLOWED[mode]
