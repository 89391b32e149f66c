"""Pools by hand: spending, moves, days that end, and reorgs after that (PL3, PL5)."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.domain.risk.money import (
    GAS,
    LIMITS,
    TRADING,
    accounts,
    after,
    asks,
    moved,
    opened,
    read,
    reserved,
)
from tests.unit.domain.risk.trades import START_NS, closing, cycle, opening, overhead
from warden.domain.errors import InvariantBroken
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk import capital
from warden.domain.risk.allocation import AllocationLimits
from warden.domain.risk.capital import Capital, CapitalLimits, PoolWeight
from warden.domain.risk.events import (
    DAY_NS,
    NS_PER_S,
    CapitalMoved,
    Moved,
    Released,
    Sent,
    Settled,
    Ticked,
    Undone,
)
from warden.domain.risk.findings import Weight

NEXT_NS = START_NS + DAY_NS
TWO = CapitalLimits(pools=(PoolWeight("a"), PoolWeight("b")))


def rule_of(state: Capital, spend: int, *, strategy: str = "a", at_ns: int = START_NS) -> str:
    """Return the rule that refuses an opening, empty for none."""
    refusal = capital.check(state, LIMITS, asks(spend, strategy=strategy), at_ns)
    return "" if refusal is None else refusal.rule


# --- spending


@pytest.mark.parametrize(
    ("spend", "rule"), [(TRADING, ""), (TRADING + 1, "capital.pool"), (0, ""), (-1, "capital.pool")]
)
def test_a_strategy_spends_what_its_pool_has(spend: int, rule: str) -> None:
    """PL5: all that is available, and not a wei more; a negative amount is no amount."""
    assert rule_of(opened(), spend) == rule


def test_the_refusal_says_what_would_change_it() -> None:
    """EX1: limit and observed as exact text, and the setting."""
    refusal = capital.check(opened(), LIMITS, asks(TRADING + 1), START_NS)
    assert refusal is not None
    assert (refusal.limit, refusal.observed) == ("0.00000000000001", "0.000000000000010001")
    assert (refusal.unit, refusal.setting) == ("ETH", "capital.pools")


def test_what_is_not_known_is_refused() -> None:
    """PL5: closed books, a strategy without a pool, a clock that stands before what was closed."""
    assert rule_of(Capital(), 1) == "capital.unknown"
    assert rule_of(opened(), 1, strategy="b") == "capital.no-pool"
    assert rule_of(opened(), 1, at_ns=-1) == "capital.clock"
    state, _ = after(opened(), [Settled(cycle(10))])
    state, _ = after(state, [Ticked()], at_ns=NEXT_NS)
    assert rule_of(state, 1, at_ns=NEXT_NS - 1) == "capital.clock"
    assert rule_of(state, 1, at_ns=NEXT_NS) == ""


@pytest.mark.parametrize("action", [Action.REDUCE, Action.CANCEL])
def test_an_exit_never_lacks_capital(action: Action) -> None:
    """SL1, PL5: what reduces or cancels is not refused, whatever the books say."""
    request = asks(10**30, strategy="nobody", action=action)
    assert capital.check(Capital(), LIMITS, request, -1) is None


def test_pools_do_not_share() -> None:
    """PL5: one strategy's reservation takes nothing of another's pool."""
    state, _ = after(opened(TWO), [reserved(5_000)], TWO)
    assert capital.check(state, TWO, asks(1), START_NS) is not None
    assert capital.check(state, TWO, asks(5_000, strategy="b"), START_NS) is None


# --- reservations


def test_a_reservation_is_used_by_its_trade() -> None:
    """PS2, PL5: reserved, then neither reserved nor available but traded."""
    trade = opening(300, 7)
    state, _ = after(opened(), [reserved(400, trade.trade_id)])
    assert accounts(state.pools["a"])[:2] == (TRADING - 400, 400)
    state, _ = after(state, [Sent(trade.trade_id), Settled(trade)])
    assert accounts(state.pools["a"]) == (TRADING - 300, 0, 300, GAS - 7, 0, 0)


def test_a_released_reservation_is_available_again() -> None:
    """PS2, PL5: to the wei, and only once."""
    state = opened()
    later, _ = after(state, [reserved(400), Released("id"), Released("id"), Sent("id")])
    assert later.pools == state.pools


def test_an_unused_reservation_expires() -> None:
    """PS2: at its life's end and not a nanosecond before; never once it is signed."""
    life = LIMITS.unused_life_ns
    state, _ = after(opened(), [reserved(400, "idle"), reserved(100, "signed"), Sent("signed")])
    state, _ = after(state, [Ticked()], at_ns=START_NS + life - 1)
    assert set(state.held) == {"idle", "signed"}
    state, _ = after(state, [Ticked()], at_ns=START_NS + life)
    assert set(state.held) == {"signed"}
    state, _ = after(state, [Ticked()], at_ns=START_NS + 100 * life)
    assert state.pools["a"].reserved_wei == 100


