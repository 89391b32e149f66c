"""Positions on paper: bought, protected and sold by fills, while the chain never hears of them (EX4, SL1)."""

from __future__ import annotations

import pytest

from tests.instance import REPOSITORY, wait_until
from tests.process.market import Node
from tests.process.paper_stage import PaperSystem, RealChain
from warden.domain.intents import TradeState
from warden.wire.rows import OutcomeRow, Purpose, SignedRow
from warden.wire.rows_paper import PaperRow
from warden.wire.telemetry import ExecutorStatus

pytestmark = pytest.mark.timeout(600)

DIP_BUYER = f"""\
[strategy]
use = "dip_buyer:DipBuyer"
path = "{REPOSITORY / "examples"}"
[strategy.parameters]
amount_eth = "0.1"
"""
ON_CHAIN = {TradeState.MINED, TradeState.FINAL, TradeState.REVERTED}
DIP_PPM = -60_000
FALL_PPM = -150_000


def held(system: PaperSystem) -> int:
    """Return how much of the token the rows say that the paper wallet holds, in its smallest unit."""
    last = {row.tx_hash: row for row in system.rows() if isinstance(row, OutcomeRow)}
    flows = (flow for row in last.values() if row.state in ON_CHAIN for flow in row.flows)
    return sum(flow.received - flow.sent for flow in flows)


def test_a_position_is_bought_and_its_stop_loss_sells_it_on_paper() -> None:
    """EX4, SL1, PL1: a dip is bought, a fall sells it; the book has each flow, no endpoint hears a word."""
    with RealChain("[devnet]\nnoise = false\n") as chain, PaperSystem(chain, DIP_BUYER) as system:
        system.start_all()
        node = Node(chain)  # type: ignore[arg-type] # it needs the places alone
        system.wait(lambda each: each.latest.get(ExecutorStatus) is not None, "an executor")
        system.wait(lambda each: each.latest[ExecutorStatus].gate == "", "an open gate")
        system.pass_time(2)  # so that the strategy has seen what the token cost before
        node.move("GEM", DIP_PPM)
        system.wait(lambda _: held(system) > 0, "a position")
        node.move("GEM", FALL_PPM)
        system.wait(lambda _: held(system) == 0, "an exit")
        rows = system.rows()
        purposes = [row.purpose for row in rows if isinstance(row, SignedRow)]
        assert (purposes[0], purposes[-1]) == (Purpose.SWAP, Purpose.EXIT)
        wait_until(lambda: _explained(system), "a wallet that is explained to the wei")
        assert chain.received() == []


def _explained(system: PaperSystem) -> bool:
    """Tell whether capital and gas are the funds and what every transaction came to."""
    rows = system.rows()
    last = {row.tx_hash: row for row in rows if isinstance(row, OutcomeRow)}
    landed = [row for row in last.values() if row.state in ON_CHAIN]
    (funds,) = [row for row in rows if isinstance(row, PaperRow)]
    system.listen()
    status: ExecutorStatus = system.latest[ExecutorStatus]
    capital = int(funds.trading_wei) + sum(row.gain_wei for row in landed)
    gas = int(funds.gas_wei) - sum(row.gas_wei for row in landed)
    return (status.capital_wei, status.gas_balance_wei) == (capital, gas)
