"""What an executor was told, told once more: the same blocks give the same decisions and rows."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.instance import REPOSITORY
from tests.process.paper_stage import PaperSystem, RealChain
from tests.process.replaying import Call, calls, replay
from tests.process.system import System
from warden.domain.roles import PROCESSES, Role
from warden.executor.protocol.commands import Record
from warden.executor.protocol.events import HeadRead, Submitted
from warden.runtime.journal import read
from warden.wire.codec import from_json, to_json
from warden.wire.rows import EndedRow, ExecutorRow, OpenRow, SnapshotRow, StartedRow, StopRow, WitnessRow
from warden.wire.rows_paper import FillRow, PaperRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)

# Rows that are written beside the core: about the process itself, and paper's own.
BESIDE_THE_CORE = (StartedRow, EndedRow, OpenRow, SnapshotRow, WitnessRow, StopRow, PaperRow, FillRow)


def recorded(system: System, record: Path, trades: int) -> None:
    """Run the system with an executor that records itself, until it has traded, and end it in order."""
    for role in PROCESSES:
        if role is Role.EXECUTOR:
            system.processes[role] = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.process.recording_executor"),
                    *(str(record), "--home", str(system.home)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=REPOSITORY,
            )
        elif role is not Role.DEVNET or system.settings.environment == "devnet":
            system.start(role)
    system.wait_trading(trades)
    assert system.end(Role.EXECUTOR) == 0


def check(system: System, record: Path) -> None:
    """Check that a replay decides as the record does, and that its rows are those of the journal."""
    events = [call.arguments[0] for call in calls(record) if call.name == "handle"]
    assert sum(isinstance(event, HeadRead) for event in events) >= 5
    assert sum(isinstance(event, Submitted) for event in events) >= 3
    now, before = replay(record)
    assert now == before
    path = system.places.journal(Role.EXECUTOR)
    rows: list[ExecutorRow] = [from_json(row.body, ExecutorRow) for row in read(path)]
    kept = [row for row in rows if not isinstance(row, BESIDE_THE_CORE)]
    assert digest(of_commands(now)) == digest(kept)


def of_commands(answers: list[object]) -> list[ExecutorRow]:
    """Return the rows that the core had recorded."""
    return [
        command.row
        for answer in answers
        if isinstance(answer, list)
        for command in answer
        if isinstance(command, Record)
    ]


def digest(rows: Sequence[ExecutorRow]) -> str:
    """Return one hash of all rows, as the journal holds them."""
    return hashlib.sha256(b"\n".join(map(to_json, rows))).hexdigest()


def test_the_same_blocks_give_the_same_decisions(tmp_path: Path) -> None:
    """EX2: with real sends: a fresh core that is told the same answers the same, row by row."""
    record = tmp_path / "record"
    with System() as system:
        recorded(system, record, trades=6)
        check(system, record)
    assert differs(record, tmp_path / "changed")


def test_the_same_blocks_give_the_same_decisions_on_paper(tmp_path: Path) -> None:
    """EX4: so it is on paper: a run can be gone through again, decision by decision."""
    record = tmp_path / "record"
    with RealChain() as chain, PaperSystem(chain) as system:
        recorded(system, record, trades=4)
        check(system, record)


def differs(record: Path, changed: Path) -> bool:
    """Tell whether one figure changed in what was told, the gas of a trade, gives other rows."""
    told = list(calls(record))
    at = next(number for number, call in enumerate(told) if call.name == "handle" and _mined(call))
    head = told[at].arguments[0]
    receipts = {
        tx_hash: receipt and msgspec.structs.replace(receipt, gas_wei=receipt.gas_wei + 1)
        for tx_hash, receipt in head.receipts.items()
    }
    other = msgspec.structs.replace(head, receipts=receipts)
    told[at] = msgspec.structs.replace(told[at], arguments=(other, *told[at].arguments[1:]))
    changed.write_bytes(b"".join(map(pickle.dumps, told)))
    now, before = replay(changed)
    return digest(of_commands(now)) != digest(of_commands(before))


def _mined(call: Call) -> bool:
    event = call.arguments[0]
    return isinstance(event, HeadRead) and any(event.receipts.values())
