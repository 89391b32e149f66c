"""The gate's last look before a byte leaves: stop directory, permit, scope, session, time (DESIGN §3).

`refusal` is called on the thread that writes, right before the write, with no lock between. Everything that
it reads is one immutable value or one look at the file system; a doubt refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from warden.domain.modes import Action, Mode, allows
from warden.domain.risk.refusal import Refusal
from warden.runtime.clock import NS_PER_MS, Clock

if TYPE_CHECKING:
    from warden.runtime.latch import Latch
    from warden.wire.messages import Permit


class Ticket(msgspec.Struct, frozen=True):
    """What one send asks for.

    Attributes:
        trader_session: whose intent it is; empty for Warden's own.
        not_after_boot_ns: CLOCK_BOOTTIME in nanoseconds after which nothing of it leaves.
    """

    action: Action
    trader_session: str
    not_after_boot_ns: int


class Gate:
    """One executor session's gate. Closed until a permit comes."""

    def __init__(self, latch: Latch, clock: Clock, *, boot_id: str, session: str) -> None:
        self._latch = latch
        self._clock = clock
        self._boot_id = boot_id
        self._session = session
        self._permit: Permit | None = None
        self._retired: frozenset[str] = frozenset()
        # Set by the main thread, read by the legs: each is replaced whole, never changed in place.
        self.heard_stops: frozenset[str] = frozenset()
        self.halted = ""

    @property
    def mode(self) -> Mode:
        """The mode that the permit in force allows; OBSERVE_ONLY when there is none."""
        permit = self._permit
        if permit is None or self._clock.boot_ns() >= permit.expires_ns:
            return Mode.OBSERVE_ONLY
        return Mode(permit.mode)

    def accept(self, permit: Permit) -> str:
        """Take a permit into force and return "", or why it is refused: other boot, other session, old."""
        reason = self._unacceptable(permit)
        if not reason:
            held = self._permit
            if held is not None and held.watchdog_session != permit.watchdog_session:
                self._retired |= {held.watchdog_session}
            self._permit = permit
        return reason

    def _unacceptable(self, permit: Permit) -> str:
        held, reason = self._permit, ""
        if permit.boot_id != self._boot_id:
            reason = "of another boot"
        elif permit.executor_session != self._session:
            reason = "for another executor session"
        elif permit.mode not in {mode.value for mode in Mode}:
            reason = f"of an unknown mode {permit.mode}"
        elif permit.watchdog_session in self._retired:
            reason = "of a watchdog session that was replaced"
        elif held is not None and permit.watchdog_session == held.watchdog_session and permit.seq <= held.seq:
            reason = f"older than the one in force ({permit.seq} after {held.seq})"
        elif held is not None and permit.issued_ns < held.issued_ns:
            reason = "issued before the one in force"
        return reason

    def refusal(self, ticket: Ticket) -> Refusal | None:
        """Return why this may not leave now, or None; the order is DESIGN's."""
        if self.heard_stops or not self._latch.is_clear():
            return Refusal("stop", "stopped: an operator recovers", setting="stop directory")
        if self.halted:
            return Refusal("integrity", self.halted)
        return self._without_permit(ticket)

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
