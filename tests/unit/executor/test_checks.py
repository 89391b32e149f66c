"""The checks that the executor answers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.unit.executor.position_scene import PositionScene
from tests.unit.executor.rows import signed
from tests.unit.executor.scene import ETHER, GWEI, TERMS, WALLET, Scene, intent
from warden.domain.health import CheckLine, Health
from warden.domain.money import Wei
from warden.executor.books.snapshots import Compared
from warden.executor.checks import Disk, Limits, books_of, of_books, of_chain, of_disk, positions_problem
from warden.wire.rows import Purpose

LIMITS = Limits(clock_skew_s=120, snapshot_s=88_200, shutdown_s=90_000)
NS = 10**9
WELL = Disk(
    error="",
    rows=10,
    checked=10,
    whole_s=None,
    low="",
    snapshot_age_s=0,
    compared=Compared("row 5 is what 5 rows come to"),
)


def by_name(lines: Any) -> dict[str, CheckLine]:  # noqa: ANN401 - an iterator of lines
    """Return lines by name."""
    return {line.name: line for line in lines}


def chain(scene: Scene, *, wall_s: int | None = None, last_s: int = 0, **head: Any) -> dict[str, CheckLine]:  # noqa: ANN401 - of the head's fields
    """Return what a read of the chain tells, by a wall clock of `wall_s`."""
    read = scene.core.head
    assert read is not None
    read = msgspec.structs.replace(read, **head)
    wall_ns = (read.timestamp_s if wall_s is None else wall_s) * NS
    ledger = scene.core.ledger
    return by_name(
        of_chain(ledger, TERMS, read, scene.now(), wall_ns=wall_ns, last_ns=last_s * NS, limits=LIMITS)
    )


def test_all_is_well() -> None:
    """FS2: on an executor as it ought to be every check passes."""
    scene = Scene().begin()
    lines = [*of_disk(WELL, LIMITS), *of_books(scene.core.ledger), *chain(scene).values()]
    assert {line.status for line in lines} == {Health.HEALTHY}


@pytest.mark.parametrize(
    ("changed", "name", "status"),
    [
        ({"error": "commit failed: I/O error"}, "integrity.journal", Health.CRITICAL),
        ({"compared": Compared("", "positions differ")}, "integrity.snapshots", Health.CRITICAL),
        ({"snapshot_age_s": 88_199}, "snapshot", Health.DEGRADED),
        ({"snapshot_age_s": 88_200}, "snapshot", Health.UNHEALTHY),
        ({"snapshot_age_s": 90_000}, "snapshot", Health.CRITICAL),
        ({"low": "3 MiB free"}, "disk", Health.CRITICAL),
    ],
)
def test_what_the_disk_says(changed: dict[str, Any], name: str, status: Health) -> None:
    """FS2, FS3: a journal that failed, snapshots that contradict or are too old, a full disk."""
    lines = by_name(of_disk(msgspec.structs.replace(WELL, **changed), LIMITS))
    assert lines[name].status is status
    assert {each for each, line in lines.items() if line.status is not Health.HEALTHY} == {name}


def test_a_comparison_that_is_not_done_is_not_answered() -> None:
    """FS2: what is not known yet passes for nothing."""
    assert "integrity.snapshots" not in by_name(of_disk(msgspec.structs.replace(WELL, compared=None), LIMITS))


@pytest.mark.parametrize(("held", "status"), [(0, Health.UNHEALTHY), (ETHER, Health.HEALTHY)])
def test_gas_for_every_cancel_and_exit(held: int, status: Health) -> None:
    """FS2: the wallet has gas for what may be wanted, the reserve of the limits at least."""
    assert chain(Scene().begin(), gas_balance_wei=held)["gas"].status is status


def test_gas_counts_what_is_on_its_way_and_held() -> None:
    """EX6: what must be there grows with each nonce and each position."""
    scene = Scene().begin()
    reserve = TERMS.risk.levers.trade.gas_reserve_wei
    assert chain(scene, gas_balance_wei=reserve)["gas"].status is Health.DEGRADED
    assert chain(scene, gas_balance_wei=reserve - 1)["gas"].status is Health.UNHEALTHY
    holding = PositionScene()
    holding.begin()
    head = {"gas_balance_wei": reserve * 2, "base_fee_wei": 150 * GWEI}
    assert chain(holding, **head)["gas"].status is Health.HEALTHY
    holding.open()
    assert chain(holding, **head)["gas"].status is Health.UNHEALTHY


@pytest.mark.parametrize(
    ("base", "status"), [(198, Health.DEGRADED), (199, Health.DEGRADED), (200, Health.UNHEALTHY)]
)
def test_a_gas_price_at_which_nothing_could_be_sent(base: int, status: Health) -> None:
    """FS2: gas price sane: base fee and tip together are held against the cap; a warning comes before."""
    assert chain(Scene().begin(), base_fee_wei=base * GWEI)["gas-price"].status is status


@pytest.mark.parametrize(
    ("off_s", "behind_s", "status"),
    [
        (0, 0, Health.HEALTHY),
        (123, 0, Health.HEALTHY),
        (124, 0, Health.UNHEALTHY),
        (-120, 0, Health.HEALTHY),
        (-121, 0, Health.UNHEALTHY),
        (0, 120, Health.HEALTHY),
        (0, 121, Health.UNHEALTHY),
    ],
)
def test_the_clock(off_s: int, behind_s: int, status: Health) -> None:
    """FS2: clock sane: beside the chain's head, three blocks' age allowed, and beside the newest row."""
    scene = Scene().begin()
    assert scene.core.head is not None
    wall_s = scene.core.head.timestamp_s + off_s
    assert chain(scene, wall_s=wall_s, last_s=wall_s + behind_s)["clock"].status is status


def test_another_wallet_or_chain_than_the_journals() -> None:
    """FS2: wallet matches; a journal belongs to one chain and one key."""
    scene = Scene().begin()
    held = scene.core.ledger.book.chain
    assert held is not None
    scene.core.ledger.book.chain = msgspec.structs.replace(held, wallet="0x" + "ff" * 20)
    assert chain(scene)["wallet"].status is Health.CRITICAL
    scene.core.ledger.book.chain = msgspec.structs.replace(held, chain_id=1)
    assert chain(scene)["chain"].status is Health.CRITICAL
    scene.core.ledger.book.chain = msgspec.structs.replace(held, wallet=WALLET.upper().replace("X", "x"))
    assert chain(scene)["wallet"].status is Health.HEALTHY


def test_pools_that_do_not_add_up() -> None:
    """FS3: one wei more in an account than in the pool is found."""
    scene = Scene().begin()
    state = scene.core.ledger.engine.state
    pool = state.capital.pools["main"]
    wrong = msgspec.structs.replace(pool, gas_wei=Wei(pool.gas_wei + 1))
    capital = msgspec.structs.replace(state.capital, pools={"main": wrong})
    scene.core.ledger.engine.state = msgspec.structs.replace(state, capital=capital)
    assert by_name(of_books(scene.core.ledger))["integrity.pools"].status is Health.CRITICAL


def test_a_wallet_that_lacks_what_the_books_say() -> None:
    """FS2: capital reconciliation: more than the tolerance missing, seen often enough, fails."""
    scene = Scene().begin()
    for _ in range(4):
        scene.read(trading_balance_wei=49 * ETHER)
    line = by_name(of_books(scene.core.ledger))["capital.books"]
    assert (line.status, line.found) == (Health.UNHEALTHY, "1.000000 ETH are missing")


@pytest.mark.parametrize("lost", ["exits", "rules", "book", "amount", "negative"])
def test_positions_that_not_all_know(lost: str) -> None:
    """FS3: strategy states: the position book, the rules and the exits know the same."""
    scene = PositionScene()
    scene.begin()
    position_id = scene.open()
    ledger, state = scene.core.ledger, scene.core.ledger.engine.state
    assert positions_problem(ledger) == ""
    held = ledger.holdings.open[position_id]
    match lost:
        case "exits":
            state = msgspec.structs.replace(state, exits=msgspec.structs.replace(state.exits, guards={}))
        case "rules":
            state = msgspec.structs.replace(
                state, positions=msgspec.structs.replace(state.positions, open={})
            )
        case "book":
            ledger.holdings = msgspec.structs.replace(ledger.holdings, open={})
        case "amount":
            more = msgspec.structs.replace(held, amount=Wei(held.amount + 1))
            ledger.holdings = msgspec.structs.replace(ledger.holdings, open={position_id: more})
        case "negative":
            less = msgspec.structs.replace(held, amount=Wei(-1))
            ledger.holdings = msgspec.structs.replace(ledger.holdings, open={position_id: less})
    ledger.engine.state = state
    assert position_id in positions_problem(ledger)
    assert by_name(of_books(ledger))["integrity.positions"].status is Health.CRITICAL


def test_the_books_that_the_watchdog_compares() -> None:
    """FS2: coins in the wallet by the books; not quiet while anything is reserved or on its way."""
    scene = Scene()
    assert books_of(scene.core.ledger, TERMS, scene.core.head, out=False) is None
    scene.begin()
    books = books_of(scene.core.ledger, TERMS, scene.core.head, out=False)
    assert books is not None
    assert (books.wallet, int(books.coins_wei), books.quiet) == (WALLET, 51 * ETHER, True)
    out = books_of(scene.core.ledger, TERMS, scene.core.head, out=True)
    assert out is not None
    assert not out.quiet
    scene.trade(intent())
    on_its_way = books_of(scene.core.ledger, TERMS, scene.core.head, out=False)
    assert on_its_way is not None
    assert not on_its_way.quiet
    approving = Scene().begin()
    approving.core.ledger.apply(signed(1, purpose=Purpose.APPROVE))
    waits = books_of(approving.core.ledger, TERMS, approving.core.head, out=False)
    assert waits is not None
    assert not waits.quiet
    assert (
        books_of(scene.core.ledger, msgspec.structs.replace(TERMS, sends=False), scene.core.head, out=False)
        is None
    )
