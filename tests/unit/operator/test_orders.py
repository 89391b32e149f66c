"""Orders to the executor over the real bus: asked once, answered or bounded, and never mistaken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.instance import Instance
from tests.unit.operator.answers import answering
from tests.unit.operator.reports import report
from warden.domain.errors import NotRunning, RefusedForSafety, WardenError
from warden.domain.money import Wei
from warden.domain.risk.events import BreakerOrder, Moved
from warden.domain.roles import Role
from warden.operator.orders import order, risk_report
from warden.wire.addresses import ORDERS
from warden.wire.messages import OperatorReply
from warden.wire.orders import AskRisk, ForceBreaker, MoveCapital, PullLever, ResetBaselines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.wire.orders import OrderRequest

WAIT_MS = 60_000
ORDERED: tuple[OrderRequest, ...] = (
    PullLever("ann", "thin", "max_trade_eth", "2.5"),
    ForceBreaker("ann", "wrong prices", BreakerOrder.OPEN),
    MoveCapital("ann", "savings", Moved.DEPOSIT, Wei(2**70), pool="one", account="gas"),
    ResetBaselines("ann", "new strategy"),
)


@pytest.fixture
def instance() -> Iterator[Instance]:
    """A home of its own, with keys and settings, no process running."""
    with Instance() as made:
        yield made


@pytest.mark.parametrize("request_", ORDERED, ids=lambda each: type(each).__name__)
def test_an_order_arrives_once_and_its_answer_comes_back(instance: Instance, request_: OrderRequest) -> None:
    """CB4, PS4a, EX9, ES5: each order reaches the executor as it was given, and whoever asked hears of it."""
    with answering(instance, OperatorReply(4, "not now")) as taken:
        assert order(instance.home, request_, timeout_ms=WAIT_MS) == OperatorReply(4, "not now")
    assert taken == [request_]


def test_the_report_comes_back_whole(instance: Instance) -> None:
    """OP1a: what the rules say reaches the operator as the executor has it."""
    with answering(instance, report()) as taken:
        assert risk_report(instance.home, timeout_ms=WAIT_MS) == report()
    assert taken == [AskRisk()]


@pytest.mark.parametrize(("code", "error"), [(4, RefusedForSafety), (3, NotRunning), (1, WardenError)])
def test_an_executor_that_cannot_tell_says_why(
    instance: Instance, code: int, error: type[WardenError]
) -> None:
    """Its own words and its own exit code, where it answers the question with a refusal."""
    with (
        answering(instance, OperatorReply(code, "the book is not read yet")),
        pytest.raises(error, match="the book is not read yet") as raised,
    ):
        risk_report(instance.home, timeout_ms=WAIT_MS)
    assert raised.value.exit_code == code


def test_ordering_nobody_ends(instance: Instance) -> None:
    """Without an executor an order ends within its bound, names who is missing, and says what to do."""
    with pytest.raises(NotRunning, match=r"the executor does not answer: start Warden with 'warden up'"):
        order(instance.home, ORDERED[0], timeout_ms=100)


def test_ordering_a_mute_executor_ends(instance: Instance) -> None:
    """Who took an order and says nothing may have carried it out: told so, and it is not sent again."""
    with instance.bus(Role.EXECUTOR) as bus:
        server = bus.serve(ORDERS)
        with pytest.raises(NotRunning, match=r"the executor took the request.*may have acted on it"):
            order(instance.home, ORDERED[2], timeout_ms=3_000)
        assert server.receive() is not None
        assert server.receive() is None
