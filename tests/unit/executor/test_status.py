"""The executor's picture of itself: what is too old to count is not shown."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.unit.executor.scene import GWEI, TERMS, Scene
from tests.unit.executor.sends.test_gate import ManualClock
from warden.executor.books.risk_report import report
from warden.executor.sends.gate import Gate
from warden.executor.status import picture
from warden.runtime.latch import Latch
from warden.wire.messages import Head

if TYPE_CHECKING:
    from pathlib import Path


def price_of(scene: Scene, path: Path) -> str:
    """Return the price in USD as screens are told it."""
    latch = Latch(path / "stop")
    latch.create()
    gate = Gate(latch, ManualClock(), boot_id="boot", session="me")
    head = Head(journal="executor", rows=1, hash="00")
    shown = picture(scene.core, gate, TERMS, scene.now(), session="me", head=head).price_usd
    assert report(scene.core.ledger.engine, ["main"], GWEI, scene.now_ns).price_usd == shown
    return shown


def test_i10_a_price_that_vanished_is_not_shown_once_it_is_too_old_to_count(tmp_path: Path) -> None:
    """I10, PS1: to the nanosecond as long as the limits believe it; the next one is shown again."""
    life_ns = TERMS.risk.levers.trade.price_life_ns
    assert life_ns is not None
    scene = Scene()
    assert price_of(scene, tmp_path) == ""
    scene.begin(price_usd=Decimal(2_000))  # type: ignore[arg-type] # a head's field
    assert price_of(scene, tmp_path) == "2000.00"
    scene.now_ns += life_ns - 1
    assert price_of(scene, tmp_path) == "2000.00"
    scene.now_ns += 1
    assert price_of(scene, tmp_path) == ""
    for _ in range(3):
        scene.read(None, price_usd=Decimal(2_001))  # type: ignore[arg-type] # as above
    assert price_of(scene, tmp_path) == "2001.00"
