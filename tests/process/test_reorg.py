"""A reorg on the real chain: what was mined and is no longer is undone in the book and settled again (I6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults import fault
from tests.instance import wait_until
from tests.process.chain_truth import ON_THE_CHAIN, ChainTruth
from tests.process.cli_runs import warden
from tests.process.system import System
from warden.domain.intents import TradeState
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.wire.rows import OutcomeRow, Purpose, RiskRow, SignedRow

if TYPE_CHECKING:
    from collections.abc import Iterator

# Fewer blocks than the devnet's finality depth: deeper reorgs are not what a book has to follow (EX8).
DEPTH_MAX = 10


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """A system that trades; at its end book and chain are the same, to the wei."""
    with System() as made:
        made.start_all()
        made.wait_trading(3)
        yield made
        made.end(Role.TRADER)
        made.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY once the trader has ended")
        truth = ChainTruth(made)
        wait_until(lambda: not truth.disagreements(set(truth.signed())), "a settled book")
        made.end(Role.EXECUTOR)
        truth.check_book_is_chain()


def undo_newest_trade(truth: ChainTruth, *, again: bool) -> str:
    """Hold the chain, take the newest mined trade's block and all after it back, and let blocks come again.

    Args:
        truth: the chain.
        again: the trade is mined once more, in the last of the new blocks; else it is gone altogether.

    Returns:
        The trade's hash.
    """

    def is_recent() -> bool:
        """Hold blocks while a trade that the journal knows as mined is a few blocks old at most."""
        truth.mining(running=False)
        head = int(truth.node("eth_blockNumber"), 16)
        if newest(truth) and head - truth.outcomes()[newest(truth)].block < DEPTH_MAX:
            return True
        truth.mining(running=True)
        return False

    wait_until(is_recent, "a young trade on the chain")
    tx_hash = newest(truth)
    depth = int(truth.node("eth_blockNumber"), 16) - truth.outcomes()[tx_hash].block + 1
    raw = truth.signed()[tx_hash].raw
    truth.node("anvil_reorg", depth, [[raw, depth - 1]] if again else [])
    truth.mining(running=True)
    return tx_hash


def newest(truth: ChainTruth) -> str:
    """Return the hash of the newest trade that is mined and not final in the journal; "" without one."""
    signed, outcomes = truth.signed(), truth.outcomes()
    mined = [
        tx_hash
        for tx_hash, row in signed.items()
        if row.purpose is Purpose.SWAP and tx_hash in outcomes and outcomes[tx_hash].state is TradeState.MINED
    ]
    return mined[-1] if mined else ""


def states(truth: ChainTruth, tx_hash: str) -> list[TradeState]:
    """Return the outcomes of one transaction as the journal has them, in order."""
    return [row.state for row in truth.rows() if isinstance(row, OutcomeRow) and row.tx_hash == tx_hash]


@fault("reorg")
@pytest.mark.parametrize("again", [True, False], ids=["mined elsewhere", "gone"])
def test_i6_a_reorged_trade_is_undone_and_settled_again(system: System, again: bool) -> None:  # noqa: FBT001 - a case
    """I6, EX8: the book takes it back, finds its new end on the chain, and trading goes on."""
    truth = ChainTruth(system)
    tx_hash = undo_newest_trade(truth, again=again)
    system.wait(lambda _: TradeState.REORGED in states(truth, tx_hash), "the reorg in the journal")
    ended = {*ON_THE_CHAIN, TradeState.RELEASED, TradeState.SUPERSEDED}
    system.wait(lambda _: states(truth, tx_hash)[-1] in ended, "a new end of the trade")
    wait_until(lambda: truth.disagreements({tx_hash}) == [], "the book as the chain is")
    assert TradeState.FINAL not in states(truth, tx_hash)[: states(truth, tx_hash).index(TradeState.REORGED)]
    system.wait_trading(system.trades + 2)


@fault("reorg")
def test_i6_a_swap_that_lands_in_its_cancels_place_is_booked(system: System) -> None:
    """I6, EX8: the cancel was mined and is taken back, and the swap that it replaced lands after all."""
    truth = ChainTruth(system)
    truth.fault("errors", "eth_sendRawTransaction")

    before = truth.signed().keys()

    def cancels() -> list[SignedRow]:
        new = (row for tx_hash, row in truth.signed().items() if tx_hash not in before)
        return [row for row in new if row.purpose is Purpose.CANCEL]

    try:
        wait_until(lambda: bool(cancels()), "a cancel of what cannot be sent")
    except AssertionError as error:
        rows = [each for each in truth.rows() if not isinstance(each, RiskRow)][-8:]
        why = warden("why", "--home", str(system.home))
        raise AssertionError(f"{error}: {why}; the journal ends with {rows}") from error
    row = cancels()[-1]
    truth.fault("healthy")
    system.wait(
        lambda _: TradeState.SUPERSEDED in states(truth, row.replaces), "the swap's end by its cancel"
    )
    truth.mining(running=False)
    depth = int(truth.node("eth_blockNumber"), 16) - truth.outcomes()[row.tx_hash].block + 1
    assert depth <= DEPTH_MAX
    truth.node("anvil_reorg", depth, [[truth.signed()[row.replaces].raw, 0]])
    truth.mining(running=True)
    system.wait(lambda _: states(truth, row.replaces)[-1] in ON_THE_CHAIN, "the swap on the chain")
    hashes = {row.tx_hash, row.replaces}
    wait_until(lambda: truth.disagreements(hashes) == [], "the book as the chain is")
    system.wait_trading(system.trades + 2)
