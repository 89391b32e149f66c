"""A pool's bookings by hand: which accounts a trade, a share and a move change (PL5)."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.domain.risk.money import accounts
from tests.unit.domain.risk.trades import closing, cycle, opening, overhead, reverted
from warden.domain.errors import InvariantBroken
from warden.domain.money import Wei
from warden.domain.risk import pools
from warden.domain.risk.allocation import NOTHING, Share
from warden.domain.risk.events import Moved, Trade
from warden.domain.risk.pools import Account, Pool

FULL = pools.opened(Pool(), 1_000, 100)


@pytest.mark.parametrize(
    ("trade", "expected"),
    [
        (cycle(50, 7), (1_050, 0, 0, 93, 0, 0)),
        (cycle(-50, 7), (950, 0, 0, 93, 0, 0)),
        (opening(300, 7), (700, 0, 300, 93, 0, 0)),
        (closing(300, 340, 7), (1_340, 0, -300, 93, 0, 0)),
        (reverted(7), (1_000, 0, 0, 93, 0, 0)),
        (overhead(7), (1_000, 0, 0, 93, 0, 0)),
        (overhead(107, kind="cancel"), (1_000, 0, 0, -7, 0, 0)),
    ],
)
def test_a_trade_moves_coins_positions_and_gas(trade: Trade, expected: tuple[int, ...]) -> None:
    """PL5: the pool changes by the trade's net, and taking it back changes nothing in all."""
    pool = pools.traded(FULL, trade, 1)
    pools.prove("a", pool)
    assert accounts(pool) == expected
    assert pool.total_wei == FULL.total_wei + trade.net_wei
    assert pools.traded(pool, trade, -1) == FULL


def test_what_reverted_moved_nothing() -> None:
    """PL1, PL5: whatever its record says that it would have put in."""
    trade = msgspec.structs.replace(reverted(7), input_wei=Wei(300))
    assert accounts(pools.traded(FULL, trade, 1)) == (1_000, 0, 0, 93, 0, 0)


def test_a_position_bought_and_sold_leaves_its_gain() -> None:
    """PL5: at cost while it is held, gone when it is sold."""
    pool = pools.traded(pools.traded(FULL, opening(300), 1), closing(300, 340), 1)
    assert accounts(pool) == (1_040, 0, 0, 100, 0, 0)


def test_what_may_be_taken_out() -> None:
    """PL3: no more than an account holds, nor than the pool has in coins."""
    pool = pools.shared(FULL, NOTHING, Share(Wei(70), Wei(30)))
    assert pools.payable_wei(pool, Account.AVAILABLE) == 900
    assert pools.payable_wei(pool, Account.DEBTS) == 70
    assert pools.payable_wei(pool, Account.OPERATING) == 30
    assert pools.payable_wei(pool, Account.GAS) == 100
    bound = pools.traded(pool, opening(950), 1)
    assert pools.payable_wei(bound, Account.DEBTS) == 50
    assert pools.payable_wei(bound, Account.AVAILABLE) == -50


def test_an_overdrawn_account_holds_back_spending() -> None:
    """PL3, PL5: what was paid out and then taken back by a reorg is not spent a second time."""
    pool = pools.shared(FULL, NOTHING, Share(Wei(70), Wei(30)))
    pool = pools.taken_out(pool, Moved.DEBT_PAID, Account.DEBTS, 70)
    pool = pools.shared(pool, Share(Wei(70), Wei(30)), NOTHING)
    pools.prove("a", pool)
    assert accounts(pool) == (1_000, 0, 0, 100, -70, 0)
    assert pool.spendable_wei == 930


@pytest.mark.parametrize(
    ("move", "name", "account"),
    [
        (Moved.DEPOSIT, "", Account.AVAILABLE),
        (Moved.DEPOSIT, "gas", Account.GAS),
        (Moved.DEPOSIT, "debts", None),
        (Moved.WITHDRAWAL, "", Account.AVAILABLE),
        (Moved.WITHDRAWAL, "operating", Account.OPERATING),
        (Moved.WITHDRAWAL, "debts", None),
        (Moved.WITHDRAWAL, "positions", None),
        (Moved.DEBT_PAID, "", Account.DEBTS),
        (Moved.DEBT_PAID, "operating", None),
        (Moved.COST, "", Account.OPERATING),
        (Moved.COST, "available", None),
        (Moved.COST, "rubbish", None),
    ],
)
def test_a_move_goes_by_its_accounts(move: Moved, name: str, account: Account | None) -> None:
    """PL3: what is set aside for debts pays debts, and nothing else does."""
    assert pools.account_of(move, name) is account


@pytest.mark.parametrize(
    ("move", "account", "expected", "invested"),
    [
        (Moved.WITHDRAWAL, Account.AVAILABLE, (890, 0, 0, 100, 70, 30), 1_090),
        (Moved.WITHDRAWAL, Account.GAS, (900, 0, 0, 90, 70, 30), 1_090),
        (Moved.WITHDRAWAL, Account.OPERATING, (900, 0, 0, 100, 70, 20), 1_100),
        (Moved.COST, Account.OPERATING, (900, 0, 0, 100, 70, 20), 1_100),
        (Moved.DEBT_PAID, Account.DEBTS, (900, 0, 0, 100, 60, 30), 1_100),
    ],
)
def test_what_is_taken_out_is_recorded(
    move: Moved, account: Account, expected: tuple[int, ...], invested: int
) -> None:
    """PL3, PL5: capital taken out moves the baseline; profits and costs are recorded against the share."""
    pool = pools.taken_out(pools.shared(FULL, NOTHING, Share(Wei(70), Wei(30))), move, account, 10)
    pools.prove("a", pool)
    assert accounts(pool) == expected
    assert pool.invested_wei == invested
    assert pool.total_wei == 1_090
    record = pool.record
    assert record.debts_paid_wei == (10 if move is Moved.DEBT_PAID else 0)
    assert record.costs_wei == (10 if move is Moved.COST else 0)
    assert record.profit_withdrawn_wei == (10 if (move, account) == (Moved.WITHDRAWAL, "operating") else 0)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("available_wei", "its accounts hold"),
        ("total_wei", "its accounts hold"),
        ("debts_wei", "its accounts hold"),
    ],
)
def test_one_wei_too_many_is_found(name: str, text: str) -> None:
    """PL5: accounts that do not add up end the process."""
    wrong = msgspec.structs.replace(FULL, **{name: Wei(getattr(FULL, name) + 1)})
    with pytest.raises(InvariantBroken, match=text):
        pools.prove("a", wrong)


@pytest.mark.parametrize(("name", "text"), [("debts_wei", "set aside"), ("operating_wei", "what stayed")])
def test_one_wei_in_the_wrong_account_is_found(name: str, text: str) -> None:
    """PL3: what is for debts and for operation is what was allocated less what was taken, nothing else."""
    moved = {name: Wei(1), "available_wei": Wei(FULL.available_wei - 1)}
    with pytest.raises(InvariantBroken, match=text):
        pools.prove("a", msgspec.structs.replace(FULL, **moved))
