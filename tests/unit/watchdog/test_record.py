"""How the run before ended, read from the last rows of a real journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.watchdog.scene import Scene
from warden.domain.errors import InvariantBroken
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal
from warden.watchdog.commands import WriteRow
from warden.watchdog.last_run import Frozen, LastRun, Span
from warden.watchdog.record import Record, last_run
from warden.wire.codec import to_json
from warden.wire.messages import Freeze, Head

if TYPE_CHECKING:
    from pathlib import Path

_Rows = tuple[tuple[str, dict[str, Any]], ...]
_ENDED: dict[str, Any] = {"mode": "AGGRESSIVE", "trips": [], "stop_ids": []}


def written(path: Path, *rows: tuple[str, dict[str, Any]]) -> LastRun:
    """Write rows to a journal and return what is read from them."""
    journal = Journal(path, SystemClock())
    for kind, body in rows:
        journal.append(kind, to_json(body))
    journal.close()
    return last_run(path, len(rows))


def test_a_first_run_is_clean(tmp_path: Path) -> None:
    """Nothing ended badly where nothing was."""
    record = Record(tmp_path / "watchdog.db", SystemClock())
    assert (record.last, record.rows, record.failure()) == (LastRun(), 0, "")
    record.close()


def test_a_run_that_ended_in_order_is_clean(tmp_path: Path) -> None:
    """Its last row says so."""
    rows: _Rows = (("started", {}), ("ended", _ENDED))
    assert written(tmp_path / "watchdog.db", *rows) == LastRun()


def test_a_run_without_its_last_row_is_not(tmp_path: Path) -> None:
    """Killed, cut off, or the disk did not take it: all the same."""
    rows: _Rows = (("started", {}), ("ended", _ENDED), ("started", {}), ("armed", {}))
    assert written(tmp_path / "watchdog.db", *rows) == LastRun(clean=False)


def test_trips_and_stops_that_stood_are_carried_over(tmp_path: Path) -> None:
    """I7: an orderly end in a trip is remembered as one."""
    ended = {"mode": "OBSERVE_ONLY", "trips": ["executor-unclean"], "stop_ids": ["s1"]}
    assert written(tmp_path / "watchdog.db", ("started", {}), ("ended", ended)) == LastRun(
        trips=("executor-unclean",), stop_ids=("s1",)
    )


def test_stops_are_followed_through_the_rows(tmp_path: Path) -> None:
    """Seen, cleared, vanished: what is left stood when the run was killed."""
    rows: _Rows = (
        ("started", {}),
        ("stop.seen", {"stop_id": "s1"}),
        ("stop.seen", {"stop_id": "s2"}),
        ("stop.seen", {"stop_id": "s3"}),
        ("stop.cleared", {"stop_id": "s1"}),
        ("stop.vanished", {"stop_id": "s2"}),
    )
    assert written(tmp_path / "watchdog.db", *rows) == LastRun(
        clean=False, stop_ids=("s3",), probation_owed=True
    )


def test_it_looks_back_only_as_far_as_it_must(tmp_path: Path) -> None:
    """A witness row says what stood: older rows are not needed, however many there are."""
    rows: list[tuple[str, dict[str, Any]]] = [("started", {}), ("stop.seen", {"stop_id": "s1"})]
    rows += [("lapse", {})] * 1_500
    assert written(tmp_path / "old.db", *rows) == LastRun(clean=False, stop_ids=("s1",))
    rows += [("witness", {"stop_ids": ["s2"]}), ("stop.seen", {"stop_id": "s4"})]
    assert written(tmp_path / "new.db", *rows) == LastRun(clean=False, stop_ids=("s2", "s4"))


def test_incidents_are_followed_through_the_rows(tmp_path: Path) -> None:
    """ES5: cleared ones go with their stop; open ones outlive a file that was taken away by hand."""
    rows: _Rows = (
        ("started", {}),
        *(("incident.opened", {"stop_id": name}) for name in ("s1", "s2", "s3", "s4")),
        *(("stop.seen", {"stop_id": name}) for name in ("s1", "s2", "s3", "s4")),
        *(("incident.cleared", {"stop_id": name}) for name in ("s1", "s3")),
        ("stop.cleared", {"stop_id": "s1"}),
        ("stop.vanished", {"stop_id": "s2"}),
    )
    last = written(tmp_path / "watchdog.db", *rows)
    assert last.incidents == {"s2": False, "s3": True, "s4": False}
    assert last.probation_owed


def test_a_frozen_trader_and_a_probation_are_followed_through_the_rows(tmp_path: Path) -> None:
    """ES5, OP1: whether they stand in single rows or in the last one that says it all."""
    span: dict[str, Any] = {"boot_id": "b", "until_ns": 9, "length_ns": 5, "percent": 25, "until": "later"}
    freeze = {"role": "trader", "session": "t", "pid": 7, "operator": "ann", "reason": "x"}
    rows: list[tuple[str, dict[str, Any]]] = [("started", {}), ("freeze", freeze), ("probation.begun", span)]
    last = written(tmp_path / "one.db", *rows)
    assert (last.frozen, last.probation) == ((Frozen("t", 7),), Span(**span))
    rows += [("freeze.over", {"session": "t"}), ("probation.ended", {})]
    last = written(tmp_path / "two.db", *rows)
    assert (last.frozen, last.probation, last.probation_owed) == ((), None, False)
    said = {"frozen": {"session": "t", "pid": 7}, "probation": span, "incidents": {"s1": False}}
    last = written(tmp_path / "three.db", ("started", {}), ("ended", _ENDED | said))
    assert (last.clean, last.frozen, last.probation) == (True, (Frozen("t", 7),), Span(**span))
    assert last.incidents == {"s1": False}


def test_each_of_several_frozen_traders_is_followed_by_its_session(tmp_path: Path) -> None:
    """I7, PL5: one that is let go leaves the other frozen."""
    freeze = {"operator": "ann", "reason": "x", "role": "trader"}
    rows: list[tuple[str, dict[str, Any]]] = [
        ("started", {}),
        ("freeze", freeze | {"session": "a", "pid": 7, "name": "trader-arb"}),
        ("freeze", freeze | {"session": "m", "pid": 8, "name": "trader-mom"}),
        ("freeze.over", {"session": "a"}),
    ]
    last = written(tmp_path / "watchdog.db", *rows)
    assert last.frozen == (Frozen("m", 8, "trader-mom"),)


def test_what_a_run_writes_last_is_what_the_next_one_reads(tmp_path: Path) -> None:
    """I7: from the core's own rows, through a real journal, back into a core."""
    scene = Scene().up()
    for stop_id, reason in (("s1", "MANUAL"), ("s2", "SECURITY_BREACH")):
        scene.touch(stop_id, reason=reason)
    scene.run(500)
    scene.ask(Freeze("ann", "looking"))
    scene.commands += scene.core.end()
    rows = [(row.kind, row.body) for row in scene.commands if isinstance(row, WriteRow)]
    last = written(tmp_path / "watchdog.db", *rows)
    assert last == LastRun(
        trips=("frozen-by-operator",),
        stop_ids=("s1", "s2"),
        incidents={"s2": False},
        frozen=(Frozen("trader-1", 107),),
    )


