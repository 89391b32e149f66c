"""Paper, with real processes and a chain that is not Warden's: trades appear, nothing is ever sent (EX4)."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.chain.devnet import call, post
from tests.instance import DEVNET_TOML, wait_until
from tests.process.cli_runs import new_home, one_line, warden
from tests.process.paper_stage import PaperSystem, RealChain, paper_toml
from warden.cli.running import everything
from warden.domain import fills
from warden.domain.intents import TradeState
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.domain.stops import Stop
from warden.executor.beginnings import paper_of
from warden.executor.reads import calldata
from warden.executor.reads.calldata import GET_RESERVES, reserves
from warden.runtime.wallet import PAPER_WALLET
from warden.wire.rows import LegRow, OutcomeRow, Purpose, SignedRow, StopRow
from warden.wire.rows_paper import FillRow, PaperRow
from warden.wire.telemetry import ExecutorStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.wire.rows_paper import PaperFill

pytestmark = pytest.mark.timeout(600)

ETHER = 10**18
# Below the devnet's finality depth.
REORG_DEPTH_MAX = 8
ON_CHAIN = {TradeState.MINED, TradeState.REVERTED, TradeState.FINAL}


@pytest.fixture(scope="module")
def chain() -> Iterator[RealChain]:
    """A chain of which paper knows the endpoints alone; not one transaction of paper ever reached them."""
    with RealChain() as made:
        yield made
        assert made.received() == []


@pytest.fixture(scope="module")
def system(chain: RealChain) -> Iterator[PaperSystem]:
    """A paper system that trades."""
    with PaperSystem(chain) as made:
        made.start_all().wait_trading(4)
        yield made


def test_trades_appear_and_nothing_is_signed_or_sent(system: PaperSystem, chain: RealChain) -> None:
    """EX4: rows as anywhere else, their bytes empty, their route `paper`; no key, no leg, no byte sent."""
    signed = [row for row in system.rows() if isinstance(row, SignedRow)]
    legs = [row for row in system.rows() if isinstance(row, LegRow)]
    assert len(signed) >= 4
    assert {(row.raw, row.route) for row in signed} == {("", "paper")}
    assert {(row.endpoint, row.result) for row in legs} == {("paper", "accepted")}
    assert [row.nonce for row in signed] == list(range(len(signed)))
    assert list(system.places.keys.glob("wallet*")) == []
    assert chain.received() == []
    wallet = chain.manifest.endpoints[0].url, "eth_getTransactionCount", PAPER_WALLET, "latest"
    assert call(*wallet) == "0x0"


def test_the_book_is_the_model_to_the_wei(system: PaperSystem, chain: RealChain) -> None:
    """EX4, PL1: each fill is computed once more from its block's reserves, which are those of the chain."""
    rows = system.rows()
    signed = {row.tx_hash: row for row in rows if isinstance(row, SignedRow)}
    outcomes = {row.tx_hash: row for row in rows if isinstance(row, OutcomeRow)}
    model, marks, checked = paper_of(system.settings, system.places).model, fills.Footprints(), 0
    for row in (each for each in rows if isinstance(each, FillRow)):
        for told in row.fills:
            outcome = outcomes[told.tx_hash]
            _is_of_the_chain(chain, told, outcome)
            stands = tuple(marks.pool(pool) for pool in told.pools if pool is not None)
            entry = signed[told.tx_hash]
            wanted = calldata.swap_of(bytes.fromhex(entry.call[2:]))
            assert wanted is not None
            if told.ending == "filled":
                amounts = fills.quote(entry.path, stands, wanted[0])
                assert (amounts, model.gas(3)) == (tuple(map(int, told.amounts)), told.gas)
                assert amounts[-1] >= wanted[1]
                chains = [pool for pool in told.pools if pool is not None]
                marks = marks.after(entry.path, chains, amounts, row.block)
            gain = told.amounts[-1] - told.amounts[0] if told.amounts else 0
            assert (outcome.gain_wei, outcome.gas_wei) == (gain, told.gas_wei)
            checked += 1
        assert marks == row.footprints
    assert checked >= 4


def _is_of_the_chain(chain: RealChain, told: PaperFill, outcome: OutcomeRow) -> None:
    """Check that block and reserves are what the chain has."""
    node, at = chain.manifest.node_url, hex(outcome.block)
    header = call(node, "eth_getBlockByNumber", at, False)
    assert header["hash"] == outcome.block_hash
    price = told.gas_wei // told.gas
    assert int(header["baseFeePerGas"], 16) <= price
    for pool in told.pools:
        assert pool is not None
        answer = call(node, "eth_call", {"to": pool.address, "data": GET_RESERVES}, at)
        assert reserves(answer) == (pool.reserve0, pool.reserve1)


def test_the_wallet_is_its_funds_and_what_trades_came_to(system: PaperSystem) -> None:
    """EX4, PL1: capital and gas are the beginning, plus every gain, less every unit of gas; to the wei."""
    status, capital, gas = _settled(system)
    assert (status.capital_wei, status.gas_balance_wei) == (capital, gas)
    assert status.net_wei == capital + gas - 11 * ETHER