def test_what_is_undone_holds_its_share_again() -> None:
    """PS2, PL5: it may still land; an exit held nothing, and holds nothing."""
    trade = opening(300)
    held, _ = after(opened(), [reserved(400, trade.trade_id), Sent(trade.trade_id)])
    state, _ = after(held, [Settled(trade), Undone(trade)])
    assert state.pools == held.pools
    assert state.held.keys() == held.held.keys()
    sold = closing(300, 340)
    state, _ = after(opened(), [Settled(sold), Undone(sold)])
    assert state.pools == opened().pools
    forgotten = cycle(5)
    state, _ = after(opened(), [Undone(forgotten)])
    assert state.held[forgotten.trade_id].spend_wei == forgotten.input_wei


def test_an_intent_reserves_once() -> None:
    """PS2: neither twice at a time nor again after it was settled."""
    trade = cycle(5)
    state, _ = after(opened(), [reserved(400, trade.trade_id), reserved(500, trade.trade_id)])
    assert state.pools["a"].reserved_wei == 400
    state, _ = after(state, [Settled(trade), reserved(500, trade.trade_id)])
    assert state.pools["a"].reserved_wei == 0


# --- days


def test_a_days_profit_is_parted_at_midnight() -> None:
    """PL3: 70 % for debts, 30 % for operation, of what is left after gas; told once."""
    state, notes = after(opened(), [Settled(cycle(120, 10)), Settled(overhead(9))])
    before = state
    state, notes = after(state, [Ticked()], at_ns=NEXT_NS - 1)
    assert state is before
    state, notes = after(state, [Ticked(), Ticked()], at_ns=NEXT_NS)
    assert accounts(state.pools["a"]) == (TRADING + 120 - 101, 0, 0, GAS - 19, 70, 31)
    assert [(note.kind, note.weight) for note in notes] == [("profit.allocated", Weight.INFO)]


def test_a_days_loss_allocates_nothing_and_is_not_carried_over() -> None:
    """PL3: never of a loss; the next day's profit is parted whole, as it is promised of each period's."""
    state, notes = after(opened(), [Settled(cycle(-500)), Settled(cycle(499))])
    state, more = after(state, [Settled(cycle(100, at_ns=NEXT_NS))], at_ns=NEXT_NS)
    assert accounts(state.pools["a"])[4:] == (0, 0)
    state, last = after(state, [Ticked()], at_ns=NEXT_NS + DAY_NS)
    assert accounts(state.pools["a"])[4:] == (70, 30)
    assert [note.observed for note in notes + more + last] == ["0.0000000000000001"]


def test_weeks_of_silence_close_one_day() -> None:
    """PL3: the first event after them finds the day closed, whatever event it is."""
    state, _ = after(opened(), [Settled(cycle(100))])
    state, _ = after(state, [reserved(1)], at_ns=NEXT_NS + 30 * DAY_NS)
    assert accounts(state.pools["a"])[4:] == (70, 30)


def test_a_check_after_midnight_counts_the_profit_as_set_aside() -> None:
    """PL3, PL5: before any event has closed the day, too."""
    state, _ = after(opened(), [Settled(cycle(100))])
    assert rule_of(state, TRADING + 100, at_ns=NEXT_NS - 1) == ""
    assert rule_of(state, TRADING, at_ns=NEXT_NS) == ""
    assert rule_of(state, TRADING + 1, at_ns=NEXT_NS) == "capital.pool"


def test_profit_that_positions_hold_is_set_aside_all_the_same() -> None:
    """PL3: then nothing may be spent until they are sold, and the sum is right all along."""
    state, _ = after(opened(), [Settled(cycle(100)), Settled(opening(TRADING + 100))])
    state, _ = after(state, [Ticked()], at_ns=NEXT_NS)
    assert accounts(state.pools["a"]) == (-100, 0, TRADING + 100, GAS, 70, 30)
    assert rule_of(state, 1, at_ns=NEXT_NS) == "capital.pool"
    refusal = capital.check_move(state, LIMITS, moved(Moved.DEBT_PAID, 1), NEXT_NS)
    assert refusal is not None
    assert refusal.rule == "capital.overdrawn"
    sold = closing(TRADING + 100, TRADING + 100, at_ns=NEXT_NS)
    state, _ = after(state, [Settled(sold)], at_ns=NEXT_NS)
    assert accounts(state.pools["a"]) == (TRADING, 0, 0, GAS, 70, 30)


