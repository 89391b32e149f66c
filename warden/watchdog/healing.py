"""What lifts by itself: when, and how often an hour. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.causes import CLEAN_BEATS_S, LAPSE_S_MAX, LAPSES_AN_HOUR, RULES, Cause, LiftedBy
from warden.domain.modes import Environment, Mode
from warden.domain.roles import Role
from warden.watchdog.budget import Budget
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.watchdog.authority import Authority, Standing
    from warden.watchdog.liveness import Liveness
    from warden.watchdog.outbox import Outbox

_S_NS: Final = 1_000_000_000

NEEDED: Final = (Role.EXECUTOR, Role.GATEWAY, Role.TRADER, Role.LOGGER)

ABOUT: Final = {
    Cause.EXECUTOR_LOST: Role.EXECUTOR,
    Cause.EXECUTOR_ENDED: Role.EXECUTOR,
    Cause.EXECUTOR_DEGRADED: Role.EXECUTOR,
    Cause.GATEWAY_LOST: Role.GATEWAY,
    Cause.GATEWAY_LIVELOCKED: Role.GATEWAY,
    Cause.GATEWAY_ENDED: Role.GATEWAY,
    Cause.GATEWAY_DEGRADED: Role.GATEWAY,
    Cause.CAPITAL_AWAITED: Role.GATEWAY,
    Cause.CAPITAL_DISPUTED: Role.GATEWAY,
    Cause.CAPITAL_UNKNOWN: Role.GATEWAY,
    Cause.TRADER_LOST: Role.TRADER,
    Cause.TRADER_LIVELOCKED: Role.TRADER,
    Cause.TRADER_ENDED: Role.TRADER,
    Cause.LOGGER_LOST: Role.LOGGER,
    Cause.NOTIFIER_LOST: Role.NOTIFIER,
    Cause.API_LOST: Role.API,
    Cause.DEVNET_LOST: Role.DEVNET,
}


_OF_CAPITAL: Final = frozenset({Cause.CAPITAL_AWAITED, Cause.CAPITAL_DISPUTED, Cause.CAPITAL_UNKNOWN})


class Healing:
    """Lifts causes whose condition is gone, within the hour's budgets.

    Args:
        environment: outside live, a gateway may come back as another process.
        trader_restarts: how often an hour each trader, once lost, is let in again.
        capital_known: tells whether endpoints agree on the wallet at a moment.
    """

    def __init__(
        self,
        authority: Authority,
        liveness: Liveness,
        out: Outbox,
        *,
        environment: Environment,
        trader_restarts: int,
        capital_known: Callable[[int], bool],
    ) -> None:
        self._authority = authority
        self._liveness = liveness
        self._out = out
        self._environment = environment
        self._capital_known = capital_known
        self.lapses = Budget(LAPSES_AN_HOUR)
        self.restarts = {peer.name: Budget(trader_restarts) for peer in liveness.of(Role.TRADER)}

    def step(self, now_ns: int) -> None:
        """Lift what may lift now, and call for an operator where it may not any more."""
        for standing in list(self._authority.standing.values()):
            if standing.lifted_by not in {LiftedBy.ITSELF, LiftedBy.LAPSE, LiftedBy.RESTART_OF_TRADER}:
                continue
            if not self._gone(standing, now_ns):
                standing.gone_ns = None
                if standing.lifted_by is LiftedBy.LAPSE:
                    self._too_long(standing, now_ns)
                continue
            if standing.gone_ns is None:
                standing.gone_ns = now_ns
            if standing.lifted_by is LiftedBy.ITSELF:
                self._authority.lift(standing.cause, name=standing.name)
            elif standing.lifted_by is LiftedBy.RESTART_OF_TRADER:
                self._let_in(standing, now_ns)
            elif not self._too_long(standing, standing.gone_ns):
                self._heal(standing, now_ns)

    def _gone(self, standing: Standing, now_ns: int) -> bool:
        """Tell whether the condition behind a cause is gone at this moment."""
        role = ABOUT.get(standing.cause)
        if role is None:
            return all(any(peer.fresh() for peer in self._liveness.of(each)) for each in NEEDED)
        if standing.cause in _OF_CAPITAL and not self._capital_known(now_ns):
            return False
        peer = self._liveness.peers[standing.name or role]
        if RULES[standing.cause].flat is Mode.AGGRESSIVE:
            return peer.fresh()
        if standing.lifted_by is LiftedBy.RESTART_OF_TRADER and peer.session == standing.session:
            return False
        return peer.ready()

    def _any_session(self, cause: Cause) -> bool:
        return ABOUT.get(cause) is Role.GATEWAY and self._environment is not Environment.LIVE

    def _too_long(self, standing: Standing, until_ns: int) -> bool:
        """Call for an operator where a loss was no lapse: too long, or another process came."""
        if self._any_session(standing.cause):
            return False
        role = ABOUT.get(standing.cause)
        if role is not None and standing.session not in {"", self._liveness.peers[role].session}:
            self._authority.needs_operator(standing, "another process came")
            return True
        if until_ns - standing.since_ns > LAPSE_S_MAX * _S_NS:
            self._authority.needs_operator(standing, f"it lasted longer than {LAPSE_S_MAX} s")
            return True
        return False

    def _heal(self, standing: Standing, now_ns: int) -> None:
        if standing.gone_ns is None or now_ns - standing.gone_ns < CLEAN_BEATS_S * _S_NS:
            return
        if not self.lapses.take(now_ns):
            self._authority.needs_operator(standing, f"{LAPSES_AN_HOUR} lapses this hour are used up")
            return
        text = f"{RULES[standing.cause].text}: healed, lapse {self.lapses.used(now_ns)} of this hour"
        self._out.row(
            "lapse", cause=standing.cause, away_ms=(standing.gone_ns - standing.since_ns) // 1_000_000
        )
        self._out.notice(Severity.WARNING, "mode.lapse-healed", text, cause=standing.cause)
        self._authority.lift(standing.cause, "lapse")

    def _let_in(self, standing: Standing, now_ns: int) -> None:
        name = standing.name or Role.TRADER
        restarts = self.restarts[name]
        if not restarts.take(now_ns):
            why = f"{restarts.limit} restarts of the trader this hour are used up"
            if restarts.limit == 0:
                why = "no trader is let in again by itself here (trader_restarts is 0)"
            self._authority.needs_operator(standing, why)
            return
        used = restarts.used(now_ns)
        self._out.row("trader.let-in", cause=standing.key, used=used)
        self._out.notice(
            Severity.WARNING,
            "trader.let-in",
            f"a new {name} is ready; restart {used} of {restarts.limit} this hour",
        )
        # One restart answers everything that was wrong with the old process.
        for cause in (Cause.TRADER_LOST, Cause.TRADER_LIVELOCKED, Cause.TRADER_ENDED):
            self._authority.lift(cause, "restart", name=standing.name)