def _settled(system: PaperSystem) -> tuple[ExecutorStatus, int, int]:
    """Return a status and what the rows come to, at a moment at which both speak of the same."""
    found: list[tuple[ExecutorStatus, int, int]] = []

    def same() -> bool:
        system.listen()
        rows = system.rows()
        last = {row.tx_hash: row for row in rows if isinstance(row, OutcomeRow)}
        landed = [row for row in last.values() if row.state in ON_CHAIN]
        status: ExecutorStatus = system.latest[ExecutorStatus]
        swaps = {row.tx_hash for row in rows if isinstance(row, SignedRow) and row.purpose is Purpose.SWAP}
        if status.pending or status.trades != len([row for row in landed if row.tx_hash in swaps]):
            return False
        (funds,) = [row for row in rows if isinstance(row, PaperRow)]
        capital = funds.trading_wei + sum(row.gain_wei for row in landed)
        found.append((status, capital, funds.gas_wei - sum(row.gas_wei for row in landed)))
        return True

    wait_until(same, "a moment without anything pending")
    return found[-1]


def test_a_reorg_of_the_real_chain_is_followed(system: PaperSystem, chain: RealChain) -> None:
    """EX8, I6: the block of a fill is taken back: undone, computed anew from the new chain, counted once."""
    tx_hash = _take_back_newest(system, chain)

    def states() -> list[TradeState]:
        found = (row for row in system.rows() if isinstance(row, OutcomeRow) and row.tx_hash == tx_hash)
        return [row.state for row in found]

    wait_until(lambda: TradeState.REORGED in states(), "the reorg in the journal", 90)
    wait_until(lambda: states()[-1] in {*ON_CHAIN, TradeState.SUPERSEDED}, "a new end of the trade", 90)
    status, capital, gas = _settled(system)
    assert (status.capital_wei, status.gas_balance_wei) == (capital, gas)


def _take_back_newest(system: PaperSystem, chain: RealChain) -> str:
    """Take the block of the newest trade back, and all after it; return its hash."""
    made, found = chain.manifest, [""]

    def is_young() -> bool:
        post(f"{made.control_url}/mining", {"running": False})
        head = int(call(made.node_url, "eth_blockNumber"), 16)
        mined = [
            row for row in system.rows() if isinstance(row, OutcomeRow) and row.state is TradeState.MINED
        ]
        if mined and 0 <= head - mined[-1].block < REORG_DEPTH_MAX:
            call(made.node_url, "anvil_reorg", head - mined[-1].block + 1, [])
            found[0] = mined[-1].tx_hash
        post(f"{made.control_url}/mining", {"running": True})
        return bool(found[0])

    wait_until(is_young, "a young trade", 90)
    return found[0]


def test_a_stop_on_paper_stops(system: PaperSystem) -> None:
    """I4, EX4: with a stop in the directory nothing more is put down as sent; the gate is the same one."""
    stop = Stop(
        stop_id="paper-1",
        reason="MANUAL",
        message="a test",
        operator="ann",
        policy="hold",
        time="2026-01-01T00:00:00Z",
    )
    system.latch.write(stop)
    system.wait(lambda each: any(isinstance(row, StopRow) for row in each.rows()), "the stop in the journal")
    rows = system.rows()
    after = rows[next(number for number, row in enumerate(rows) if isinstance(row, StopRow)) :]
    system.pass_time(3)
    assert [row for row in after if isinstance(row, LegRow)] == []
    assert len([row for row in system.rows() if isinstance(row, LegRow)]) == len(
        [row for row in rows if isinstance(row, LegRow)]
    )


def test_a_killed_executor_finds_its_paper_wallet_again(chain: RealChain) -> None:
    """EX2, EX4: the wallet is made of rows alone: after kill -9 it is the same, each trade counts once."""
    with PaperSystem(chain) as system:
        system.start_all().wait_trading(2)
        system.signal(Role.EXECUTOR, signal.SIGKILL)
        system.processes.pop(Role.EXECUTOR).wait()
        system.latest.pop(ExecutorStatus, None)
        before = {row.tx_hash for row in system.rows() if isinstance(row, SignedRow)}
        system.start(Role.EXECUTOR)
        system.wait(lambda each: ExecutorStatus in each.latest, "an executor again")
        status, capital, gas = _settled(system)
        assert (status.capital_wei, status.gas_balance_wei) == (capital, gas)
        outcomes = [row for row in system.rows() if isinstance(row, OutcomeRow)]
        mined = [row.tx_hash for row in outcomes if row.state in {TradeState.MINED, TradeState.REVERTED}]
        assert before <= set(mined)
        assert len(mined) == len(set(mined))


def test_paper_from_the_command_line(chain: RealChain) -> None:
    """OP3, EX4: DRY_RUN makes live paper, without any key; its journal never becomes one of real money."""
    live = paper_toml(chain).replace('environment = "paper"', 'environment = "live"')
    with new_home(live + '[wallet]\nkeystore = "nowhere.json"\n') as home:
        done = warden("up", "--home", str(home), DRY_RUN="true")
        assert (done.code, "7 of 7 processes ready" in done.out) == (0, True), done

        def traded() -> bool:
            told = json.loads(warden("status", "--home", str(home), "--json").out)
            assert told["environment"] == Environment.PAPER
            return bool(told["pnl"]["trades"] >= 1)

        wait_until(traded, "a trade on paper", 120)
        assert warden("down", "--home", str(home)).code == 0
        assert everything(home) == []
        # The same home with another environment: money on paper and play money are not counted together.
        config = home / "warden.toml"
        config.write_text(DEVNET_TOML, encoding="utf-8")
        done = warden("up", "--home", str(home))
        assert done.code != 0
        one_line(msgspec.structs.replace(done, out=""), "executor.db", "paper", "another --home")
