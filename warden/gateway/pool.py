"""The endpoints of one venue at work: their clients, their probes, and what is told of them."""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING, Final

from warden.domain.modes import Environment
from warden.gateway.core import Core, Rules
from warden.gateway.endpoint import EndpointClient
from warden.gateway.errors import NoAnswer
from warden.gateway.events import Changed, ProbeFailed, ProbeNow, State
from warden.gateway.reads import Reads
from warden.gateway.rounds import Rounds
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.gateway.events import Command, Event
    from warden.runtime.clock import Clock
    from warden.runtime.settings import Settings
    from warden.runtime.venue import Venue

_NS_PER_S: Final = 1_000_000_000
# Heads of endpoints are not read at the same moment; this much of the chain's time is no lag.
_LAG_S: Final = 5.0
_LAG_BLOCKS_MIN: Final = 3
_HEAD_AGE_S_MIN: Final = 30.0
_HEAD_AGE_BLOCKS: Final = 10
_SEVERITY: Final = {
    State.OK: Severity.INFO,
    State.SLOW: Severity.INFO,
    State.UNKNOWN: Severity.INFO,
    State.FAILING: Severity.WARNING,
    State.STALE: Severity.WARNING,
    State.WRONG_CHAIN: Severity.ERROR,
    State.LYING: Severity.ERROR,
}


def rules_of(venue: Venue, settings: Settings) -> Rules:
    """Return what is expected of the endpoints of a venue."""
    block_s = settings.chain.block_time_s
    return Rules(
        chain_id=venue.chain_id,
        genesis=venue.genesis.lower(),
        slow_ms=settings.gateway.timeout_ms / 4,
        lag_blocks_max=max(_LAG_BLOCKS_MIN, math.ceil(_LAG_S / block_s)),
        head_age_ms_max=int(1000 * max(_HEAD_AGE_S_MIN, _HEAD_AGE_BLOCKS * block_s)),
    )


def sources_min_of(venue: Venue, settings: Settings) -> int:
    """Return how many endpoints must say the same; one is enough only by setting, and alone."""
    one = settings.wallet.sources_min == 1 and len(venue.readable) == 1
    if one and settings.environment is not Environment.LIVE:
        return 1
    return max(2, settings.wallet.sources_min)


class Pool:
    """One venue's endpoints; `say` is given each change of a state, with its severity."""

    def __init__(
        self, venue: Venue, settings: Settings, clock: Clock, say: Callable[[Severity, Changed], None]
    ) -> None:
        self.venue = venue
        self.core = Core([each.name for each in venue.readable], rules_of(venue, settings))
        self.probes = 0
        self.settled = False  # an endpoint is usable, or none is and all have been looked at
        self._clock = clock
        self._say = say
        timeout_s = settings.gateway.timeout_ms / 1000
        self._clients = {
            each.name: EndpointClient(each.name, each.url, timeout_s=timeout_s) for each in venue.readable
        }
        self._wake = {name: asyncio.Event() for name in self._clients}
        self.reads = Reads(self.core, self._clients, clock, self.tell)
        self.rounds = Rounds(
            self.core, self._clients, clock, self.tell, sources_min=sources_min_of(venue, settings)
        )
        self.probing = [asyncio.create_task(self._probe_forever(name)) for name in self._clients]

    def tell(self, event: Event) -> None:
        """Hand an event to the core and do what it says."""
        self._act(self.core.handle(event, self._clock.boot_ns()))

    def look(self) -> None:
        """Tell what time alone has changed."""
        now_ns = self._clock.boot_ns()
        self._act(self.core.changes(now_ns))
        self.settled = self.settled or self.core.usable(now_ns) or self.core.looked(now_ns)

    async def close(self) -> None:
        """End the probes and every connection."""
        for task in self.probing:
            task.cancel()
        await asyncio.gather(*self.probing, return_exceptions=True)
        for client in self._clients.values():
            await client.close()

    def _act(self, commands: list[Command]) -> None:
        for command in commands:
            if isinstance(command, ProbeNow):
                self._wake[command.name].set()
            else:
                self._say(_SEVERITY[command.after], command)

    async def _probe_forever(self, name: str) -> None:
        client, wake = self._clients[name], self._wake[name]
        while True:
            wake.clear()
            now_ns = self._clock.boot_ns()
            chain = self.core.chain_check_due(name, now_ns)
            try:
                event: Event = await client.probe(
                    self._clock, chain=chain, genesis=bool(self.core.rules.genesis)
                )
            except NoAnswer as error:
                event = ProbeFailed(name, error.failure)
            self.probes += 1
            self.tell(event)
            now_ns = self._clock.boot_ns()
            wait_s = max(0.0, (self.core.probe_due_ns(name, now_ns) - now_ns) / _NS_PER_S)
            with contextlib.suppress(TimeoutError):  # the time has come by itself
                async with asyncio.timeout(wait_s):
                    await wake.wait()
