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
        name: of the trader that it is about, where there are several: it lowers the mode only once no trader
            is left, and until then keeps that trader alone out.
        who: who lifts it, where that is not simply what the table says.
        gone_ns: since when the condition itself has been gone without a break; None while it lasts.
    """

    cause: Cause
    since_ns: int
    detail: str
    lifted_by: LiftedBy
    session: str = ""
    name: str = ""
    who: str = ""
    gone_ns: int | None = None

    @property
    def key(self) -> str:
        """What it stands under: the cause, and whose it is where it is one trader's among several."""
        return _key(self.cause, self.name)

    def text(self) -> str:
        """Return it as one line for people."""
        detail = f" ({self.detail})" if self.detail else ""
        whose = f"{self.name}: " if self.name else ""
        return f"{whose}{RULES[self.cause].text}{detail}; {self.who or _WHO[self.lifted_by]}"


class Authority:
    """The causes that stand, by `Standing.key`, and the mode in force.

    Args:
        traders: by name, where there are several; none where there is one.
    """

    def __init__(self, out: Outbox, traders: tuple[str, ...] = ()) -> None:
        self.mode = Mode.OBSERVE_ONLY
        self.standing: dict[str, Standing] = {}
        self._out = out
        self._traders = frozenset(traders)
        self._raising: tuple[int, Mode] | None = None

    def stand(
        self, cause: Cause, now_ns: int, detail: str = "", session: str = "", *, name: str = ""
    ) -> bool:
        """Let a cause stand, of one of several traders where `name` says so; True when it did not yet."""
        known = self.standing.get(_key(cause, name))
        if known is not None:
            known.gone_ns, known.session = None, session or known.session
            if known.lifted_by is RULES[cause].lifted_by:  # else it says why an operator is needed
                known.detail = detail
            return False
        rule = RULES[cause]
        self.standing[_key(cause, name)] = Standing(
            cause=cause, since_ns=now_ns, detail=detail, lifted_by=rule.lifted_by, session=session, name=name
        )
        if rule.lifted_by is not LiftedBy.ITSELF:
            self._out.row("cause.stands", cause=_key(cause, name), detail=detail, lifted_by=rule.lifted_by)
        return True

    def lift(self, cause: Cause, how: str = "", *, name: str = "") -> None:
        """Let a cause stand no more."""
        known = self.standing.pop(_key(cause, name), None)
        if known is not None and known.lifted_by is not LiftedBy.ITSELF:
            self._out.row("cause.lifted", cause=known.key, how=how)

    def kept_out(self, name: str) -> bool:
        """Tell whether anything stands that is about this one of several traders."""
        return any(each.name == name for each in self.standing.values() if each.name)

    def needs_operator(self, standing: Standing, why: str) -> None:
        """Say that a cause will not lift by itself this time."""
        standing.lifted_by = LiftedBy.ARM
        standing.detail = f"{standing.detail}; {why}" if standing.detail else why
        self._out.row("cause.needs-operator", cause=standing.key, why=why)
        rule, name = RULES[standing.cause], standing.name
        self._out.notice(
            Severity.CRITICAL,
            "trader.kept-out" if name else "mode.tripped",
            f"{f'{name}: ' if name else ''}{rule.text}: {why}; an operator arms",
            rule.runbook,
            cause=standing.key,
        )

    def lift_for_operator(self, keys: Iterable[str]) -> None:
        """Lift those that an operator's arming lifts; the row that says so is written already."""
        for key in keys:
            standing = self.standing.get(key)
            if standing is not None and standing.lifted_by in _LIFTED_BY_ARMING:
                del self.standing[key]

    def trips(self) -> tuple[str, ...]:
        """Return what only an operator lifts."""
        return tuple(each.key for each in self.standing.values() if each.lifted_by in BY_OPERATOR)

    def lowering(self) -> list[Standing]:
        """Return what lowers the mode: one of several traders' only once every one of them is out."""
        out = {each.name for each in self.standing.values() if each.name}
        nobody_left = out >= self._traders
        return [each for each in self.standing.values() if not each.name or nobody_left]

    def ceiling(self, positions: int) -> Mode:
        """Return the lowest mode that any standing cause leaves with so many positions open."""
        return min(
            (RULES[each.cause].ceiling(positions) for each in self.lowering()), default=Mode.AGGRESSIVE
        )

    def permits(self, *, but_for: Cause | None = None) -> bool:
        """Tell whether the executor may be given any permit; `but_for`: were it not for that cause."""
        causes = (each.cause for each in self.lowering() if each.cause is not but_for)
        return self.mode > Mode.SHUTDOWN and all(RULES[cause].permits for cause in causes)

    def why(self, positions: int) -> str:
        """Return in one line why the mode is not higher, worst first; empty when nothing stands."""
        lowering = self.lowering()
        worst = sorted(
            self.standing.values(),
            key=lambda each: (
                each not in lowering,
                RULES[each.cause].permits,
                RULES[each.cause].ceiling(positions),
            ),
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


def _key(cause: Cause, name: str) -> str:
    return f"{cause}:{name}" if name else cause
