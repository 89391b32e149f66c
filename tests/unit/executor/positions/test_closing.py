"""Exits on their way: decided once, sold once, by size, whatever fails in between (SL1, EX3, ES6)."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.executor.position_scene import BOUGHT, PositionScene, opening, selling
from tests.unit.executor.scene import ETHER, TERMS, TOKEN_A, WETH, only
from tests.unit.executor.test_core import rule_of
from warden.domain.modes import Action
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.round_trip import RoundTrip
from warden.executor.protocol.commands import Send, Sign, Simulate, Tell
from warden.executor.protocol.events import (
    CleanupAllowed,
    CleanupOver,
    Ordered,
    Simulated,
    SimulationFailed,
    Tick,
)
from warden.wire.orders import PullLever
from warden.wire.rows import Purpose

STOPPED = Refusal("stop", "stopped: an operator recovers")


def fallen(scene: PositionScene, percent: int = 20) -> PositionScene:
    """Let the token fall."""
    scene.price = scene.price * (100 - percent) // 100
    return scene


def test_a_stop_loss_sells_all_of_it_once() -> None:
    """SL1: the sale is of the whole position, takes no less than its value less slippage, and ends it."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    position_id = scene.open()
    assert scene.held == {position_id: BOUGHT}
    assert only(scene.look(), Simulate) == []
    commands = fallen(scene).look()
    tx_hash, after = scene.sell_off(commands)
    (send,) = [each for record in after if hasattr(record, "then") for each in record.then]
    assert isinstance(send, Send)
    assert (send.ticket.action, send.ticket.protective, send.ticket.trader_session) == (
        Action.REDUCE,
        True,
        "",
    )
    signed = scene.exit_entry().signed
    assert (signed.position_id, signed.action, signed.path[-1]) == (position_id, Action.REDUCE, WETH)
    for _ in range(3):
        assert only(scene.look(), Simulate) == []  # one at a time, whatever the price does
    scene.mine(tx_hash, weth=8 * ETHER // 10, token=-BOUGHT)
    assert scene.held == {}
    assert scene.core.ledger.engine.state.exits.guards == {}
    trade = scene.core.ledger.engine.state.profit_loss.recent[-1]
    assert (trade.kind, trade.gross_wei) == ("swap", -2 * ETHER // 10)


def test_the_slippage_widens_with_each_failure_up_to_a_bound() -> None:
    """SL1: an exit that reverts is decided again at the next block, at a lower least amount."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    position_id = scene.open()
    least = []
    fallen(scene)
    for _ in range(6):
        (simulate,) = only(scene.look(), Simulate)
        least.append(int.from_bytes(simulate.data[4 + 32 : 4 + 64]))
        scene.tell(SimulationFailed(simulate.intent_id, refused=True, text="INSUFFICIENT_OUTPUT_AMOUNT"))
    value = least[0] * 100 // 97
    assert [round(100 - 100 * each / value) for each in least] == [3, 6, 12, 20, 20, 20]
    guard = scene.core.ledger.engine.state.exits.guards[position_id]
    assert guard.failures == 6
    assert guard.gap is not None  # and it is UNPROTECTED by then


def test_an_exit_that_never_left_says_nothing_of_the_price() -> None:
    """SL1: the gate closed before its first byte: sold again at the same slippage, and seen as a failure."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    position_id = scene.open()
    least = []
    fallen(scene)
    commands = scene.look()
    for _ in range(3):
        (simulate,) = only(commands, Simulate)
        least.append(int.from_bytes(simulate.data[4 + 32 : 4 + 64]))
        tx_hash, _ = scene.sell_off(commands)
        scene.legs(tx_hash, *("not-begun",) * 3)
        commands = scene.look()
    assert len(set(least)) == 1
    guard = scene.core.ledger.engine.state.exits.guards[position_id]
    assert (guard.failures, guard.untried) == (3, 3)
    assert guard.gap is not None  # an exit that can never leave protects nothing


def test_a_reverted_exit_is_tried_again_and_an_unknown_one_is_not() -> None:
    """EX3: nothing else sells until the chain has told; a revert costs its gas and nothing more."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    position_id = scene.open()
    tx_hash, _ = scene.sell_off(fallen(scene).look())
    scene.legs(tx_hash, "unknown", "unknown", "unknown")
    for _ in range(5):
        assert only(scene.look(), Simulate) == []
    commands = scene.mine(tx_hash, success=False)
    (simulate,) = only(commands, Simulate)
    assert simulate.intent_id != scene.exit_entry().signed.intent_id
    assert scene.held == {position_id: BOUGHT}


def test_two_answers_that_never_came_and_it_is_signed_untried() -> None:
    """SL1: a stop-loss does not wait for a simulator for ever."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    scene.open()
    (first,) = only(fallen(scene).look(), Simulate)
    assert only(scene.tell(SimulationFailed(first.intent_id, refused=False, text="dead")), Sign) == []
    (second,) = only(scene.look(), Simulate)
    (sign,) = only(scene.tell(SimulationFailed(second.intent_id, refused=False, text="dead")), Sign)
    assert sign.draft.gas >= 200_000


def test_an_answer_that_is_late_counts_as_none() -> None:
    """Bounded waits: five seconds, then it is asked again, then it is signed untried."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    scene.open()
    fallen(scene).look()
    scene.now_ns += 6 * 10**9
    (again,) = only(scene.look(), Simulate)
    assert again.intent_id.startswith("exit-")
    scene.now_ns += 6 * 10**9
    (sign,) = only(scene.look(), Sign)
    assert sign.draft.purpose is Purpose.EXIT


def test_what_the_router_may_not_take_is_approved_first() -> None:
    """EX7: exactly what is held, with the exit's own leave; the sale follows when that is mined."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    position_id = scene.open()
    scene.allowance = 5
    (trial,) = only(fallen(scene).look(), Simulate)
    assert trial.to == TOKEN_A
    (sign,) = only(scene.tell(Simulated(trial.intent_id, 50_000)), Sign)
    assert (sign.draft.purpose, sign.draft.action) == (Purpose.APPROVE, Action.REDUCE)
    assert int.from_bytes(sign.data[-32:]) == BOUGHT
    tx_hash, commands = scene.sign(sign)
    (send,) = [each for record in commands if hasattr(record, "then") for each in record.then]
    assert isinstance(send, Send)
    assert (send.ticket.action, send.ticket.protective) == (Action.REDUCE, True)
    assert only(scene.look(), Simulate) == []
    scene.allowance = BOUGHT
    (sale,) = only(scene.mine(tx_hash), Simulate)
    assert position_id in sale.intent_id


def test_a_barred_gate_waits_a_moment_then_everything_is_unprotected() -> None:
    """SL1: no exit is signed for a closed gate; after three seconds that is CRITICAL, once."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    position_id = scene.open()
    scene.exits_refused = Refusal("permit.exits", "the watchdog is gone")
    fallen(scene)
    told = [each for _ in range(8) for each in only(scene.look(), Tell)]
    assert [each.kind for each in told if each.severity == "critical"] == ["position.unprotected"]
    assert scene.core.ledger.engine.state.exits.barred.startswith("permit.exits")
    scene.exits_refused = None
    simulates = [each for _ in range(3) for each in only(scene.look(), Simulate)]
    assert len(simulates) == 1
    assert position_id in simulates[0].intent_id


def test_a_restart_decides_again_what_was_never_signed() -> None:
    """EX2: decided and not signed is decided anew; signed is left to the chain."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    position_id = scene.open()
    fallen(scene).look()
    rows = tuple(scene.rows)
    again = PositionScene(TERMS, rows)
    again.now_ns, again.block, again.price, again.token = scene.now_ns, scene.block, scene.price, scene.token
    again.weth, again.native, again.receipts = scene.weth, scene.native, scene.receipts
    for command in again.core.begin(again.now()):
        again.rows += [command.row] if hasattr(command, "row") else []
    again.begin(trading_balance_wei=again.weth, gas_balance_wei=again.native)
    (anew,) = only(again.look(), Simulate)
    assert again.core.ledger.engine.state.exits.guards[position_id].untried == 1
    before = next(iter(scene.core._closing._trials.values()))
    assert int.from_bytes(anew.data[4 + 32 : 4 + 64]) == before.least_wei
    # And once it is signed, a restart leaves it to the chain.
    (trial,) = scene.core._closing._trials.values()
    tx_hash, _ = scene.sell_off([Simulate(trial.intent_id, "", b"", ())])
    third = PositionScene(TERMS, tuple(scene.rows))
    third.now_ns, third.block, third.signed = scene.now_ns, scene.block, scene.signed
    third.price, third.token, third.weth, third.native = scene.price, scene.token, scene.weth, scene.native
    assert [each for each in third.core.begin(third.now()) if hasattr(each, "row")] == []
    assert only(third.look(), Simulate) == []
    assert third.core.book.get(tx_hash) is not None
    assert third.held == {position_id: BOUGHT}


def test_an_operator_closes_a_position_by_name() -> None:
    """PS4a, PS5: the lever sells it at once, though no threshold was reached; an unknown one is refused."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    position_id = scene.open()
    scene.tell(Ordered(b"op", PullLever("ann", "enough", "close_position", position_id)))
    tx_hash, _ = scene.sell_off(scene.look())
    scene.mine(tx_hash, weth=ETHER, token=-BOUGHT)
    assert scene.held == {}
    assert scene.core.ledger.engine.state.levers.orders == {}


def test_a_flatten_sells_what_its_leave_names_while_a_stop_stands() -> None:
    """ES6: barred for everything else; the ticket names the position; without leave nothing more is sold."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    position_id = scene.open()
    scene.exits_refused = STOPPED
    for _ in range(5):
        assert only(scene.look(), Simulate) == []
    scene.tell(CleanupAllowed(("s1",), (), (position_id,)))
    tx_hash, commands = scene.sell_off(scene.look())
    (send,) = [each for record in commands if hasattr(record, "then") for each in record.then]
    assert isinstance(send, Send)
    assert (send.ticket.cleanup_position, send.ticket.protective) == (position_id, False)
    scene.mine(tx_hash, weth=ETHER, token=-BOUGHT)
    assert scene.held == {}
    scene.tell(CleanupOver())


def test_a_flatten_without_leave_for_a_position_sells_nothing() -> None:
    """ES6: a clean-up that only cancels, or names another position, sells none."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    scene.open()
    scene.exits_refused = STOPPED
    scene.tell(CleanupAllowed(("s1",), (0, 1), ()))
    scene.tell(CleanupAllowed(("s1",), (), ("0" * 32,)))
    assert [each for _ in range(4) for each in only(scene.look(), Simulate)] == []


def test_a_strategy_sells_from_its_own_position_and_never_more() -> None:
    """PS5, FS4: by size, to the wei; not twice at once; what is not there is a typed refusal."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    position_id = scene.open()
    assert rule_of(scene.submit(selling(7, BOUGHT + 1))) == "position.amount"
    assert rule_of(scene.submit(selling(8, 1, position="f" * 32))) == "position.unknown"
    order = selling(9, BOUGHT // 4)
    (simulate,) = only(scene.submit(order), Simulate)
    assert rule_of(scene.submit(selling(10, BOUGHT // 4))) == "position.leaving"
    (sign,) = only(scene.tell(Simulated(simulate.intent_id, 150_000)), Sign)
    assert (sign.draft.purpose, sign.draft.action, sign.draft.position_id) == (
        Purpose.SWAP,
        Action.REDUCE,
        position_id,
    )
    assert sign.draft.spend_wei == 0
    tx_hash, _ = scene.sign(sign)
    assert rule_of(scene.submit(selling(11, BOUGHT // 4))) == "position.leaving"
    scene.mine(tx_hash, weth=3 * ETHER // 10, token=-BOUGHT // 4)
    assert scene.held == {position_id: BOUGHT - BOUGHT // 4}
    trade = scene.core.ledger.engine.state.profit_loss.recent[-1]
    assert trade.gross_wei == 3 * ETHER // 10 - ETHER // 4


def test_reducing_passes_where_opening_does_not() -> None:
    """FS4: under REDUCE_ONLY the gate lets a sale in, and nothing that opens."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    scene.open()
    mode = Refusal("mode", "REDUCE_ONLY does not allow to open")
    assert rule_of(scene.submit(opening(70), gate=mode)) == "mode"
    assert len(only(scene.submit(selling(71, 10), gate=mode), Simulate)) == 1


@pytest.mark.parametrize(
    ("proposal", "rule"),
    [
        ({"stop_loss_bps": 0}, "intent.triggers"),
        ({"stop_loss_bps": 5_001}, "intent.triggers"),
        ({"trailing_bps": 10_001}, "intent.triggers"),
        ({"whale": "bob"}, "intent.shape"),
        ({"position": "x"}, "intent.shape"),
        ({"action": Action.REDUCE}, "intent.action"),
        ({"action": Action.CANCEL}, "intent.action"),
    ],
)
def test_what_is_no_safe_position_is_refused(proposal: dict[str, object], rule: str) -> None:
    """SL1, EX1: exits that protect nothing, names of no form, and a purchase that is called a sale."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    assert rule_of(scene.submit(opening(5, **proposal))) == rule  # type: ignore[arg-type] # Proposal's keys


def test_own_exits_of_a_position_hold_from_its_opening_on() -> None:
    """SL1: tighter or looser than those of all, as its strategy proposed and the row says."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    scene.open(opening(stop_loss_bps=3_000))
    assert only(fallen(scene).look(), Simulate) == []
    assert len(only(fallen(scene).look(), Simulate)) == 1


def test_a_missing_token_shrinks_the_position_and_bars_opening() -> None:
    """EX9: from the first look on nothing is opened; after three blocks the loss is booked and told."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    position_id = scene.open()
    scene.token -= 100
    scene.look()
    assert rule_of(scene.submit(opening(50))) == "integrity.balance"
    told = [each.kind for _ in range(3) for each in only(scene.look(), Tell)]
    assert told.count("position.missing") == 1
    assert scene.held == {position_id: BOUGHT - 100}
    assert rule_of(scene.submit(opening(51))) == "token.distrusted"
    state = scene.core.ledger.engine.state
    assert state.profit_loss.recent[-1].gross_wei == -(ETHER * 100 // BOUGHT)


def test_dust_is_noted_and_never_counted() -> None:
    """EX9: more than booked is told once, belongs to no position and to no equity."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    position_id = scene.open()
    scene.look()
    equity = scene.core.ledger.engine.state.means.equity_wei
    scene.token += 10**24
    told = [each.kind for _ in range(6) for each in only(scene.look(), Tell)]
    assert told.count("position.dust") == 1
    assert scene.held == {position_id: BOUGHT}
    assert scene.core.ledger.engine.state.means.equity_wei == equity
    assert only(scene.submit(opening(60)), Simulate)


def test_money_on_its_way_into_a_position_is_not_lost() -> None:
    """ES1: between the balance that has fallen and the receipt that says why, equity stays."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    scene.submit(opening())
    scene.look()
    order = opening(2)
    (simulate,) = only(scene.submit(order), Simulate)
    terms = msgspec.structs.replace(simulate)
    assert terms.round_trip
    trip = RoundTrip(simulate.path[-1], BOUGHT, BOUGHT, ETHER, ETHER, decimals=18)
    (sign,) = only(scene.tell(Simulated(simulate.intent_id, 200_000, trip=trip)), Sign)
    tx_hash, _ = scene.sign(sign)
    scene.weth -= ETHER
    scene.token += BOUGHT
    scene.look()
    assert scene.core.ledger.engine.state.means.equity_wei == 51 * ETHER
    scene.weth += ETHER
    scene.token -= BOUGHT
    scene.mine(tx_hash, weth=-ETHER, token=BOUGHT)
    equity = scene.core.ledger.engine.state.means.equity_wei
    assert equity is not None
    assert 51 * ETHER - equity < ETHER // 100
    scene.tell(Tick())


def test_a_reorg_takes_the_position_back() -> None:
    """EX8: what bought it is gone, so is it; what sold it is gone, it is there again."""
    scene = PositionScene().begin()
    assert isinstance(scene, PositionScene)
    position_id = scene.open()
    tx_hash, _ = scene.sell_off(fallen(scene).look())
    scene.mine(tx_hash, weth=8 * ETHER // 10, token=-BOUGHT)
    assert scene.held == {}
    scene.receipts[tx_hash] = None
    scene.weth -= 8 * ETHER // 10
    scene.token += BOUGHT
    for _ in range(3):
        scene.look()
    assert scene.held == {position_id: BOUGHT}
    assert only(scene.look(), Simulate) == []  # its exit may still land
