"""A stop's clean-up: only under its own leave, only at its nonces, and reported (ES6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.executor.scene import Scene, intent, only
from tests.unit.executor.sends.test_gate import LIFE_NS, PERMIT, START_NS, TICKET, ManualClock
from warden.domain.modes import Action
from warden.domain.stops import Stop
from warden.executor.protocol.commands import Record, Send, Sign, Tell
from warden.executor.protocol.events import CleanupAllowed, CleanupOver
from warden.executor.sends.gate import Gate
from warden.runtime.latch import Latch
from warden.wire.messages import CleanupPermit
from warden.wire.rows import CleanupRow, Purpose

if TYPE_CHECKING:
    from pathlib import Path

ALLOWED = CleanupAllowed(stop_ids=("s",), nonces=(0,))


def sent(scene: Scene) -> str:
    """Have one trade taken by every endpoint and return its hash."""
    tx_hash, _ = scene.trade(intent(1, not_after_s=2_000))
    scene.legs(tx_hash, "accepted", "accepted", "accepted")
    return tx_hash


def reports(scene: Scene) -> list[CleanupRow]:
    """Return the clean-up reports that were journalled."""
    return [row for row in scene.rows if isinstance(row, CleanupRow)]


def test_what_may_still_land_is_cancelled_at_its_own_nonce() -> None:
    """ES6 cancel: a same-nonce replacement, durable before it is sent, under the clean-up's ticket only."""
    scene = Scene().begin()
    tx_hash = sent(scene)
    (sign,) = only(scene.tell(ALLOWED), Sign)
    assert (sign.draft.purpose, sign.draft.nonce, sign.draft.replaces) == (Purpose.CANCEL, 0, tx_hash)
    cancel_hash, commands = scene.sign(sign)
    (record,) = [each for each in only(commands, Record) if each.then]
    (send,) = record.then
    assert isinstance(send, Send)
    assert (send.ticket.action, send.ticket.cleanup_nonce) == (Action.CANCEL, 0)
    assert only(scene.tell(ALLOWED), Sign) == []
    scene.legs(cancel_hash, "accepted", "accepted", "accepted")
    scene.read(receipts={cancel_hash: scene.mined(cancel_hash, gain_wei=0)}, nonce=1)
    scene.read(nonce=1)
    assert reports(scene) == [CleanupRow(stop_ids=("s",), cancelled=(tx_hash,), landed=(), left=())]


def test_a_cancel_that_has_landed_is_not_signed_once_more() -> None:
    """I6, CB3: until the swap is seen to be superseded the leave is renewed: no cancel is begun again."""
    scene = Scene().begin()
    sent(scene)
    (sign,) = only(scene.tell(ALLOWED), Sign)
    cancel_hash, _ = scene.sign(sign)
    scene.legs(cancel_hash, "accepted", "accepted", "accepted")
    scene.read(receipts={cancel_hash: scene.mined(cancel_hash, gain_wei=0)}, nonce=1)
    assert only(scene.tell(ALLOWED), Sign) == []
    # Nor where the nonce is known to be consumed, and by whom is not yet.
    other = Scene().begin()
    sent(other)
    other.read(nonce=1)
    assert only(other.tell(ALLOWED), Sign) == []


def test_what_landed_all_the_same_is_said() -> None:
    """ES6: the report is what the chain shows, not what was tried."""
    scene = Scene().begin()
    tx_hash = sent(scene)
    (sign,) = only(scene.tell(ALLOWED), Sign)
    scene.sign(sign)
    scene.read(receipts={tx_hash: scene.mined(tx_hash)}, nonce=1)
    assert reports(scene) == [CleanupRow(stop_ids=("s",), cancelled=(), landed=(tx_hash,), left=())]


def test_what_is_left_when_the_leave_ends_is_named() -> None:
    """ES3, ES6: a clean-up that ran out of time names what may still land, with the runbook's page."""
    scene = Scene().begin()
    tx_hash = sent(scene)
    scene.tell(ALLOWED)
    (tell,) = only(scene.tell(CleanupOver()), Tell)
    assert (tell.kind, tell.severity, tell.runbook) == ("cleanup.left", "warning", "emergency-stop")
    assert tx_hash in tell.message
    assert reports(scene) == [CleanupRow(stop_ids=("s",), cancelled=(), landed=(), left=(tx_hash,))]


