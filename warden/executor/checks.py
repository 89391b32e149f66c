"""The checks that the executor answers, as functions of what it has (FS2, FS3). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.checks import answer
from warden.domain.errors import InvariantBroken
from warden.domain.health import Health
from warden.domain.money import WEI_PER_GWEI, Wei, format_ether
from warden.domain.risk import books
from warden.domain.risk.events import NS_PER_S
from warden.executor.books import position_book
from warden.executor.books.snapshots import Compared
from warden.executor.sends import gas_reserve
from warden.executor.sends.drafts import Moment
from warden.wire.checks import Books

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.domain.health import CheckLine
    from warden.executor.books.ledger import Ledger
    from warden.executor.protocol.events import HeadRead
    from warden.executor.protocol.terms import Now, Terms

_PERCENT: Final = 100
_NEAR_PERCENT: Final = 110  # of what is needed: below it is told before it fails
_BLOCKS_BEHIND: Final = 3


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks go by, from the settings.

    Attributes:
        clock_skew_s: None where the wall clock is not compared.
        snapshot_s: age of a snapshot that fails; `shutdown_s` that shuts down, None: never.
    """

    clock_skew_s: int | None
    snapshot_s: int
    shutdown_s: int | None


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal says of itself.

    Attributes:
        error: why nothing becomes durable any more; empty while it does.
        rows: durable rows; `checked` of them were read back.
        whole_s: seconds since all of them were last read back in this run; None: not yet.
        low: why the disk is too full; empty where it is not.
        snapshot_age_s: of the newest snapshot.
        compared: what came of holding it against the rows; None: not done yet.
    """

    error: str
    rows: int
    checked: int
    whole_s: int | None
    low: str
    snapshot_age_s: int
    compared: Compared | None


def of_disk(disk: Disk, limits: Limits) -> Iterator[CheckLine]:
    """Yield what is known without the chain."""
    if disk.error:
        yield answer("integrity.journal", Health.CRITICAL, disk.error, "no error at all")
    else:
        whole = "all of them not yet in this run"
        if disk.whole_s is not None:
            whole = f"all of them {disk.whole_s} s ago"
        yield answer(
            "integrity.journal", Health.HEALTHY, f"{disk.rows} rows, read back to {disk.checked}; {whole}"
        )
    if disk.compared is not None:
        found, problem = disk.compared
        status = Health.CRITICAL if problem else Health.HEALTHY
        yield answer("integrity.snapshots", status, problem or found)
    yield _snapshot(disk.snapshot_age_s, limits)
    status = Health.CRITICAL if disk.low else Health.HEALTHY
    yield answer("disk", status, disk.low or "room enough")


def _snapshot(age_s: int, limits: Limits) -> CheckLine:
    status = Health.HEALTHY
    if limits.shutdown_s is not None and age_s >= limits.shutdown_s:
        status = Health.CRITICAL
    elif age_s >= limits.snapshot_s:
        status = Health.UNHEALTHY
    elif age_s * _PERCENT >= limits.snapshot_s * 99:
        status = Health.DEGRADED
    return answer("snapshot", status, f"{age_s} s old", f"{limits.snapshot_s} s")


def of_books(ledger: Ledger) -> Iterator[CheckLine]:
    """Yield whether the books add up: live, with every answer."""
    capital, problem = ledger.engine.state.capital, ""
    try:
        books.prove(capital)
    except InvariantBroken as error:
        problem = str(error)
    text = problem or f"{len(capital.pools)} pools, {format_ether(capital.whole_wei)} ETH"
    yield answer("integrity.pools", Health.CRITICAL if problem else Health.HEALTHY, text, "0 wei")
    problem = positions_problem(ledger)
    text = problem or f"{len(position_book.standing(ledger.holdings))} positions"
    yield answer("integrity.positions", Health.CRITICAL if problem else Health.HEALTHY, text)
    limit_wei = ledger.engine.limits.capital.short_tolerance_wei
    short = capital.short_wei > limit_wei
    text = f"{format_ether(capital.short_wei)} ETH are missing" if capital.short_wei else "nothing is missing"
    yield answer(
        "capital.books",
        Health.UNHEALTHY if short else Health.HEALTHY,
        text if capital.opened else "the wallet was not read yet",
        f"{format_ether(limit_wei)} ETH",
    )


def positions_problem(ledger: Ledger) -> str:
    """Return how position book, rules and exits differ on what is held; empty where they do not."""
    held = {each.position_id: each for each in position_book.standing(ledger.holdings)}
    # Between two chains a sale may stand whose purchase does not: until it is final it may come back.
    waiting = {sale.position_id for sale in ledger.holdings.sales.values()}
    negative = [
        each.position_id
        for each in ledger.holdings.open.values()
        if each.amount < 0 and each.position_id not in waiting
    ]
    if negative:
        return f"position {negative[0]} holds less than nothing"
    ruled = ledger.engine.state.positions.open
    guarded = ledger.engine.state.exits.guards
    for name, others in (("the rules", ruled), ("the exits", guarded)):
        if missing := sorted(held.keys() ^ others.keys()):
            whose = "the position book" if missing[0] not in held else name
            return f"position {missing[0]} is not known to {whose}"
    for position_id, holding in held.items():
        if (ruled[position_id].amount, ruled[position_id].cost_wei) != (
            holding.position.amount,
            holding.position.cost_wei,
        ):
            return f"position {position_id}: book and rules differ on its amount or its cost"
    return ""


def of_chain(
    ledger: Ledger, terms: Terms, head: HeadRead, now: Now, *, wall_ns: int, last_ns: int, limits: Limits
) -> Iterator[CheckLine]:
    """Yield what a read of the chain tells."""
    chain = ledger.book.chain
    where = f"chain {terms.chain_id}"
    known = "nobody said which chain it is" if chain is None else ""
    if chain is not None and (chain.chain_id, chain.paper) != (terms.chain_id, not terms.sends):
        known = f"the journal is of chain {chain.chain_id}"
    status = Health.CRITICAL if known else Health.HEALTHY
    yield answer("chain", status, known or f"{where}, block 0 as expected, head {head.block}", where)
    yield _wallet(ledger, terms)
    yield from _gas(ledger, terms, head, now)
    yield _clock(head, terms, wall_ns, last_ns, limits)


def _wallet(ledger: Ledger, terms: Terms) -> CheckLine:
    chain = ledger.book.chain
    if chain is not None and chain.wallet.lower() != terms.wallet.lower():
        text = f"the journal is of wallet {chain.wallet}, the key is of {terms.wallet}"
        return answer("wallet", Health.CRITICAL, text, "one address")
    return answer("wallet", Health.HEALTHY, terms.wallet, "one address")


def _gas(ledger: Ledger, terms: Terms, head: HeadRead, now: Now) -> Iterator[CheckLine]:
    in_force = ledger.engine.in_force
    needed = max(gas_reserve.needed_wei(ledger, Moment(head, terms, now)), in_force.trade.gas_reserve_wei)
    held, status = head.gas_balance_wei, Health.HEALTHY
    if held < needed:
        status = Health.UNHEALTHY
    elif held * _PERCENT < needed * _NEAR_PERCENT:
        status = Health.DEGRADED
    yield answer("gas", status, f"{format_ether(held)} ETH", f"{format_ether(needed)} ETH")
    price, most = (
        head.base_fee_wei + head.tip_wei,
        min(terms.max_fee_wei, in_force.gas.max_fee_per_gas_wei or terms.max_fee_wei),
    )
    status = Health.UNHEALTHY if price > most else Health.HEALTHY
    if status is Health.HEALTHY and price * _NEAR_PERCENT > most * _PERCENT:
        status = Health.DEGRADED
    yield answer("gas-price", status, _gwei(price), _gwei(most))


def _gwei(wei: int) -> str:
    return f"{wei // WEI_PER_GWEI}.{wei % WEI_PER_GWEI * 1_000 // WEI_PER_GWEI:03d} gwei"


def _clock(head: HeadRead, terms: Terms, wall_ns: int, last_ns: int, limits: Limits) -> CheckLine:
    limit_s = limits.clock_skew_s
    if limit_s is None:
        return answer("clock", Health.HEALTHY, "not compared: a devnet's time is its own")
    ahead_s = wall_ns // NS_PER_S - head.timestamp_s
    behind_s = (last_ns - wall_ns) // NS_PER_S
    limit = f"{limit_s} s"
    if behind_s > limit_s:
        text = f"the wall clock is {behind_s} s behind the journal's last row: it was set back"
        return answer("clock", Health.UNHEALTHY, text, limit)
    # A head is as old as its block: a few blocks are no skew.
    allowed_s = limit_s + int(_BLOCKS_BEHIND * terms.block_time_s)
    if not -limit_s <= ahead_s <= allowed_s:
        word = "ahead of" if ahead_s > 0 else "behind"
        text = f"the wall clock is {abs(ahead_s)} s {word} the chain's head (or the chain stands still)"
        return answer("clock", Health.UNHEALTHY, text, limit)
    return answer("clock", Health.HEALTHY, f"{ahead_s:+d} s beside the chain's head", limit)


def books_of(ledger: Ledger, terms: Terms, head: HeadRead | None, *, out: bool) -> Books | None:
    """Return what the wallet must hold by the books; None while they are not open, and on paper.

    `out`: something that was signed may still be on its way.
    """
    capital = ledger.engine.state.capital
    if not capital.opened or not terms.sends or head is None:
        return None
    coins_wei = sum(pool.wallet_wei for pool in capital.pools.values()) + capital.unexplained_wei
    quiet = not (out or capital.held or capital.gap_reads or ledger.book.open())
    return Books(wallet=terms.wallet, block=head.block, coins_wei=Wei(coins_wei), quiet=quiet)
