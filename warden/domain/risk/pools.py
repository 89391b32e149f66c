"""One strategy's pool and its accounts: pure bookings, each of which keeps accounts and pool equal (PL5).

`capital.py` says what each account is, and when what is booked.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from warden.domain.errors import InvariantBroken
from warden.domain.money import Wei
from warden.domain.risk.events import Moved

if TYPE_CHECKING:
    from warden.domain.risk.allocation import Share
    from warden.domain.risk.events import Trade


class Account(StrEnum):
    """The accounts of a pool."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    POSITIONS = "positions"
    GAS = "gas"
    DEBTS = "debts"
    OPERATING = "operating"


class Record(msgspec.Struct, frozen=True):
    """What was ever allocated to a pool, and what was taken of it: sums that only corrections lower."""

    debts_wei: Wei = Wei(0)
    operating_wei: Wei = Wei(0)
    debts_paid_wei: Wei = Wei(0)
    costs_wei: Wei = Wei(0)
    profit_withdrawn_wei: Wei = Wei(0)


class Pool(msgspec.Struct, frozen=True):
    """The accounts and, kept apart from them, what they must add up to.

    Attributes:
        total_wei: all accounts together.
        invested_wei: the pool's baseline: what was put in less what was taken out of it, profits apart.
    """

    available_wei: Wei = Wei(0)
    reserved_wei: Wei = Wei(0)
    positions_wei: Wei = Wei(0)
    gas_wei: Wei = Wei(0)
    debts_wei: Wei = Wei(0)
    operating_wei: Wei = Wei(0)
    total_wei: Wei = Wei(0)
    invested_wei: Wei = Wei(0)
    record: Record = Record()

    @property
    def wallet_wei(self) -> int:
        """What of the pool is coins in the wallet: all but positions."""
        return self.total_wei - self.positions_wei

    @property
    def spendable_wei(self) -> int:
        """What its strategy may spend: available, less what other accounts are overdrawn by."""
        debts_wei, operating_wei = self.debts_wei, self.operating_wei
        if debts_wei >= 0 and operating_wei >= 0:  # as good as always; every check asks
            return self.available_wei
        return self.available_wei + min(0, debts_wei) + min(0, operating_wei)


# Which accounts a move may touch; the first is its own.
ACCOUNTS: dict[Moved, tuple[Account, ...]] = {
    Moved.DEPOSIT: (Account.AVAILABLE, Account.GAS),
    Moved.WITHDRAWAL: (Account.AVAILABLE, Account.GAS, Account.OPERATING),
    Moved.DEBT_PAID: (Account.DEBTS,),
    Moved.COST: (Account.OPERATING,),
}


def account_of(move: Moved, name: str) -> Account | None:
    """Return the account that a move touches, None where it may not touch the one that is named."""
    allowed = ACCOUNTS[move]
    return allowed[0] if not name else next((each for each in allowed if each.value == name), None)


def payable_wei(pool: Pool, account: Account) -> int:
    """Return what may be taken out of an account: no more than it holds, nor than the pool has in coins."""
    if account is Account.GAS:
        return pool.gas_wei
    if account is Account.AVAILABLE:
        return pool.spendable_wei
    held = pool.debts_wei if account is Account.DEBTS else pool.operating_wei
    return min(held, pool.available_wei + pool.debts_wei + pool.operating_wei)


def opened(pool: Pool, trading_wei: int, gas_wei: int) -> Pool:
    """Return the pool with its part of the wallet."""
    return msgspec.structs.replace(
        pool,
        available_wei=Wei(pool.available_wei + trading_wei),
        gas_wei=Wei(pool.gas_wei + gas_wei),
        total_wei=Wei(pool.total_wei + trading_wei + gas_wei),
        invested_wei=Wei(pool.invested_wei + trading_wei + gas_wei),
    )


