"""How well the parts are that are no process: data, capital, ledgers, queue, errors (HM2, HM3). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from warden.domain.health import CheckLine, Health, line
from warden.domain.roles import Role
from warden.watchdog.health_usage import ErrorRate
from warden.wire.capital import WalletRead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.watchdog.capital import Capital
    from warden.watchdog.health_terms import HealthTerms
    from warden.watchdog.liveness import Liveness, Peer
    from warden.watchdog.outbox import Outbox

_NS: Final = 1_000_000_000
_HALF: Final = 2

NAMED: Final = frozenset({"errors", "market-data", "ledger.executor", "ledger.watchdog", "execution-queue"})
"""Those whose limits FEATURES names: one of them UNHEALTHY means OBSERVE_ONLY (HM3)."""


class Queue(StrEnum):
    """How the queue of intents stands."""

    IDLE = "IDLE"
    PROCESSING = "PROCESSING"
    STALLED = "STALLED"


@dataclass(slots=True, kw_only=True)
class Moments:
    """When things last moved, BOOTTIME in nanoseconds; None: nobody told yet.

    Attributes:
        watched_ns: since when the watchdog looks without a break: nothing counts as older than that, so
            that its own long standstill is nobody else's fault.
        data_ns: the chain's head advanced.
        sources: usable endpoints, and all that are read from.
        executor_rows, watchdog_rows: durable rows of a journal, with the moment that they last grew.
    """

    watched_ns: int
    data_ns: int | None = None
    sources: tuple[int, int] = (0, 0)
    executor_rows: tuple[int, int] | None = None
    watchdog_rows: tuple[int, int] | None = None

    def look(self, liveness: Liveness, out: Outbox, now_ns: int) -> None:
        """Take in what the last beats and the own journal say."""
        gateway, executor = liveness.peers[Role.GATEWAY], liveness.peers[Role.EXECUTOR]
        vitals = gateway.vitals
        if vitals is not None:
            self.sources = vitals.sources, vitals.sources_max
            if vitals.data_age_ms is not None:
                self.data_ns = gateway.received_ns - vitals.data_age_ms * 1_000_000
        for head in executor.heads:
            if head.journal == Role.EXECUTOR.value:
                self.executor_rows = _grown(self.executor_rows, head.rows, now_ns)
        self.watchdog_rows = _grown(self.watchdog_rows, out.synced, now_ns)

    def age_ns(self, moment_ns: int, now_ns: int) -> int:
        """Return how old something is, as far as the watchdog could have seen."""
        return now_ns - max(moment_ns, self.watched_ns)


def _grown(known: tuple[int, int] | None, rows: int, now_ns: int) -> tuple[int, int]:
    return (rows, now_ns) if known is None or known[0] != rows else known


def queue_of(executor: Peer, terms: HealthTerms, watched_ns: int, now_ns: int) -> Queue:
    """Return how the executor's queue stands (HM3)."""
    if not executor.behind:
        return Queue.IDLE
    still_ns = now_ns - max(executor.moved_ns, watched_ns)
    return Queue.STALLED if still_ns >= terms.queue_stalled_ns else Queue.PROCESSING


class Components:
    """All of them, by what beats, the capital and the own journal say."""

    def __init__(
        self, terms: HealthTerms, liveness: Liveness, capital: Capital, out: Outbox, now_ns: int
    ) -> None:
        self.moments = Moments(watched_ns=now_ns)
        self.errors = ErrorRate()
        self._terms = terms
        self._liveness = liveness
        self._capital = capital
        self._out = out

    def lines(self, now_ns: int) -> Iterator[CheckLine]:
        """Yield the line of each."""
        moments, terms, peers = self.moments, self._terms, self._liveness.peers
        moments.look(self._liveness, self._out, now_ns)
        yield _queue(peers[Role.EXECUTOR], terms, moments.watched_ns, now_ns)
        yield _ledger("ledger.executor", moments.executor_rows, moments, terms, now_ns)
        yield _market_data(moments, terms, now_ns)
        yield _endpoints(peers[Role.GATEWAY], moments.sources)
        yield _capital(self._capital, now_ns)
        if self._out.failed:
            yield line("ledger.watchdog", Health.CRITICAL, self._out.failed)
        else:
            yield _ledger("ledger.watchdog", moments.watchdog_rows, moments, terms, now_ns)
        yield _errors(self.errors.count(now_ns), terms.errors_a_minute)