def test_a_trade_of_yesterday_counts_yesterday() -> None:
    """PL3: a receipt that is read after midnight changes the closed day by exactly its part."""
    state, _ = after(opened(), [Settled(cycle(100))])
    state, notes = after(state, [Ticked(), Settled(cycle(11))], at_ns=NEXT_NS)
    assert accounts(state.pools["a"])[4:] == (77, 34)
    assert [note.kind for note in notes] == ["profit.allocated", "profit.reallocated"]
    assert state.next_close_ns == 0


def test_a_reorg_after_midnight_takes_back_its_part_of_the_allocation() -> None:
    """PL3: as if it had never been; landing again today, it counts today."""
    trade = cycle(11)
    clean, _ = after(opened(), [Settled(cycle(100))])
    state, _ = after(clean, [Settled(trade)])
    state, _ = after(state, [Ticked()], at_ns=NEXT_NS)
    state, _ = after(state, [Undone(trade), Released(trade.trade_id)], at_ns=NEXT_NS)
    clean, _ = after(clean, [Ticked()], at_ns=NEXT_NS)
    assert state.pools == clean.pools
    again = msgspec.structs.replace(trade, at_ns=NEXT_NS + 5)
    state, _ = after(state, [Settled(again)], at_ns=NEXT_NS + 5)
    assert accounts(state.pools["a"])[4:] == (70, 30)
    state, _ = after(state, [Ticked()], at_ns=NEXT_NS + DAY_NS)
    assert accounts(state.pools["a"])[4:] == (77, 34)


def test_a_reorg_of_a_loss_after_midnight_lets_the_profit_be_allocated() -> None:
    """PL3: a day that lost, and did not after all."""
    lost = cycle(-100)
    state, _ = after(opened(), [Settled(cycle(100)), Settled(lost)])
    state, _ = after(state, [Ticked(), Undone(lost)], at_ns=NEXT_NS)
    assert accounts(state.pools["a"])[4:] == (70, 30)


def test_profit_paid_out_and_then_taken_back_is_owed_by_the_next() -> None:
    """PL3: the account goes below zero, spending is held back by as much, and the next share fills it."""
    trade = cycle(100)
    state, _ = after(opened(), [Settled(trade)])
    state, _ = after(state, [Ticked(), moved(Moved.DEBT_PAID, 70)], at_ns=NEXT_NS)
    state, notes = after(state, [Undone(trade), Released(trade.trade_id)], at_ns=NEXT_NS)
    assert accounts(state.pools["a"]) == (TRADING, 0, 0, GAS, -70, 0)
    assert [note.kind for note in notes] == ["profit.reallocated", "debts.overpaid"]
    assert rule_of(state, TRADING - 70, at_ns=NEXT_NS) == ""
    assert rule_of(state, TRADING - 69, at_ns=NEXT_NS) == "capital.pool"
    state, _ = after(state, [Settled(cycle(200, at_ns=NEXT_NS))], at_ns=NEXT_NS)
    state, _ = after(state, [Ticked()], at_ns=NEXT_NS + DAY_NS)
    assert accounts(state.pools["a"])[4:] == (70, 60)


# --- what an operator moves


@pytest.mark.parametrize(
    ("move", "account", "fits"),
    [
        (Moved.DEBT_PAID, "", 70),
        (Moved.COST, "", 30),
        (Moved.WITHDRAWAL, "operating", 30),
        (Moved.WITHDRAWAL, "", TRADING),
        (Moved.WITHDRAWAL, "gas", GAS),
    ],
)
def test_an_account_is_not_overdrawn(move: Moved, account: str, fits: int) -> None:
    """PL3: all that it holds may be taken, one wei more is refused with what it holds."""
    state, _ = after(opened(), [Settled(cycle(100))])
    fine = moved(move, fits, account=account)
    # The day is over, and no event has closed it yet: the move sees it closed, as `step` will.
    assert capital.check_move(state, LIMITS, fine, NEXT_NS) is None
    more = msgspec.structs.replace(fine, amount_wei=Wei(fits + 1))
    refusal = capital.check_move(state, LIMITS, more, NEXT_NS)
    assert refusal is not None
    assert refusal.rule == "capital.overdrawn"
    before = capital.equity_wei(state)
    state, _ = after(state, [fine], at_ns=NEXT_NS)
    assert capital.equity_wei(state) == before - fits


