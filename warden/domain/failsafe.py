"""What shuts down when it lasts (FS1): the triggers as a table, and how long each has lasted. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

# Between two looks no more than this passes: time in which nobody looked is none in which it lasted.
LOOK_NS_MAX: Final = 2_000_000_000
_WHOLE: Final = 100


class Trigger(NamedTuple):
    """One trigger.

    Attributes:
        what: what must last, one clause.
        setting: the window's key.
        baseline: from when the window counts, one clause.
    """

    what: str
    setting: str
    baseline: str


MARKET_DATA: Final = "market-data-stalled"
LEDGER: Final = "ledger-write-failing"
SNAPSHOT: Final = "snapshot-failing"
CAPITAL: Final = "capital-inconsistent"
EXCEPTION: Final = "unrecoverable-exception"
HEALTH: Final = "health-check-failed"

TRIGGERS: Final[Mapping[str, Trigger]] = MappingProxyType(
    {
        MARKET_DATA: Trigger(
            "no head of the chain that moves: every endpoint is away or stale, or the gateway is",
            "failsafe.market_data_s",
            "the last head that moved, or the gateway's last beat",
        ),
        LEDGER: Trigger(
            "a journal of the executor that takes no rows (the gate closed at the first failure)",
            "failsafe.ledger_s",
            "the first failure that the executor told",
        ),
        SNAPSHOT: Trigger(
            "no new snapshot although one is due each day",
            "failsafe.snapshot_s",
            "the newest snapshot",
        ),
        CAPITAL: Trigger(
            "a check `capital.books`, `capital.agreed` or `integrity.pools` that fails",
            "failsafe.capital_s",
            "the moment from which the check counts as failed",
        ),
        EXCEPTION: Trigger(
            "`failsafe.exceptions` ends of the executor or the gateway by an exception that nothing caught",
            "failsafe.exceptions_s",
            "the oldest of them",
        ),
        HEALTH: Trigger(
            "a check that stops, or the judgement UNHEALTHY or CRITICAL, that goes on failing",
            "failsafe.health_s",
            "the moment from which it counts as failed",
        ),
    }
)


class Lasting(msgspec.Struct, frozen=True):
    """How long something has lasted, and whether its warning was said.

    Attributes:
        for_ns: nanoseconds without a break, as far as anybody looked.
        told: the warning before the limit was said.
    """

    for_ns: int = 0
    told: bool = False


def looked(before: Lasting, *, holds: bool, since_ns: int) -> Lasting:
    """Return how long it has lasted after another look, `since_ns` nanoseconds after the last one."""
    if not holds:
        return Lasting()
    return Lasting(before.for_ns + max(0, min(since_ns, LOOK_NS_MAX)), before.told)


def is_near(lasting: Lasting, window_ns: int, warn_at_percent: int) -> bool:
    """Tell whether the warning before the limit is due."""
    return not lasting.told and lasting.for_ns * _WHOLE >= window_ns * warn_at_percent


def is_over(lasting: Lasting, window_ns: int) -> bool:
    """Tell whether it has lasted for the whole window."""
    return lasting.for_ns >= window_ns
