"""What lasts although nothing is opened becomes SHUTDOWN (FS1). Pure; the table is domain/failsafe.py."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain import failsafe
from warden.domain.causes import RULES, Cause
from warden.domain.failsafe import TRIGGERS, Lasting
from warden.domain.health import Health
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.watchdog.commands import PersistState
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.watchdog.authority import Authority
    from warden.watchdog.check_terms import CheckTerms
    from warden.watchdog.checks import Checks
    from warden.watchdog.last_run import LastRun
    from warden.watchdog.liveness import Liveness
    from warden.watchdog.outbox import Outbox

_NS: Final = 1_000_000_000
_BROKE_MAX: Final = 64
_COUNTED: Final = frozenset({Role.EXECUTOR, Role.GATEWAY})
_CAPITAL: Final = ("capital.books", "capital.agreed", "integrity.pools")


class Failsafe:
    """Watches how long each trigger lasts.

    Args:
        unhealthy: returns why the judgement of health is UNHEALTHY or worse; empty when it is not.
    """

    def __init__(
        self,
        terms: CheckTerms,
        authority: Authority,
        checks: Checks,
        out: Outbox,
        liveness: Liveness,
        *,
        unhealthy: Callable[[], str],
    ) -> None:
        self._terms = terms
        self._authority = authority
        self._checks = checks
        self._out = out
        self._liveness = liveness
        self._unhealthy = unhealthy
        self._lasting = dict.fromkeys(TRIGGERS, Lasting())
        self._broke_ns: deque[int] = deque(maxlen=_BROKE_MAX)
        self._looked_ns: int | None = None

    def carry_over(self, last: LastRun, now_ns: int) -> None:
        """Go on being shut down after a crash of the watchdog: that is no manual restart."""
        if last.shutdown is not None and not last.clean:
            cause, detail = last.shutdown
            self._authority.stand(Cause(cause), now_ns, detail)

    def kept(self) -> tuple[str, str] | None:
        """Return what has shut it down, for the next run."""
        standing = self._authority.standing
        shut = (standing[cause] for cause in (Cause.FAILSAFE, Cause.ORDERED_SHUTDOWN) if cause in standing)
        return next(((str(each.cause), each.detail) for each in shut), None)

    def broke(self, name: str, why: str, now_ns: int) -> None:
        """Take a process's last words."""
        peer = self._liveness.peers.get(name)
        if peer is None:
            return
        if peer.role in _COUNTED:
            self._broke_ns.append(now_ns)
        self._out.row("process.broke", role=name, why=why)
        text = f"{name} ended by an exception: {why}"
        self._out.notice(Severity.ERROR, f"{peer.role}.broke", text, "recovery-after-crash", process=name)

    def step(self, now_ns: int) -> None:
        """Look at every trigger, and shut down for the first that has lasted."""
        before_ns, self._looked_ns = self._looked_ns, now_ns
        since_ns = 0 if before_ns is None else now_ns - before_ns
        if Cause.FAILSAFE in self._authority.standing:
            return
        for name, window_ns in self._terms.windows_ns.items():
            why = self._holds(name, now_ns, window_ns)
            lasting = failsafe.looked(self._lasting[name], holds=bool(why), since_ns=since_ns)
            at_once = name == failsafe.EXCEPTION or (name == failsafe.SNAPSHOT and bool(why))
            if why and (at_once or failsafe.is_over(lasting, window_ns)):
                if self._shut_down(name, why, now_ns):
                    return
                lasting = Lasting()  # OBSERVE_ONLY comes first, and is given its time
            elif why and failsafe.is_near(lasting, window_ns, self._terms.warn_at_percent):
                lasting = msgspec.structs.replace(lasting, told=True)
                self._say_near(name, why, window_ns - lasting.for_ns)
            self._lasting[name] = lasting

    def _holds(self, name: str, now_ns: int, window_ns: int) -> str:
        """Return in words that a trigger's condition holds now; empty when it does not."""
        if name == failsafe.MARKET_DATA:
            return self._no_market_data()
        if name == failsafe.LEDGER:
            return self._failing("integrity.journal")
        if name == failsafe.SNAPSHOT:
            line = self._checks.failed.get("snapshot")
            return line.found if line is not None and line.status is Health.CRITICAL else ""
        if name == failsafe.CAPITAL:
            return self._failing(*_CAPITAL)
        if name == failsafe.EXCEPTION:
            count = sum(now_ns - each <= window_ns for each in self._broke_ns)
            return f"{count} of them within {window_ns // _NS} s" if count >= self._terms.exceptions else ""
        stopping = self._checks.stopping()
        return f"check {stopping[0].name}: {stopping[0].found}" if stopping else self._unhealthy()

    def _no_market_data(self) -> str:
        peer = self._liveness.peers[Role.GATEWAY]
        if peer.ready():
            return self._failing("endpoints")
        return f"the gateway is {peer.state.value if peer.fresh() else peer.condition.value}" + (
            f": {peer.detail}" if peer.detail and peer.fresh() else ""
        )

    def _failing(self, *names: str) -> str:
        lines = (self._checks.failed.get(name) for name in names)
        return next((f"check {line.name}: {line.found}" for line in lines if line is not None), "")

    def _shut_down(self, name: str, why: str, now_ns: int) -> bool:
        """Shut down, once the mode is OBSERVE_ONLY or less; else lower it to that, and return False."""
        text = f"{name}: {why}"
        if self._authority.mode > Mode.OBSERVE_ONLY:
            self._authority.stand(Cause.CHECK_FAILED, now_ns, text)
            self._out.notice(
                Severity.CRITICAL, "check.failed", f"{text}; OBSERVE_ONLY", RULES[Cause.CHECK_FAILED].runbook
            )
            return False
        self._authority.stand(Cause.FAILSAFE, now_ns, text)
        setting = TRIGGERS[name].setting
        self._out.row("shutdown", trigger=name, why=why, setting=setting)
        self._out.notice(
            Severity.CRITICAL,
            "failsafe.shutdown",
            f"SHUT DOWN: {text}, although nothing was opened; until a manual restart",
            RULES[Cause.FAILSAFE].runbook,
            trigger=name,
            setting=setting,
        )
        self._out.put(PersistState(trigger=name, why=why))
        return True

    def _say_near(self, name: str, why: str, left_ns: int) -> None:
        self._out.notice(
            Severity.ERROR,
            "failsafe.near",
            f"{name}: {why}; SHUTDOWN in {max(0, left_ns) // _NS} s if it goes on",
            RULES[Cause.FAILSAFE].runbook,
            trigger=name,
            setting=TRIGGERS[name].setting,
        )
