"""The crash matrix: kill -9 of the real executor at every step of a send and of a stop (I5, I6).

One system serves all points, one after another; after each the book is held against the chain.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import pytest

from tests.faults import fault
from tests.instance import REPOSITORY, wait_until
from tests.process.chain_truth import ChainTruth
from tests.process.crashing import ORDER_FILE, POINTS
from tests.process.operator_at_work import let_trade
from tests.process.system import BUSY_TOML, System
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.domain.stops import CleanUp, StopLevel
from warden.operator.stopping import order_stop
from warden.runtime.journal import verify
from warden.wire.rows import LegRow, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator

SENDS = "eth_sendRawTransaction"
SILENCE_S = 1.5


class CrashSystem(System):
    """A system whose executor dies where it is told to; `module` is what runs in its place."""

    module = "tests.process.crashing"

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a process; the executor with its crash points."""
        if name != Role.EXECUTOR:
            return super().start(name, *arguments)
        words = ["-m", self.module, "warden.executor", "--home", str(self.home)]
        process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=REPOSITORY,
        )
        self.processes[name] = process
        return process

    def crash_at(self, point: str) -> None:
        """Have the executor die at the next pass of a point, or of one that a pattern fits."""
        assert any(fnmatch(each, point) for each in POINTS)
        partial = self.home / f"{ORDER_FILE}.new"
        partial.write_text(point, encoding="ascii")
        partial.rename(self.home / ORDER_FILE)

    def wait_crashed(self) -> None:
        """Wait until the executor has killed itself."""
        process = self.processes[Role.EXECUTOR]
        self.wait(lambda _: process.poll() is not None, "crash of the executor")
        assert process.returncode == -signal.SIGKILL
        (self.home / ORDER_FILE).unlink()

    def wait_lowered(self) -> None:
        """Wait until the watchdog has said, from now on, that only observing is allowed."""
        self.listen()
        self.latest.clear()
        self.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY after the executor crashed")


@pytest.fixture(scope="module")
def system() -> Iterator[CrashSystem]:
    """A system that trades; at its end book and chain are the same, to the wei."""
    with CrashSystem(BUSY_TOML) as made:
        made.start_all()
        made.wait_trading(2)
        yield made
        made.end(Role.TRADER)
        made.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY once the trader has ended")
        truth = ChainTruth(made)
        wait_until(lambda: not truth.disagreements(set(truth.signed())), "a settled book")
        made.end(Role.EXECUTOR)
        truth.check_book_is_chain()
        assert verify(made.places.journal(Role.EXECUTOR))[1] == []


def check_what_is_left(system: CrashSystem) -> tuple[ChainTruth, set[str]]:
    """Check, with the executor dead, that the journal explains the chain; return what it has signed."""
    truth = ChainTruth(system)
    truth.fault("healthy")
    truth.wait_nothing_pending()
    truth.check_explained()
    assert {each.tx_hash for each in system.received()} <= set(truth.signed())
    return truth, set(truth.signed())


def check_settled(truth: ChainTruth, hashes: set[str]) -> None:
    """Check that all of it found the end in the journal that it has on the chain."""
    wait_until(lambda: truth.disagreements(hashes) == [], "the book as the chain is")


def begun(truth: ChainTruth) -> set[str]:
    """Return the hashes of which bytes have left and no endpoint has said what became of them."""
    return {row.tx_hash for row in truth.rows() if isinstance(row, LegRow) and row.result == "unknown"}


def taken_back(truth: ChainTruth) -> set[str]:
    """Return the hashes of cancelling transactions: a stop's clean-up list."""
    return {tx_hash for tx_hash, row in truth.signed().items() if row.purpose is Purpose.CANCEL}


