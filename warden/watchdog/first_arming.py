"""The first arming after a start, which needs no operator where everything has come up clean. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.causes import Cause

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.watchdog.arming import Arming
    from warden.watchdog.authority import Authority
    from warden.watchdog.liveness import Liveness
    from warden.watchdog.stops import Stops


class FirstArming:
    """Arms once by itself; whatever is not as it should be makes it an operator's matter for good.

    Args:
        wanted: `arm_on_start` is `if_clean`.
        awaited: returns what must be there besides ready processes.
    """

    def __init__(
        self,
        authority: Authority,
        liveness: Liveness,
        stops: Stops,
        arming: Arming,
        *,
        wanted: bool,
        awaited: Callable[[], list[str]],
    ) -> None:
        self.wanted = wanted
        self._authority = authority
        self._liveness = liveness
        self._stops = stops
        self._arming = arming
        self._awaited = awaited

    def begin(self, now_ns: int) -> None:
        """Say why nothing is armed yet."""
        why = "waits until every process is ready" if self.wanted else "arm_on_start is never"
        self._authority.stand(Cause.NOT_ARMED, now_ns, why)

    def step(self, now_ns: int) -> None:
        """Arm once everything has come up, clean, with nothing standing in the way."""
        if not self.wanted:
            return
        trips = set(self._authority.trips()) - {Cause.NOT_ARMED}
        if trips:
            self.give_up(f"arm_on_start found {', '.join(sorted(trips))}", now_ns)
            return
        waiting = [name for name, peer in self._liveness.peers.items() if not peer.ready()]
        if Cause.CAPITAL_AWAITED in self._authority.standing:
            waiting.append("the wallet's capital")
        if not waiting:
            waiting = self._awaited()
        if waiting:
            self._authority.stand(Cause.NOT_ARMED, now_ns, f"waits for {', '.join(waiting)}")
            self._authority.standing[Cause.NOT_ARMED].who = "arms by itself when all are ready and clean"
        elif not self._stops.stopped and self._authority.standing.keys() == {Cause.NOT_ARMED}:
            self.give_up("arm_on_start is under way", now_ns)
            self._arming.arm_by_itself(now_ns)

    def give_up(self, why: str, now_ns: int) -> None:
        """Leave it to an operator from now on."""
        self.wanted = False
        self._authority.stand(Cause.NOT_ARMED, now_ns, why)
        self._authority.standing[Cause.NOT_ARMED].who = ""

    def asked(self) -> None:
        """An operator's arming or recovery that is under way makes this one needless."""
        self.wanted = self.wanted and not self._arming.under_way
