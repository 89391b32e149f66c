"""What became of a transaction: only the chain says so, and only when it is sure."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.executor.rows import outcome, signed, standing, tx
from tests.unit.executor.scene import TERMS
from warden.domain.intents import TradeState, TradeUpdate
from warden.domain.money import Wei
from warden.executor.books.book import Book, Entry
from warden.executor.books.settlement import Settlement, is_strangers, is_trade, update
from warden.executor.protocol.events import HeadRead, Receipt
from warden.executor.protocol.terms import Now
from warden.wire.rows import ExecutorRow, OutcomeRow, Purpose

NOW = Now(boot_ns=1, wall="now", utc_ns=1)
HEAD = HeadRead(
    block=10,
    block_hash="0xb10",
    timestamp_s=1_000,
    base_fee_wei=1,
    tip_wei=1,
    nonce=0,
    gas_balance_wei=1,
    trading_balance_wei=1,
    allowance_wei=1,
    receipts={},
)


def receipt(number: int, *, success: bool = True, block: int = 10, block_hash: str = "0xb10") -> Receipt:
    """Return a receipt of `tx(number)`."""
    return Receipt(
        tx_hash=tx(number), block=block, block_hash=block_hash, success=success, gain_wei=9, gas_wei=2
    )


class Desk:
    """A book with its settlement; what is found is applied, as the core does."""

    def __init__(self, *rows: ExecutorRow) -> None:
        self.book = Book()
        for row in rows:
            self.book.apply(row)
        self.settlement = Settlement(self.book, TERMS)

    def look(self, receipts: dict[str, Receipt | None] | None = None, **changed: int) -> list[OutcomeRow]:
        """Read the chain once; by default no receipt of what is open is there."""
        found = dict.fromkeys(self.settlement.wanted(HEAD)) | standing(self.book) | (receipts or {})
        rows = self.settlement.outcomes(msgspec.structs.replace(HEAD, receipts=found, **changed), NOW)
        for row in rows:
            self.book.apply(row)
        return rows

    def states(self, receipts: dict[str, Receipt | None] | None = None, **changed: int) -> list[TradeState]:
        """Read the chain once and return the new states."""
        return [row.state for row in self.look(receipts, **changed)]


@pytest.mark.parametrize(("success", "state"), [(True, TradeState.MINED), (False, TradeState.REVERTED)])
def test_a_receipt_settles_with_its_figures(success: bool, state: TradeState) -> None:  # noqa: FBT001 - a table's column
    """PL1, I6: block, gain and gas are the receipt's; a revert says so."""
    (row,) = Desk(signed(0)).look({tx(0): receipt(0, success=success)})
    assert (row.state, row.block, row.block_hash, row.gain_wei, row.gas_wei) == (state, 10, "0xb10", 9, 2)
    assert bool(row.error) is not success


def test_a_receipt_that_was_not_asked_for_is_no_news() -> None:
    """EX3: a read that brought nothing about a transaction says nothing about it."""
    desk = Desk(signed(0))
    head = msgspec.structs.replace(HEAD, nonce=5)
    assert [desk.settlement.outcomes(head, NOW) for _ in range(3)] == [[], [], []]


def test_a_consumed_nonce_is_a_strangers_only_two_blocks_later() -> None:
    """I6, EX9: receipt and nonce may be of different moments: before a stranger is blamed blocks go by."""
    desk = Desk(signed(0))
    assert desk.states(nonce=1) == []
    assert desk.states(nonce=1) == []
    assert desk.states(nonce=1, block=11) == []
    (row,) = desk.look(nonce=1, block=12)
    assert row.state is TradeState.SUPERSEDED
    assert "the journal does not know" in row.error
    assert is_strangers(row)


def test_a_receipt_between_the_looks_counts() -> None:
    """I6: what was missed once and is there at the next look has landed."""
    desk = Desk(signed(0))
    desk.look(nonce=1)
    assert desk.states({tx(0): receipt(0)}, nonce=1) == [TradeState.MINED]