def test_rows_are_numbered_alike_on_both_sides(tmp_path: Path) -> None:
    """The core waits for numbers: one that differs is a contradiction, not a detail."""
    record = Record(tmp_path / "watchdog.db", SystemClock())
    record.append(WriteRow(row=1, kind="started", body={}))
    with pytest.raises(InvariantBroken):
        record.append(WriteRow(row=3, kind="armed", body={}))
    record.close()


def test_a_file_that_is_no_journal_is_said_and_survived(tmp_path: Path) -> None:
    """The loop goes on without a journal, to say that it has none."""
    path = tmp_path / "watchdog.db"
    path.write_bytes(b"something else" * 200)
    record = Record(path, SystemClock())
    assert "watchdog.db" in record.failure()
    assert record.wake is None
    record.append(WriteRow(row=1, kind="started", body={}))
    record.close()


def test_what_shut_it_down_is_carried_over(tmp_path: Path) -> None:
    """FS1: a crash right after the shutdown finds it in its row; an orderly end in what that row carries."""
    stands = {"cause": "failsafe", "detail": "ledger-write-failing: no", "lifted_by": "restart"}
    other = {"cause": "not-armed", "detail": "", "lifted_by": "arm"}
    rows: _Rows = (("started", {}), ("ended", _ENDED), ("started", {}), ("cause.stands", stands))
    kept = ("failsafe", "ledger-write-failing: no")
    assert written(tmp_path / "a.db", *rows, ("cause.stands", other)).shutdown == kept
    assert written(tmp_path / "b.db", *rows[:3], ("cause.stands", other)).shutdown is None
    ended = _ENDED | {"shutdown": list(kept)}
    assert written(tmp_path / "c.db", ("started", {}), ("ended", ended)).shutdown == kept


def test_the_last_heads_that_were_seen_are_remembered(tmp_path: Path) -> None:
    """I9: of each journal the newest head, from whatever row names it; an orderly end names them, too."""
    first = {"heads": [["executor", 5, "aa"], ["other", 1, "bb"]]}
    second = {"heads": [["executor", 9, "cc"]]}
    rows: _Rows = (("started", {}), ("ended", _ENDED), ("started", {}), ("witness", first))
    assert written(tmp_path / "a.db", *rows, ("witness", second)).seen == {
        "executor": (9, "cc"),
        "other": (1, "bb"),
    }
    ended = _ENDED | second
    assert written(tmp_path / "b.db", *rows, ("ended", ended)).seen["executor"] == (9, "cc")
    scene = Scene().up()
    scene.beats["executor"]["heads"] = (Head("executor", 7, "dd"),)
    scene.run(500)
    (command,) = [each for each in scene.core.end() if isinstance(each, WriteRow) and each.kind == "ended"]
    assert command.body["heads"] == [["executor", 7, "dd"]]
