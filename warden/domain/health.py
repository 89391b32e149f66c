"""How well a part of the system is, and how much of one score it takes away when it is not (HM2).

Every check and every component of health is told as one `CheckLine`: what was looked at, what was found, what
it is held against, and how to mend it.

The score begins at 1 and is multiplied once for each group by what its worst component leaves. So one failure
that shows in several places counts once, and two failures that have nothing to do with each other count both.
`PARTS` says what each component may take away; docs/health.md is held against it by a test.
"""

from __future__ import annotations

from enum import StrEnum
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from warden.domain.money import BPS_ONE
from warden.domain.roles import Role, strategy_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEGRADED_BELOW_BPS: Final = 7_000
"""A score below this is DEGRADED: somebody should look (HM2)."""


class Health(StrEnum):
    """How well something is, best first."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"  # it works, somebody should look
    UNHEALTHY = "UNHEALTHY"  # what relies on it cannot be trusted
    CRITICAL = "CRITICAL"  # it is gone


class CheckLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that was looked at: a check, or a component of health.

    Attributes:
        name: stable, such as `executor`, `machine.disk`, `ledger.executor`.
        found: what was found, one clause with its figures.
        limit: what that is held against, one clause; empty where there is nothing to compare with.
        mend: the runbook section to open; empty while nothing is to be done.
        leaves_bps: what it leaves of the whole score by itself, in basis points.
        age_ms: since it was looked at; None when it never was.
        latency_us: how long the look took; 0 for what is known without looking.
    """

    name: str
    status: Health
    found: str
    limit: str = ""
    mend: str = ""
    leaves_bps: int = BPS_ONE
    age_ms: int | None = 0
    latency_us: int = 0


class Group(StrEnum):
    """What fails together; of each group the worst component counts, and no other."""

    EXECUTION = "execution"
    CHAIN = "chain"
    JUDGEMENT = "judgement"
    ERRORS = "errors"
    MACHINE = "machine"
    STRATEGY = "strategy"
    PEOPLE = "people"


class Part(NamedTuple):
    """What a component means to the whole.

    Attributes:
        weight_bps: the share of the score that it takes away when it is CRITICAL.
        mend: the runbook section to open when it is not HEALTHY.
    """

    group: Group
    weight_bps: int
    mend: str


PARTS: Final[Mapping[str, Part]] = MappingProxyType(
    {
        "executor": Part(Group.EXECUTION, 6_000, "process-lost#executor"),
        "execution-queue": Part(Group.EXECUTION, 6_000, "degraded-health#the-execution-queue"),
        "ledger.executor": Part(Group.EXECUTION, 6_000, "degraded-health#a-ledger"),
        "gateway": Part(Group.CHAIN, 6_000, "process-lost#gateway"),
        "market-data": Part(Group.CHAIN, 6_000, "degraded-health#market-data"),
        "endpoints": Part(Group.CHAIN, 5_000, "network-failure#one-endpoint-fails"),
        "capital": Part(Group.CHAIN, 5_000, "network-failure#endpoints-differ"),
        "watchdog": Part(Group.JUDGEMENT, 6_000, "process-lost#watchdog"),
        "ledger.watchdog": Part(Group.JUDGEMENT, 6_000, "degraded-health#a-ledger"),
        "errors": Part(Group.ERRORS, 5_000, "degraded-health#errors"),
        "machine.memory": Part(Group.MACHINE, 4_000, "degraded-health#memory"),
        "machine.disk": Part(Group.MACHINE, 4_000, "degraded-health#disk"),
        "machine.network": Part(Group.MACHINE, 2_000, "degraded-health#the-machines-network"),
        "machine.cpu": Part(Group.MACHINE, 1_500, "degraded-health#processor-and-load"),
        "machine.load": Part(Group.MACHINE, 1_000, "degraded-health#processor-and-load"),
        "trader": Part(Group.STRATEGY, 3_500, "process-lost#trader"),
        "logger": Part(Group.PEOPLE, 2_500, "process-lost#logger"),
        "notifier": Part(Group.PEOPLE, 2_000, "process-lost#notifier"),
        "api": Part(Group.PEOPLE, 500, "process-lost#api"),
        "devnet": Part(Group.PEOPLE, 500, "process-lost#devnet"),
    }
)

LOSS_BPS: Final[Mapping[Health, int]] = MappingProxyType(
    {Health.HEALTHY: 0, Health.DEGRADED: 2_500, Health.UNHEALTHY: 7_500, Health.CRITICAL: BPS_ONE}
)
"""How much of its weight a component of each status takes away."""

_RANK: Final = {each: rank for rank, each in enumerate(Health)}


def rank(status: Health) -> int:
    """Return 0 for HEALTHY up to 3 for CRITICAL."""
    return _RANK[status]


def worst(statuses: Iterable[Health]) -> Health:
    """Return the worst of several; HEALTHY of none."""
    return max(statuses, key=rank, default=Health.HEALTHY)


def part_of(name: str) -> Part:
    """Return what the component called `name` means; each trader is a part of the same kind.

    Raises:
        KeyError: there is no such component.
    """
    return PARTS[Role.TRADER if strategy_of(name) else name]


def fails(found: CheckLine) -> bool:
    """Tell whether a line means that something is wrong: a machine that is busy is not."""
    busy = found.name in {"machine.cpu", "machine.load"}
    return not busy and rank(found.status) >= rank(Health.UNHEALTHY)


def is_of_machine(name: str) -> bool:
    """Tell whether a component is a part of the machine.

    Raises:
        KeyError: there is no such component.
    """
    return part_of(name).group is Group.MACHINE


def line(name: str, status: Health, found: str, limit: str = "", *, latency_us: int = 0) -> CheckLine:
    """Return the line of a component, with its share of the score and its mend.

    Raises:
        KeyError: there is no such component.
    """
    part = part_of(name)
    lost_bps = part.weight_bps * LOSS_BPS[status] // BPS_ONE
    mend = "" if status is Health.HEALTHY else part.mend
    return CheckLine(name, status, found, limit, mend, BPS_ONE - lost_bps, latency_us=latency_us)


def score_bps(lines: Iterable[CheckLine]) -> int:
    """Return the score of components in basis points, rounded down; 10,000 of none.

    Of several traders the mean counts: one of five that is out takes away a fifth of what a trader may.
    """
    lost: dict[Group, int] = {}
    traders: list[int] = []
    for each in lines:
        group, lost_bps = part_of(each.name).group, BPS_ONE - each.leaves_bps
        if group is Group.STRATEGY:
            traders.append(lost_bps)
            lost_bps = -(-sum(traders) // len(traders))
            lost[group] = lost_bps
        else:
            lost[group] = max(lost.get(group, 0), lost_bps)
    # Divided once, at the end: rounding in between would make the order count.
    whole: int = BPS_ONE ** len(lost)
    return BPS_ONE * prod(BPS_ONE - each for each in lost.values()) // whole


def overall(score: int, stop_below_bps: int, *, unhealthy: bool) -> Health:
    """Return how well the whole is: by its score, and UNHEALTHY where a named limit is broken (HM3)."""
    if score < stop_below_bps:
        return Health.CRITICAL
    if unhealthy:
        return Health.UNHEALTHY
    return Health.DEGRADED if score < DEGRADED_BELOW_BPS else Health.HEALTHY


def score_text(score: int) -> str:
    """Return a score in basis points as people read it: `0.93`, rounded down so that it never flatters."""
    return f"{score // BPS_ONE}.{score % BPS_ONE // 100:02d}"
