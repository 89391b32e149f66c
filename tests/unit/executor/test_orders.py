"""An operator's orders on a scripted executor: judged, written down, answered once the row is durable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.executor.scene import ETHER, Scene, intent, only
from warden.domain.money import Wei
from warden.domain.risk.events import (
    BaselinesReset,
    BreakerForced,
    BreakerOrder,
    CapitalMoved,
    LeverSet,
    Moved,
    Opened,
    Position,
    Read,
)
from warden.domain.risk.refusal import Refusal
from warden.executor.protocol.commands import Record, Respond, Sign
from warden.executor.protocol.events import Ordered
from warden.wire.messages import OperatorReply
from warden.wire.orders import (
    AskRisk,
    ForceBreaker,
    MoveCapital,
    PullLever,
    ResetBaselines,
    RiskReport,
)
from warden.wire.rows import Purpose, RiskRow

if TYPE_CHECKING:
    from warden.domain.risk.events import RiskEvent
    from warden.executor.protocol.commands import Command
    from warden.wire.orders import OrderRequest

WHO = b"operator"


def order(scene: Scene, request: OrderRequest) -> list[Command]:
    """Order something."""
    return scene.tell(Ordered(WHO, request))


def refusal(commands: list[Command]) -> str:
    """Return what was answered at once to an order that is refused; nothing was written down."""
    (respond,) = commands
    assert isinstance(respond, Respond)
    assert isinstance(respond.reply, OperatorReply)
    assert (respond.identity, respond.reply.exit_code) == (WHO, 4)
    return respond.reply.message


def written(commands: list[Command]) -> tuple[RiskEvent, str]:
    """Return the event of the first row, and the answer that waits for its sync."""
    row = commands[0]
    assert isinstance(row, Record)
    assert isinstance(row.row, RiskRow)
    (respond,) = row.then
    assert isinstance(respond, Respond)
    assert isinstance(respond.reply, OperatorReply)
    assert (respond.identity, respond.reply.exit_code) == (WHO, 0)
    assert not only(commands, Respond)
    return row.row.event, respond.reply.message


def asked(scene: Scene) -> RiskReport:
    """Return the report."""
    (respond,) = order(scene, AskRisk())
    assert isinstance(respond, Respond)
    assert isinstance(respond.reply, RiskReport)
    return respond.reply


def limit_of(report: RiskReport, name: str) -> tuple[str, str]:
    """Return a limit in force and as configured."""
    (line,) = (line for line in report.limits if line.name == f"limits.{name}")
    return line.limit, line.configured


def reads(commands: list[Command]) -> list[Read]:
    """Return what was told of the wallet."""
    rows = [each.row for each in only(commands, Record) if isinstance(each.row, RiskRow)]
    return [row.event for row in rows if isinstance(row.event, Read)]


def test_each_order_is_written_down_before_it_is_answered() -> None:
    """CB4, PS4a, EX9, ES5: with who and why; the answer follows the row's sync."""
    scene = Scene().begin()
    assert written(order(scene, PullLever("ann", "thin", "max_trade_eth", "2"))) == (
        LeverSet("max_trade_eth", "2", "ann", "thin"),
        "max_trade_eth is 2 from now on",
    )
    assert written(order(scene, ForceBreaker("ann", "rivals", BreakerOrder.OPEN)))[0] == BreakerForced(
        BreakerOrder.OPEN, "ann", "rivals"
    )
    assert written(order(scene, MoveCapital("ann", "savings", Moved.DEPOSIT, Wei(5))))[0] == CapitalMoved(
        Moved.DEPOSIT, Wei(5), "main", "ann", "savings"
    )
    assert written(order(scene, ResetBaselines("ann", "mended")))[0] == BaselinesReset("ann", "mended")


def test_what_is_beyond_is_refused_and_not_written() -> None:
    """PS1, EX9, I7: looser than configured, more than a pool holds, nameless; each in one line."""
    scene = Scene().begin()
    assert "cannot go beyond the configured" in refusal(
        order(scene, PullLever("ann", "why", "max_trade_eth", "11"))
    )
    too_much = MoveCapital("ann", "why", Moved.WITHDRAWAL, Wei(1_000 * ETHER))
    assert "does not hold that much" in refusal(order(scene, too_much))
    assert "--operator NAME" in refusal(order(scene, ForceBreaker("ann", " ", BreakerOrder.OPEN)))


def test_baselines_begin_with_the_wallet_as_it_is() -> None:
    """ES5: the wallet is told anew though nothing changed; without it nothing would open until it did."""
    scene = Scene().begin()
    assert reads(scene.read()) == []
    order(scene, ResetBaselines("ann", "mended"))
    assert len(reads(scene.read())) == 1
    assert reads(scene.read()) == []
    assert only(scene.trade(intent(not_after_s=1_100))[1], Record)


def test_an_unknown_position_is_not_closed() -> None:
    """PS5: closing what is not there is refused aloud; what is there is ordered."""
    scene = Scene().begin()
    close = PullLever("ann", "why", "close_position", "p-1")
    assert "there is no position p-1" in refusal(order(scene, close))
    position = Position("p-1", "main", "0x" + "01" * 20, "m", Wei(5), Wei(5), opened_ns=scene.now_ns)
    scene.core.ledger.apply(RiskRow(at_ns=scene.now_ns, event=Opened(position)))
    assert written(order(scene, close))[1] == "close_position p-1: ordered"


def test_only_what_is_pending_is_cancelled() -> None:
    """PS4a: a transaction that may still land is taken back at its nonce; another is refused aloud."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent())
    scene.legs(tx_hash, "accepted", "accepted", "accepted")
    cancel = PullLever("ann", "why", "cancel_transaction", tx_hash)
    other = msgspec.structs.replace(cancel, value="0x" + "12" * 32)
    assert "no transaction of ours is pending" in refusal(order(scene, other))
    (sign,) = only(order(scene, cancel), Sign)
    assert (sign.draft.purpose, sign.draft.replaces) == (Purpose.CANCEL, tx_hash)
    scene.read({tx_hash: scene.mined(tx_hash)})
    assert "no transaction of ours is pending" in refusal(order(scene, cancel))


def test_sizes_on_probation_are_told_as_they_count() -> None:
    """ES5, OP1a: limits in force are those of the probation; without a permit no size is blamed for it."""
    scene = Scene().begin()
    scene.size_percent = 25
    scene.submit(intent())
    assert limit_of(asked(scene), "max_trade_eth") == ("2.5", "10")
    assert limit_of(asked(scene), "max_positions") == ("10", "10")
    scene.size_percent = 0
    scene.submit(intent(2), gate=Refusal("permit.none", "the watchdog has given no permit"))
    assert limit_of(asked(scene), "max_trade_eth") == ("2.5", "10")
    assert asked(scene).blocked == ()


@pytest.mark.parametrize("began", [False, True])
def test_a_question_changes_nothing(*, began: bool) -> None:
    """OP1a: answered at once, also before the chain was read; then nothing is known, and that blocks."""
    scene = Scene()
    if began:
        scene.begin()
    report = asked(scene)
    assert (report.equity_wei is None, bool(report.blocked)) == (not began, not began)
