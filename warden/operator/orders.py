"""Orders about money, and the question how the risk rules stand: put to the executor, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.errors import EXIT_NOT_RUNNING, EXIT_REFUSED, NotRunning, RefusedForSafety, WardenError
from warden.operator.asking import REPLY_MS, answer_to
from warden.wire.addresses import ORDERS
from warden.wire.messages import OperatorReply
from warden.wire.orders import AskDecision, AskRisk, DecisionReport, OrderReply, OrderRequest, RiskReport

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.clock import Clock
    from warden.wire.telemetry import DecisionLine


def order(
    home: Path, request: OrderRequest, *, timeout_ms: int = REPLY_MS, clock: Clock | None = None
) -> OrderReply:
    """Put an order to the executor and wait for its answer; usable from any thread.

    Raises:
        NotRunning: no executor took it, or none answered in `timeout_ms`; it may yet act on it in that case.
        ConfigurationInvalid: there is no instance at `home`.
    """
    reply: OrderReply = answer_to(home, ORDERS, request, OrderReply, timeout_ms=timeout_ms, clock=clock)
    return reply


def risk_report(
    home: Path, *, strategy: str = "", timeout_ms: int = REPLY_MS, clock: Clock | None = None
) -> RiskReport:
    """Return what the risk rules say now, of one of several strategies where it is named.

    Raises:
        NotRunning, ConfigurationInvalid: as for `order`.
        WardenError: the executor cannot tell now; its own words, with the exit code that it gives.
    """
    reply = order(home, AskRisk(strategy), timeout_ms=timeout_ms, clock=clock)
    if isinstance(reply, RiskReport):
        return reply
    raise _refused(reply)


def decisions_of(home: Path, intent_id: str, *, timeout_ms: int = REPLY_MS) -> tuple[DecisionLine, ...]:
    """Return what this run of the executor decided of the intents whose id begins so, oldest first.

    Raises:
        NotRunning, ConfigurationInvalid: as for `order`.
        WardenError: the executor cannot tell.
    """
    reply = order(home, AskDecision(intent_id), timeout_ms=timeout_ms)
    if isinstance(reply, DecisionReport):
        return reply.lines
    raise _refused(reply)


def _refused(reply: OrderReply) -> WardenError:
    """Return what an answer that is none to the question means."""
    if not isinstance(reply, OperatorReply):
        return WardenError("the executor answered something else: is the command of its version?")
    kinds = {EXIT_REFUSED: RefusedForSafety, EXIT_NOT_RUNNING: NotRunning}
    return kinds.get(reply.exit_code, WardenError)(reply.message)
