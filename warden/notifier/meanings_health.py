"""What the health's kinds of event mean to a person; a part of the table in meanings.py (AL2)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from warden.notifier.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

OF_HEALTH: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "disk.*": Rule(
            "The disk is nearly full",
            "Logs, another program or a small disk; below 5 % or 1 GiB of room nothing is sent.",
            "degraded-health#disk",
        ),
        "health.unhealthy": Rule(
            "UNHEALTHY: it only observes",
            "Too many errors, blocks or a ledger that are too old, or a queue that stands still.",
            "degraded-health#unhealthy",
        ),
        "health.degraded": Rule(
            "The system is not well",
            "Something that matters is away or short of what it needs; the message names the worst.",
            "degraded-health",
        ),
        "health.machine": Rule(
            "The machine is short of something",
            "Another program, too small a machine, or a disk that fills up.",
            "degraded-health",
        ),
        "health.near-limit": Rule(
            "Near the stop by health",
            "The health score is close to emergency.health_percent; the message names the worst.",
            "degraded-health#the-health-score",
        ),
    }
)
