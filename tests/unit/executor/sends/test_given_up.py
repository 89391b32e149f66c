"""What may land although it was given up, and what may not although it was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tests.unit.executor.books.test_settlement import DEEP, HEAD, NOW, Desk, receipt
from tests.unit.executor.rows import leg, outcome, signed, tx
from tests.unit.executor.scene import GWEI, Scene, intent, only
from warden.domain.intents import TradeState
from warden.domain.modes import Action
from warden.executor.protocol.commands import Send, Sign
from warden.wire.rows import Purpose

if TYPE_CHECKING:
    from warden.executor.protocol.events import Receipt


def look(desk: Desk, found: dict[str, Receipt | None], **changed: int) -> None:
    """Read the chain once: only what is asked for is answered."""
    head = msgspec.structs.replace(HEAD, **changed)
    receipts = {tx_hash: found.get(tx_hash) for tx_hash in desk.settlement.wanted(head)}
    for row in desk.settlement.outcomes(msgspec.structs.replace(head, receipts=receipts), NOW):
        desk.book.apply(row)


def test_a_superseded_swap_that_lands_after_a_reorg_is_booked() -> None:
    """I6, EX8: the cancel is reorged out and the swap mined in its place: its figures belong in the book."""
    desk = Desk(signed(0), signed(1, nonce=0, purpose=Purpose.CANCEL, not_after_s=0, replaces=tx(0)))
    desk.look({tx(1): receipt(1)}, nonce=1)
    desk.look(nonce=1)  # the swap: superseded by its cancel
    for block in range(DEEP, DEEP + 20):
        look(desk, {tx(0): receipt(0, block=11, block_hash="0xother")}, block=block, nonce=1)
    entries = {entry.signed.tx_hash: entry.outcome.state for entry in desk.book.recent(10)}
    assert entries == {tx(0): TradeState.FINAL, tx(1): TradeState.SUPERSEDED}
    assert desk.book.totals.gain_wei == 9


def test_a_refused_one_that_lands_late_is_booked() -> None:
    """I6, EX3: all endpoints said no, one passed it on: it reverts late on the chain, and its gas is ours."""
    desk = Desk(signed(0), leg(0, "rejected"), outcome(0, TradeState.REJECTED))
    assert desk.states(timestamp_s=1_011) == [TradeState.RELEASED]
    for _ in range(5):
        look(desk, {tx(0): receipt(0, success=False)}, nonce=1, timestamp_s=1_020)
    assert desk.book.totals.gas_wei == 2


def test_a_released_one_whose_nonce_the_next_one_used_stays_released() -> None:
    """I6: the ordinary end of a refusal: the next trade landed at its nonce, and nothing is looked for."""
    desk = Desk(signed(0), leg(0, "rejected"), outcome(0, TradeState.RELEASED), signed(1, nonce=0))
    look(desk, {tx(1): receipt(1)}, nonce=1)
    for _ in range(3):
        look(desk, {tx(1): receipt(1)}, nonce=1)
    assert [entry.outcome.state for entry in desk.book.recent(10)] == [TradeState.MINED, TradeState.RELEASED]


def stuck_cancel() -> tuple[Scene, str]:
    """Return a scene whose trade was not mined and whose cancel every endpoint took."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent(1, not_after_s=1_003))
    scene.legs(tx_hash, "accepted", "accepted", "accepted")
    signs: list[Sign] = []
    while not signs:
        signs += only(scene.read(), Sign)
    cancel, _ = scene.sign(signs[0])
    scene.legs(cancel, "accepted", "accepted", "accepted")
    return scene, cancel


def test_a_cancel_that_became_too_cheap_is_replaced() -> None:
    """EX3: the base fee rises above what it pays: it is raised once, else nothing would trade again."""
    scene, cancel = stuck_cancel()
    assert only(scene.read(), Sign) == []
    (higher,) = only(scene.read(base_fee_wei=100 * GWEI), Sign)
    assert (higher.draft.nonce, higher.draft.replaces) == (0, cancel)
    assert higher.draft.max_fee_wei > 100 * GWEI
    second, _ = scene.sign(higher)
    scene.legs(second, "accepted", "accepted", "accepted")
    assert only(scene.read(base_fee_wei=100 * GWEI), Sign) == []


def test_a_cancel_that_a_reorg_took_back_is_sent_again() -> None:
    """EX8: it has no deadline, so that nobody else would ever free its nonce."""
    scene, cancel = stuck_cancel()
    scene.read({cancel: scene.mined(cancel)}, nonce=1)
    sends: list[Send] = []
    for _ in range(20):
        sends += only(scene.read({cancel: None}, nonce=0), Send)
    assert {send.tx_hash for send in sends} == {cancel}


def test_no_cancel_is_signed_for_a_closed_gate() -> None:
    """I7, EX3: while nothing may be cancelled none is drafted; once it may, all tries are still there."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent(1, not_after_s=1_003))
    scene.legs(tx_hash, "accepted", "accepted", "accepted")
    scene.core.allow(frozenset())
    for _ in range(20):
        assert only(scene.read(), Sign) == []
    scene.core.allow(frozenset({Action.CANCEL}))
    for _ in range(10):
        (sign,) = only(scene.read(), Sign)
        assert sign.draft.replaces == tx_hash
        cancel_hash, _ = scene.sign(sign)
        scene.legs(cancel_hash, "not-begun", "not-begun", "not-begun")
