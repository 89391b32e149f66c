"""What the risk rules hear besides money: calls that count against a plan, and a chain that stays dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.risk.events import NS_PER_S, Calls, Raised
from warden.domain.stops import StopReason

if TYPE_CHECKING:
    from warden.domain.risk.events import RiskEvent
    from warden.executor.protocol.events import UsageRead
    from warden.executor.protocol.terms import Now

# Between two ticks no more than this passes: a suspended machine was not without a chain, it was not there.
_TICK_NS_MAX: Final = 2 * NS_PER_S


class Vitals:
    """What it remembers counts from this run's start.

    Args:
        blind_after_s: without a usable read of the chain for so long a stop is demanded; None: never.
    """

    def __init__(self, blind_after_s: int | None) -> None:
        self._blind_after_s = blind_after_s
        self._blind_ns = 0
        self._ticked_ns: int | None = None
        self._raised = False
        self._asked = 0
        self._sends = 0

    def sent(self) -> None:
        """Take in that a transaction was handed to one endpoint: a call that no gateway has counted."""
        self._sends += 1

    def used(self, usage: UsageRead) -> list[RiskEvent]:
        """Return what was called since the last time; the gateway counts from its own start."""
        since = usage.asked - self._asked if usage.asked >= self._asked else usage.asked
        count, self._asked, self._sends = since + self._sends, usage.asked, 0
        return [Calls(count)] if count else []

    def tick(self, now: Now, *, sees: bool) -> list[RiskEvent]:
        """Return that the network has failed, once, when the chain was not seen for too long (ES1).

        Args:
            now: the moment.
            sees: the last read of the chain is fresh enough to decide on.
        """
        before, self._ticked_ns = self._ticked_ns, now.boot_ns
        if sees:
            self._blind_ns, self._raised = 0, False
            return []
        if before is not None:
            self._blind_ns += min(now.boot_ns - before, _TICK_NS_MAX)
        limit_s = self._blind_after_s
        if limit_s is None or self._raised or self._blind_ns < limit_s * NS_PER_S:
            return []
        self._raised = True
        return [Raised(StopReason.NETWORK_FAILURE, f"the chain could not be read for {limit_s} s")]
