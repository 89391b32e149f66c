"""The wallet's nonce on the chain against what the journal explains."""

from __future__ import annotations

import msgspec

from tests.unit.executor.rows import outcome, signed
from tests.unit.executor.scene import TERMS, Scene, intent, only
from tests.unit.executor.test_core import rule_of
from warden.domain.intents import TradeState
from warden.domain.stops import CleanUp, StopReason
from warden.executor.books.book import Book
from warden.executor.protocol.commands import DemandStop, Record, Simulate
from warden.executor.protocol.events import StopCleared
from warden.wire.rows import BaselineRow, ExecutorRow


def demands(scene: Scene, nonce: int, blocks: int = 3) -> list[str]:
    """Let blocks come with this nonce of the wallet and return the stops that are demanded."""
    found = []
    for _ in range(blocks):
        found += [demand.stop.stop_id for demand in only(scene.read(nonce=nonce), DemandStop)]
    return found


def baselines(scene: Scene) -> list[int]:
    """Return the baselines that were recorded."""
    return [row.nonce for row in scene.rows if isinstance(row, BaselineRow)]


def explained(*rows: ExecutorRow) -> int | None:
    """Return the nonce that a book of these rows explains."""
    book = Book()
    for row in rows:
        book.apply(row)
    return book.explained_nonce()


def test_a_new_journal_begins_with_what_the_chain_says() -> None:
    """I9: a wallet that was used before is taken as it is, once, and that is written down."""
    scene = Scene().begin(nonce=7)
    assert baselines(scene) == [7]
    assert demands(scene, 7) == []
    assert baselines(scene) == [7]


def test_what_the_journal_explains() -> None:
    """EX9: the baseline, what was mined, and what is open; nothing that was given up."""
    base = BaselineRow(nonce=3, time="")
    assert explained() is None
    assert explained(signed(9)) is None
    assert explained(base) == 3
    assert explained(base, signed(3)) == 4
    assert explained(base, signed(3), outcome(3, TradeState.RELEASED)) == 3
    assert explained(base, signed(3), outcome(3, TradeState.SUPERSEDED)) == 3
    assert explained(base, signed(3), outcome(3, TradeState.MINED)) == 4
    assert explained(base, signed(3), outcome(3, TradeState.REVERTED), signed(4)) == 5
    # What was consumed once may come back after a reorg.
    assert explained(base, signed(3), outcome(3, TradeState.MINED), outcome(3, TradeState.REORGED)) == 4


def test_it_is_explained_however_long_the_journal() -> None:
    """EX9: what the book has forgotten still explains its nonces."""
    rows: list[ExecutorRow] = [BaselineRow(nonce=0, time="")]
    for number in range(500):
        rows += [signed(number), outcome(number, TradeState.MINED), outcome(number, TradeState.FINAL)]
    assert explained(*rows) == 500


def test_a_nonce_beyond_it_is_a_breach_two_blocks_later() -> None:
    """EX9, I9: nothing is opened from the first look; what stays for two blocks is no slip and stops all."""
    scene = Scene().begin(nonce=7)
    assert only(scene.read(nonce=8), DemandStop) == []
    assert rule_of(scene.submit(intent(1, not_after_s=2_000))) == "integrity.nonce"
    assert only(scene.read(nonce=8), DemandStop) == []
    (demand,) = only(scene.read(nonce=8), DemandStop)
    assert demand.stop.stop_id == "foreign-transaction-8"
    assert demand.stop.reason == StopReason.SECURITY_BREACH
    assert demand.stop.policy == CleanUp.CANCEL
    assert "explains 7" in demand.stop.message
    assert demands(scene, 8, blocks=10) == []


def test_a_slip_of_one_look_is_none() -> None:
    """EX9: an endpoint that is wrong once stops nothing; what it delayed goes on."""
    scene = Scene().begin(nonce=7)
    for _ in range(5):
        assert demands(scene, 9, blocks=2) == []
        assert demands(scene, 7, blocks=1) == []
    assert only(scene.submit(intent(1, not_after_s=2_000)), Simulate)


def test_its_own_transactions_are_no_strangers() -> None:
    """EX9: what is open explains its nonce, mined or not."""
    scene = Scene().begin(nonce=7)
    tx_hash, _ = scene.trade(intent(1, not_after_s=2_000))
    scene.legs(tx_hash, "accepted", "accepted", "accepted")
    assert demands(scene, 7) == []
    scene.read({tx_hash: scene.mined(tx_hash)}, nonce=8)
    assert demands(scene, 8, blocks=30) == []


def test_a_recovery_accepts_what_it_named_and_nothing_beyond() -> None:
    """ES5, EX9: the operator looked at transactions up to 8; a ninth is another breach."""
    scene = Scene().begin(nonce=7)
    assert demands(scene, 8) == ["foreign-transaction-8"]
    scene.tell(StopCleared("foreign-transaction-8"))
    assert baselines(scene) == [7, 8]
    assert demands(scene, 8) == []
    assert only(scene.submit(intent(1, not_after_s=2_000)), Simulate)
    assert demands(scene, 9) == ["foreign-transaction-9"]


def test_more_that_comes_meanwhile_is_a_stop_of_its_own() -> None:
    """EX9: while the stop stands the stranger goes on; a recovery from both, in any order, accepts both."""
    scene = Scene().begin(nonce=7)
    assert demands(scene, 8) == ["foreign-transaction-8"]
    assert demands(scene, 11) == ["foreign-transaction-11"]
    scene.tell(StopCleared("foreign-transaction-11"))
    scene.tell(StopCleared("foreign-transaction-8"))
    assert demands(scene, 11) == []
    assert only(scene.submit(intent(1, not_after_s=2_000)), Simulate)


def test_another_stop_accepts_nothing() -> None:
    """EX9: recovering from an operator's own stop is no look into the wallet."""
    scene = Scene().begin(nonce=7)
    demands(scene, 8)
    assert only(scene.tell(StopCleared("s-1")), Record) == []
    assert rule_of(scene.submit(intent(1, not_after_s=2_000))) == "integrity.nonce"


def test_on_paper_the_wallet_is_its_owners() -> None:
    """Nothing is signed on paper: whatever else the wallet does is no breach."""
    scene = Scene(terms=msgspec.structs.replace(TERMS, sends=False)).begin(nonce=7)
    assert demands(scene, 20) == []
