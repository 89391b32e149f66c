"""What the kinds of event of checks, and of what shuts down, mean to a person; part of meanings.py (AL2)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from warden.notifier.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

OF_CHECKS: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "check.failed": Rule(
            "A check fails: nothing is opened any more",
            "The message names the check, what it found and its limit; docs/checks.md lists all of them.",
            "startup",
        ),
        "check.holds-up": Rule(
            "A check fails: nothing can be armed until it passes",
            "What trades already goes on; something of its own acts on what the check found.",
            "startup",
        ),
        "integrity.violated": Rule(
            "The executor's books contradict themselves",
            "A defect, or somebody changed a file; the gate is closed until the executor's next start.",
            "startup#books",
        ),
        "clock.stepped": Rule(
            "The wall clock was set",
            "Its source was wrong or far off; nothing is decided by it, but logs and reports bear its times.",
            "startup#clock",
        ),
        "failsafe.near": Rule(
            "It shuts down soon",
            "What the message names goes on although nothing is opened; at the end of its window: SHUTDOWN.",
            "startup#shut-down",
        ),
        "failsafe.shutdown": Rule(
            "Warden has shut down",
            "What the message names lasted for its whole window, and OBSERVE_ONLY did not help.",
            "startup#shut-down",
        ),
        "*.broke": Rule(
            "A process ended by an exception",
            "A bug, or something on this machine that it did not expect; it is started again.",
            "recovery-after-crash",
        ),
    }
)
