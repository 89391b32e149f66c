"""A folder written from real journals: what was open, what is left, and what fails by itself only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.logger.samples import watchdog_status
from warden.domain.intents import TradeState
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.roles import Role
from warden.incident import write as writing
from warden.incident.case import Case, Happening, Order, Terms
from warden.incident.folder import CASE, REPORT, read_case
from warden.incident.timeline import utc_text
from warden.incident.write import MACHINE, STATUS, write
from warden.runtime.clock import NS_PER_S, SystemClock
from warden.runtime.journal import Journal
from warden.runtime.journal_search import tail
from warden.runtime.places import Places, create
from warden.wire.codec import to_json
from warden.wire.rows import OutcomeRow, Purpose, SignedRow

if TYPE_CHECKING:
    from pathlib import Path

_RAW = "0x" + "fe" * 100


@pytest.fixture
def where(tmp_path: Path) -> Places:
    """The places of an instance."""
    return create(tmp_path / "home")


def _signed(number: int, **changes: object) -> SignedRow:
    row = SignedRow(
        intent_id=f"{number:032x}",
        trace_id=f"{number:032x}",
        strategy="arb",
        purpose=Purpose.SWAP,
        tx_hash=f"0x{number:064x}",
        raw=_RAW,
        nonce=number,
        to="0x" + "aa" * 20,
        gas=21_000,
        max_fee_wei=Wei(1),
        priority_fee_wei=Wei(1),
        spend_wei=Wei(5 * 10**17),
        not_after_s=0,
        route="public",
        time=utc_text(0),
        market="WETH-USDX",
    )
    return msgspec.structs.replace(row, **changes)


def _journal(where: Places, *rows: msgspec.Struct) -> None:
    journal = Journal(where.journal(Role.EXECUTOR), SystemClock())
    for row in rows:
        tag = str(row.__struct_config__.tag)
        journal.append(tag, to_json(row))
    journal.close()


def _order(where: Places, *, complete: bool = False, status: bytes | None = None, after_s: int = 1) -> Order:
    time_ns = int(SystemClock().wall().timestamp() * NS_PER_S) + after_s * NS_PER_S
    stop = Happening(
        utc_text(time_ns), time_ns, "stop.seen", "critical", "STOPPED (s1)", "emergency-stop", "s1"
    )
    return Order(
        home=str(where.home),
        log=str(where.logs / "incidents.log"),
        case=Case("20261120T100000Z-s1", (stop,), complete=complete),
        terms=Terms(),
        status=to_json(watchdog_status()) if status is None else status,
        positions=("p-1", "p-2"),
    )


def test_what_was_open_and_what_is_left_come_from_the_journal(where: Places) -> None:
    """Issue 6: hashes that may still land, positions by market and size; signed bytes are nowhere."""
    _journal(
        where,
        _signed(1, position_id="p-1", action=Action.OPEN),
        OutcomeRow(tx_hash=f"0x{1:064x}", state=TradeState.FINAL, time=utc_text(0)),
        _signed(2),
    )
    written = write(_order(where))
    folder = where.incidents / written.id
    page = (folder / REPORT).read_text("utf-8")
    assert f"In flight: `0x{2:064x}`" in page
    assert f"May still land: `0x{2:064x}`" in page
    assert "Position p-1 in WETH-USDX, 0.500000 ETH, of arb" in page
    assert "- Position p-2" in page
    assert "executor: row 3" in page
    assert all(_RAW[2:] not in path.read_text("utf-8") for path in folder.rglob("*") if path.is_file())
    assert written.missing == ()


def test_what_lands_meanwhile_was_in_flight_and_is_not_left(where: Places) -> None:
    """A stop's in-flight list is of its moment; what is left is of the writing."""
    _journal(where, _signed(1))
    order = _order(where, after_s=0)
    _journal(where, OutcomeRow(tx_hash=f"0x{1:064x}", state=TradeState.MINED, time=utc_text(0)))
    # The rows' own times decide, so the moment is put between them.
    first = msgspec.structs.replace(order.case.first, time_ns=_time_of(where, 1))
    case = msgspec.structs.replace(order.case, happenings=(first,))
    page = (where.incidents / write(msgspec.structs.replace(order, case=case)).id / REPORT).read_text("utf-8")
    assert f"In flight: `0x{1:064x}`" in page
    assert "May still land: nothing" in page


def _time_of(where: Places, row: int) -> int:
    return next(each.time_ns for each in tail(where.journal(Role.EXECUTOR), 10) if each.row == row)


def test_the_moment_is_that_of_the_first_writing(where: Places) -> None:
    """Completed later, even by another run that knows no status: status and machine stay those of then."""
    write(_order(where))
    folder = where.incidents / "20261120T100000Z-s1"
    before = {name: (folder / name).read_bytes() for name in (STATUS, MACHINE)}
    write(_order(where, complete=True, status=b""))
    assert {name: (folder / name).read_bytes() for name in (STATUS, MACHINE)} == before
    case = read_case(folder)
    assert case is not None
    assert case.complete
    assert len((where.logs / "incidents.log").read_text("utf-8").splitlines()) == 1


def test_a_part_that_fails_costs_that_part_alone(where: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that breaks while gathering keeps the report from being written; what is missing is said."""
    where.journal(Role.EXECUTOR).write_bytes(b"no database at all")

    def broken(*_: object) -> dict[str, object]:
        raise RuntimeError("no /proc here")

    monkeypatch.setattr(writing, "machine_state", broken)
    written = write(_order(where))
    page = (where.incidents / written.id / REPORT).read_text("utf-8")
    assert "machine: RuntimeError: no /proc here" in page
    assert "executor.db" in page
    assert (where.incidents / written.id / CASE).exists()


def test_a_folder_that_is_somebody_elses_link_is_not_followed(where: Places, tmp_path: Path) -> None:
    """What stands in the way under a file's name is replaced, not written through."""
    folder = where.incidents / "20261120T100000Z-s1"
    folder.mkdir()
    (tmp_path / "victim").write_text("untouched", "utf-8")
    (folder / REPORT).symlink_to(tmp_path / "victim")
    write(_order(where))
    assert (tmp_path / "victim").read_text("utf-8") == "untouched"
    assert not (folder / REPORT).is_symlink()