def restarted(system: CrashSystem, *, stopped: bool = False) -> None:
    """Check what the dead executor left, start it again: it settles, waits to be armed, and trades.

    Args:
        system: with a dead executor.
        stopped: what is left is settled only after the stop was lifted: until then nothing may be sent.
    """
    truth, before = check_what_is_left(system)
    system.start(Role.EXECUTOR)
    system.wait_lowered()
    if not stopped:
        check_settled(truth, before)
        by_itself = {row.purpose for tx_hash, row in truth.signed().items() if tx_hash not in before}
        assert by_itself <= {Purpose.CANCEL}
    let_trade(system)
    check_settled(truth, before)

    def trades() -> bool:
        outcomes, signed = truth.outcomes(), truth.signed()
        return any(
            row.purpose is Purpose.SWAP and tx_hash in outcomes
            for tx_hash, row in signed.items()
            if tx_hash not in before
        )

    system.wait(lambda _: trades(), "a new trade once it was armed")


@fault("executor-killed")
@pytest.mark.parametrize(
    "point",
    [
        point
        for point in POINTS
        if not point.startswith(("cancel", "cleanup", "stop", "bump", "fill", "exit"))
    ],
)
def test_i6_killed_in_a_send(system: CrashSystem, point: str) -> None:
    """I5, I6, EX2: whatever step of a send it dies in, book and chain are one, and nothing lands twice."""
    system.crash_at(point)
    system.wait_crashed()
    restarted(system)


@fault("executor-killed")
@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("cancel")])
def test_i6_killed_in_a_cancel(system: CrashSystem, point: str) -> None:
    """I6, EX3: a stuck transaction's cancel is cut off: one of the two lands, and both are accounted for."""
    ChainTruth(system).fault("errors", SENDS)
    system.crash_at(point)
    system.wait_crashed()
    restarted(system)


@fault("executor-killed")
@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("cleanup")])
def test_i6_killed_in_a_cleanup(system: CrashSystem, point: str) -> None:
    """I3, I6, ES6: it dies as it takes back what was in flight: the stop holds, and all is accounted for."""
    truth = ChainTruth(system)
    truth.fault("errors", SENDS)
    system.wait(lambda _: begun(truth) - truth.outcomes().keys(), "a transaction that may still land")
    system.crash_at(point)
    result = order_stop(system.home, message="test", operator="tester", policy=CleanUp.CANCEL)
    acknowledged_ns = system.now_ns()
    assert result.level is StopLevel.CONFIRMED
    assert result.in_flight
    system.wait_crashed()
    late = {each.tx_hash for each in system.received_after(acknowledged_ns)}
    assert late <= set(result.in_flight) | taken_back(truth)
    restarted(system, stopped=True)


@fault("executor-killed")
def test_i6_killed_again_while_it_settles(system: CrashSystem) -> None:
    """I6: a second and a third crash during the settlement of the first change nothing of its result."""
    system.crash_at("in-first-leg")
    system.wait_crashed()
    truth, hashes = check_what_is_left(system)
    for point in ("receipt-read", "outcome-unsynced"):
        system.crash_at(point)
        system.start(Role.EXECUTOR)
        system.wait_crashed()
    assert set(truth.signed()) == hashes
    restarted(system)


@fault("executor-killed")
@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("stop")])
def test_i3_killed_in_a_stop(system: CrashSystem, point: str) -> None:
    """I3, I4, I7: it dies as it hears of a stop: the stop holds all the same, until it is recovered."""
    system.crash_at(point)
    result = order_stop(system.home, message="test", operator="tester")
    acknowledged_ns = system.now_ns()
    levels = {StopLevel.NOT_RUNNING, StopLevel.FENCED}
    assert result.level in (levels if point == "stop-heard" else levels | {StopLevel.CONFIRMED})
    system.wait_crashed()
    system.start(Role.EXECUTOR)
    system.pass_time(SILENCE_S)
    late = {each.tx_hash for each in system.received_after(acknowledged_ns)}
    assert late <= set(result.in_flight) | taken_back(ChainTruth(system))
    assert [stop.stop_id for stop in system.latch.read().stops] == [result.stop_id]
    system.end(Role.EXECUTOR)
    restarted(system)