@pytest.mark.parametrize(
    ("move", "rule"),
    [
        (moved(Moved.DEPOSIT, 0), "capital.amount"),
        (moved(Moved.DEPOSIT, -5), "capital.amount"),
        (moved(Moved.DEPOSIT, 5, pool="x"), "capital.no-pool"),
        (moved(Moved.DEPOSIT, 5, account="debts"), "capital.account"),
        (moved(Moved.COST, 5, account="debts"), "capital.account"),
        (moved(Moved.DEBT_PAID, 1), "capital.overdrawn"),
    ],
)
def test_a_move_that_makes_no_sense_is_refused(move: CapitalMoved, rule: str) -> None:
    """PL3, PL5: typed, before anything is written down."""
    refusal = capital.check_move(opened(), LIMITS, move, START_NS)
    assert refusal is not None
    assert refusal.rule == rule
    unknown = capital.check_move(Capital(), LIMITS, move, START_NS)
    assert unknown is not None
    assert unknown.rule == "capital.unknown"


def test_a_journal_is_read_under_other_settings_than_it_was_written_under() -> None:
    """PL3: what was paid is paid, though less is set aside by now, or its pool is not configured any more."""
    less = msgspec.structs.replace(LIMITS, allocation=AllocationLimits(debt_bps=5_000))
    state, _ = after(opened(less), [Settled(cycle(100))], less)
    paid = moved(Moved.DEBT_PAID, 70)
    assert capital.check_move(state, less, paid, NEXT_NS) is not None
    state, _ = after(state, [paid], less, NEXT_NS)
    assert (state.pools["a"].debts_wei, state.pools["a"].record.debts_paid_wei) == (-20, 70)
    state, _ = after(state, [moved(Moved.DEPOSIT, 7, pool="gone")], less, NEXT_NS)
    assert state.pools["gone"].total_wei == 7
    for nonsense in (moved(Moved.DEPOSIT, 0), moved(Moved.DEPOSIT, 5, account="debts")):
        with pytest.raises(InvariantBroken, match="can mean nothing"):
            capital.step(state, less, nonsense, NEXT_NS)


def test_deposits_and_withdrawals_move_the_baseline() -> None:
    """PL5: by exactly as much, so that neither looks like a profit or a loss."""
    state, _ = after(opened(), [moved(Moved.DEPOSIT, 300), moved(Moved.DEPOSIT, 20, account="gas")])
    assert capital.invested_wei(state) == capital.equity_wei(state) == TRADING + GAS + 320
    assert accounts(state.pools["a"])[:4] == (TRADING + 300, 0, 0, GAS + 20)
    state, _ = after(state, [moved(Moved.WITHDRAWAL, 100)])
    assert capital.invested_wei(state) == capital.equity_wei(state) == TRADING + GAS + 220


def test_a_strategy_added_later_gets_its_pool_by_a_deposit() -> None:
    """PL5: a configured name is enough; before it, it may spend nothing."""
    state = opened()
    assert capital.check(state, TWO, asks(1, strategy="b"), START_NS) is not None
    state, _ = after(state, [moved(Moved.DEPOSIT, 50, pool="b")], TWO)
    assert capital.check(state, TWO, asks(50, strategy="b"), START_NS) is None


def test_books_that_do_not_add_up_end_the_process() -> None:
    """PL5: whatever is wrong in a state that was read back, the next change finds it."""
    state, _ = after(opened(), [reserved(5)])
    pool = state.pools["a"]
    for wrong in (
        msgspec.structs.replace(state, whole_wei=Wei(state.whole_wei + 1)),
        msgspec.structs.replace(state, held={}),
        msgspec.structs.replace(
            state, pools={"a": msgspec.structs.replace(pool, gas_wei=Wei(pool.gas_wei + 1))}
        ),
        msgspec.structs.replace(state, unexplained_wei=Wei(-1), whole_wei=Wei(state.whole_wei - 1)),
    ):
        with pytest.raises(InvariantBroken):
            capital.step(wrong, LIMITS, reserved(1, "next"), START_NS + NS_PER_S)
    assert after(state, [read(TRADING + GAS)])[0] is state
