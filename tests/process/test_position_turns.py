"""Turns in a position's life on a real chain: closed by hand, reduced, reorged; one system serves all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.instance import DEVNET_TOML, REPOSITORY
from tests.process.cli_runs import warden
from tests.process.system import System
from tests.process.test_exits import Stage, outcomes
from tests.process.test_invariants import rows
from warden.domain.intents import TradeState
from warden.domain.modes import Mode
from warden.executor.books import position_book
from warden.wire.rows import Purpose, SignedRow
from warden.wire.telemetry import ExecutorStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warden.executor.books.position_book import Holding

TOML = f"""{DEVNET_TOML}
[chain]
block_time_s = 0.5
# What a slow machine needs to take a block back before it is final.
finality_depth = 60
[strategy]
use = "obedient:Obedient"
path = "{REPOSITORY / "tests" / "strategies"}"
[strategy.parameters]
wish = "{{wish}}"
# Each turn of these costs a fee and wins nothing: that is not what is looked at here.
[breaker]
losing_trades = 100
[drawdown]
consecutive_losses = "none"
# Only the one pool is moved here: the others, where nobody trades, would say otherwise for ever.
[price]
second_routes = false
"""
# Longer than as many blocks as a price is compared with.
WINDOW_S = 4.0
OPERATOR = ("--operator", "ann", "--reason", "a test of turns")


class Turns(Stage):
    """A stage whose strategy does as it is told, and what that heard."""

    def __init__(self, system: System, wish: Path) -> None:
        self._wish = wish
        self.number = 0
        super().__init__(system)

    def want(self, amount: int = 0) -> int:
        """Have so much of the token sold, or some bought where that is 0; return the wish's number."""
        self.number += 1
        fresh = self._wish.with_suffix(".new")
        fresh.write_text(f"{self.number} {amount}\n", encoding="utf-8")
        fresh.replace(self._wish)
        return self.number

    def heard(self, what: str, **wanted: object) -> list[dict[str, Any]]:
        """Return what the strategy heard of this kind."""
        path = self._wish.with_suffix(".heard")
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        told = [json.loads(line) for line in lines if line.endswith("}")]
        return [each for each in told if {"what": what, **wanted}.items() <= each.items()]

    def buy(self) -> str:
        """Have a position opened; return its id."""
        number = self.want()
        self.wait_bought()
        self.system.wait(lambda _: self.heard("trade", number=number, state="mined"), "the news of it")
        return self.position().position_id

    def position(self) -> Holding:
        """Wait until the journal has the one position that there is; return it."""
        self.system.wait(
            lambda _: len(position_book.standing(self.ledger().holdings)) == 1, "one position in the book"
        )
        (held,) = position_book.standing(self.ledger().holdings)
        return held

    def command(self, *words: str) -> None:
        """Run a command as an operator does."""
        done = warden(*words, *OPERATOR, "--home", str(self.system.home))
        assert done.code == 0, done

    def close(self, position_id: str) -> None:
        """Close a position as an operator does, and wait until it is sold and its strategy knows."""
        self.command("lever", "close-position", position_id)
        self.wait_sold()
        wanted = {"exit": "ordered", "state": "mined", "position": position_id}
        self.system.wait(lambda _: self.heard("exit", **wanted), "the strategy's news of the sale")

    def signed(self, purpose: Purpose, position_id: str) -> SignedRow:
        """Return the newest transaction that opened or sold from a position."""
        found = [row for row in rows(self.system) if isinstance(row, SignedRow)]
        return next(
            row for row in reversed(found) if (row.purpose, row.position_id) == (purpose, position_id)
        )

    def states(self, tx_hash: str) -> list[TradeState]:
        """Return what was journalled of a transaction, in order."""
        return [row.state for row in outcomes(self.system) if row.tx_hash == tx_hash]

    def reorg(self, row: SignedRow, *, again: bool) -> None:
        """Take a mined transaction's block and all after it back; `again`: the last new block has it."""
        self.system.mining(running=False)
        mined = [each for each in outcomes(self.system) if each.tx_hash == row.tx_hash][-1]
        assert mined.state is TradeState.MINED
        depth = int(self.node.call("eth_blockNumber"), 16) - mined.block + 1
        self.node.call("anvil_reorg", depth, [[row.raw, depth - 1]] if again else [])
        self.system.mining(running=True)
        self.system.wait(lambda _: TradeState.REORGED in self.states(row.tx_hash), "the reorg in the journal")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Turns]:
    """A system whose strategy holds nothing."""
    wish = tmp_path_factory.mktemp("turns") / "wish"
    with System(TOML.replace("{wish}", str(wish))) as system:
        made = Turns(system, wish)
        system.wait(lambda each: each.mode is Mode.AGGRESSIVE, "a system that trades")
        yield made


