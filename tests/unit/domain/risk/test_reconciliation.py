"""The wallet against the books by hand: opening, dust, deposits, and what is missing (PL5, EX9)."""

from __future__ import annotations

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
from tests.unit.domain.risk.trades import START_NS, cycle
from warden.domain.errors import InvariantBroken
from warden.domain.money import Wei
from warden.domain.risk import capital
from warden.domain.risk.capital import Capital, CapitalLimits, PoolWeight
from warden.domain.risk.events import Moved, Read, Released, Settled, Ticked
from warden.domain.risk.findings import Weight

ALL = TRADING + GAS


def test_the_first_read_parts_the_wallet_among_the_pools() -> None:
    """PL5: by weight, and to the wei though it does not divide."""
    limits = CapitalLimits(pools=(PoolWeight("a", 2), PoolWeight("b", 1), PoolWeight("c", 4)))
    state, notes = after(Capital(), [Read(Wei(100), Wei(10), Wei(110))], limits)
    assert [accounts(pool)[0] for pool in state.pools.values()] == [28, 14, 58]
    assert [accounts(pool)[3] for pool in state.pools.values()] == [2, 2, 6]
    assert capital.invested_wei(state) == capital.equity_wei(state) == state.whole_wei == 110
    assert notes == []


def test_an_empty_wallet_is_nothing_and_not_unknown() -> None:
    """ES2's trap, PL5: the books open on zero; then nothing may be spent, and that is why."""
    state, _ = after(Capital(), [Read(Wei(0), Wei(0), Wei(0))])
    assert state.opened
    refusal = capital.check(state, LIMITS, asks(1), START_NS)
    assert refusal is not None
    assert (refusal.rule, refusal.limit) == ("capital.pool", "0")


def test_what_was_mined_before_the_books_opened_is_not_counted_twice() -> None:
    """PL5: the first Read has it already."""
    state, _ = after(Capital(), [Settled(cycle(50, 7)), read(ALL)])
    assert accounts(state.pools["a"])[:4] == (TRADING, 0, 0, GAS)
    assert state.whole_wei == ALL


def test_books_without_a_pool_do_not_open() -> None:
    """PL5: somebody must own what the wallet holds."""
    with pytest.raises(InvariantBroken, match="no pool"):
        capital.step(Capital(), CapitalLimits(), read(ALL), START_NS)


def test_dust_is_noted_and_kept_out_of_equity() -> None:
    """EX9: after three Reads that agree on it, not after two; nobody may spend it."""
    state, notes = after(opened(), [read(ALL + 7)] * 2)
    assert (state.unexplained_wei, notes) == (0, [])
    state, notes = after(state, [read(ALL + 7)])
    assert (state.unexplained_wei, state.whole_wei) == (7, ALL + 7)
    assert capital.equity_wei(state) == ALL
    assert [(note.kind, note.weight) for note in notes] == [("capital.inflow", Weight.INFO)]
    assert capital.check(state, LIMITS, asks(TRADING + 1), START_NS) is not None


def test_a_difference_that_changes_is_not_believed_yet() -> None:
    """EX9: Reads that disagree begin to be counted anew; none is counted while money is on its way."""
    state, _ = after(opened(), [read(ALL + 7), read(ALL + 7), read(ALL + 8), read(ALL + 8)])
    assert state.unexplained_wei == 0
    state, _ = after(opened(), [read(ALL + 7), read(ALL + 7), reserved(100), read(ALL + 7), Released("id")])
    state, _ = after(state, [read(ALL + 7), read(ALL + 7)])
    assert state.unexplained_wei == 0
    state, _ = after(state, [read(ALL + 7)])
    assert state.unexplained_wei == 7


def test_a_trade_seen_in_the_wallet_first_is_no_inflow() -> None:
    """EX9: its reservation says that something is on its way; once it has settled the books agree."""
    bought = cycle(50)
    state, notes = after(opened(), [reserved(100, bought.trade_id), *[read(ALL + 50)] * 5])
    assert (state.unexplained_wei, notes) == (0, [])
    state, notes = after(state, [Settled(bought), *[read(ALL + 50)] * 5])
    assert (state.unexplained_wei, state.short_wei, notes) == (0, 0, [])


def test_a_flood_of_dust_is_told_by_doublings() -> None:
    """AL6, EX9: a thousand grains make eleven notes, not a thousand."""
    state, told = opened(), 0
    for grain in range(1, 1_025):
        state, notes = after(state, [read(ALL + grain)] * 3)
        told += len(notes)
    assert (state.unexplained_wei, told) == (1_024, 11)


def test_a_deposit_explains_what_was_seen_before_it_was_recorded() -> None:
    """PL5, EX9: it is counted once, in its pool, and moves the baseline; real dust stays apart."""
    state, _ = after(opened(), [read(ALL + 107)] * 3)
    state, _ = after(state, [moved(Moved.DEPOSIT, 100)])
    assert (state.unexplained_wei, state.whole_wei) == (7, ALL + 107)
    assert capital.invested_wei(state) == capital.equity_wei(state) == ALL + 100
    state, notes = after(state, [read(ALL + 107)] * 3)
    assert (state.unexplained_wei, state.short_wei, notes) == (7, 0, [])


def test_a_deposit_recorded_first_is_short_until_it_arrives() -> None:
    """PL5: nothing is opened on money that is not there."""
    state, notes = after(opened(), [moved(Moved.DEPOSIT, 100), *[read(ALL)] * 3])
    assert [note.kind for note in notes] == ["capital.short-of-books"]
    assert capital.check(state, LIMITS, asks(1), START_NS) is not None
    state, _ = after(state, [read(ALL + 100)])
    assert state.short_wei == 0
    assert capital.check(state, LIMITS, asks(TRADING + 100), START_NS) is None


def test_what_is_missing_refuses_and_is_told_once() -> None:
    """PL5: until the withdrawal is recorded; what is unexplained is missed first."""
    state, _ = after(opened(), [read(ALL + 7)] * 3)
    state, notes = after(state, [read(ALL - 100)] * 5)
    assert (state.unexplained_wei, state.short_wei, state.whole_wei) == (0, 100, ALL)
    assert [(note.kind, note.weight) for note in notes] == [("capital.short-of-books", Weight.ERROR)]
    refusal = capital.check(state, LIMITS, asks(1), START_NS)
    assert refusal is not None
    assert (refusal.rule, refusal.limit, refusal.observed) == (
        "capital.short-of-books",
        "0",
        "0.0000000000000001",
    )
    assert refusal.setting == "capital.short_tolerance_eth"
    state, notes = after(state, [moved(Moved.WITHDRAWAL, 100), read(ALL - 100)])
    assert notes == []
    assert capital.check(state, LIMITS, asks(TRADING - 100), START_NS) is None
    assert capital.invested_wei(state) == ALL - 100


@pytest.mark.parametrize(("missing", "refused"), [(10, False), (11, True)])
def test_the_tolerance_is_a_setting(missing: int, *, refused: bool) -> None:
    """PL5: missing exactly as much as is tolerated refuses nothing, one wei more does."""
    limits = CapitalLimits(pools=(PoolWeight("a"),), short_tolerance_wei=10)
    state, notes = after(opened(limits), [read(ALL - missing)] * 3, limits)
    assert (capital.check(state, limits, asks(1), START_NS) is not None) == refused
    assert bool(notes) == refused


def test_reads_that_agree_change_nothing() -> None:
    """PL5: the state stays the very same object, so that nothing needs to be written."""
    state = opened()
    same, _ = after(state, [read(ALL), Ticked(), read(ALL)])
    assert same is state
