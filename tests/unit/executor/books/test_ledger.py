"""The ledger by hand: what a restart finds, what a damaged snapshot does, what of old rows counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.executor.rows import outcome, signed
from tests.unit.executor.scene import ETHER, TERMS, Scene, intent, only
from warden.domain.intents import TradeState
from warden.domain.risk.emergency_gauges import EmergencyLimits
from warden.domain.risk.findings import StopDemanded
from warden.executor.beginnings import fold
from warden.executor.books.ledger import Ledger
from warden.executor.protocol.commands import DemandStop
from warden.executor.protocol.events import StopCleared
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal
from warden.wire.codec import from_json, to_json
from warden.wire.rows import EndedRow, ExecutorRow, RiskRow, SnapshotRow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


# One limit on a day's loss, so that one stop is demanded.
ONE = msgspec.structs.replace(
    TERMS, risk=msgspec.structs.replace(TERMS.risk, emergency=EmergencyLimits(daily_loss_micro_usd=None))
)


def ledger_of(rows: Iterable[ExecutorRow]) -> Ledger:
    """Return the fold of rows."""
    ledger = Ledger(TERMS.risk)
    for row in rows:
        ledger.apply(row)
    return ledger


def traded() -> Scene:
    """Return an executor after a trade that won."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent())
    scene.legs(tx_hash, "accepted", "accepted", "accepted")
    receipt = msgspec.structs.replace(scene.mined(tx_hash), sold_wei=ETHER, bought_wei=ETHER + 1_000)
    scene.read({tx_hash: receipt}, nonce=1, trading_balance_wei=50 * ETHER + 1_000)
    return scene


def written(path: Path, rows: Iterable[ExecutorRow]) -> Path:
    """Write rows to a journal on the disk."""
    journal = Journal(path, SystemClock())
    for row in rows:
        journal.append(str(row.__struct_config__.tag), to_json(row))
    journal.close()
    return path


def test_a_lost_day_demands_a_stop_and_a_restart_demands_it_again() -> None:
    """ES1, ES4: under the same id until an operator has recovered from it; then no more."""
    scene = Scene(ONE).begin()
    (stop,) = only(scene.read(trading_balance_wei=47 * ETHER), DemandStop)
    assert stop.stop.reason == "DAILY_LOSS"
    again = Scene(ONE, tuple(scene.rows))
    assert only(again.core.begin(again.now()), DemandStop) == [
        msgspec.structs.replace(stop, stop=msgspec.structs.replace(stop.stop, time=again.now().wall))
    ]
    again.tell(StopCleared("another"))
    assert list(again.core.ledger.demands) == [stop.stop.stop_id]
    again.tell(StopCleared(stop.stop.stop_id))
    assert again.core.ledger.demands == {}
    last = Scene(ONE, tuple(again.rows))
    assert only(last.core.begin(last.now()), DemandStop) == []


def test_a_recovery_looks_again_and_what_still_holds_is_demanded_again() -> None:
    """ES5: under a new id, before anything is traded, though the balances have not changed since."""
    scene = Scene(ONE).begin()
    (stop,) = only(scene.read(trading_balance_wei=47 * ETHER), DemandStop)
    assert only(scene.read(trading_balance_wei=47 * ETHER), DemandStop) == []
    scene.tell(StopCleared(stop.stop.stop_id))
    (again,) = only(scene.read(trading_balance_wei=47 * ETHER), DemandStop)
    assert again.stop.stop_id != stop.stop.stop_id


@pytest.mark.parametrize("form", [0, 2])
def test_a_snapshot_of_another_form_is_read_past(tmp_path: Path, form: int) -> None:
    """EX2: the whole journal is folded then, and comes to the same."""
    scene = traded()
    snapshot = msgspec.structs.replace(scene.core.ledger.snapshot(), form=form)
    path = written(tmp_path / "executor.db", [*scene.rows, snapshot])
    ledger = Ledger(TERMS.risk)
    assert fold(path, ledger) == len(scene.rows) + 1
    assert ledger.engine.state == ledger_of(scene.rows).engine.state


@pytest.mark.parametrize("part", ["book", "risk"])
def test_a_snapshot_that_does_not_decode_is_read_past(tmp_path: Path, part: str) -> None:
    """EX2: half of it is as good as none; nothing of it stays."""
    scene = traded()
    snapshot = msgspec.structs.replace(scene.core.ledger.snapshot(), **{part: msgspec.Raw(b'{"totals":7}')})
    if part == "risk":
        snapshot = msgspec.structs.replace(snapshot, risk=msgspec.Raw(b"[]"))
    path = written(tmp_path / "executor.db", [*scene.rows, snapshot])
    ledger = Ledger(TERMS.risk)
    assert fold(path, ledger) == len(scene.rows) + 1
    assert ledger.book.totals == scene.core.book.totals
    assert ledger.book.recent(10) == scene.core.book.recent(10)


def test_a_start_reads_from_the_newest_snapshot_on(tmp_path: Path) -> None:
    """EX2: and becomes what it would have from the beginning."""
    scene = traded()
    rows: list[ExecutorRow] = [*scene.rows, scene.core.ledger.snapshot()]
    before = len(rows)
    scene.rows = rows
    scene.read(trading_balance_wei=49 * ETHER)
    path = written(tmp_path / "executor.db", scene.rows)
    ledger = Ledger(TERMS.risk)
    assert fold(path, ledger) == len(scene.rows) - before > 0
    whole = ledger_of(scene.rows)
    assert ledger.engine.state == whole.engine.state == scene.core.ledger.engine.state
    assert (ledger.book.state(), ledger.demands) == (whole.book.state(), whole.demands)


def test_a_snapshot_never_says_that_its_run_ended() -> None:
    """OP4: an executor that is killed right after a snapshot was not ended in order."""
    ledger = ledger_of([EndedRow(session="before")])
    assert ledger.book.ended_in_order
    row: ExecutorRow = from_json(to_json(ledger.snapshot()), ExecutorRow)
    assert isinstance(row, SnapshotRow)
    again = Ledger(TERMS.risk)
    assert again.restore(row)
    assert not again.book.ended_in_order
    assert not again.book.empty


def test_rows_of_before_there_were_rules_count_for_nothing_and_take_nothing_back() -> None:
    """PL1: what was mined before the rules began never counted; a reorg of it does not count down."""
    ledger = ledger_of([signed(1), outcome(1, TradeState.MINED)])
    assert ledger.book.totals.trades == 1
    fresh = ledger.engine.state
    for state in (TradeState.REORGED, TradeState.MINED):
        row = msgspec.structs.replace(outcome(1, state), at_ns=10**18)
        ledger.apply(row)
        if state is TradeState.REORGED:
            assert ledger.engine.state == fresh
    assert ledger.engine.state.profit_loss.trades == 1
    ledger = ledger_of([signed(1), outcome(1, TradeState.MINED)])
    ledger.apply(msgspec.structs.replace(outcome(1, TradeState.FINAL), at_ns=10**18))
    assert ledger.engine.state == fresh


def test_any_beginning_of_a_journal_folds() -> None:
    """EX2: a crash loses the last rows; what is left is a whole story."""
    scene = traded()
    scene.read(trading_balance_wei=40 * ETHER)
    for length in range(len(scene.rows) + 1):
        ledger_of(scene.rows[:length])
    demanded = [row for row in scene.rows if isinstance(row, RiskRow)]
    assert demanded
    assert all(isinstance(each.finding, StopDemanded) for each in scene.core.ledger.demands.values())
