"""What a stop does with what is on its way: cancelled under its own leave, or held; the endpoints judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.process.system import System
from tests.process.test_invariants import rows
from warden.domain.stops import CleanUp, StopLevel
from warden.operator.stopping import order_stop
from warden.wire.rows import CleanupRow, OutcomeRow, Purpose, SignedRow

if TYPE_CHECKING:
    from collections.abc import Iterator

WATCH_S = 4.0


@pytest.fixture
def pending() -> Iterator[System]:
    """A system whose chain stands still with one transaction of ours waiting in it."""
    with System() as made:
        made.start_all()
        made.wait_trading(1)
        made.hold_one()
        yield made


def test_cancel_takes_back_what_may_still_land(pending: System) -> None:
    """ES6, I3: after the stop only cancels at the same nonces arrive, they land, and the report says so."""
    result = order_stop(pending.home, message="test", operator="tester", policy=CleanUp.CANCEL)
    acknowledged_ns = pending.now_ns()
    assert (result.level, result.cleanup, len(result.in_flight)) == (StopLevel.CONFIRMED, "cancel", 1)
    pending.wait(lambda each: each.received_after(acknowledged_ns), "cancel at the endpoints")
    pending.mining(running=True)
    pending.wait(
        lambda each: any(isinstance(row, CleanupRow) for row in rows(each)), "report of the clean-up"
    )
    signed = {row.tx_hash: row for row in rows(pending) if isinstance(row, SignedRow)}
    (swap_hash,) = result.in_flight
    cancels = {row.tx_hash for row in signed.values() if row.purpose is Purpose.CANCEL}
    late = {each.tx_hash for each in pending.received_after(acknowledged_ns)}
    assert late <= cancels | {swap_hash}
    assert {signed[each].nonce for each in cancels} == {signed[swap_hash].nonce}
    (report,) = [row for row in rows(pending) if isinstance(row, CleanupRow)]
    assert report == CleanupRow(stop_ids=(result.stop_id,), cancelled=(swap_hash,), landed=(), left=())
    mined = {row.tx_hash for row in rows(pending) if isinstance(row, OutcomeRow) and row.state == "mined"}
    assert cancels <= mined
    assert swap_hash not in mined


def test_hold_sends_nothing_more(pending: System) -> None:
    """ES6: with `hold` what is on its way is left to the chain, and listed."""
    result = order_stop(pending.home, message="test", operator="tester", policy=CleanUp.HOLD)
    acknowledged_ns = pending.now_ns()
    assert (result.level, result.cleanup, len(result.in_flight)) == (StopLevel.CONFIRMED, "hold", 1)
    pending.pass_time(WATCH_S)
    assert {each.tx_hash for each in pending.received_after(acknowledged_ns)} <= set(result.in_flight)
    assert not [row for row in rows(pending) if isinstance(row, SignedRow) and row.purpose is Purpose.CANCEL]
