"""Paper: what lands when, what the wallet holds, what a restart finds; every block as the test says (EX4)."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.executor.paper_scene import ETHER, FUNDS, GWEI, PaperScene, intent
from warden.domain import fills
from warden.domain.fills import FillModel
from warden.domain.intents import TradeState
from warden.domain.money import Wei
from warden.domain.risk.events import CapitalMoved, Moved
from warden.domain.risk.refusal import Refusal
from warden.executor.books.ledger import Ledger
from warden.executor.protocol.events import CleanupAllowed
from warden.wire.codec import from_json, to_json
from warden.wire.rows import ExecutorRow, LegRow, OutcomeRow, Purpose, RiskRow, SignedRow
from warden.wire.rows_paper import FillRow, PaperRow


def begun(model: FillModel | None = None) -> PaperScene:
    """Return a scene whose chain is known and read once."""
    scene = PaperScene() if model is None else PaperScene(model)
    scene.tell_chain()
    return scene


def outcomes(scene: PaperScene) -> list[tuple[TradeState, int]]:
    """Return state and block of every outcome, in order."""
    return [(row.state, row.block) for row in scene.rows if isinstance(row, OutcomeRow)]


def swap(scene: PaperScene, number: int = 1, **more: int) -> SignedRow:
    """Propose a cycle that pays, and return its row."""
    scene.propose(intent(number, not_after_s=more.pop("not_after_s", 2_000), **more))
    (*_, row) = [row for row in scene.rows if isinstance(row, SignedRow)]
    return row


def test_a_swap_lands_in_the_next_block() -> None:
    """EX4: filled from the reserves after that block; the wallet is its funds and what came of it."""
    scene = begun()
    row = swap(scene)
    assert (row.raw, row.route, row.nonce) == ("", "paper", 0)
    assert outcomes(scene) == []
    pays = fills.quote(row.path, scene.path_pools(row.path), ETHER)[-1]
    scene.block_now()
    assert outcomes(scene) == [(TradeState.MINED, 2)]
    gas_wei = FillModel().gas(3) * 2 * GWEI
    assert scene.wallet == (FUNDS.trading_wei + pays - ETHER, FUNDS.gas_wei - gas_wei)
    assert scene.core.head is not None
    assert scene.core.head.nonce == 1


def test_a_price_that_moved_meanwhile_reverts() -> None:
    """EX4: somebody else was faster in that block: gas is burnt, nothing else."""
    scene = begun()
    row = swap(scene)
    name = scene.path_pools(row.path)[0]
    assert name is not None
    scene.pools[name.address] = (
        msgspec.structs.replace(name, reserve0=name.reserve0 * 2, reserve1=name.reserve1 // 2)
        if name.hop(row.path[0]).reserve_in == name.reserve0
        else msgspec.structs.replace(name, reserve0=name.reserve0 // 2, reserve1=name.reserve1 * 2)
    )
    scene.block_now()
    assert outcomes(scene) == [(TradeState.REVERTED, 2)]
    assert scene.wallet == (FUNDS.trading_wei, FUNDS.gas_wei - FillModel().gas_reverted(3) * 2 * GWEI)


def test_latency_is_waited_out() -> None:
    """EX4: with three blocks of latency it lands in the third, not before."""
    scene = begun(FillModel(latency_blocks=3, failure_bps=0))
    swap(scene)
    for _ in range(3):
        assert outcomes(scene) == []
        scene.block_now()
    assert outcomes(scene) == [(TradeState.MINED, 4)]


def test_the_same_edge_is_not_filled_twice() -> None:
    """EX4: nobody on the chain saw our swap; all the same the second one finds its pools moved."""
    scene = begun()
    for number in (1, 2):
        swap(scene, number)
        scene.block_now()
    gains = [int(row.gain_wei) for row in scene.rows if isinstance(row, OutcomeRow)]
    assert gains[1] < gains[0]
    assert scene.wallet[0] == FUNDS.trading_wei + sum(gains)


def test_what_a_simulation_promises_counts_our_own_traces() -> None:
    """EX4: a swap that our own fill has made worthless is refused before it costs gas."""
    scene = begun()
    row = swap(scene)
    pays = fills.quote(row.path, scene.path_pools(row.path), ETHER)[-1]
    scene.block_now()
    before = len([each for each in scene.rows if isinstance(each, SignedRow)])
    scene.propose(intent(2, not_after_s=2_000, min_amount_out=Wei(pays)))
    assert len([each for each in scene.rows if isinstance(each, SignedRow)]) == before
    assert scene.core.decisions.lines()[0].decision.rule == "simulation.reverts"


def test_a_closed_gate_lets_nothing_leave() -> None:
    """I1, EX4: signed, refused at the gate, its nonce free again; nothing lands."""
    scene = begun()
    scene.gate.why = Refusal("stop", "stopped")
    swap(scene)
    scene.block_now()
    assert outcomes(scene) == [(TradeState.RELEASED, 0)]
    assert [row for row in scene.rows if isinstance(row, LegRow | FillRow)] == []
    assert scene.wallet == (FUNDS.trading_wei, FUNDS.gas_wei)


def test_a_reorg_takes_it_back_and_it_lands_anew() -> None:
    """EX8, I6: its block is replaced: undone, sent again, filled from the new block; counted once."""
    scene = begun()
    row = swap(scene)
    scene.block_now()
    before = scene.wallet
    scene.fork(1)
    for _ in range(4):
        scene.block_now()
    assert [state for state, _ in outcomes(scene)] == [
        TradeState.MINED,
        TradeState.REORGED,
        TradeState.MINED,
    ]
    assert scene.wallet == before
    assert scene.core.book.totals.trades == 1
    assert [each.tx_hash for each in scene.rows if isinstance(each, SignedRow)] == [row.tx_hash]


def test_a_block_that_could_not_be_seen_is_no_reorg() -> None:
    """EX8: a read that lacks a block's hash says nothing of what landed there."""
    scene = begun()
    swap(scene)
    scene.block_now()
    del scene.hashes[2]
    for _ in range(4):
        scene.block_now()
    assert outcomes(scene) == [(TradeState.MINED, 2)]


