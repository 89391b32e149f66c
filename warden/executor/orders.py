"""An operator's orders about money: judged by the rules, journalled with who and why, then answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.errors import EXIT_DONE, EXIT_REFUSED
from warden.domain.modes import Mode
from warden.domain.risk import capital, levers
from warden.domain.risk.events import (
    BaselinesReset,
    BreakerForced,
    CapitalMoved,
    ExitOrdered,
    LeverSet,
    RiskEvent,
)
from warden.domain.risk.position_limits import check_close
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.thresholds import exact_ether
from warden.wire.messages import OperatorReply
from warden.wire.orders import AskDecision, AskRisk, ForceBreaker, MoveCapital, PullLever, ResetBaselines

if TYPE_CHECKING:
    from warden.domain.risk.engine import Engine
    from warden.wire.orders import OrderRequest

_NAME_MAX: Final = 100
_REASON_MAX: Final = 500
_NAMELESS: Final = "an order needs the operator's name and a reason: --operator NAME --reason TEXT"


def judge(
    request: OrderRequest, engine: Engine, pool: str, at_ns: int, pending: frozenset[str]
) -> tuple[RiskEvent | None, OperatorReply]:
    """Return the event that an order becomes, None when it is refused, and the answer.

    Args:
        request: the order; a question is none and is answered elsewhere.
        engine: the rules as they stand.
        pool: the pool that an order without one is about.
        at_ns: UTC now.
        pending: hashes of our transactions that may still land.
    """
    event = event_of(request, pool)
    if event is None:
        return None, _answer(EXIT_REFUSED, "this is a question, not an order")
    named = bool(event.operator.strip() and event.reason.strip())
    too_long = len(event.operator) > _NAME_MAX or len(event.reason) > _REASON_MAX
    # Lowering a limit is free; the levers say themselves what needs a name.
    if too_long or not (named or isinstance(event, LeverSet)):
        return None, _answer(EXIT_REFUSED, _NAMELESS)
    refusal = _refusal(event, engine, at_ns, pending)
    if refusal is not None:
        return None, _answer(EXIT_REFUSED, _told(refusal))
    return event, _answer(EXIT_DONE, _done(event))


def event_of(
    request: OrderRequest, pool: str
) -> LeverSet | BreakerForced | CapitalMoved | BaselinesReset | None:
    """Return an order as the rules know it; None for a question."""
    match request:
        case PullLever():
            return LeverSet(request.lever, request.value, request.operator, request.reason)
        case ForceBreaker():
            return BreakerForced(request.order, request.operator, request.reason)
        case MoveCapital():
            return CapitalMoved(
                move=request.move,
                amount_wei=request.amount_wei,
                pool=request.pool or pool,
                operator=request.operator,
                reason=request.reason,
                account=request.account,
            )
        case ResetBaselines():
            return BaselinesReset(request.operator, request.reason)
        case AskRisk() | AskDecision():
            return None


def _refusal(
    event: LeverSet | BreakerForced | CapitalMoved | BaselinesReset,
    engine: Engine,
    at_ns: int,
    pending: frozenset[str],
) -> Refusal | None:
    if isinstance(event, LeverSet):
        wrong = levers.judge(engine.state.levers, engine.limits.levers, event)
        return wrong or _nothing_there(event, engine, pending)
    if isinstance(event, CapitalMoved):
        return capital.check_move(engine.state.capital, engine.limits.capital, event, at_ns)
    return None


def _nothing_there(event: LeverSet, engine: Engine, pending: frozenset[str]) -> Refusal | None:
    """Return why there is nothing to close or to cancel (PS5); None where there is, or nothing is asked."""
    once = levers.order(event)
    if isinstance(once, ExitOrdered):
        wrong = (check_close(engine.state.positions, each, 1) for each in once.position_ids)
        return next(filter(None, wrong), None)
    if isinstance(once, levers.CancelOrdered) and once.tx_hash not in pending:
        return Refusal("transaction.not-pending", f"no transaction of ours is pending as {once.tx_hash}")
    return None


def _told(refusal: Refusal) -> str:
    text = refusal.message
    if refusal.limit or refusal.observed:
        text += f" (limit {refusal.limit or 'none'}, asked {refusal.observed or 'nothing'} {refusal.unit})"
    return text.replace(" )", ")")


def _done(event: LeverSet | BreakerForced | CapitalMoved | BaselinesReset) -> str:
    match event:
        case LeverSet(value=""):
            return f"{event.lever} is let go"
        case LeverSet() if levers.order(event) is not None:
            return f"{event.lever} {event.value}: ordered"
        case LeverSet():
            return f"{event.lever} is {event.value} from now on"
        case BreakerForced():
            return f"the breaker: {event.order} by {event.operator}"
        case CapitalMoved():
            return f"{event.move} of {exact_ether(event.amount_wei)} ETH is booked in pool {event.pool}"
        case BaselinesReset():
            return "streaks, peaks and baselines begin anew"


def _answer(code: int, text: str) -> OperatorReply:
    return OperatorReply(exit_code=code, message=text, mode=int(Mode.OBSERVE_ONLY))
