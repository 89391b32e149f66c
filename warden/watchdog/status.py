"""The watchdog's status, for whoever listens. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.watchdog.liveness import Condition
from warden.wire.telemetry import ProcessLine, StopLine, WatchdogStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.watchdog.core import Core
    from warden.watchdog.liveness import Peer
    from warden.wire.messages import Head

_WORDS = {Condition.LOST: "LOST", Condition.LIVELOCKED: "LIVELOCKED", Condition.FROZEN: "FROZEN"}


def state_word(peer: Peer) -> str:
    """Return one word: what the process says of itself while it is alive, else how it stands."""
    if peer.condition is Condition.ALIVE:
        return peer.state.value
    return _WORDS.get(peer.condition, peer.condition.value)


def status(
    core: Core, head: Head, measured: Callable[[str], tuple[float, float]], now_ns: int
) -> WatchdogStatus:
    """Return everything that the watchdog knows; `measured` gives memory in MB and CPU in percent."""
    lines = []
    restarts = {name: each.used(now_ns) for name, each in core.healing.restarts.items()}
    for name, peer in core.liveness.peers.items():
        alive = peer.condition in {Condition.ALIVE, Condition.LIVELOCKED, Condition.FROZEN}
        pss_mb, cpu_percent = measured(name) if alive else (0.0, 0.0)
        lines.append(
            ProcessLine(
                name=name,
                pid=peer.pid,
                state=state_word(peer),
                age_ms=peer.age_ms(now_ns),
                progress=peer.progress,
                pss_mb=pss_mb,
                cpu_percent=cpu_percent,
                detail=peer.detail,
                restarts=restarts.get(name, 0),
            )
        )
    return WatchdogStatus(
        sent_ns=now_ns,
        session=core.rules.terms.session,
        environment=core.rules.environment.value,
        mode=int(core.authority.mode),
        why=core.why(now_ns),
        stops=tuple(
            StopLine(
                id=stop.stop_id,
                reason=stop.reason,
                message=stop.message,
                operator=stop.operator,
                time=stop.time,
            )
            for stop in core.stops.standing
        ),
        stop_dir=core.stops.unreadable,
        processes=tuple(lines),
        heads=(
            head,
            *(
                head
                for peer in core.liveness.peers.values()
                for head in peer.heads
                if head.journal != "watchdog"
            ),
        ),
        lapses=core.healing.lapses.used(now_ns),
        restarts=sum(restarts.values()),
        probation_until_ns=core.probation.until_ns,
        size_percent=core.probation.percent,
    )