def test_looks_are_counted_for_each_absence_anew() -> None:
    """I6: a reorg between two looks begins the count again: one look after it proves nothing."""
    desk = Desk(signed(0))
    desk.look(nonce=1)
    desk.look({tx(0): receipt(0)}, nonce=1)
    desk.book.apply(outcome(0, TradeState.REORGED))
    assert desk.states(nonce=1) == []


def test_who_took_the_nonce_is_named() -> None:
    """EX3: a swap whose cancel was mined is superseded by that cancel."""
    desk = Desk(signed(0), signed(1, nonce=0, purpose=Purpose.CANCEL, not_after_s=0, replaces=tx(0)))
    found: dict[str, Receipt | None] = {tx(1): receipt(1)}
    assert desk.states(found, nonce=1) == [TradeState.MINED]
    (row,) = desk.look(nonce=1)
    assert (row.tx_hash, row.state, row.error) == (tx(0), TradeState.SUPERSEDED, f"replaced by {tx(1)}")
    assert not is_strangers(row)


@pytest.mark.parametrize(
    ("state", "timestamp_s", "expected"),
    [
        (TradeState.REJECTED, 1_010, []),
        (TradeState.REJECTED, 1_011, [TradeState.RELEASED]),
        (TradeState.UNKNOWN, 1_011, []),
        (TradeState.SIGNED, 1_011, []),
    ],
)
def test_only_what_all_refused_and_is_too_late_is_released(
    state: TradeState, timestamp_s: int, expected: list[TradeState]
) -> None:
    """EX3: unknown is never treated as failed; a refused one is free once the chain would refuse it, too."""
    assert Desk(signed(0), outcome(0, state)).states(timestamp_s=timestamp_s) == expected


@pytest.mark.parametrize(
    ("timestamp_s", "late", "stuck"),
    [(1_010, False, False), (1_011, True, False), (1_012, True, False), (1_013, True, True)],
)
def test_late_and_stuck(timestamp_s: int, late: bool, stuck: bool) -> None:  # noqa: FBT001 - a table's columns
    """EX3: late once chain time has passed its deadline, stuck two blocks after that."""
    desk = Desk(signed(0))
    (entry,) = desk.book.open()
    head = msgspec.structs.replace(HEAD, timestamp_s=timestamp_s)
    assert (desk.settlement.is_late(entry, head), desk.settlement.is_stuck(entry, head)) == (late, stuck)


def test_what_has_no_deadline_is_never_late() -> None:
    """A cancel is valid for ever: it is sent until its nonce is consumed."""
    desk = Desk(signed(0, purpose=Purpose.CANCEL, not_after_s=0))
    (entry,) = desk.book.open()
    head = msgspec.structs.replace(HEAD, timestamp_s=10**10)
    assert not desk.settlement.is_late(entry, head)
    assert not desk.settlement.is_stuck(entry, head)


MINED = outcome(0, TradeState.MINED, block=10, block_hash="0xb10", gain_wei=9, gas_wei=2)
DEEP = 10 + TERMS.finality_depth


@pytest.mark.parametrize(("block", "expected"), [(DEEP - 1, []), (DEEP, [TradeState.FINAL])])
def test_final_at_the_profiles_depth(block: int, expected: list[TradeState]) -> None:
    """EX8: a transaction is final at the depth and not one block before, and keeps its figures."""
    desk = Desk(signed(0), MINED)
    rows = desk.look({tx(0): receipt(0)}, block=block, nonce=1)
    assert [row.state for row in rows] == expected
    assert [(row.gain_wei, row.gas_wei, row.block) for row in rows] == [(9, 2, 10)] * len(expected)