def test_ps4a_an_operator_closes_a_position(stage: Turns) -> None:
    """PS4a, SL1: the command sells all of it, once; its strategy hears of that sale and of no other."""
    before = len(stage.exits())
    position_id = stage.buy()
    stage.system.wait(
        lambda each: (
            [(line.id, line.strategy) for line in each.latest[ExecutorStatus].positions]
            == [(position_id, "Obedient")]
        ),
        "the position, by id and strategy, in the executor's status",
    )
    stage.close(position_id)
    stage.agree()
    assert [row.position_id for row in stage.exits()[before:]] == [position_id]
    assert {each["position"] for each in stage.heard("exit")} == {position_id}


def test_sl1_a_whale_that_swaps_and_swaps_back_sells_nobody_out_and_a_crash_does(stage: Turns) -> None:
    """SL1, ES2: a third off for one block sells nothing and stops nothing; the same for good is sold."""
    position_id, before = stage.buy(), len(stage.exits())
    stage.system.pass_time(WINDOW_S)
    stage.system.events.clear()
    stage.system.mining(running=False)
    stage.node.move("GEM", -333_333, mine=True)
    stage.system.wait(
        lambda each: [event.kind for event in each.events if event.kind == "price.disputed"],
        "the alert of a price in dispute",
    )
    stage.node.move("GEM", 500_000, mine=True)
    stage.system.mining(running=True)
    stage.system.pass_time(WINDOW_S)
    assert len(stage.exits()) == before
    assert stage.position().position_id == position_id
    assert stage.system.mode is Mode.AGGRESSIVE
    stage.node.move("GEM", -333_333)
    stage.wait_sold()
    assert [row.exit_reason for row in stage.exits()[before:]] == ["stop-loss"]
    stage.agree()
    stage.node.move("GEM", 500_000)


def test_fs4_under_reduce_only_its_own_sale_passes_and_nothing_opens(stage: Turns) -> None:
    """FS4, PS5: in two parts; what would open is refused by the mode, and the book is the chain's."""
    position_id, whole = stage.buy(), stage.held
    stage.command("mode", "REDUCE_ONLY")
    stage.system.wait(lambda each: each.mode is Mode.REDUCE_ONLY, "REDUCE_ONLY")
    sale = stage.want(whole // 3)
    stage.system.wait(lambda _: stage.heard("trade", number=sale, state="mined"), "a part that is sold")
    assert stage.held == whole - whole // 3
    opening = stage.want()
    stage.system.wait(lambda _: stage.heard("decision", number=opening, rule="mode"), "a refusal by mode")
    sale = stage.want(stage.held)
    stage.wait_sold()
    stage.system.wait(lambda _: stage.heard("trade", number=sale, state="mined"), "the rest that is sold")
    stage.agree()
    assert {each["outcome"] for each in stage.heard("decision", number=opening)} == {"refused"}
    assert stage.heard("trade", number=opening) == []
    assert {each["position"] for each in stage.heard("trade", number=sale)} == {position_id}
    assert stage.heard("exit", position=position_id) == []
    stage.command("arm")
    stage.system.wait(lambda each: each.mode is Mode.AGGRESSIVE, "a system that trades again")


def test_ex8_a_purchase_that_is_mined_again_elsewhere_is_one_position(stage: Turns) -> None:
    """EX8, PL1: taken back and booked again; it is sold in the end, and book and chain are the same."""
    position_id = stage.buy()
    row = stage.signed(Purpose.SWAP, position_id)
    stage.reorg(row, again=True)
    stage.system.wait(lambda _: stage.states(row.tx_hash)[-1] in {"mined", "final"}, "the purchase again")
    stage.wait_bought()
    stage.agree()
    held = stage.position()
    assert (held.position_id, held.amount) == (position_id, stage.held)
    stage.close(position_id)
    stage.agree()


def test_ex8_a_sale_that_a_reorg_takes_back_is_made_again(stage: Turns) -> None:
    """EX8, SL1: the position is there again, is sold in the end, and its strategy hears both."""
    position_id = stage.buy()
    stage.close(position_id)
    row = stage.signed(Purpose.EXIT, position_id)
    stage.reorg(row, again=False)
    stage.wait_sold()
    stage.agree()
    stage.system.wait(
        lambda _: len(stage.heard("exit", position=position_id, state="mined")) > 1, "the second sale's news"
    )
    states = [each["state"] for each in stage.heard("exit", position=position_id)]
    assert states.index("mined") < states.index("reorged") < len(states) - 1 - states[::-1].index("mined")
