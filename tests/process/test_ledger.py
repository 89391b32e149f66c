"""An executor that is killed while it trades: the next one knows what its journal tells, to the wei.

EX2, SL2, PL2, PL5, CB4: the journal is folded here once more, and must come to what the executor reports.
"""

from __future__ import annotations

import signal
import sqlite3
from typing import TYPE_CHECKING

import pytest

from tests.faults import fault
from tests.instance import wait_until
from tests.process.system import System
from warden.domain.errors import WardenError
from warden.domain.risk.events import Ticked
from warden.domain.roles import Role
from warden.executor.beginnings import fold
from warden.executor.books.ledger import Ledger
from warden.executor.books.risk_report import report
from warden.executor.books.risk_terms import limits_of
from warden.operator.orders import risk_report
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal, read
from warden.runtime.settings_strategies import MAIN_POOL
from warden.wire.codec import to_json
from warden.wire.rows import SnapshotRow, StartedRow
from warden.wire.telemetry import ExecutorStatus

if TYPE_CHECKING:
    from pathlib import Path

    from warden.wire.orders import RiskReport

pytestmark = pytest.mark.timeout(600)


def folded(system: System, path: Path) -> tuple[Ledger, int]:
    """Return the ledger of a journal, and how many rows had to be read for it."""
    ledger = Ledger(limits_of(system.settings))
    return ledger, fold(path, ledger)


def asked(system: System) -> RiskReport:
    """Return what the executor says of its rules."""
    found: list[RiskReport] = []

    def answers() -> bool:
        try:
            found.append(risk_report(system.home))
        except WardenError:
            return False
        return found[-1].equity_wei is not None

    wait_until(answers, "an answer of the executor", timeout_s=60)
    return found[-1]


def figures(told: RiskReport) -> tuple[object, ...]:
    """Return what of a report follows from the journal alone."""
    exposure = next(each.observed for each in told.limits if each.name == "limits.max_exposure_percent")
    breaker = told.breaker
    money = (told.equity_wei, told.peak_wei, told.opening_wei, told.drawdown_bps, told.pools, told.price_usd)
    return (*money, exposure, breaker.state, breaker.trips, breaker.forced, told.ever, told.levers)


@fault("executor-killed")
def test_a_killed_executor_begins_again_where_its_journal_ends(tmp_path: Path) -> None:
    """EX2, SL2, PL2: equity, peak, pools, exposure, breaker and totals; read from few rows, however many."""
    with System() as system:
        system.start_all().wait_trading(4)
        system.signal(Role.EXECUTOR, signal.SIGKILL)
        system.processes.pop(Role.EXECUTOR).wait()
        path = system.places.journal(Role.EXECUTOR)
        before, _ = folded(system, path)
        assert before.book.totals.trades >= 4
        system.latest.pop(ExecutorStatus, None)
        system.start(Role.EXECUTOR)
        system.wait(
            lambda each: ExecutorStatus in each.latest and each.latest[ExecutorStatus].pending == 0,
            "every outcome found on the chain",
        )
        told = asked(system)
        system.signal(Role.EXECUTOR, signal.SIGKILL)
        system.processes.pop(Role.EXECUTOR).wait()
        copy = tmp_path / "executor.db"
        with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
            source.backup(target)
        ledger, count = folded(system, copy)
        at_ns = SystemClock().wall().timestamp() * 10**9
        ledger.tick(Ticked(), int(at_ns))
        assert figures(report(ledger.engine, [MAIN_POOL], 0, int(at_ns))) == figures(told)
        assert ledger.book.totals.trades >= before.book.totals.trades
        assert ledger.engine.state.profit_loss.trades == ledger.book.totals.trades
        assert ledger.engine.state.profit_loss.net_wei == ledger.book.totals.net_wei
        assert count == sum(1 for _ in read(copy))
        # With a snapshot a start reads what came after it, and nothing else.
        journal = Journal(copy, SystemClock())
        journal.append(str(SnapshotRow.__struct_config__.tag), to_json(ledger.snapshot()))
        started = StartedRow(session="again", version="0", wallet="0x")
        journal.append(str(StartedRow.__struct_config__.tag), to_json(started))
        journal.close()
        again, few = folded(system, copy)
        again.tick(Ticked(), int(at_ns))
        assert few == 1
        assert again.engine.state == ledger.engine.state
        assert again.book.recent(100) == ledger.book.recent(100)
        assert again.book.totals == ledger.book.totals
