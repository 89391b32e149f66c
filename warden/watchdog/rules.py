"""What the watchdog's core goes by, from the settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from warden.domain.modes import Environment
from warden.domain.roles import Role, processes
from warden.watchdog.capital import CapitalTerms
from warden.watchdog.check_terms import CheckTerms
from warden.watchdog.health_terms import HealthTerms
from warden.watchdog.leave import Terms
from warden.watchdog.probation import Course

_NS: Final = 1_000_000_000
_LIVELOCK_S_MIN: Final = 10
_LIVELOCK_BLOCKS: Final = 3


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the core goes by, from the settings; `two_approve`: a recovery needs a second operator."""

    environment: Environment
    lost_after_ns: int
    block_time_s: float
    arm_on_start: bool
    trader_restarts: int
    two_approve: bool
    course: Course
    capital: CapitalTerms
    terms: Terms
    beat_ns: int = 250_000_000
    health: HealthTerms = field(default_factory=HealthTerms)
    traders: tuple[str, ...] = (Role.TRADER,)
    check_terms: CheckTerms = field(default_factory=CheckTerms)

    @property
    def names(self) -> tuple[str, ...]:
        """The processes that this environment runs."""
        devnet = self.environment is Environment.DEVNET
        return tuple(name for name in processes(self.traders) if devnet or name != Role.DEVNET)

    @property
    def several(self) -> tuple[str, ...]:
        """The traders, where one may be out and the others go on: only those that a strategy names."""
        return tuple(name for name in self.traders if name != Role.TRADER)

    @property
    def livelock_ns(self) -> int:
        """Work waits for so long and none is handled: livelocked. Two beats at least must have told so."""
        work_ns = int(max(_LIVELOCK_S_MIN, _LIVELOCK_BLOCKS * self.block_time_s) * _NS)
        return max(work_ns, 2 * self.beat_ns)
