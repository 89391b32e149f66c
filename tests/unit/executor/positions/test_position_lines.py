"""What screens show of positions: cost, value, exits and what is wrong, in figures and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tests.unit.executor.position_scene import BOUGHT, GAS, PositionScene, opening
from tests.unit.executor.scene import ETHER, TERMS, TOKEN_A
from tests.unit.executor.sends.test_gate import ManualClock
from warden.domain.money import Wei
from warden.domain.risk.refusal import Refusal
from warden.executor.positions.position_lines import lines
from warden.executor.sends.gate import Gate
from warden.executor.status import picture
from warden.operator.position_text import change_bps, percent_text, position_text, worst
from warden.runtime.latch import Latch
from warden.wire.messages import Head
from warden.wire.telemetry import PositionLine

if TYPE_CHECKING:
    from pathlib import Path


def test_a_position_is_shown_with_its_value_and_its_exits() -> None:
    """SL1, CO1: at which values it is sold; the trailing stop once it is armed; what it would bring."""
    scene = PositionScene()
    scene.begin()
    position_id = scene.open(opening(stop_loss_bps=2_000))
    scene.look()
    (line,) = lines(scene.core.ledger)
    assert (line.id, line.token, line.amount, line.size_wei) == (position_id, TOKEN_A, BOUGHT, ETHER)
    assert (line.stop_wei, line.take_wei, line.trail_wei) == (ETHER * 80 // 100, ETHER * 125 // 100, None)
    assert line.value_wei is not None
    assert line.pnl_wei == line.value_wei - ETHER
    assert (line.protected, line.why, line.leaving) == (True, "", "")
    scene.price = scene.price * 110 // 100
    scene.look()
    (line,) = lines(scene.core.ledger)
    assert line.trail_wei is not None
    assert line.trail_wei > ETHER
    assert "trail +4." in position_text(line)


def test_what_nothing_protects_says_so() -> None:
    """SL1: UNPROTECTED, with the reason, in words."""
    scene = PositionScene()
    scene.begin()
    scene.open()
    scene.exits_refused = Refusal("mode", "OBSERVE_ONLY does not allow exits")
    for _ in range(6):
        scene.look()
    (line,) = lines(scene.core.ledger)
    assert not line.protected
    assert "UNPROTECTED" in position_text(line)
    assert "OBSERVE_ONLY" in position_text(line)


def test_one_that_is_being_sold_says_why() -> None:
    """SL1: the reason stands there until it is gone."""
    scene = PositionScene()
    scene.begin()
    scene.open()
    scene.price = scene.price * 8 // 10
    scene.look()
    (line,) = lines(scene.core.ledger)
    assert line.leaving == "stop-loss"
    assert "being sold: stop-loss" in position_text(line)
    assert worst([line]) == line


def test_percents_are_exact_and_unknown_is_said() -> None:
    """I10: no value is no figure."""
    assert [percent_text(each) for each in (0, 1_000, -995, 5, None)] == [
        "+0.0 %",
        "+10.0 %",
        "-9.9 %",
        "+0.0 %",
        "unknown",
    ]
    assert (change_bps(None, 1), change_bps(1, 0), change_bps(90, 100)) == (None, None, -1_000)
    assert worst([]) is None


def test_the_worst_is_one_that_nothing_protects() -> None:
    """SL1: before any that has lost more; of those that are protected the one that has lost most."""
    bare = PositionLine("m", Wei(100), "", protected=False, id="bare", value_wei=Wei(130), why="no reserves")
    dark = msgspec.structs.replace(bare, id="dark", value_wei=None)
    lost = msgspec.structs.replace(bare, id="lost", value_wei=Wei(10), protected=True, why="")
    won = msgspec.structs.replace(lost, id="won", value_wei=Wei(110))
    assert worst([won, lost]) == lost
    assert worst([msgspec.structs.replace(dark, protected=True)]) is None
    assert worst([won, lost, bare]) == bare
    assert worst([won, lost, bare, dark]) == dark


def test_a_trade_of_a_position_shows_what_it_realised(tmp_path: Path) -> None:
    """PL1: a purchase its gas, a sale what came less its share of the cost less gas; not what moved."""
    scene = PositionScene()
    scene.begin()
    scene.open()
    scene.price = scene.price * 8 // 10
    tx_hash, _ = scene.sell_off(scene.look())
    scene.mine(tx_hash, weth=8 * ETHER // 10, token=-BOUGHT)
    latch = Latch(tmp_path / "stop")
    latch.create()
    gate = Gate(latch, ManualClock(), boot_id="boot", session="me")
    head = Head(journal="executor", rows=1, hash="00")
    status = picture(scene.core, gate, TERMS, scene.now(), session="me", head=head)
    sale, purchase = status.recent_trades[:2]
    assert (sale.net_wei, purchase.net_wei) == (-2 * ETHER // 10 - GAS, -GAS)
    assert (status.net_wei, status.wins, status.trades) == (-2 * ETHER // 10 - 2 * GAS, 0, 2)
    assert status.positions == ()
