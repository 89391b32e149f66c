"""The book: what the journal's rows come to, and that a restart changes nothing of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.executor.rows import leg, outcome, signed, tx
from warden.domain.intents import TradeState
from warden.executor.books.book import Book, Totals
from warden.wire.codec import from_json, to_json
from warden.wire.rows import ChainRow, EndedRow, ExecutorRow, Purpose, SignedRow, StartedRow

STARTED = StartedRow(session="s", version="1", wallet="0x")
ENDED = EndedRow(session="s")
ON_CHAIN = (TradeState.MINED, TradeState.FINAL, TradeState.REVERTED)
OVER = (*ON_CHAIN, TradeState.RELEASED, TradeState.SUPERSEDED)


def book_of(*rows: ExecutorRow, recent_max: int = 200) -> Book:
    """Return the fold of rows."""
    book = Book(recent_max)
    for row in rows:
        book.apply(row)
    return book


def hashes(book: Book) -> list[str]:
    """Return what is open."""
    return [entry.signed.tx_hash for entry in book.open()]


def test_an_empty_journal_is_an_empty_book() -> None:
    """A first start is clean: nothing open, nothing counted, the chain's nonce is the next one."""
    book = Book()
    assert (book.empty, book.ended_in_order, book.open(), book.totals) == (True, True, (), Totals())
    assert book.next_nonce(7) == 7


@pytest.mark.parametrize(
    ("rows", "in_order"),
    [((STARTED,), False), ((STARTED, ENDED), True), ((STARTED, ENDED, STARTED), False)],
    ids=["crashed", "ended", "crashed later"],
)
def test_only_an_end_at_the_end_is_an_orderly_one(rows: tuple[ExecutorRow, ...], in_order: bool) -> None:  # noqa: FBT001 - a table's column
    """I7: a run without its last row was a crash, whatever runs before it did."""
    assert book_of(*rows).ended_in_order is in_order


@pytest.mark.parametrize("state", OVER)
def test_what_has_ended_is_not_open(state: TradeState) -> None:
    """I6: each state after which nothing of it can land closes the entry and its exposure."""
    book = book_of(signed(0), outcome(0, state))
    assert (hashes(book), book.exposure_wei()) == ([], 0)


@pytest.mark.parametrize("state", [state for state in TradeState if state not in OVER])
def test_what_may_still_land_is_open(state: TradeState) -> None:
    """EX3: unknown, rejected or reorged is not failed: it stays open and keeps its exposure."""
    book = book_of(signed(0, spend_wei=7), outcome(0, state))
    assert (hashes(book), book.exposure_wei()) == ([tx(0)], 7)


def test_legs_tell_accepted_and_rejected() -> None:
    """EX3: one endpoint's yes is enough to be accepted; the last no is kept as the reason."""
    book = book_of(signed(0), leg(0, "rejected", text="too low"), leg(0, "unknown"))
    entry = book.get(tx(0))
    assert entry is not None
    assert (entry.accepted, entry.rejected) == (False, "too low")
    book.apply(leg(0, "accepted"))
    entry = book.get(tx(0))
    assert entry is not None
    assert entry.accepted


def test_the_totals_count_swaps_and_everybodys_gas() -> None:
    """CB3, PL1: a reverted trade and a cancel cost gas; only swaps are trades, only a net gain is a win."""
    book = book_of(
        *(signed(0), signed(1), signed(2)),
        *(signed(3, purpose=Purpose.CANCEL), signed(4, purpose=Purpose.APPROVE)),
        outcome(0, TradeState.MINED, gain_wei=1_000, gas_wei=100),
        outcome(1, TradeState.MINED, gain_wei=100, gas_wei=100),
        outcome(2, TradeState.REVERTED, gas_wei=100),
        outcome(3, TradeState.MINED, gas_wei=21),
        outcome(4, TradeState.MINED, gas_wei=46),
    )
    assert book.totals == Totals(trades=3, wins=1, gain_wei=1_100, gas_wei=367)
    assert book.totals.net_wei == 733


def test_becoming_final_counts_nothing_twice() -> None:
    """PL1: mined and then final is one trade."""
    mined = book_of(signed(0), outcome(0, TradeState.MINED, gain_wei=9, gas_wei=2))
    before = mined.totals
    mined.apply(outcome(0, TradeState.FINAL, gain_wei=9, gas_wei=2))
    assert mined.totals == before
    assert mined.unfinal() == ()


@pytest.mark.parametrize("state", [TradeState.MINED, TradeState.REVERTED, TradeState.FINAL])
def test_the_same_bytes_signed_again_count_once(state: TradeState) -> None:
    """CB3, I6: a signature is made of its draft alone: what landed has landed, however often it is signed."""
    book = book_of(signed(0, purpose=Purpose.CANCEL), outcome(0, TradeState.MINED, gas_wei=21))
    book.apply(outcome(0, state, gas_wei=21))
    before = book.state()
    book.apply(signed(0, purpose=Purpose.CANCEL))
    assert book.state() == before
    book.apply(outcome(0, TradeState.MINED, gas_wei=21))
    assert book.totals.gas_wei == 21
    released = book_of(signed(1), outcome(1, TradeState.RELEASED), signed(1))
    assert hashes(released) == [tx(1)]


