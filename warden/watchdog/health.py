"""The watchdog's judgement of health: one score, what is unhealthy, what follows (HM2, HM3). Pure.

Judged every second from what is known anyway. A component that breaks a limit which FEATURES names means
OBSERVE_ONLY until an operator arms, which is refused while it is broken. A score below
`emergency.health_percent` for `health.stop_after_s` is a durable stop, if anything was armed in this run:
what was never armed need not be stopped, and is not armed either while the score is so low.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.causes import Cause
from warden.domain.health import CheckLine, Health, overall, rank, score_bps, score_text
from warden.domain.risk.emergency_gauges import ABOUT, Emergency, EmergencyLimits, Trigger, measure
from warden.domain.roles import Role
from warden.domain.stops import CleanUp, Stop
from warden.watchdog import reactions
from warden.watchdog.events import Measured
from warden.watchdog.health_components import NAMED, Components
from warden.watchdog.health_machine import MachineHealth
from warden.watchdog.health_processes import process_line
from warden.watchdog.health_record import HealthRecord
from warden.watchdog.health_usage import Usage
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from warden.watchdog.authority import Authority
    from warden.watchdog.capital import Capital
    from warden.watchdog.events import MachineSeen
    from warden.watchdog.health_terms import HealthTerms
    from warden.watchdog.liveness import Liveness, Peer
    from warden.watchdog.outbox import Outbox
    from warden.watchdog.stops import Stops

_NS: Final = 1_000_000_000
_LOOK_NS: Final = _NS
_SHOWN_MAX: Final = 3
_CALM_BPS: Final = 1_000
_RUNBOOK: Final = "degraded-health"
# What is over sooner needs nobody; a process that was restarted is told by itself.
_LASTS_NS: Final = 10 * _NS
_START_NS: Final = 60 * _NS
# Shorter standstills of the watchdog are no reason to look at others' ages anew.
_LONG_PAUSE_NS: Final = 10 * _NS


class HealthWatch:
    """What was found last: `lines`, `score`, `status`.

    Args:
        session: of this watchdog; names its stops.
        wall_after: gives the wall time so many nanoseconds from now.
    """

    def __init__(
        self,
        terms: HealthTerms,
        limits: EmergencyLimits,
        *,
        authority: Authority,
        liveness: Liveness,
        stops: Stops,
        capital: Capital,
        out: Outbox,
        session: str,
        wall_after: Callable[[int], str],
        now_ns: int,
    ) -> None:
        self.terms = terms
        self.lines: tuple[CheckLine, ...] = ()
        self.score = 10_000
        self.status = Health.HEALTHY
        self.low_since_ns: int | None = None
        self.looked_ns = now_ns
        self.machine = MachineHealth(terms)
        self.components = Components(terms, liveness, capital, out, now_ns)
        self._record = HealthRecord(terms, liveness, self.machine, out, now_ns)
        self._usage = {name: Usage() for name in liveness.peers}
        self.limits = limits
        self._authority = authority
        self._liveness = liveness
        self._stops = stops
        self._out = out
        self._session = session
        self._wall_after = wall_after
        self._stop: Stop | None = None
        self._ordered = 0
        self._told: set[str] = set()
        self._told_status = Health.HEALTHY
        self._was_well = False
        self._began_ns = self._since_ns = now_ns
        self._loud: dict[str, Health] = {}
        self._look_due_ns = now_ns + _LOOK_NS
        self._window_due_ns = now_ns + terms.components_every_ns

    # --- what comes in

    def beat(self, peer: Peer, now_ns: int) -> None:
        """Take a beat that counts."""
        if peer.vitals is None:
            return
        self._usage[peer.name].beat(peer.vitals)
        # A strategy's errors are bounded elsewhere, and must not keep other strategies from trading; what the
        # watchdog tells are judgements, which have their own effect.
        if peer.role not in {Role.TRADER, Role.WATCHDOG}:
            self.components.errors.beat(peer.name, peer.session, peer.vitals.errors, now_ns)

    def take(self, event: Measured | MachineSeen, now_ns: int) -> None:
        """Take a look at what a process uses, or at the machine."""
        if isinstance(event, Measured):
            if event.name in self._usage:
                self._usage[event.name].measured(event)
        else:
            self._machine_seen(event, now_ns)

    def _machine_seen(self, seen: MachineSeen, now_ns: int) -> None:
        """Take a look at the machine, and say aloud what has become CRITICAL there."""
        self.machine.look(seen, now_ns)
        for each in self.machine.lines():
            before = self._loud.get(each.name, Health.HEALTHY)
            self._loud[each.name] = each.status
            if each.status is Health.CRITICAL is not before:
                text = f"{each.name} is CRITICAL: {each.found} (limit {each.limit})"
                self._out.notice(Severity.ERROR, "health.machine", text, each.mend)

    def resumed(self, for_ns: int, now_ns: int) -> None:
        """The watchdog stood still: what it could not see then is not counted against others."""
        if for_ns >= _LONG_PAUSE_NS:
            self.components.moments.watched_ns = now_ns

    def cleared(self, stop_ids: tuple[str, ...]) -> None:
        """A recovery has moved these stops away."""
        if self._stop is not None and self._stop.stop_id in stop_ids:
            self._stop, self.low_since_ns = None, None

    # --- time

    def step(self, now_ns: int) -> None:
        """Judge once a second; keep a stop standing that was ordered; write down what is due."""
        if self._stop is not None:
            self._stops.demanded((self._stop,), now_ns)
        if now_ns < self._look_due_ns:
            return
        self.looked_ns, self._look_due_ns = now_ns, now_ns + _LOOK_NS
        closing = now_ns >= self._window_due_ns
        if closing:
            self._window_due_ns = now_ns + self.terms.components_every_ns
            for usage in self._usage.values():
                usage.close()
        self._judge(now_ns)
        self._record.step(self, self._usage, now_ns, sample=closing)

    def end(self) -> None:
        """Write down what the hour that is not over has come to."""
        self._record.end()

    def failing(self) -> str:
        """Return why the judgement is UNHEALTHY or worse; empty when it is not (FS1)."""
        if rank(self.status) < rank(Health.UNHEALTHY):
            return ""
        return f"health is {self.status}, score {score_text(self.score)}: {self._worst_text()}"

    def hindrances(self) -> Iterator[str]:
        """Yield, one line each, why nothing may be armed: what is unhealthy, or a score that would stop."""
        for each in self._broken():
            yield f"{self._text(each)}: mend it first (runbook {each.mend})"
        if self.score < self.limits.health_bps and self.limits.enabled:
            limit = score_text(self.limits.health_bps)
            yield (
                f"the health score {score_text(self.score)} is below {limit} (emergency.health_percent): "
                f"{self._worst_text()}"
            )

    # --- the judgement

    def _judge(self, now_ns: int) -> None:
        watched_ns = self.components.moments.watched_ns
        self.lines = (
            *(
                process_line(
                    peer, self._usage[name].figures, self.terms, watched_ns=watched_ns, now_ns=now_ns
                )
                for name, peer in self._liveness.peers.items()
            ),
            *self.components.lines(now_ns),
            *self.machine.lines(),
        )
        self.score = score_bps(self.lines)
        broken = self._broken()
        before = self.status
        self.status = overall(self.score, self.limits.health_bps, unhealthy=bool(broken))
        if self.status is not before:
            self._since_ns = now_ns
            found = {each.name: f"{each.status}: {each.found}" for each in self._worst(len(self.lines))}
            self._out.row(
                "health.changed", before=before, status=self.status, score_bps=self.score, found=found
            )
        self._tell(now_ns)
        if broken:
            detail = "; ".join(self._text(each) for each in broken)
            if self._authority.stand(Cause.UNHEALTHY, now_ns, detail):
                reactions.say(self._out, "health.unhealthy", detail, Cause.UNHEALTHY)
        self._weigh(now_ns)

    def _broken(self) -> list[CheckLine]:
        """Return the components whose named limit is broken."""
        return [
            each for each in self.lines if each.name in NAMED and rank(each.status) >= rank(Health.UNHEALTHY)
        ]

    def _tell(self, now_ns: int) -> None:
        """Say that the whole is worse, or well again, once that has lasted; a start has a minute."""
        if self.status is Health.HEALTHY:
            self._was_well = True
        started = self._was_well or now_ns - self._began_ns >= _START_NS
        if self.status is self._told_status or not started or now_ns - self._since_ns < _LASTS_NS:
            return
        before, self._told_status = self._told_status, self.status
        text = f"the system is {self.status}, score {score_text(self.score)}"
        if self.status is Health.HEALTHY:
            self._out.notice(Severity.INFO, "health.restored", text)
        elif rank(self.status) > rank(before):
            self._out.notice(Severity.WARNING, "health.degraded", f"{text}: {self._worst_text()}", _RUNBOOK)

    def _weigh(self, now_ns: int) -> None:
        """Order a stop where the score has been too low for too long; warn before."""
        gauge = measure(Emergency(health_bps=self.score), self.limits, Trigger.HEALTH)
        if gauge is None or not gauge.reached:
            self.low_since_ns = None
            self._told.discard("off")
            if gauge is not None and gauge.at_least(gauge.warn_bps):
                self._say_near()
            elif gauge is None or not gauge.at_least(gauge.warn_bps - _CALM_BPS):
                self._told.discard("near")
            return
        if self.low_since_ns is None:
            self.low_since_ns = now_ns
        if now_ns - self.low_since_ns < self.terms.stop_after_ns:
            return
        if self.limits.enabled:
            self._order(now_ns)
        elif "off" not in self._told:
            self._told.add("off")
            text = f"{self._low_text()}: this would stop everything, were emergency.enabled not false"
            self._out.notice(Severity.ERROR, "emergency.not-stopped", text, _RUNBOOK)

    def _order(self, now_ns: int) -> None:
        """Order the stop, once; nothing that is stopped already, or was never armed, is stopped again."""
        if self._stop is not None or self._stops.stopped or Cause.NOT_ARMED in self._authority.standing:
            return
        about = ABOUT[Trigger.HEALTH]
        self._ordered += 1
        self._stop = Stop(
            stop_id=f"watchdog-health-{self._session[:8]}-{self._ordered}",
            reason=about.reason.value,
            message=f"{about.message}: {self._low_text()} ({about.setting})",
            operator="watchdog",
            policy=self.limits.policies.get(about.reason, CleanUp.CANCEL).value,
            time=self._wall_after(0),
        )
        found = {each.name: f"{each.status}: {each.found}" for each in self._worst(len(self.lines))}
        self._out.row("health.stop", stop_id=self._stop.stop_id, score_bps=self.score, found=found)
        self._stops.demanded((self._stop,), now_ns)

    def _say_near(self) -> None:
        if "near" in self._told:
            return
        self._told.add("near")
        text = f"near the emergency stop: {self._low_text()}"
        self._out.notice(Severity.WARNING, "health.near-limit", text, _RUNBOOK)

    # --- words

    def _low_text(self) -> str:
        limit = score_text(self.limits.health_bps)
        return f"score {score_text(self.score)}, limit {limit}: {self._worst_text()}"

    def _worst(self, count: int) -> list[CheckLine]:
        ill = [each for each in self.lines if each.status is not Health.HEALTHY]
        return sorted(ill, key=lambda each: (each.leaves_bps, each.name))[:count]

    def _worst_text(self) -> str:
        return "; ".join(self._text(each) for each in self._worst(_SHOWN_MAX))

    @staticmethod
    def _text(each: CheckLine) -> str:
        limit = f" (limit {each.limit})" if each.limit else ""
        return f"{each.name} is {each.status}: {each.found}{limit}"
