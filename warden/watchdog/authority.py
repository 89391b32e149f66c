"""The one authority over the mode: the causes that stand, and the lowest that any of them leaves. Pure.

A lowered mode holds at once. A raised one is written down first and holds once that row is synced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from warden.domain.causes import BY_OPERATOR, RULES, Cause, LiftedBy
from warden.domain.modes import Mode
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.watchdog.outbox import Outbox

_WHY_MAX: Final = 3
_LIFTED_BY_ARMING: Final = frozenset({LiftedBy.ARM, LiftedBy.RECOVER, LiftedBy.LAPSE})
_WHO: Final = {
    LiftedBy.ITSELF: "lifts by itself",
    LiftedBy.LAPSE: "heals by itself if it was short",
    LiftedBy.RESTART_OF_TRADER: "lifts when a new trader is ready",
    LiftedBy.ARM: "operator: warden arm",
    LiftedBy.RECOVER: "operator: warden recover",
    LiftedBy.RESTART: "operator: restart",
}


@dataclass(slots=True, kw_only=True)
class Standing:
    """A cause that stands.

    Attributes:
        lifted_by: as the table says, or ARM once it may no longer lift by itself.
        session: of the process that it is about, if any.
        who: who lifts it, where that is not simply what the table says.
        gone_ns: since when the condition itself has been gone without a break; None while it lasts.
    """

    cause: Cause
    since_ns: int
    detail: str
    lifted_by: LiftedBy
    session: str = ""
    who: str = ""
    gone_ns: int | None = None

    def text(self) -> str:
        """Return it as one line for people."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{RULES[self.cause].text}{detail}; {self.who or _WHO[self.lifted_by]}"


class Authority:
    """The causes that stand, and the mode in force."""

    def __init__(self, out: Outbox) -> None:
        self.mode = Mode.OBSERVE_ONLY
        self.standing: dict[Cause, Standing] = {}
        self._out = out
        self._raising: tuple[int, Mode] | None = None

    def stand(self, cause: Cause, now_ns: int, detail: str = "", session: str = "") -> bool:
        """Let a cause stand; True when it did not yet."""
        known = self.standing.get(cause)
        if known is not None:
            known.gone_ns, known.session = None, session or known.session
            if known.lifted_by is RULES[cause].lifted_by:  # else it says why an operator is needed
                known.detail = detail
            return False
        rule = RULES[cause]
        self.standing[cause] = Standing(
            cause=cause, since_ns=now_ns, detail=detail, lifted_by=rule.lifted_by, session=session
        )
        if rule.lifted_by is not LiftedBy.ITSELF:
            self._out.row("cause.stands", cause=cause, detail=detail, lifted_by=rule.lifted_by)
        return True

    def lift(self, cause: Cause, how: str = "") -> None:
        """Let a cause stand no more."""
        known = self.standing.pop(cause, None)
        if known is not None and known.lifted_by is not LiftedBy.ITSELF:
            self._out.row("cause.lifted", cause=cause, how=how)

    def needs_operator(self, standing: Standing, why: str) -> None:
        """Say that a cause will not lift by itself this time."""
        standing.lifted_by = LiftedBy.ARM
        standing.detail = f"{standing.detail}; {why}" if standing.detail else why
        self._out.row("cause.needs-operator", cause=standing.cause, why=why)
        rule = RULES[standing.cause]
        self._out.notice(
            Severity.CRITICAL,
            "mode.tripped",
            f"{rule.text}: {why}; an operator arms",
            rule.runbook,
            cause=standing.cause,
        )

    def lift_for_operator(self, causes: Iterable[Cause]) -> None:
        """Lift those of `causes` that an operator's arming lifts; the row that says so is written already."""
        for cause in causes:
            standing = self.standing.get(cause)
            if standing is not None and standing.lifted_by in _LIFTED_BY_ARMING:
                del self.standing[cause]

    def trips(self) -> tuple[Cause, ...]:
        """Return the causes that only an operator lifts."""
        return tuple(each.cause for each in self.standing.values() if each.lifted_by in BY_OPERATOR)

    def ceiling(self, positions: int) -> Mode:
        """Return the lowest mode that any standing cause leaves with so many positions open."""
        return min((RULES[cause].ceiling(positions) for cause in self.standing), default=Mode.AGGRESSIVE)

    def permits(self) -> bool:
        """Tell whether the executor may be given any permit."""
        return self.mode > Mode.SHUTDOWN and all(RULES[cause].permits for cause in self.standing)

    def why(self, positions: int) -> str:
        """Return in one line why the mode is not higher, worst first; empty when nothing stands."""
        worst = sorted(
            self.standing.values(),
            key=lambda each: (RULES[each.cause].permits, RULES[each.cause].ceiling(positions)),
        )
        text = "; also: ".join(each.text() for each in worst[:_WHY_MAX])
        return text if len(worst) <= _WHY_MAX else f"{text}; and {len(worst) - _WHY_MAX} more"

    def settle(self, positions: int) -> None:
        """Bring the mode in force to what the causes leave: down at once, up by a synced row."""
        target = self.ceiling(positions)
        if self._raising is not None:
            row, to = self._raising
            if target < to:
                self._raising = None
                self._out.row("mode.raise-void", to=to.name, why=self.why(positions))
            elif self._out.synced >= row:
                self._raising = None
                before, self.mode = self.mode, to
                self._out.notice(Severity.INFO, "mode.raised", f"{before.name} → {to.name}", mode=to.name)
        if target < self.mode:
            before, self.mode = self.mode, target
            why = self.why(positions)
            self._out.row("mode.lowered", before=before.name, to=target.name, why=why)
            self._out.notice(
                Severity.WARNING, "mode.lowered", f"{before.name} → {target.name}: {why}", mode=target.name
            )
        elif target > self.mode and self._raising is None:
            row = self._out.row("mode.raised", before=self.mode.name, to=target.name)
            self._raising = (row, target)

    @property
    def settled(self) -> bool:
        """Tell whether no raise waits for its row."""
        return self._raising is None
