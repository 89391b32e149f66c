"""What events mean that follow from a stop or a crash: steps, reports, restarts (AL2)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from warden.notifier.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

OF_AFTERMATH: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "stop-step.*": Rule(
            "A stop step of your own failed",
            "Its program failed, hung, or is not there; the stop itself is not touched by that.",
            "emergency-stop#a-stop-step-of-your-own-failed",
        ),
        "report.unwritten": Rule(
            "An incident could not be written down",
            "The disk is full, or the directory of incidents is not the watchdog's.",
            "degraded-health#an-incident-is-not-written-down",
        ),
        "*.crash-loop": Rule(
            "A process crashes again and again",
            "Its configuration, its disk or a bug: it ends soon after each start.",
            "process-lost#a-process-that-crashes-again-and-again",
        ),
        "*.given-up": Rule(
            "A process is not started any more",
            "It ended in a way that no further start would change: most often its configuration.",
            "process-lost#a-process-that-crashes-again-and-again",
        ),
        "supervisord.*": Rule(
            "supervisord does not answer",
            "It hangs, was stopped, or is gone: what crashes is not started again.",
            "process-lost#supervisord",
        ),
    }
)