def test_a_reorg_takes_back_what_was_counted() -> None:
    """EX8: what disappears is open again and out of the totals, then counts as its new receipt says."""
    book = book_of(signed(0), outcome(0, TradeState.MINED, gain_wei=900, gas_wei=100))
    book.apply(outcome(0, TradeState.REORGED))
    assert (book.totals, hashes(book)) == (Totals(), [tx(0)])
    book.apply(outcome(0, TradeState.REVERTED, gas_wei=60, block_hash="0xother"))
    assert book.totals == Totals(trades=1, wins=0, gain_wei=0, gas_wei=60)


@pytest.mark.parametrize(
    ("state", "following"),
    [
        (None, 5),
        (TradeState.REJECTED, 5),
        (TradeState.REORGED, 5),
        (TradeState.MINED, 5),
        (TradeState.REVERTED, 5),
        (TradeState.FINAL, 5),
        (TradeState.RELEASED, 4),
        (TradeState.SUPERSEDED, 4),
    ],
)
def test_the_next_nonce(state: TradeState | None, following: int) -> None:
    """I6: open or mined binds its nonce even if the chain's figure is older; released gives it back."""
    book = book_of(signed(4))
    if state is not None:
        book.apply(outcome(4, state))
    assert book.next_nonce(4) == following
    assert book.next_nonce(9) == 9


def test_rows_of_unknown_transactions_change_nothing() -> None:
    """A leg or an outcome of a hash that was never signed here is no entry."""
    book = book_of(leg(1, "accepted"), outcome(1, TradeState.MINED, gain_wei=5))
    assert (book.get(tx(1)), book.totals, book.open()) == (None, Totals(), ())


def test_the_memory_is_bounded_and_what_matters_is_kept() -> None:
    """Settled and final entries are forgotten, oldest first; open and unfinal ones never."""
    rows: list[ExecutorRow] = [signed(0), signed(1), outcome(1, TradeState.MINED)]
    for number in range(2, 30):
        rows += [signed(number), outcome(number, TradeState.FINAL, gain_wei=1)]
    book = book_of(*rows, recent_max=10)
    assert hashes(book) == [tx(0)]
    assert [entry.signed.tx_hash for entry in book.unfinal()] == [tx(1)]
    assert book.get(tx(2)) is None
    assert [entry.signed.tx_hash for entry in book.recent(3)] == [tx(29), tx(28), tx(27)]
    assert (len(book.recent(100)), book.totals.trades) == (10, 29)


def test_the_journal_keeps_to_its_chain() -> None:
    """The chain that the journal belongs to is known after a restart."""
    row = ChainRow(chain_id=1, genesis="0x1", wallet="0x2")
    assert book_of(row).chain == row


Moves = list[tuple[int, TradeState | None]]
MOVES = st.lists(st.tuples(st.integers(0, 7), st.sampled_from([None, *TradeState])), max_size=40)


def rows_of(moves: Moves) -> list[ExecutorRow]:
    """Return rows that sign and settle a few transactions in any order, each with figures of its own."""
    rows: list[ExecutorRow] = []
    known: set[int] = set()
    for number, state in moves:
        if number not in known:
            known.add(number)
            rows.append(signed(number))
        if state is not None:
            rows.append(outcome(number, state, gain_wei=7**number, gas_wei=5**number))
    return rows


@given(MOVES)
def test_totals_are_the_sum_of_what_stands_on_the_chain(moves: Moves) -> None:
    """PL1, EX8: through any order of outcomes and reorgs the totals are those of what is on the chain."""
    book = book_of(*rows_of(moves))
    last = {number: state for number, state in moves if state is not None}
    landed = [number for number, state in last.items() if state in ON_CHAIN]
    assert book.totals == Totals(
        trades=len(landed),
        wins=sum(7**number > 5**number for number in landed),
        gain_wei=sum(7**number for number in landed),
        gas_wei=sum(5**number for number in landed),
    )


@given(MOVES, st.integers(0, 40))
def test_a_book_after_a_restart_is_the_book_before_it(moves: Moves, cut: int) -> None:
    """I6: folding the rows as the journal gives them back, from any point on, comes to the same."""
    rows = rows_of(moves)
    lived = book_of(*rows[:cut])
    read = book_of(*(from_json(to_json(row), ExecutorRow) for row in rows[:cut]))
    for row in rows[cut:]:
        lived.apply(row)
        read.apply(from_json(to_json(row), ExecutorRow))
    assert (lived.open(), lived.unfinal(), lived.totals) == (read.open(), read.unfinal(), read.totals)
    assert lived.next_nonce(0) == read.next_nonce(0)
    nonces = [row.nonce for row in rows if isinstance(row, SignedRow)]
    assert lived.next_nonce(0) <= max([0, *(nonce + 1 for nonce in nonces)])
