"""The gate's last look before a byte leaves: stop directory, permit, scope, session, time (DESIGN §3).

`refusal` is called on the thread that writes, right before the write, with no lock between. Everything that
it reads is one immutable value or one look at the file system; a doubt refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.modes import Action, Mode, allows
from warden.domain.risk.exits import exits_left_ns
from warden.domain.risk.refusal import Refusal
from warden.domain.stops import CleanUp
from warden.runtime.clock import NS_PER_MS, Clock
from warden.wire.messages import CleanupPermit, Permit

if TYPE_CHECKING:
    from warden.executor.protocol.terms import Ticket
    from warden.runtime.latch import Latch


class Gate:
    """One executor session's gate. Closed until a permit comes.

    `exits_while_observing`: the operator allows protective exits under OBSERVE_ONLY (setting).
    """

    def __init__(
        self,
        latch: Latch,
        clock: Clock,
        *,
        boot_id: str,
        session: str,
        exits_while_observing: bool = False,
    ) -> None:
        self._latch = latch
        self._clock = clock
        self._boot_id = boot_id
        self._session = session
        self._permit: Permit | None = None
        self._cleanup: CleanupPermit | None = None
        self._retired: frozenset[str] = frozenset()
        self._exits_while_observing = exits_while_observing
        self._void: Permit | None = None
        # Set by the main thread, read by the legs: each is replaced whole, never changed in place.
        self.heard_stops: frozenset[str] = frozenset()
        self.halted = ""
        self.disk_low = ""

    @property
    def mode(self) -> Mode:
        """The mode that the permit in force allows; OBSERVE_ONLY when there is none."""
        permit = self._permit
        if permit is None or self._clock.boot_ns() >= permit.expires_ns:
            return Mode.OBSERVE_ONLY
        return Mode(permit.mode)

    @property
    def size_percent(self) -> int:
        """How much of every size limit counts; 0 when there was never a permit."""
        return 0 if self._permit is None else max(0, min(100, self._permit.size_percent))

    @property
    def trader_sessions(self) -> tuple[str, ...]:
        """The sessions that the watchdog stands by; none while no permit is in force."""
        permit = self._permit
        return permit.trader_sessions if permit is not None and self._is_live(permit) else ()

    @property
    def cleanup(self) -> CleanupPermit | None:
        """The leave to clean up that is in force now; None when there is none."""
        permit = self._cleanup
        return permit if permit is not None and self._is_live(permit) else None

    def is_watched(self) -> bool:
        """Tell whether a watchdog gave any leave that is still alive."""
        return (self._permit is not None and self._is_live(self._permit)) or self.cleanup is not None

    def accept(self, permit: Permit | CleanupPermit) -> str:
        """Take a permit into force and return "", or why it is refused: other boot, other session, old."""
        held = self._permit if isinstance(permit, Permit) else self._cleanup
        reason = self._unacceptable(permit, held)
        if reason:
            return reason
        for each in (self._permit, self._cleanup):
            if each is not None and each.watchdog_session != permit.watchdog_session:
                self._retired |= {each.watchdog_session}
        if isinstance(permit, Permit):
            self._permit = permit
        else:
            self._cleanup = permit
        return ""

    def _unacceptable(self, permit: Permit | CleanupPermit, held: Permit | CleanupPermit | None) -> str:
        reason = ""
        if permit.boot_id != self._boot_id:
            reason = "of another boot"
        elif permit.executor_session != self._session:
            reason = "for another executor session"
        elif isinstance(permit, Permit) and permit.mode not in {mode.value for mode in Mode}:
            reason = f"of an unknown mode {permit.mode}"
        elif permit.watchdog_session in self._retired:
            reason = "of a watchdog session that was replaced"
        elif held is not None and permit.watchdog_session == held.watchdog_session and permit.seq <= held.seq:
            reason = f"older than the one in force ({permit.seq} after {held.seq})"
        elif held is not None and permit.issued_ns < held.issued_ns:
            reason = "issued before the one in force"
        return reason

    def stopped(self) -> None:
        """Take in that a stop stands: what the permit in force leaves for exits is void, once it runs out."""
        self._void = self._permit

    def refusal(self, ticket: Ticket) -> Refusal | None:
        """Return why this may not leave now, or None; the order is DESIGN's."""
        if ticket.cleanup_nonce is not None or ticket.cleanup_position:
            return self._without_cleanup(ticket)
        if self.heard_stops or not self._latch.is_clear():
            self.stopped()
            return Refusal("stop", "stopped: an operator recovers", setting="stop directory")
        if self.halted or self.disk_low:
            return Refusal("integrity", self.halted or self.disk_low)
        return self._without_exit_leave(ticket) if ticket.protective else self._without_permit(ticket)

    def _without_cleanup(self, ticket: Ticket) -> Refusal | None:
        """Return why a stop's clean-up may not send this: only while stopped, only what it was given for."""
        permit, state = self.cleanup, self._latch.read()
        standing = {stop.stop_id for stop in state.stops} | self.heard_stops
        reason = ""
        if self.halted or self.disk_low:
            reason = self.halted or self.disk_low
        elif permit is None:
            reason = "the watchdog has given no leave to clean up"
        elif state.unreadable or state.partial or not standing <= set(permit.stop_ids):
            reason = "another stop stands than those it was given for"
        elif not state.stops:
            reason = "no stop stands any more"
        elif ticket.cleanup_position:
            reason = self._unnamed_position(permit, ticket)
        elif ticket.action is not Action.CANCEL or ticket.cleanup_nonce not in permit.nonces:
            reason = "it was not given for this nonce"
        return Refusal("cleanup", reason) if reason else None

    @staticmethod
    def _unnamed_position(permit: CleanupPermit, ticket: Ticket) -> str:
        if ticket.action is not Action.REDUCE or ticket.cleanup_nonce is not None:
            return "it was given for the sale of positions and the cancel of nonces, not for both at once"
        if permit.policy != CleanUp.FLATTEN.value:
            return "the stop does not flatten"
        return "" if ticket.cleanup_position in permit.positions else "it was not given for this position"

    def _without_exit_leave(self, ticket: Ticket) -> Refusal | None:
        """Return why a protective exit may not leave: it may a while longer than anything else (SL1).

        What the last permit allowed counts on, without a watchdog, until its `exits_until`; any stop since
        then, even one that is gone, makes that void.
        """
        permit, now_ns = self._permit, self._clock.boot_ns()
        if permit is None or now_ns < permit.issued_ns:
            return Refusal("permit.none", "the watchdog has given no permit")
        void = self._void is permit
        if now_ns >= permit.expires_ns and not exits_left_ns(
            permit.expires_ns, permit.exits_until_ns, now_ns, stopped=void
        ):
            return Refusal(
                "permit.exits",
                "the watchdog is gone, and the time that exits had without it is over",
                setting="exits.without_watchdog_s",
            )
        mode = Mode(permit.mode)
        observing = mode is Mode.OBSERVE_ONLY and self._exits_while_observing
        if ticket.action is not Action.REDUCE or not (allows(mode, Action.REDUCE) or observing):
            return Refusal(
                "mode",
                f"{mode.name} does not allow exits",
                limit=mode.name,
                observed=ticket.action,
                setting="exits.while_observing" if mode is Mode.OBSERVE_ONLY else "",
            )
        if now_ns >= ticket.not_after_boot_ns:
            return Refusal("not_after", "too late to send")
        return None

    def _is_live(self, permit: Permit | CleanupPermit) -> bool:
        return permit.issued_ns <= self._clock.boot_ns() < permit.expires_ns

    def _without_permit(self, ticket: Ticket) -> Refusal | None:
        permit, now_ns = self._permit, self._clock.boot_ns()
        if permit is None:
            return Refusal("permit.none", "the watchdog has given no permit")
        if not permit.issued_ns <= now_ns < permit.expires_ns:
            late_ms = (now_ns - permit.expires_ns) // NS_PER_MS
            return Refusal(
                "permit.expired", "the watchdog's permit has run out", observed=str(late_ms), unit="ms"
            )
        mode = Mode(permit.mode)
        if not allows(mode, ticket.action):
            return Refusal(
                "mode",
                f"{mode.name} does not allow to {ticket.action}",
                limit=mode.name,
                observed=ticket.action,
            )
        if ticket.trader_session and ticket.trader_session not in permit.trader_sessions:
            return Refusal("session", "the watchdog does not stand by this trader session")
        if now_ns >= ticket.not_after_boot_ns:
            late_ms = (now_ns - ticket.not_after_boot_ns) // NS_PER_MS
            return Refusal("not_after", "too late to send", observed=str(late_ms), unit="ms late")
        return None
