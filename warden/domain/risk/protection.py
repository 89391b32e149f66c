"""Which open positions nothing protects (SL1).

A position is UNPROTECTED from the moment on that its exit value cannot be told (no reserves, or read too
long ago), its exits keep failing or get no outcome, exits may not leave, or it has no stop-loss. That is told
once, and is over after [3] good valuations in a row, so that it does not flap.

`judged` is what every change of a guard goes through: it finds what has become UNPROTECTED or is protected
again, and when time alone will change that next, so that a tick before then costs one comparison.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import ConfigurationInvalid
from warden.domain.money import Wei
from warden.domain.risk.events import NS_PER_S
from warden.domain.risk.exit_triggers import ExitReason, Triggers, Worth
from warden.domain.risk.findings import Noted, Weight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TOLD_MAX: Final = 8
_RUNBOOK: Final = "manual-intervention"


class Gap(StrEnum):
    """Why nothing protects a position."""

    NO_VALUE = "its exit value cannot be told: no reserves"
    STALE = "its exit value is too old"
    FAILING = "its exits keep failing"
    UNSETTLED = "its exit has no outcome"
    NO_COST = "its cost or amount is not above zero, so that no loss can be told"
    NO_STOP_LOSS = "its stop-loss was switched off"
    BARRED = "exits may not leave now"


class ExitLimits(msgspec.Struct, frozen=True):
    """Thresholds for every position, and when one counts as unprotected.

    Attributes:
        stale_after_ns: exit values older than this count for nothing.
        settle_within_ns: an exit without an outcome for longer protects nothing.
        failures: exits that fail in a row before the position counts as unprotected.
        heal_after: good valuations in a row after which it counts as protected again.

    Raises:
        ConfigurationInvalid: one is not above zero, or there is no stop-loss.
    """

    triggers: Triggers = Triggers()
    stale_after_ns: int = 60 * NS_PER_S
    settle_within_ns: int = 120 * NS_PER_S
    failures: int = 3
    heal_after: int = 3

    def __post_init__(self) -> None:
        """Refuse limits that protect nothing."""
        if self.triggers.stop_loss_bps <= 0:
            raise ConfigurationInvalid("exits.stop_loss_percent is 0, but every position has a stop-loss")
        if min(self.stale_after_ns, self.settle_within_ns, self.failures, self.heal_after) <= 0:
            raise ConfigurationInvalid("every time and count of [exits] must be above 0")


class Guard(msgspec.Struct, frozen=True):
    """One position under guard.

    Attributes:
        token: what is held.
        cost: what was paid, for the amount bought; selling a part does not change it.
        held: the token's smallest units that are left.
        value: the last exit value that counted; its amount 0 before the first.
        valued_ns: when its reserves were read; before the first one, when the position was seen first.
        peak: the highest exit value since opening.
        own: thresholds of its own in basis points, None where those of all count.
        leaving: an exit for this reason is out since `leaving_ns`.
        failures: of exits in a row; `untried` are those of them that never left.
        ordered: who ordered it sold, empty for nobody.
        gap: why it is UNPROTECTED; `good` valuations in a row since that ended.
        lost: the last valuation gave no value.
    """

    token: str
    cost: Worth
    held: Wei
    valued_ns: int
    value: Worth = Worth()
    peak: Worth = Worth()
    own: tuple[int | None, int | None, int | None] = (None, None, None)
    leaving: ExitReason | None = None
    leaving_ns: int = 0
    failures: int = 0
    untried: int = 0
    ordered: str = ""
    gap: Gap | None = None
    good: int = 0
    lost: bool = False


class ExitState(msgspec.Struct, frozen=True):
    """All guards by position id; `barred` is why no exit may leave; `due_ns` is when a tick must look."""

    guards: dict[str, Guard] = {}
    barred: str = ""
    due_ns: int | None = None


def triggers(guard: Guard, limits: ExitLimits) -> Triggers:
    """Return a position's thresholds: its own where it has some.

    Raises:
        ConfigurationInvalid: one of its own is out of range.
    """
    general = limits.triggers
    if guard.own == (None, None, None):
        return general
    stop_loss, take_profit, trailing = guard.own
    return Triggers(
        stop_loss_bps=general.stop_loss_bps if stop_loss is None else stop_loss,
        take_profit_bps=general.take_profit_bps if take_profit is None else take_profit,
        trailing_bps=general.trailing_bps if trailing is None else trailing,
        trailing_from_bps=general.trailing_from_bps,
    )


def judged(
    state: ExitState, limits: ExitLimits, changed: Mapping[str, Guard], at_ns: int, *, everyone: bool = False
) -> tuple[ExitState, tuple[Noted, ...]]:
    """Return the state with the changed guards in it, and what became UNPROTECTED or ended to be.

    Guards that did not change are looked at only if `everyone` is asked for or time has run out for one.
    """
    due_ns = state.due_ns
    if everyone or (due_ns is not None and at_ns > due_ns):
        changed, due_ns = {**state.guards, **changed}, None
    elif not changed:
        return state, ()
    guards = dict(state.guards)
    begun, healed = list[tuple[str, Gap]](), list[str]()
    for position_id, guard in changed.items():
        gap = _gap(guard, limits, state.barred, at_ns)
        after = guard
        if gap is not None:
            if guard.gap is None:
                begun.append((position_id, gap))
            if guard.gap is not gap or guard.good:
                after = msgspec.structs.replace(guard, gap=gap, good=0)
        elif guard.gap is not None and guard.good >= limits.heal_after:
            healed.append(position_id)
            after = msgspec.structs.replace(guard, gap=None)
        guards[position_id] = after
        if after.gap is None:
            next_ns = _next_ns(after, limits)
            due_ns = next_ns if due_ns is None else min(due_ns, next_ns)
    return ExitState(guards=guards, barred=state.barred, due_ns=due_ns), _findings(
        begun, healed, state.barred, limits
    )


def _gap(guard: Guard, limits: ExitLimits, barred: str, at_ns: int) -> Gap | None:
    """Return why nothing protects this position now, or None."""
    gap: Gap | None = None
    if guard.held <= 0 or guard.cost.wei <= 0 or guard.cost.amount <= 0:
        gap = Gap.NO_COST
    elif guard.own[0] == 0:
        gap = Gap.NO_STOP_LOSS
    elif barred:
        gap = Gap.BARRED
    elif guard.lost:
        gap = Gap.NO_VALUE
    elif at_ns - guard.valued_ns > limits.stale_after_ns:
        gap = Gap.STALE
    elif guard.failures >= limits.failures:
        gap = Gap.FAILING
    elif guard.leaving is not None and at_ns - guard.leaving_ns > limits.settle_within_ns:
        gap = Gap.UNSETTLED
    return gap


def _next_ns(guard: Guard, limits: ExitLimits) -> int:
    """Return the last moment at which time alone has not made a protected position unprotected."""
    stale_ns = guard.valued_ns + limits.stale_after_ns
    if guard.leaving is None:
        return stale_ns
    return min(stale_ns, guard.leaving_ns + limits.settle_within_ns)


def _findings(
    begun: Sequence[tuple[str, Gap]], healed: Sequence[str], barred: str, limits: ExitLimits
) -> tuple[Noted, ...]:
    """Return one alert for each position, and one for the rest where there are many."""
    found = [_unprotected(position_id, gap, barred, limits) for position_id, gap in begun[:_TOLD_MAX]]
    if len(begun) > _TOLD_MAX:
        found.append(
            Noted(
                Weight.CRITICAL,
                "position.unprotected",
                f"{len(begun) - _TOLD_MAX} more positions are UNPROTECTED",
                observed=str(len(begun)),
                unit="positions",
                runbook=_RUNBOOK,
            )
        )
    if healed:
        names = ", ".join(healed[:_TOLD_MAX]) + (", ..." if len(healed) > _TOLD_MAX else "")
        found.append(
            Noted(Weight.INFO, "position.protected", f"protected again: {names}", observed=str(len(healed)))
        )
    return tuple(found)


def _unprotected(position_id: str, gap: Gap, barred: str, limits: ExitLimits) -> Noted:
    setting, limit, unit = {
        Gap.STALE: ("exits.stale_after_s", str(limits.stale_after_ns // NS_PER_S), "s"),
        Gap.UNSETTLED: ("exits.settle_within_s", str(limits.settle_within_ns // NS_PER_S), "s"),
        Gap.FAILING: ("exits.failures", str(limits.failures), "exits"),
    }.get(gap, ("", "", ""))
    return Noted(
        Weight.CRITICAL,
        "position.unprotected",
        f"position {position_id} is UNPROTECTED: {gap.value}{f' ({barred})' if gap is Gap.BARRED else ''}",
        limit=limit,
        unit=unit,
        setting=setting,
        runbook=_RUNBOOK,
    )
