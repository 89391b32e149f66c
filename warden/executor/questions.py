"""What an operator asks of the executor: answered at once, and nothing follows from it (OP1a)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.executor.books.risk_report import report
from warden.wire.orders import AskDecision, AskRisk, DecisionReport

if TYPE_CHECKING:
    from warden.domain.risk.engine import Engine
    from warden.domain.risk.refusal import Refusal
    from warden.executor.intents.decisions import Decisions
    from warden.executor.protocol.events import HeadRead
    from warden.executor.protocol.terms import Now, Terms
    from warden.wire.orders import OrderReply, OrderRequest

_DECISIONS_TOLD_MAX: Final = 10


def answer(
    request: OrderRequest,
    engine: Engine,
    decisions: Decisions,
    terms: Terms,
    now: Now,
    *,
    head: HeadRead | None,
    barred: tuple[Refusal, ...],
) -> OrderReply | None:
    """Return the answer to a question; None to what is an order.

    Args:
        request: what came.
        engine: the rules.
        decisions: of this run.
        terms: whose pools there are.
        now: the moment.
        head: None while the chain is unknown.
        barred: what stands in the way beside the rules.
    """
    if isinstance(request, AskRisk):
        fee_wei = 0 if head is None else head.base_fee_wei + head.tip_wei
        pools = terms.strategies or (terms.pool,)
        if request.strategy in pools:
            pools = (request.strategy,)
        return report(engine, pools, fee_wei, now.utc_ns, barred)
    if isinstance(request, AskDecision):
        return DecisionReport(decisions.find(request.intent_id)[-_DECISIONS_TOLD_MAX:])
    return None