@pytest.mark.parametrize("block", [10, 11, DEEP])
@pytest.mark.parametrize("found", [None, receipt(0, block_hash="0xother")], ids=["gone", "elsewhere"])
def test_a_receipt_that_changed_is_a_reorg(found: Receipt | None, block: int) -> None:
    """EX8: gone or in another block, seen twice, however young: it is taken back, and settled again."""
    desk = Desk(signed(0), MINED)
    assert desk.states({tx(0): found}, block=block, nonce=1) == []
    assert desk.states({tx(0): found}, block=block, nonce=1) == [TradeState.REORGED]
    assert desk.book.totals.trades == 0
    assert desk.states({tx(0): receipt(0, block=20, block_hash="0xb20")}, nonce=1) == [TradeState.MINED]
    (entry,) = desk.book.recent(1)
    assert (entry.outcome.block, entry.outcome.block_hash) == (20, "0xb20")


def test_one_look_without_it_is_no_reorg() -> None:
    """EX8: an endpoint that lost a receipt for one look undoes nothing, however often."""
    desk = Desk(signed(0), MINED)
    for _ in range(3):
        assert desk.states({tx(0): None}, block=11, nonce=1) == []
        assert desk.states({tx(0): receipt(0)}, block=11, nonce=1) == []


def test_an_endpoint_that_has_not_come_so_far_knows_of_no_reorg() -> None:
    """EX8: after a failover to one that lags, what it cannot know yet is not gone."""
    desk = Desk(signed(0), MINED)
    assert [desk.states({tx(0): None}, block=9, nonce=0) for _ in range(5)] == [[]] * 5


def test_a_reverted_one_becomes_final_as_reverted_on_the_chain() -> None:
    """EX8: finality keeps the reason of a failure."""
    reverted = outcome(0, TradeState.REVERTED, block=10, block_hash="0xb10", gas_wei=2, error="reverted")
    (row,) = Desk(signed(0), reverted).look({tx(0): receipt(0, success=False)}, block=DEEP)
    assert (row.state, row.error) == (TradeState.FINAL, "reverted")


def test_only_what_matters_is_asked_for() -> None:
    """EX8: open hashes always, mined ones until they are final, settled ones never."""
    desk = Desk(signed(0), MINED, signed(1), signed(2), outcome(2, TradeState.RELEASED))
    assert desk.settlement.wanted(None) == (tx(1), tx(0))
    assert desk.settlement.wanted(HEAD) == (tx(1), tx(0))
    desk.book.apply(outcome(0, TradeState.FINAL, block=10, block_hash="0xb10"))
    assert desk.settlement.wanted(HEAD) == (tx(1),)


def test_what_is_asked_for_is_bounded() -> None:
    """EX8: of many the newest, where reorgs happen, and the oldest, due to be final."""
    rows = [
        row for number in range(100) for row in (signed(number), outcome(number, TradeState.MINED, block=10))
    ]
    desk = Desk(*rows)
    assert desk.settlement.wanted(HEAD) == tuple(tx(number) for number in range(84, 100))
    deep = msgspec.structs.replace(HEAD, block=DEEP)
    assert desk.settlement.wanted(deep) == tuple(tx(number) for number in [*range(16), *range(84, 100)])


@pytest.mark.parametrize("state", list(TradeState))
def test_a_strategy_hears_figures_only_once_it_is_mined(state: TradeState) -> None:
    """PL1: nothing is claimed of what is not on the chain."""
    entry = Entry(signed=signed(0), outcome=outcome(0, TradeState.SIGNED))
    told = update(entry, outcome(0, state, block=7, gain_wei=9, gas_wei=2))
    on_chain = state in {TradeState.MINED, TradeState.REVERTED, TradeState.FINAL}
    assert told == TradeUpdate(
        intent_id="intent-0",
        state=state,
        tx_hash=tx(0),
        block=7,
        net_wei=Wei(7) if on_chain else None,
        gas_wei=Wei(2) if on_chain else None,
    )


@pytest.mark.parametrize("purpose", list(Purpose))
def test_only_a_swap_is_a_trade(purpose: Purpose) -> None:
    """Warden's own transactions are nobody's trades."""
    entry = Entry(signed=signed(0, purpose=purpose), outcome=outcome(0, TradeState.SIGNED))
    assert is_trade(entry) is (purpose is Purpose.SWAP)
