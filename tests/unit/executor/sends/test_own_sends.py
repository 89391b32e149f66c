"""An operator's cancel of one transaction: once, whenever it can be, and never of what is not there."""

from __future__ import annotations

from tests.unit.executor.scene import Scene, intent, only
from warden.domain.intents import TradeState
from warden.domain.modes import Action
from warden.executor.protocol.commands import Command, Respond, Sign
from warden.executor.protocol.events import Ordered
from warden.wire.messages import OperatorReply
from warden.wire.orders import PullLever
from warden.wire.rows import Purpose


def waiting() -> tuple[Scene, str]:
    """Return an executor one of whose transactions waits to be mined."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent(not_after_s=2_000))
    scene.legs(tx_hash, "accepted", "accepted", "accepted")
    return scene, tx_hash


def cancel(scene: Scene, tx_hash: str) -> list[Command]:
    """Order a transaction to be cancelled."""
    return scene.tell(Ordered(b"o", PullLever("ann", "why", "cancel_transaction", tx_hash)))


def test_one_transaction_is_cancelled_once() -> None:
    """PS4a: at its own nonce; what is on the way already is not signed a second time, head after head."""
    scene, tx_hash = waiting()
    (sign,) = only(cancel(scene, tx_hash), Sign)
    assert (sign.draft.purpose, sign.draft.nonce, sign.draft.replaces) == (Purpose.CANCEL, 0, tx_hash)
    by, _ = scene.sign(sign)
    scene.legs(by, "accepted", "accepted", "accepted")
    assert only(cancel(scene, tx_hash), Sign) == []
    assert [only(scene.read(), Sign) for _ in range(5)] == [[]] * 5
    scene.read({by: scene.mined(by)}, nonce=1)
    scene.read(nonce=1)
    entry = scene.core.book.get(tx_hash)
    assert entry is not None
    assert entry.outcome.state is TradeState.SUPERSEDED
    state = scene.core.ledger.engine.state
    assert state.levers.orders == {}
    assert state.reservations.held == {}
    assert state.capital.held == {}


def test_a_cancel_waits_for_the_gate_and_for_the_chain() -> None:
    """PS4a: an order that cannot be carried out now is, as soon as it can be."""
    scene, tx_hash = waiting()
    scene.core.allow(frozenset())
    assert only(cancel(scene, tx_hash), Sign) == []
    assert only(scene.read(), Sign) == []
    scene.core.allow(frozenset(Action))
    (sign,) = only(scene.read(), Sign)
    assert sign.draft.replaces == tx_hash


def test_an_order_outlives_a_restart() -> None:
    """PS4a: it is journalled, and carried out by whoever reads it."""
    scene, tx_hash = waiting()
    scene.core.allow(frozenset())
    cancel(scene, tx_hash)
    again = Scene(rows=tuple(scene.rows))
    again.block = scene.block
    (sign,) = only(again.read(), Sign)
    assert sign.draft.replaces == tx_hash


def test_a_cancel_of_what_is_not_there_is_refused() -> None:
    """PS5: nothing is written down; the operator is told at once."""
    scene, tx_hash = waiting()
    scene.read({tx_hash: scene.mined(tx_hash)}, nonce=1)
    for gone in (tx_hash, "0x" + "9" * 64):
        rows = len(scene.rows)
        (respond,) = only(cancel(scene, gone), Respond)
        assert isinstance(respond.reply, OperatorReply)
        assert respond.reply.exit_code != 0
        assert len(scene.rows) == rows