def test_it_becomes_final() -> None:
    """EX8: at finality depth, like anywhere else."""
    scene = begun()
    swap(scene)
    for _ in range(14):
        scene.block_now()
    assert outcomes(scene) == [(TradeState.MINED, 2), (TradeState.FINAL, 2)]


def test_what_no_block_takes_is_cancelled_after_its_deadline() -> None:
    """EX3: dropped on the way: its nonce is freed by a cancel, which burns gas; the swap never lands."""
    scene = begun(FillModel(dropped_bps=10_000))
    row = swap(scene, not_after_s=1_003)
    for _ in range(12):
        scene.block_now()
    cancels = [each for each in scene.rows if isinstance(each, SignedRow) and each.purpose is Purpose.CANCEL]
    assert [each.replaces for each in cancels] == [row.tx_hash]
    last = {each.tx_hash: each.state for each in scene.rows if isinstance(each, OutcomeRow)}
    assert last == {row.tx_hash: TradeState.SUPERSEDED, cancels[0].tx_hash: TradeState.MINED}
    assert scene.wallet[0] == FUNDS.trading_wei
    assert FUNDS.gas_wei - scene.wallet[1] == scene.core.book.totals.gas_wei > 0


def test_dear_gas_is_waited_for() -> None:
    """EX6: above its cap no block takes it; once gas is cheap again it lands."""
    scene = begun()
    swap(scene)
    scene.base_fee_wei = 1_000 * GWEI
    scene.block_now()
    scene.block_now()
    assert outcomes(scene) == []
    scene.base_fee_wei = GWEI
    scene.block_now()
    assert outcomes(scene) == [(TradeState.MINED, 4)]


def test_a_stops_clean_up_takes_back_what_waits() -> None:
    """ES6: with its permit a stop cancels what has not landed, and the cancel lands in its place."""
    scene = begun(FillModel(latency_blocks=5, failure_bps=0))
    row = swap(scene)
    scene.run(scene.tell(CleanupAllowed(("stop",), (row.nonce,))))
    scene.gate.why = Refusal("stop", "stopped")
    for _ in range(12):
        scene.block_now()
    states = {each.tx_hash: each.state for each in scene.rows if isinstance(each, OutcomeRow)}
    # It left first, and both take five blocks: the swap is there a moment before its cancel, or with it.
    assert len([state for state in states.values() if state is TradeState.MINED]) == 1
    assert scene.core.book.open() == ()


@pytest.mark.parametrize("cut", [True, False], ids=["while it waits", "after it landed"])
def test_a_restart_finds_the_same_wallet(cut: bool) -> None:  # noqa: FBT001 - a case
    """EX2, EX4: rows alone make the wallet, wherever they end; what had not landed lands once."""
    scene = begun()
    swap(scene, 1)
    scene.block_now()
    swap(scene, 2)
    if not cut:
        scene.block_now()
    rows: tuple[ExecutorRow, ...] = tuple(from_json(to_json(row), ExecutorRow) for row in scene.rows)
    again = PaperScene(rows=rows)
    again.block, again.now_ns, again.hashes = scene.block, scene.now_ns, scene.hashes
    for each in (scene, again):
        each.tell_chain(first=False)
        each.block_now()
    assert again.wallet == scene.wallet
    assert again.core.book.totals == scene.core.book.totals
    assert len([row for row in again.rows if isinstance(row, PaperRow)]) == 1


def test_a_snapshot_holds_the_paper_wallet() -> None:
    """EX2: a start reads from the newest snapshot on: funds and traces are in it."""
    scene = begun()
    swap(scene)
    scene.block_now()
    ledger = Ledger(scene.core.ledger.engine.limits)
    assert ledger.restore(scene.core.ledger.snapshot())
    assert ledger.book.paper == scene.core.book.paper
    assert ledger.book.paper is not None
    assert len(ledger.book.paper.footprints.by_pool) == 3


@pytest.mark.parametrize(
    ("move", "account", "trading_eth", "gas_eth"),
    [
        (Moved.DEPOSIT, "", 12, 1),
        (Moved.WITHDRAWAL, "", 8, 1),
        (Moved.DEPOSIT, "gas", 10, 3),
    ],
)
def test_the_operators_money_moves_on_paper_too(
    move: Moved, account: str, trading_eth: int, gas_eth: int
) -> None:
    """EX9, EX4: what is deposited or withdrawn by command is in the paper wallet, or not there any more."""
    scene = begun()
    event = CapitalMoved(move, Wei(2 * ETHER), "main", "ann", "a test", account)
    scene.chain.follow(RiskRow(at_ns=scene.now_ns, event=event))
    scene.block_now()
    assert scene.wallet == (trading_eth * ETHER, gas_eth * ETHER)


def test_rows_survive_their_journal() -> None:
    """I9: rows of paper are read back as they were written, reserves of 112 bits and all."""
    scene = begun()
    row = swap(scene)
    (pool, *_) = scene.path_pools(row.path)
    assert pool is not None
    scene.pools[pool.address] = msgspec.structs.replace(
        pool, reserve0=pool.reserve0 * 10**12, reserve1=pool.reserve1 * 10**12
    )
    scene.block_now()
    paper = [each for each in scene.rows if isinstance(each, PaperRow | FillRow)]
    assert len(paper) == 2
    assert [from_json(to_json(each), ExecutorRow) for each in paper] == paper