def reserved(pool: Pool, amount_wei: int) -> Pool:
    """Return the pool with so much more reserved; less, if it is negative."""
    return msgspec.structs.replace(
        pool,
        available_wei=Wei(pool.available_wei - amount_wei),
        reserved_wei=Wei(pool.reserved_wei + amount_wei),
    )


def traded(pool: Pool, trade: Trade, sign: int) -> Pool:
    """Return the pool after a trade was mined (`sign` 1), or taken back (-1).

    What left and came moves `available`; what of that was not realised is now, or was before, in positions.
    """
    gross = sign * trade.gross_wei
    moved = trade.kind == "swap" and trade.success
    came = sign * (trade.output_wei - trade.input_wei) if moved else gross
    return msgspec.structs.replace(
        pool,
        available_wei=Wei(pool.available_wei + came),
        positions_wei=Wei(pool.positions_wei + gross - came),
        gas_wei=Wei(pool.gas_wei - sign * trade.gas_wei),
        total_wei=Wei(pool.total_wei + sign * trade.net_wei),
    )


def shared(pool: Pool, before: Share, after: Share) -> Pool:
    """Return the pool with its share of a period's profit changed from `before` to `after`."""
    debts = after.debts_wei - before.debts_wei
    operating = after.operating_wei - before.operating_wei
    record = pool.record
    return msgspec.structs.replace(
        pool,
        available_wei=Wei(pool.available_wei - debts - operating),
        debts_wei=Wei(pool.debts_wei + debts),
        operating_wei=Wei(pool.operating_wei + operating),
        record=msgspec.structs.replace(
            record,
            debts_wei=Wei(record.debts_wei + debts),
            operating_wei=Wei(record.operating_wei + operating),
        ),
    )


def put_in(pool: Pool, account: Account, amount_wei: int) -> Pool:
    """Return the pool after a deposit."""
    gas = amount_wei if account is Account.GAS else 0
    return opened(pool, amount_wei - gas, gas)


def taken_out(pool: Pool, move: Moved, account: Account, amount_wei: int) -> Pool:
    """Return the pool after a withdrawal, a debt paid or a cost: out of the account and of the wallet."""
    if account in {Account.AVAILABLE, Account.GAS}:
        return put_in(pool, account, -amount_wei)
    record, out = pool.record, Wei(amount_wei)
    total = Wei(pool.total_wei - amount_wei)
    if account is Account.DEBTS:
        record = msgspec.structs.replace(record, debts_paid_wei=Wei(record.debts_paid_wei + out))
        debts = Wei(pool.debts_wei - amount_wei)
        return msgspec.structs.replace(pool, debts_wei=debts, total_wei=total, record=record)
    if move is Moved.COST:
        record = msgspec.structs.replace(record, costs_wei=Wei(record.costs_wei + out))
    else:
        withdrawn = Wei(record.profit_withdrawn_wei + out)
        record = msgspec.structs.replace(record, profit_withdrawn_wei=withdrawn)
    operating = Wei(pool.operating_wei - amount_wei)
    return msgspec.structs.replace(pool, operating_wei=operating, total_wei=total, record=record)


def prove(name: str, pool: Pool) -> None:
    """Check that the accounts add up to the pool, and what is allocated to what was, less what was taken.

    Raises:
        InvariantBroken: they do not.
    """
    accounts = (
        pool.available_wei
        + pool.reserved_wei
        + pool.positions_wei
        + pool.gas_wei
        + pool.debts_wei
        + pool.operating_wei
    )
    if accounts != pool.total_wei:
        raise InvariantBroken(f"pool {name}: its accounts hold {accounts} wei, the pool {pool.total_wei}")
    record = pool.record
    if pool.debts_wei != record.debts_wei - record.debts_paid_wei:
        raise InvariantBroken(f"pool {name}: {pool.debts_wei} wei for debts are not what was set aside")
    if pool.operating_wei != record.operating_wei - record.costs_wei - record.profit_withdrawn_wei:
        raise InvariantBroken(f"pool {name}: {pool.operating_wei} wei for operation are not what stayed")
