"""For any row of blocks, trades, reorgs, crashes and prices: the paper wallet is explained to the wei."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.executor.paper_scene import ETHER, FUNDS, GWEI, PAPER_TERMS, PaperScene, intent
from warden.domain.fills import FillModel
from warden.domain.intents import TradeState
from warden.executor.books.ledger import Ledger
from warden.wire.codec import from_json, to_json
from warden.wire.rows import ExecutorRow, OutcomeRow, Purpose, SignedRow
from warden.wire.rows_paper import FillRow

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

# A reorg is believed at the second look.
LOOKS = 2
ON_CHAIN = {TradeState.MINED, TradeState.REVERTED, TradeState.FINAL}
STEPS: SearchStrategy[tuple[str, int]] = st.one_of(
    st.tuples(st.just("trade"), st.integers(min_value=1, max_value=20)),
    st.tuples(st.just("block"), st.just(0)),
    st.tuples(st.just("block"), st.just(0)),
    st.tuples(st.just("price"), st.integers(min_value=-50, max_value=50)),
    st.tuples(st.just("fee"), st.integers(min_value=1, max_value=400)),
    st.tuples(st.just("fork"), st.integers(min_value=1, max_value=3)),
    st.tuples(st.just("crash"), st.just(0)),
)
MODELS = st.builds(
    FillModel,
    latency_blocks=st.integers(min_value=1, max_value=3),
    failure_bps=st.sampled_from([0, 3_000]),
    dropped_bps=st.sampled_from([0, 3_000]),
    seed=st.integers(min_value=0, max_value=50),
)


def crashed(scene: PaperScene, model: FillModel) -> PaperScene:
    """Return a scene that knows of the one before what its journal has, and stands in the same world."""
    rows: tuple[ExecutorRow, ...] = tuple(from_json(to_json(row), ExecutorRow) for row in scene.rows)
    again = PaperScene(model, rows)
    again.block, again.now_ns, again.hashes = scene.block, scene.now_ns, scene.hashes
    again.pools, again.base_fee_wei = scene.pools, scene.base_fee_wei
    again.tell_chain()
    return again


def step(scene: PaperScene, model: FillModel, what: str, value: int, number: int) -> PaperScene:
    """Let one thing happen."""
    if what == "trade":
        scene.propose(intent(number, amount_wei=value * ETHER // 10, not_after_s=scene.block + 1_006))
    elif what == "block":
        scene.block_now()
    elif what == "fee":
        scene.base_fee_wei = value * GWEI
    elif what == "fork":
        scene.fork(min(value, scene.block))
    elif what == "crash":
        return crashed(scene, model)
    else:
        name = sorted(scene.pools)[number % 3]
        pool = scene.pools[name]
        moved = pool.reserve0 * (1_000 + value) // 1_000
        scene.pools[name] = msgspec.structs.replace(pool, reserve0=moved)
    return scene


@given(MODELS, st.lists(STEPS, min_size=5, max_size=40))
def test_every_wei_is_explained(model: FillModel, steps: list[tuple[str, int]]) -> None:
    """EX4, EX8, I6: wallet = funds + flows; a nonce has one winner, an intent one end; replay is the same."""
    scene = PaperScene(model)
    scene.tell_chain()
    for number, (what, value) in enumerate(steps, start=1):
        scene = step(scene, model, what, value, number)
    for _ in range(LOOKS):
        scene.block_now()
    signed = {row.tx_hash: row for row in scene.rows if isinstance(row, SignedRow)}
    last = {row.tx_hash: row for row in scene.rows if isinstance(row, OutcomeRow)}
    landed = {tx_hash: row for tx_hash, row in last.items() if row.state in ON_CHAIN}
    gain = sum(row.gain_wei for row in landed.values())
    gas = sum(row.gas_wei for row in landed.values())
    assert scene.wallet == (FUNDS.trading_wei + gain, FUNDS.gas_wei - gas)
    nonces = sorted(signed[tx_hash].nonce for tx_hash in landed)
    assert nonces == list(range(len(nonces)))
    swaps = [signed[tx_hash].intent_id for tx_hash in landed if signed[tx_hash].purpose is Purpose.SWAP]
    assert len(swaps) == len(set(swaps))
    told = {each.tx_hash: each for row in scene.rows if isinstance(row, FillRow) for each in row.fills}
    for tx_hash, row in landed.items():
        assert row.gas_wei == told[tx_hash].gas_wei
        assert row.sold_wei == (told[tx_hash].amounts[0] if told[tx_hash].amounts else 0)
    again = Ledger(PAPER_TERMS.risk)
    for written in scene.rows:
        again.apply(from_json(to_json(written), ExecutorRow))
    assert again.book.state() == scene.core.book.state()
    assert again.engine.state == scene.core.ledger.engine.state