def test_other_nonces_are_left_alone() -> None:
    """A leave names its nonces: nothing else is touched."""
    scene = Scene().begin()
    sent(scene)
    assert scene.tell(CleanupAllowed(stop_ids=("s",), nonces=(7,))) == []


def test_what_was_never_sent_needs_no_cancel() -> None:
    """A signed transaction of which no byte left is released, not replaced."""
    scene = Scene().begin()
    scene.trade(intent(1))
    assert only(scene.tell(ALLOWED), Sign) == []


@pytest.fixture
def latch(tmp_path: Path) -> Latch:
    """Return a stop directory with one stop in it."""
    made = Latch(tmp_path / "stop")
    made.create()
    made.write(Stop(stop_id="s", policy="cancel"))
    return made


LEAVE = CleanupPermit(
    boot_id="boot",
    executor_session="me",
    watchdog_session="dog",
    seq=1,
    stop_ids=("s",),
    policy="cancel",
    nonces=(3, 4),
    issued_ns=START_NS,
    expires_ns=START_NS + LIFE_NS,
)
CLEANUP = msgspec.structs.replace(TICKET, action=Action.CANCEL, trader_session="", cleanup_nonce=3)


def why(gate: Gate, **changed: object) -> str:
    """Return why the clean-up's ticket is refused, empty when it is not."""
    refusal = gate.refusal(msgspec.structs.replace(CLEANUP, **changed))
    return "" if refusal is None else refusal.message


def test_the_gate_opens_for_the_clean_up_and_for_nothing_else(latch: Latch) -> None:
    """I3: under a stop only a cancel at a named nonce passes; an ordinary ticket does not, nor an opening."""
    gate = Gate(latch, ManualClock(), boot_id="boot", session="me")
    gate.accept(PERMIT)
    assert why(gate) == "the watchdog has given no leave to clean up"
    assert gate.accept(LEAVE) == ""
    assert why(gate) == ""
    assert why(gate, cleanup_nonce=5) == "it was not given for this nonce"
    assert why(gate, action=Action.OPEN) == "it was not given for this nonce"
    ordinary = gate.refusal(TICKET)
    assert ordinary is not None
    assert ordinary.rule == "stop"


def test_another_stop_makes_the_leave_void(latch: Latch) -> None:
    """A stop that came later may say hold: nothing passes until the watchdog has looked at it."""
    gate = Gate(latch, ManualClock(), boot_id="boot", session="me")
    gate.accept(LEAVE)
    latch.write(Stop(stop_id="t"))
    assert why(gate) == "another stop stands than those it was given for"
    latch.clear("t")
    gate.heard_stops = frozenset({"u"})
    assert why(gate) == "another stop stands than those it was given for"


def test_more_stops_than_are_read_make_the_leave_void(latch: Latch) -> None:
    """I3: of sixty-five stops one is not read: it may be the one that says hold."""
    names = [f"s{number:03}" for number in range(65)]
    (latch.path / "s").unlink()
    for name in names[:64]:
        (latch.path / name).touch()
    gate = Gate(latch, ManualClock(), boot_id="boot", session="me")
    gate.accept(msgspec.structs.replace(LEAVE, stop_ids=tuple(names[:64])))
    assert why(gate) == ""
    (latch.path / names[64]).touch()
    assert why(gate) == "another stop stands than those it was given for"


def test_without_a_stop_there_is_nothing_to_clean_up(latch: Latch) -> None:
    """I7: a leave of before a recovery sends nothing after it; nor does one that ran out."""
    clock = ManualClock()
    gate = Gate(latch, clock, boot_id="boot", session="me")
    gate.accept(LEAVE)
    gate.halted = "journal broken"
    assert why(gate) == "journal broken"
    gate.halted = ""
    latch.clear("s")
    assert why(gate) == "no stop stands any more"
    latch.write(Stop(stop_id="s2"))
    clock.now_ns = LEAVE.expires_ns
    assert why(gate) == "the watchdog has given no leave to clean up"


def test_a_replayed_leave_is_refused(latch: Latch) -> None:
    """DESIGN §3: another boot, session or an old number: refused."""
    gate = Gate(latch, ManualClock(), boot_id="boot", session="me")
    gate.accept(LEAVE)
    assert gate.accept(LEAVE) == "older than the one in force (1 after 1)"
    assert gate.accept(msgspec.structs.replace(LEAVE, seq=2, boot_id="x")) == "of another boot"
