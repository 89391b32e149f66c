"""Who has fallen silent: the watchdog watches everyone, and here is who watches the watchdog.

A process is heard by its status, at the time when it sent that; what waited in a queue is as old as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.roles import Role
from warden.runtime.clock import NS_PER_S
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping


class Limit(msgspec.Struct, frozen=True):
    """How long a process may be silent, and how much it matters when it is longer."""

    silent_ns: int
    severity: Severity
    consequence: str


# The watchdog says within its `lost_after` that executor or logger is gone: longer limits let it be first.
LIMITS: Final[Mapping[Role, Limit]] = MappingProxyType(
    {
        Role.WATCHDOG: Limit(3 * NS_PER_S, Severity.CRITICAL, "nobody watches; the gate closes by itself"),
        Role.EXECUTOR: Limit(6 * NS_PER_S, Severity.ERROR, "nothing can be sent"),
        Role.LOGGER: Limit(6 * NS_PER_S, Severity.WARNING, "nothing is written to the shared log files"),
    }
)
# Processes start in any order, and a busy machine takes its time.
FIRST_WORD_NS: Final = 20 * NS_PER_S
# One that said that it ends in order is being restarted, or everything is going down.
ENDED_NS: Final = 30 * NS_PER_S
# A longer gap between two looks was a pause of our own, or of the machine: everyone gets the full time again.
_OWN_PAUSE_NS: Final = 5 * NS_PER_S
# Of a shorter gap this much counts, so that a machine that stumbles on and on still finds the dead.
_OWN_STEP_NS: Final = NS_PER_S


class Silent(msgspec.Struct, frozen=True):
    """A process has just been silent for too long; `silent_ns` since its last word or since we began."""

    role: Role
    silent_ns: int
    ever_heard: bool


class Returned(msgspec.Struct, frozen=True):
    """A process that was silent speaks again."""

    role: Role


@dataclass
class Ear:
    """What we know of one process. `told`: its silence has been reported, by us or by the watchdog."""

    heard_ns: int
    due_ns: int
    ever_heard: bool = False
    told: bool = False
    ours: bool = False


@dataclass
class Silence:
    """Every watched process; times are BOOTTIME in nanoseconds."""

    ears: dict[Role, Ear] = field(default_factory=dict)
    looked_ns: int | None = None

    def begin(self, now_ns: int) -> None:
        """Begin to listen."""
        self.ears = {role: Ear(heard_ns=now_ns, due_ns=now_ns + FIRST_WORD_NS) for role in LIMITS}
        self.looked_ns = now_ns

    def heard(self, role: Role, sent_ns: int, now_ns: int) -> Returned | None:
        """Take note of a status that was sent at `sent_ns`."""
        ear = self.ears.get(role)
        if ear is None:
            return None
        heard_ns = min(sent_ns, now_ns)
        if ear.ever_heard and heard_ns <= ear.heard_ns:
            return None
        ear.heard_ns = heard_ns
        ear.ever_heard = True
        ear.due_ns = heard_ns + LIMITS[role].silent_ns
        if not ear.told or ear.due_ns <= now_ns:
            return None
        returned = Returned(role) if ear.ours else None
        ear.told = ear.ours = False
        return returned

    def ended(self, role: Role, now_ns: int) -> None:
        """Take note that a process ended in order: its silence is expected for a while."""
        if role in self.ears:
            self.ears[role].due_ns = now_ns + ENDED_NS

    def reported(self, role: Role) -> None:
        """Take note that the watchdog has said already that this process is lost."""
        if role in self.ears and role is not Role.WATCHDOG:
            self.ears[role].told = True

    def look(self, now_ns: int) -> list[Silent]:
        """Return who has become silent since the last look."""
        gap_ns = now_ns - (now_ns if self.looked_ns is None else self.looked_ns)
        self.looked_ns = now_ns
        found = []
        for role, ear in self.ears.items():
            if gap_ns > _OWN_PAUSE_NS:
                ear.due_ns = max(ear.due_ns, now_ns + LIMITS[role].silent_ns)
            elif gap_ns > _OWN_STEP_NS:
                ear.due_ns += gap_ns - _OWN_STEP_NS
            if ear.told or now_ns < ear.due_ns:
                continue
            ear.told = ear.ours = True
            found.append(Silent(role, now_ns - ear.heard_ns, ear.ever_heard))
        return found