def _queue(executor: Peer, terms: HealthTerms, watched_ns: int, now_ns: int) -> CheckLine:
    limit = f"none handled for {terms.queue_stalled_ns // _NS} s"
    if not executor.fresh() and not executor.behind:
        return line("execution-queue", Health.DEGRADED, "not known: the executor does not say", limit)
    queue = queue_of(executor, terms, watched_ns, now_ns)
    status = Health.UNHEALTHY if queue is Queue.STALLED else Health.HEALTHY
    return line("execution-queue", status, queue.value, limit)


def _ledger(
    name: str, rows: tuple[int, int] | None, moments: Moments, terms: HealthTerms, now_ns: int
) -> CheckLine:
    limit = f"{terms.ledger_age_ns // _NS} s"
    if rows is None:
        return line(name, Health.DEGRADED, "no row of it was seen yet", limit)
    age_ns = moments.age_ns(rows[1], now_ns)
    return line(
        name, _aged(age_ns, terms.ledger_age_ns), f"row {rows[0]} durable {age_ns // _NS} s ago", limit
    )


def _market_data(moments: Moments, terms: HealthTerms, now_ns: int) -> CheckLine:
    limit = f"{terms.data_age_ns // _NS} s"
    if moments.data_ns is None:
        return line("market-data", Health.DEGRADED, "no block was seen yet", limit)
    age_ns = moments.age_ns(moments.data_ns, now_ns)
    found = f"the newest block came {max(0, age_ns) // _NS} s ago"
    return line("market-data", _aged(age_ns, terms.data_age_ns), found, limit)


def _aged(age_ns: int, limit_ns: int) -> Health:
    if age_ns > limit_ns:
        return Health.UNHEALTHY
    return Health.DEGRADED if age_ns > limit_ns // _HALF else Health.HEALTHY


def _endpoints(gateway: Peer, sources: tuple[int, int]) -> CheckLine:
    usable, known = sources
    if not gateway.fresh() or known == 0:
        return line("endpoints", Health.DEGRADED, "not known: the gateway does not say")
    status = Health.HEALTHY
    if usable < known:
        # The last of several: whatever it says, nobody is left to contradict it.
        status = Health.DEGRADED if usable > 1 else Health.UNHEALTHY if usable else Health.CRITICAL
    return line("endpoints", status, f"{usable} of {known} can be used")


def _capital(capital: Capital, now_ns: int) -> CheckLine:
    if not capital.terms.read:
        return line("capital", Health.HEALTHY, "nothing on a chain is at stake")
    limit = f"agreed on within {capital.terms.unknown_after_ns // _NS} s"
    age_ms = capital.age_ms(now_ns)
    if age_ms is None:
        return line("capital", Health.DEGRADED, "was not read yet", limit)
    found = f"endpoints agreed {age_ms // 1_000} s ago"
    if age_ms * 1_000_000 <= capital.terms.unknown_after_ns:
        well = isinstance(capital.report, WalletRead)
        return line("capital", Health.HEALTHY if well else Health.DEGRADED, found, limit)
    return line("capital", Health.UNHEALTHY, found, limit)


def _errors(count: int, limit: int) -> CheckLine:
    status = Health.HEALTHY
    if count > limit:
        status = Health.UNHEALTHY
    elif count * _HALF > limit:
        status = Health.DEGRADED
    return line("errors", status, f"{count} in the last minute", f"{limit} a minute")
