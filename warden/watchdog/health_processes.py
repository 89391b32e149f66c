"""How well each process is: alive, moving, in time, and modest in what it uses (HM1). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.health import CheckLine, Health, line, rank
from warden.domain.roles import Role
from warden.watchdog.liveness import START_NS, Condition
from warden.wire.messages import ProcessState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.watchdog.health_terms import HealthTerms
    from warden.watchdog.health_usage import Figures
    from warden.watchdog.liveness import Peer

THREADS_MAX: Final = 256
FILES_DEGRADED_PERCENT: Final = 80
FILES_UNHEALTHY_PERCENT: Final = 95
LAG_UNHEALTHY_TIMES: Final = 4

Found = tuple[Health, str, str]
"""A status, what was found, and the limit that it is held against."""


_STILL: Final[dict[Condition, Found]] = {
    Condition.LIVELOCKED: (Health.UNHEALTHY, "handles nothing of what it is offered", ""),
    Condition.FROZEN: (Health.DEGRADED, "held still by an operator", ""),
}


def process_line(
    peer: Peer, figures: Figures, terms: HealthTerms, *, watched_ns: int, now_ns: int
) -> CheckLine:
    """Return the line of one process: its worst side first, then its figures.

    Args:
        peer: what is known of it.
        figures: of the last window of its beats.
        terms: the limits.
        watched_ns: since when this watchdog looks.
        now_ns: the moment.
    """
    status, found, limit = _life(peer, watched_ns, now_ns)
    if status is Health.HEALTHY:
        sides = sorted(_sides(peer, figures, terms), key=lambda side: rank(side[0]), reverse=True)
        if sides and sides[0][0] is not Health.HEALTHY:
            status, found, limit = sides[0]
        found = f"{found}; {text}" if (text := figures_text(figures)) else found
    return line(peer.name, status, found, limit)


def _life(peer: Peer, watched_ns: int, now_ns: int) -> Found:
    silent_s = (now_ns - peer.received_ns) / 1e9
    if peer.gone_ns is not None:
        return Health.CRITICAL, "its process has ended", ""
    match peer.condition:
        case Condition.UNSEEN:
            young = now_ns - watched_ns < START_NS
            status = Health.DEGRADED if young else Health.CRITICAL
            return status, "was not heard yet" if young else "was never heard", "a beat within 30 s"
        case Condition.LOST:
            return Health.CRITICAL, f"has not beaten for {silent_s:.0f} s", ""
        case Condition.ENDED:
            return Health.CRITICAL, f"ended in order {silent_s:.0f} s ago", ""
        case Condition.LIVELOCKED | Condition.FROZEN:
            return _STILL[peer.condition]
        case Condition.ALIVE:
            said = f"{peer.state.value}{f': {peer.detail}' if peer.detail else ''}"
            ready = peer.state is ProcessState.READY
            return Health.HEALTHY if ready else Health.DEGRADED, said, ""


def _sides(peer: Peer, figures: Figures, terms: HealthTerms) -> Iterator[Found]:
    if figures.lag_ms is not None:
        late = Health.HEALTHY
        if figures.lag_ms > terms.lag_ms:
            many = figures.lag_ms > terms.lag_ms * LAG_UNHEALTHY_TIMES
            late = Health.UNHEALTHY if many else Health.DEGRADED
        found = f"its loop is {figures.lag_ms:.0f} ms late on average, {figures.lag_ms_max} ms at most"
        yield late, found, f"{terms.lag_ms} ms on average"
    if figures.cpu_percent is not None:
        limit = terms.process_cpu_percent
        found = f"uses {figures.cpu_percent:.0f} % of a core"
        yield _above(figures.cpu_percent, limit), found, f"{limit} %"
    if figures.pss_mb is not None:
        limit = terms.trader_memory_mb if peer.role is Role.TRADER else terms.process_memory_mb
        yield _above(figures.pss_mb, limit), f"uses {figures.pss_mb:.0f} MB", f"{limit} MB"
    if figures.threads is not None:
        yield _above(figures.threads, THREADS_MAX), f"has {figures.threads} threads", f"{THREADS_MAX} threads"
    if figures.files is not None and figures.files_max:
        percent = figures.files * 100 // figures.files_max
        found = f"has {figures.files} files open of {figures.files_max}"
        full = Health.UNHEALTHY if percent >= FILES_UNHEALTHY_PERCENT else Health.DEGRADED
        full = full if percent >= FILES_DEGRADED_PERCENT else Health.HEALTHY
        yield full, found, f"{FILES_DEGRADED_PERCENT} %"


def _above(figure: float, limit: int) -> Health:
    return Health.DEGRADED if figure > limit else Health.HEALTHY


def figures_text(figures: Figures) -> str:
    """Return the figures that are known, in one line."""
    told = (
        None if figures.lag_ms is None else f"lag {figures.lag_ms:.0f}/{figures.lag_ms_max} ms",
        None if figures.cpu_percent is None else f"CPU {figures.cpu_percent:.0f} %",
        None if figures.pss_mb is None else f"{figures.pss_mb:.0f} MB",
        None if figures.threads is None else f"{figures.threads} threads",
        None if figures.files is None else f"{figures.files} files",
    )
    return ", ".join(each for each in told if each)
