"""Who may act: the executor's permits and the trader's session. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from warden.domain.causes import Cause
from warden.domain.modes import Mode
from warden.domain.roles import Role, strategy_of
from warden.watchdog.commands import Grant
from warden.wire.messages import Head, Permit, ProcessState, TraderLeave

if TYPE_CHECKING:
    from warden.watchdog.authority import Authority
    from warden.watchdog.liveness import Liveness
    from warden.watchdog.outbox import Outbox
    from warden.watchdog.probation import Probation
    from warden.watchdog.stops import Stops

_REVOKED_MAX: Final = 256


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What every grant says alike, and how often it is given.

    `exits_ns` is for how long protective exits may go on once a permit has run out.
    """

    boot_id: str
    session: str
    interval_ns: int
    life_ns: int
    new_session: Callable[[], str]
    exits_ns: int = 0


class Leave:
    """Grants permits to the ready executor, and a session of its own to each trader process."""

    def __init__(
        self,
        authority: Authority,
        liveness: Liveness,
        stops: Stops,
        out: Outbox,
        *,
        probation: Probation,
        terms: Terms,
    ) -> None:
        self._authority = authority
        self._liveness = liveness
        self._stops = stops
        self._probation = probation
        self._out = out
        self._terms = terms
        self._seq = 0
        self._due_ns = 0
        self._mode = authority.mode
        self._traders: dict[str, str] = {}
        self._given_to = ""
        self.head = Head(journal=Role.WATCHDOG.value, rows=0, hash="")
        self._revoked: deque[str] = deque(maxlen=_REVOKED_MAX)

    @property
    def trader_sessions(self) -> tuple[str, ...]:
        """The sessions that the watchdog stands by."""
        return tuple(self._traders.values())

    def session_of(self, process_session: str) -> str:
        """Return the session that a trader process was given; empty when none, or it was revoked."""
        return self._traders.get(process_session, "")

    def trader_beat(self, name: str) -> None:
        """Answer a trader's beat with its leave, once it was ready, unless it was revoked or is ending."""
        peer = self._liveness.peers[name]
        if not peer.fresh() or not peer.was_ready or peer.session in self._revoked:
            return
        if Cause.FROZEN_BY_OPERATOR in self._authority.standing:
            return  # thawed or new: a session comes when an operator has armed
        if self._authority.kept_out(name):
            return  # the mode lets the others go on, so this one's session is what keeps it from trading
        if peer.session not in self._traders:
            strategy = strategy_of(name)
            prefix = f"{strategy}:" if strategy else ""
            self._traders[peer.session] = f"{prefix}{self._terms.new_session()}"
        mode = min(self._authority.mode, Mode.OBSERVE_ONLY) if self._stops.stopped else self._authority.mode
        self._out.put(
            Grant(
                peer.identity,
                TraderLeave(
                    trader_process=peer.session,
                    trader_session=self._traders[peer.session],
                    mode=int(mode),
                    size_percent=self._probation.percent,
                ),
            )
        )

    def revoke(self, process_session: str) -> None:
        """Stand by a trader process no more, for ever; the next permit goes out at once."""
        self._revoked.append(process_session)
        self.withdraw(process_session)

    def withdraw(self, process_session: str) -> None:
        """Take a trader process's session away; the next permit goes out at once."""
        if self._traders.pop(process_session, None) is not None:
            self._due_ns = 0

    def step(self, now_ns: int) -> None:
        """Grant a permit when one is due: at each interval, and at once when the mode was lowered."""
        if self._authority.mode < self._mode:
            self._due_ns = 0
        self._mode = self._authority.mode
        if now_ns < self._due_ns or not (self._may() or self._must_void()):
            return
        # From the last due time, so that the rhythm does not drift; from now after a gap.
        late = now_ns - self._due_ns >= self._terms.interval_ns
        self._due_ns = (now_ns if late else self._due_ns) + self._terms.interval_ns
        executor = self._liveness.peers[Role.EXECUTOR]
        # Where nothing may be sent at all, the last one must leave nothing for exits: one that is over.
        life_ns, exits_ns = (self._terms.life_ns, self._terms.exits_ns) if self._may() else (0, 0)
        expires_ns = now_ns + life_ns
        self._given_to = executor.session
        self._out.put(
            Grant(
                executor.identity,
                Permit(
                    boot_id=self._terms.boot_id,
                    executor_session=executor.session,
                    watchdog_session=self._terms.session,
                    seq=self.next_seq(),
                    mode=int(self._authority.mode),
                    trader_sessions=self.trader_sessions,
                    issued_ns=now_ns,
                    expires_ns=expires_ns,
                    exits_until_ns=expires_ns + exits_ns,
                    size_percent=self._probation.percent,
                    head=self.head,
                ),
            )
        )

    def next_seq(self) -> int:
        """Return the next number; permits of both kinds are numbered together."""
        self._seq += 1
        return self._seq

    def due_ms(self, now_ns: int) -> int:
        """Return milliseconds until the next permit is due; an interval while none may be granted."""
        if not self._may():
            return self._terms.interval_ns // 1_000_000
        return max(0, -(-(self._due_ns - now_ns) // 1_000_000))

    def _must_void(self) -> bool:
        """Tell whether an executor that had a permit must hear that all is over; a stop tells that itself."""
        executor = self._liveness.peers[Role.EXECUTOR]
        barred = not self._stops.stopped and self._authority.mode is Mode.SHUTDOWN
        return barred and executor.fresh() and executor.session == self._given_to

    def _may(self) -> bool:
        executor = self._liveness.peers[Role.EXECUTOR]
        return (
            not self._stops.stopped
            and self._authority.permits()
            and executor.fresh()
            and executor.state in {ProcessState.READY, ProcessState.DEGRADED}
        )
