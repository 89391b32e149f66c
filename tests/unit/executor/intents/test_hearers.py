"""Who hears of an exit: the strategy whose position it is, where it is now, and nobody else (SL1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.executor.position_scene import BOUGHT, PositionScene, opening, selling
from tests.unit.executor.scene import ETHER, TERMS, TRADER, only
from warden.domain.intents import TradeState, TradeUpdate
from warden.domain.risk.books import CapitalLimits, PoolWeight
from warden.domain.risk.refusal import Refusal
from warden.executor.protocol.commands import Command, Reply
from warden.executor.protocol.events import CleanupAllowed, Ordered, Submitted
from warden.wire.messages import Progress
from warden.wire.orders import PullLever
from warden.wire.rows import SignedRow

if TYPE_CHECKING:
    from warden.executor.protocol.terms import Terms

AGAIN, OTHER = b"another process", b"another strategy"
NOT_YOURS = Refusal("session", "that is the session of another strategy's trader")
SHARED = CapitalLimits(pools=(PoolWeight("arb"), PoolWeight("mom")))
SEVERAL = msgspec.structs.replace(
    TERMS,
    strategies=("arb", "mom"),
    pool="arb",
    risk=msgspec.structs.replace(TERMS.risk, capital=SHARED),
)


def stage(terms: Terms = TERMS, rows: tuple[object, ...] = ()) -> PositionScene:
    """Return a scene that knows its chain."""
    scene = PositionScene(terms, rows).begin()  # type: ignore[arg-type] # rows of another scene
    assert isinstance(scene, PositionScene)
    return scene


def told(commands: list[Command]) -> list[tuple[bytes, TradeUpdate]]:
    """Return who is told what of transactions."""
    replies = [(each.identity, each.message) for each in only(commands, Reply)]
    return [(identity, message.update) for identity, message in replies if isinstance(message, Progress)]


def close(scene: PositionScene, position_id: str, *, success: bool = True) -> list[Command]:
    """Have an operator close a position, and let its sale be mined."""
    scene.tell(Ordered(b"op", PullLever("ann", "enough", "close_position", position_id)))
    tx_hash, _ = scene.sell_off(scene.look())
    return scene.mine(tx_hash, weth=9 * ETHER // 10, token=-BOUGHT, success=success)


def test_an_exit_is_told_with_its_position_its_reason_and_its_figures() -> None:
    """SL1: by the receipt, to the one process; the strategy's own trades have no such reason."""
    scene = stage()
    position_id = scene.open()
    scene.price = scene.price * 80 // 100
    tx_hash, _ = scene.sell_off(scene.look())
    ((identity, update),) = told(scene.mine(tx_hash, weth=8 * ETHER // 10, token=-BOUGHT))
    assert (identity, update.position, update.exit) == (TRADER, position_id, "stop-loss")
    assert (update.state, update.tx_hash) == (TradeState.MINED, tx_hash)
    assert update.net_wei is not None
    assert update.net_wei == 8 * ETHER // 10 - (update.gas_wei or 0) < 8 * ETHER // 10


def test_a_reverted_exit_and_one_that_a_reorg_takes_back_are_told() -> None:
    """SL1, EX8: whoever was told that it was sold hears that it was not."""
    scene = stage()
    position_id = scene.open()
    commands = close(scene, position_id, success=False)
    ((_, reverted),) = told(commands)
    assert (reverted.state, reverted.exit) == (TradeState.REVERTED, "ordered")
    tx_hash, _ = scene.sell_off(commands)
    scene.mine(tx_hash, weth=ETHER, token=-BOUGHT)
    scene.receipts[tx_hash] = None
    scene.weth, scene.token = scene.weth - ETHER, BOUGHT
    again = [update for _ in range(2) for _, update in told(scene.look())]
    assert [(each.state, each.position, each.exit) for each in again] == [
        (TradeState.REORGED, position_id, "ordered")
    ]


def test_what_a_stop_sells_is_called_flatten() -> None:
    """ES6: an operator's stop, not an operator's lever."""
    scene = stage()
    position_id = scene.open()
    scene.exits_refused = Refusal("stop", "stopped")
    scene.tell(CleanupAllowed(("s1",), (), (position_id,)))
    tx_hash, _ = scene.sell_off(scene.look())
    ((_, update),) = told(scene.mine(tx_hash, weth=ETHER, token=-BOUGHT))
    assert update.exit == "flatten"


def test_it_is_told_to_the_process_that_is_there_now() -> None:
    """SL1: after a trader's restart to the new one, from its first intent on, be that refused by a limit."""
    scene = stage()
    position_id = scene.open()
    refused = opening(90, amount_wei=10**6 * ETHER)
    scene.tell(Submitted(refused, AGAIN, gate=None, size_percent=100))
    assert [identity for identity, _ in told(close(scene, position_id))] == [AGAIN]


@pytest.mark.parametrize("gate", [None, NOT_YOURS])
def test_a_sale_under_reduce_only_proves_who_asks_and_a_refused_session_does_not(
    gate: Refusal | None,
) -> None:
    """I8: where the gate lets nothing of it in, an intent takes over nothing."""
    scene = stage()
    position_id = scene.open()
    mode = Refusal("mode", "REDUCE_ONLY does not allow to open")
    sale = selling(91, 10**30)
    scene.tell(Submitted(sale, OTHER, gate=gate or mode, size_percent=100, reduce_gate=gate))
    expected = TRADER if gate else OTHER
    assert [identity for identity, _ in told(close(scene, position_id))] == [expected]


def test_a_bot_does_not_take_its_strategys_place() -> None:
    """EX12: it sends in the strategy's name through the gateway, which is no strategy."""
    scene = stage()
    position_id = scene.open()
    sent = Submitted(opening(95), OTHER, gate=None, size_percent=100, by_bot=True)
    scene.tell(sent)
    assert [identity for identity, _ in told(close(scene, position_id))] == [TRADER]


def test_another_strategy_hears_nothing() -> None:
    """SL1: of several each its own alone, and of one alone none that has taken another's place."""
    scene = stage(SEVERAL)
    position_id = scene.open(msgspec.structs.replace(opening(), strategy="arb"))
    theirs = msgspec.structs.replace(opening(92), strategy="mom")
    scene.tell(Submitted(theirs, OTHER, gate=None, size_percent=100))
    assert [identity for identity, _ in told(close(scene, position_id))] == [TRADER]
    scene = stage()
    position_id = scene.open()
    newer = msgspec.structs.replace(opening(93), strategy="newer")
    scene.tell(Submitted(newer, OTHER, gate=None, size_percent=100))
    assert told(close(scene, position_id)) == []


def test_what_came_to_pass_before_anybody_listened_is_told_once_to_who_does() -> None:
    """SL1: after the executor's own restart: in order, to the strategy's own process, and never again."""
    before = stage()
    position_id = before.open()
    scene = stage(rows=tuple(before.rows))
    scene.receipts, scene.weth, scene.token = before.receipts, before.weth, before.token
    scene.block, scene.signed = before.block, before.signed
    hearers = scene.core.hearers
    scene.tell(Ordered(b"op", PullLever("ann", "enough", "close_position", position_id)))
    tx_hash, _ = scene.sell_off(scene.look())
    assert told(scene.mine(tx_hash, weth=ETHER, token=-BOUGHT)) == []
    ((identity, update),) = told(list(hearers.listens("test", AGAIN)))
    assert (identity, update.tx_hash, update.state) == (AGAIN, tx_hash, TradeState.MINED)
    assert hearers.listens("test", AGAIN) == []
    # From then on at once, and to whoever listens last.
    assert hearers.listens("test", TRADER) == []
    scene.receipts[tx_hash] = None
    scene.weth, scene.token = scene.weth - ETHER, BOUGHT
    again = [each for _ in range(2) for each in told(scene.look())]
    assert [(name, each.state) for name, each in again] == [(TRADER, TradeState.REORGED)]


def test_another_strategys_process_is_told_nothing_that_waited() -> None:
    """SL1, I8: what waits is for the strategy whose position it was; too much of it is cut to the newest."""
    scene = stage(SEVERAL)
    position_id = scene.open(msgspec.structs.replace(opening(), strategy="arb"))
    scene.core.hearers._latest.clear()
    assert told(close(scene, position_id)) == []
    assert scene.core.hearers.listens("mom", OTHER) == []
    assert len(scene.core.hearers.listens("arb", AGAIN)) == 1
    # Where there is one pool alone, another strategy that has taken its place is told nothing either.
    one = stage()
    position_id = one.open()
    one.core.hearers._latest.clear()
    assert told(close(one, position_id)) == []
    assert one.core.hearers.listens("newer", OTHER) == []
    entry = next(iter(scene.core.book.recent(1)))
    scene.core.hearers._latest.clear()
    for _ in range(100):
        scene.core.hearers.told(entry, entry.outcome, None)
    assert len(scene.core.hearers.listens("arb", AGAIN)) == 64


def test_after_the_executors_restart_it_waits_for_nobody() -> None:
    """SL1: it sells all the same, and tells whoever has spoken since; rows of before name no reason."""
    before = stage()
    position_id = before.open()
    scene = stage(rows=tuple(before.rows))
    scene.receipts, scene.weth, scene.token = before.receipts, before.weth, before.token
    scene.block, scene.signed = before.block, before.signed
    scene.tell(Ordered(b"op", PullLever("ann", "enough", "close_position", position_id)))
    tx_hash, _ = scene.sell_off(scene.look())
    assert told(scene.mine(tx_hash, weth=ETHER, token=-BOUGHT)) == []
    # The reorg of that sale, told by an executor that was started once more: its row kept no reason then.
    older = tuple(
        msgspec.structs.replace(row, exit_reason="") if isinstance(row, SignedRow) else row
        for row in scene.rows
    )
    last = stage(rows=older)
    last.block, last.signed = scene.block, scene.signed
    last.receipts = {**scene.receipts, tx_hash: None}
    last.submit(opening(94))
    updates = [update for _ in range(3) for _, update in told(last.look())]
    assert [(each.state, each.exit) for each in updates] == [(TradeState.REORGED, "unknown")]
