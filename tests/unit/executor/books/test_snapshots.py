"""When a snapshot is due, and what is found where the rows do not lead to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.executor.scene import ETHER, Scene, intent
from warden.domain.money import Wei
from warden.executor.books.book import BookState, Totals
from warden.executor.books.ledger import RiskPart
from warden.executor.books.position_book import Holdings
from warden.executor.books.snapshots import DAY_S, ROWS, Schedule, compare, schedule
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal
from warden.wire.codec import from_json, to_json
from warden.wire.rows import SnapshotRow

if TYPE_CHECKING:
    from pathlib import Path

    from warden.wire.rows import ExecutorRow

NS = 10**9


def write(path: Path, rows: list[ExecutorRow]) -> None:
    """Write rows into a real journal."""
    journal = Journal(path, SystemClock())
    for row in rows:
        journal.append(str(row.__struct_config__.tag), to_json(row))
    journal.close()


def traded(trades: int = 2) -> list[ExecutorRow]:
    """Return the rows of an executor that has traded between two snapshots."""
    scene = Scene().begin()
    for number in range(1, trades + 1):
        tx_hash, _ = scene.trade(intent(number, not_after_s=1_000 + scene.block + 3))
        scene.legs(tx_hash, "accepted", "accepted", "accepted")
        scene.read(
            {tx_hash: scene.mined(tx_hash)}, nonce=number, trading_balance_wei=50 * ETHER + 1_000 * number
        )
        scene.rows.append(scene.core.ledger.snapshot())
    return scene.rows


def last_changed(rows: list[ExecutorRow], **changed: object) -> list[ExecutorRow]:
    """Return the rows with the newest snapshot's book changed."""
    last = rows[-1]
    assert isinstance(last, SnapshotRow)
    book: BookState = from_json(bytes(last.book), BookState)
    wrong = msgspec.structs.replace(book, **changed)
    return [*rows[:-1], msgspec.structs.replace(last, book=msgspec.Raw(to_json(wrong)))]


@pytest.mark.parametrize("trades", [1, 2, 5])
def test_what_the_rows_come_to_is_found_right(tmp_path: Path, trades: int) -> None:
    """FS3: from the start, or from the snapshot before, the rows lead to the newest."""
    write(tmp_path / "executor.db", traded(trades))
    compared = compare(tmp_path / "executor.db")
    assert compared.problem == ""
    assert "rows come to" in compared.found


def test_a_snapshot_that_says_otherwise_is_found(tmp_path: Path) -> None:
    """FS3: well chained rows, and a snapshot that is not what they come to: a start would trade on it."""
    rows = last_changed(traded(), totals=Totals(trades=2, gain_wei=2_001, gas_wei=200))
    write(tmp_path / "executor.db", rows)
    assert "totals is not what the rows before come to" in compare(tmp_path / "executor.db").problem


def test_positions_are_compared_too(tmp_path: Path) -> None:
    """FS3: strategy states: what is held follows from rows, exactly."""
    rows = traded()
    last = rows[-1]
    assert isinstance(last, SnapshotRow)
    part: RiskPart = from_json(bytes(last.risk), RiskPart)
    wrong = msgspec.structs.replace(part, holdings=Holdings(traded=("0x01",)))
    rows[-1] = msgspec.structs.replace(last, risk=msgspec.Raw(to_json(wrong)))
    write(tmp_path / "executor.db", rows)
    assert "positions are not" in compare(tmp_path / "executor.db").problem


def test_a_row_that_is_gone_between_them_is_found(tmp_path: Path) -> None:
    """FS3: rows that were left out before they were chained are missed by what they did."""
    rows = traded()
    without = [row for row in rows if getattr(row, "tx_hash", "") != f"0x{2:064x}"]
    write(tmp_path / "executor.db", without)
    assert compare(tmp_path / "executor.db").problem


def test_a_journal_without_snapshots_is_none_yet(tmp_path: Path) -> None:
    """A young journal has none, and no journal has none either."""
    assert compare(tmp_path / "executor.db").found == "none was taken yet"
    write(tmp_path / "executor.db", traded()[:3])
    assert compare(tmp_path / "executor.db") == ("none was taken yet", "")


def test_a_snapshot_of_another_version_is_passed_over(tmp_path: Path) -> None:
    """An upgrade may change the form; the rows are read then, and nothing is called wrong."""
    rows = traded()
    last = rows[-1]
    assert isinstance(last, SnapshotRow)
    write(tmp_path / "executor.db", [*rows[:-1], msgspec.structs.replace(last, form=99)])
    compared = compare(tmp_path / "executor.db")
    assert (compared.problem, "of another version" in compared.found) == ("", True)


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    """FS3: fail closed: what cannot be compared has not passed."""
    path = tmp_path / "executor.db"
    path.write_bytes(b"no database at all" * 100)
    assert "cannot be compared" in compare(path).problem


def test_one_is_due_by_rows_or_by_the_day() -> None:
    """DESIGN §4: snapshots daily; FS1: its age counts from the newest that is durable."""
    plan = Schedule(100, 0, DAY_S)
    assert not plan.is_due(100 + ROWS - 1, (DAY_S - 1) * NS)
    assert plan.is_due(100 + ROWS, 0)
    assert plan.is_due(100, DAY_S * NS)
    plan.taken(2_101, DAY_S * NS)
    assert not plan.is_due(10_000, 10 * DAY_S * NS)
    plan.synced(2_100)
    assert plan.age_s((DAY_S + 5) * NS) == DAY_S + 5
    plan.synced(2_101)
    assert plan.age_s((DAY_S + 5) * NS) == 5
    assert not plan.is_due(2_101, (DAY_S + 5) * NS)


def test_the_age_outlives_a_restart(tmp_path: Path) -> None:
    """FS1: a restart each hour does not hide that no snapshot is taken."""
    path = tmp_path / "executor.db"
    now_ns = int(SystemClock().wall().timestamp() * NS)
    assert schedule(path, limit_s=88_200, now_ns=now_ns).age_s(now_ns + NS) == 1
    write(path, traded()[:3])
    assert schedule(path, limit_s=88_200, now_ns=now_ns + 3_600 * NS).age_s(now_ns + 7_200 * NS) >= 7_199


def test_a_tighter_limit_makes_them_due_earlier(tmp_path: Path) -> None:
    """FS1: the limit on a snapshot's age is never met by waiting for the day."""
    plan = schedule(tmp_path / "executor.db", limit_s=1_000, now_ns=0)
    assert not plan.is_due(0, 899 * NS)
    assert plan.is_due(0, 900 * NS)


def test_money_is_compared_to_the_wei(tmp_path: Path) -> None:
    """PL5: one wei in what the wallet may be spent by others is a difference."""
    write(tmp_path / "executor.db", last_changed(traded(), allowed={"0x01": Wei(1)}))
    assert "allowed" in compare(tmp_path / "executor.db").problem
